const BARS = '▁▂▃▄▅▆▇█';

/**
 * The last values as bars, the newest at the right: always `widthColumns` columns, blank where there is no value (yet) or none is known (null, not a number).
 * The scale begins at 0 and ends at the largest value shown, so that equal heights mean equal values; 0 is the lowest bar, not a gap.
 */
export function sparkline(values: readonly (number | null)[], widthColumns: number): string {
  const width = Math.max(0, Math.floor(widthColumns));
  const shown = width === 0 ? [] : values.slice(-width);
  const largest = shown.reduce<number>((max, value) => (isKnown(value) && value > max ? value : max), 0);
  return shown.map((value) => (isKnown(value) ? barOf(value, largest) : ' ')).join('').padStart(width);
}

function isKnown(value: number | null): value is number {
  return value !== null && Number.isFinite(value);
}

/** What is above 0 is above the lowest bar: it can be told from nothing. */
function barOf(value: number, largest: number): string {
  if (largest <= 0 || value <= 0) return BARS[0]!;
  return BARS[Math.max(1, Math.round((value / largest) * (BARS.length - 1)))]!;
}
