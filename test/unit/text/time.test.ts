import { describe, expect, it } from 'vitest';
import { MqliteError } from '../../../src/broker/errors.ts';
import { parsePosition } from '../../../src/client/position-words.ts';
import { parseCount, parseDuration, parseRate, parseSize, parseTime } from '../../../src/text/time.ts';

const NOW = Date.UTC(2026, 0, 31, 12);
const usage = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    if (error instanceof MqliteError && error.code === 'USAGE') return error.message;
    throw error;
  }
  return 'no error';
};

describe('durations, sizes, counts and rates', () => {
  it.each([['500ms', 500], ['30s', 30_000], ['1h30m', 5_400_000], ['2d', 172_800_000], ['1.5s', 1500], ['0', 0], ['1w', 604_800_000]])('%s is %d ms', (text, expected) => {
    expect(parseDuration(text, '--timeout')).toBe(expected);
  });

  it.each(['', '5', 's', '-1s', '1x', '1h 30m', '1e3s', '99999999999999999d'])('"%s" is no duration', (text) => {
    expect(usage(() => parseDuration(text, '--timeout'))).toBe(`--timeout: "${text}" is not a duration`);
  });

  it.each([['100', 100], ['1k', 1024], ['64KiB', 65_536], ['4m', 4_194_304], ['1.5k', 1536], ['1GB', 2 ** 30]])('%s is %d bytes', (text, expected) => {
    expect(parseSize(text, '--size')).toBe(expected);
  });

  it.each(['', '-1', '1.3', '1x', 'k', '0x10'])('"%s" is no size', (text) => {
    expect(usage(() => parseSize(text, '--size'))).toContain('is not a size');
  });

  it('counts in powers of ten, rates by second', () => {
    expect([parseCount('100k', '-'), parseCount('1.5m', '-'), parseCount('7', '-')]).toEqual([100_000, 1_500_000, 7]);
    expect(['0', '-1', '1.5', 'x'].map((text) => usage(() => parseCount(text, '-')))).not.toContain('no error');
    expect([parseRate('1000/s', '-'), parseRate('30/m', '-'), parseRate('5', '-')]).toEqual([1000, 0.5, 5]);
    expect(['0/s', '1/x', 'fast'].map((text) => usage(() => parseRate(text, '-')))).not.toContain('no error');
  });
});

describe('times', () => {
  it.each([
    ['2026-01-31T12:00:00Z', NOW],
    ['2026-01-31T13:30:00.250+01:30', NOW + 250],
    ['2026-01-31t12:00:00.1234567z', NOW + 123],
    [String(NOW), NOW],
    ['now', NOW],
    ['-1h', NOW - 3_600_000],
    ['+90s', NOW + 90_000],
    ['2026-01-31', new Date(2026, 0, 31).getTime()],
    ['2026-01-31 08:05', new Date(2026, 0, 31, 8, 5).getTime()],
    ['2026-01-31#08:05:06:007', new Date(2026, 0, 31, 8, 5, 6, 7).getTime()],
  ])('%s', (text, expected) => {
    expect(parseTime(text, NOW, '@')).toBe(expected);
  });

  it.each(['2026-02-30', '2026-13-01', '2026-01-31T24:00:00Z', '2026-01-31T12:60Z', '1h', 'yesterday', '', '2026-01-31#08:05:06', '99999999999999999'])('"%s" is none', (text) => {
    expect(usage(() => parseTime(text, NOW, '@'))).toContain('is not a time');
  });
});

describe('positions', () => {
  it.each([
    ['first', { at: 'first' }], ['last', { at: 'last' }], ['committed', { at: 'committed' }],
    ['0', { at: 'offset', offset: 0 }], ['42', { at: 'offset', offset: 42 }], ['-10', { at: 'lastN', count: 10 }],
    ['@-1h', { at: 'time', timestamp: NOW - 3_600_000 }], [`@${NOW}`, { at: 'time', timestamp: NOW }],
  ])('%s', (text, expected) => {
    expect(parsePosition(text, NOW, '--from')).toEqual(expected);
  });

  it.each(['', '-0', '1.5', '+3', 'begin', '99999999999999999', '-x'])('"%s" is none', (text) => {
    expect(usage(() => parsePosition(text, NOW, '--from'))).toBe(`--from: "${text}" is not a position`);
  });

  it('a bad time inside names the flag', () => {
    expect(usage(() => parsePosition('@soon', NOW, '--to'))).toBe('--to: "soon" is not a time');
  });
});
