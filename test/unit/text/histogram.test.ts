import { describe, expect, it } from 'vitest';
import { Histogram } from '../../../src/client/histogram.ts';
import { formatMicroseconds, histogramRows, renderHistogram } from '../../../src/text/histogram.ts';

const UNICODE = { widthColumns: 60, unicode: true };

describe('histogram rows', () => {
  it('end at 1, 2 and 5 times powers of ten, without a gap', () => {
    const rows = histogramRows([{ upTo: 3, count: 1 }, { upTo: 5, count: 2 }, { upTo: 6, count: 4 }, { upTo: 90, count: 8 }], []);
    expect(rows.map(({ upTo, count }) => [upTo, count])).toEqual([[5, 3], [10, 4], [20, 0], [50, 0], [100, 8]]);
  });

  it('are decades where those would be too many', () => {
    const rows = histogramRows([{ upTo: 0, count: 1 }, { upTo: 60_000_000, count: 1 }], []);
    expect(rows.map(({ upTo }) => upTo)).toEqual([1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000]);
    expect(rows.map(({ count }) => count)).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 1]);
  });

  it('have the marks whose value lies in them', () => {
    const rows = histogramRows([{ upTo: 10, count: 9 }, { upTo: 70, count: 1 }], [{ name: 'p50', value: 10 }, { name: 'p99', value: 70 }, { name: 'max', value: 70.4 }]);
    expect(rows.map(({ marks }) => marks)).toEqual([['p50'], [], [], ['p99', 'max']]);
    // A largest value that is no whole number lies above the bucket that it is in.
    expect(histogramRows([{ upTo: 100, count: 1 }], [{ name: 'max', value: 100.7 }])).toEqual([{ upTo: 100, count: 1, marks: ['max'] }]);
  });

  it('are none for nothing', () => {
    expect(histogramRows([], [])).toEqual([]);
    expect(histogramRows([{ upTo: 7, count: 0 }], [])).toEqual([]);
    expect(renderHistogram([], UNICODE)).toBe('');
  });

  it('hold everything that was recorded, whatever the shape of the latencies', () => {
    const latencies = new Histogram();
    for (let index = 0; index < 5000; index++) latencies.record(2 ** ((index * 37) % 30) + index / 7, 1 + (index % 3));
    const buckets = latencies.buckets();
    expect(buckets.map(({ upTo }) => upTo)).toEqual([...buckets.map(({ upTo }) => upTo)].sort((left, right) => left - right));
    expect(buckets.reduce((sum, { count }) => sum + count, 0)).toBe(latencies.total);
    expect(histogramRows(buckets, []).reduce((sum, { count }) => sum + count, 0)).toBe(latencies.total);
    expect(buckets.at(-1)!.upTo).toBeGreaterThanOrEqual(latencies.max);
  });
});

describe('histogram text', () => {
  const rows = [
    { upTo: 500, count: 1, marks: [] },
    { upTo: 1000, count: 150_000, marks: ['p50'] },
    { upTo: 2000, count: 0, marks: [] },
    { upTo: 5000, count: 9_375, marks: ['p99'] },
    { upTo: 2_000_000, count: 100_000, marks: ['p99.9', 'max'] },
  ];

  it('draws eighths of blocks', () => {
    expect(renderHistogram(rows, UNICODE)).toMatchInlineSnapshot(`
      "≤ 500µs        1  <0.1 %  ▏
      ≤   1ms  150,000  57.8 %  ███████████████████████  p50
      ≤   2ms        0   0.0 %
      ≤   5ms    9,375   3.6 %  █▌                       p99
      ≤    2s  100,000  38.6 %  ███████████████▍         p99.9 max
      "
    `);
  });

  it('draws # where the locale has nothing better, and is ASCII throughout', () => {
    const text = renderHistogram(rows, { widthColumns: 60, unicode: false });
    expect(text).toMatchInlineSnapshot(`
      "<= 500us        1  <0.1 %  #
      <=   1ms  150,000  57.8 %  ######################  p50
      <=   2ms        0   0.0 %
      <=   5ms    9,375   3.6 %  #                       p99
      <=    2s  100,000  38.6 %  ###############         p99.9 max
      "
    `);
    expect(text).toMatch(/^[\n -~]+$/);
  });

  it('keeps to its columns, and draws bars in the narrowest', () => {
    for (const widthColumns of [60, 80, 160]) {
      const widths = renderHistogram(rows, { widthColumns, unicode: true }).split('\n').map((line) => line.length);
      expect(Math.max(...widths)).toBe(widthColumns);
    }
    expect(renderHistogram(rows, { widthColumns: 10, unicode: true })).toContain('████████  p50');
  });

  it('names times', () => {
    expect([1, 500, 1000, 20_000, 5_000_000].map((time) => formatMicroseconds(time, true))).toEqual(['1µs', '500µs', '1ms', '20ms', '5s']);
    expect(formatMicroseconds(200, false)).toBe('200us');
  });
});
