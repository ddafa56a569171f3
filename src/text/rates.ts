import { formatInteger } from './numbers.ts';

/** What cannot be known is said to be, and never shown as 0. */
export function known(value: number | null, text: (value: number) => string): string {
  return value === null ? 'unknown' : text(value);
}

/** `2.5/s`, `1,204/s`. */
export function rateText(perSecond: number | null): string {
  return known(perSecond, (rate) => `${rate > 0 && rate < 10 ? Math.round(rate * 100) / 100 : formatInteger(Math.round(rate))}/s`);
}

export function lagText(lag: number | null): string {
  return known(lag, String);
}
