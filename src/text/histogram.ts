import { formatInteger } from './numbers.ts';

/** How often values up to `upTo` (and above those of the bucket before) were seen. */
export interface CountedBucket {
  readonly upTo: number;
  readonly count: number;
}

export interface HistogramMark {
  readonly name: string;
  readonly value: number;
}

export interface HistogramRow {
  readonly upTo: number;
  readonly count: number;
  /** Names of the marks that lie in it. */
  readonly marks: readonly string[];
}

export interface HistogramStyle {
  /** Columns that a line may take. */
  readonly widthColumns: number;
  /** Eighths of blocks, or `#`. */
  readonly unicode: boolean;
}

/** So many rows are seen at a glance; more, and a row is a decade. */
const MOST_ROWS = 18;
const FEWEST_BAR_COLUMNS = 8;
const EIGHTHS = '▏▎▍▌▋▊▉█';

/**
 * Buckets gathered into rows that end at 1, 2 and 5 times powers of ten, or at powers of ten where those would be too many; rows between the first and
 * the last one that has something are there too, empty. A mark is in the row of its value.
 */
export function histogramRows(buckets: readonly CountedBucket[], marks: readonly HistogramMark[]): HistogramRow[] {
  const filled = buckets.filter(({ count }) => count > 0);
  if (filled.length === 0) return [];
  const values = filled.map(({ upTo }) => upTo);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const fine = boundsBetween(least, most, [1, 2, 5]);
  const bounds = fine.length <= MOST_ROWS ? fine : boundsBetween(least, most, [1]);
  return bounds.map((upTo, index) => {
    const isIn = (value: number): boolean => value <= upTo && (index === 0 || value > bounds[index - 1]!);
    return {
      upTo,
      count: filled.reduce((sum, bucket) => (isIn(bucket.upTo) ? sum + bucket.count : sum), 0),
      marks: marks.filter(({ value }) => isIn(value) || (index === bounds.length - 1 && value > upTo)).map(({ name }) => name),
    };
  });
}

/** From the first bound that is not below `least` to the first not below `most`. */
function boundsBetween(least: number, most: number, steps: readonly number[]): number[] {
  const bounds: number[] = [];
  for (let power = 1; ; power *= 10) {
    for (const step of steps) {
      if (step * power >= least) bounds.push(step * power);
      if (step * power >= most) return bounds;
    }
  }
}

/** `250` → `250us`, `2000` → `2ms`, `5000000` → `5s`. */
export function formatMicroseconds(microseconds: number, unicode: boolean): string {
  if (microseconds < 1000) return `${microseconds}${unicode ? 'µs' : 'us'}`;
  return microseconds < 1_000_000 ? `${microseconds / 1000}ms` : `${microseconds / 1_000_000}s`;
}

/** A line a row: its upper bound in µs, how many, what share that is, a bar, and the percentiles that lie in it. Nothing for no rows. */
export function renderHistogram(rows: readonly HistogramRow[], { widthColumns, unicode }: HistogramStyle): string {
  const total = rows.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return '';
  const most = Math.max(...rows.map(({ count }) => count));
  const cells = rows.map(({ upTo, count, marks }) => ({ label: formatMicroseconds(upTo, unicode), count: formatInteger(count), share: shareOf(count, total), marks: marks.join(' ') }));
  const width = (key: keyof (typeof cells)[number]): number => Math.max(...cells.map((cell) => cell[key].length));
  const [labelWidth, countWidth, shareWidth, marksWidth] = [width('label'), width('count'), width('share'), width('marks')];
  const [less, gap] = [unicode ? '≤' : '<=', '  '];
  const barWidth = Math.max(FEWEST_BAR_COLUMNS, widthColumns - (less.length + 1 + labelWidth) - countWidth - shareWidth - marksWidth - 4 * gap.length);
  return rows.map(({ count }, index) => {
    const { label, count: counted, share, marks } = cells[index]!;
    const bar = barOf(count, most, barWidth, unicode);
    const line = `${less} ${label.padStart(labelWidth)}${gap}${counted.padStart(countWidth)}${gap}${share.padStart(shareWidth)}${gap}${bar.padEnd(barWidth)}${gap}${marks}`;
    return `${line.trimEnd()}\n`;
  }).join('');
}

/** What is there is seen, however small its share. */
function barOf(count: number, most: number, widthColumns: number, unicode: boolean): string {
  if (count === 0) return '';
  if (!unicode) return '#'.repeat(Math.max(1, Math.round((count / most) * widthColumns)));
  const eighths = Math.max(1, Math.round((count / most) * widthColumns * EIGHTHS.length));
  const rest = eighths % EIGHTHS.length;
  return '█'.repeat(Math.floor(eighths / EIGHTHS.length)) + (rest === 0 ? '' : EIGHTHS[rest - 1]!);
}

function shareOf(count: number, total: number): string {
  const percent = (100 * count) / total;
  return count > 0 && percent < 0.05 ? '<0.1 %' : `${percent.toFixed(1)} %`;
}
