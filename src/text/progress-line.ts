import { formatInteger } from './numbers.ts';
import { sparkline } from './sparkline.ts';

export interface ProgressState {
  /** What is being done: `sending`. */
  readonly stage: string;
  readonly done: number;
  /** null: nobody knows, or it is not counted. */
  readonly total: number | null;
  /** null: not measured yet. */
  readonly perSecond: number | null;
  /** The last rates, the newest last. */
  readonly rates: readonly number[];
}

const SPARKLINE_COLUMNS = 24;

/**
 * `sending  60 %  120,000 of 200,000  55,123/s  ▁▃▅▇█`, at most `widthColumns` columns: what does not fit is left out from the right. The bars
 * need UTF-8.
 */
export function progressLine({ stage, done, total, perSecond, rates }: ProgressState, widthColumns: number, unicode: boolean): string {
  const parts = [stage];
  if (total !== null && total > 0) parts.push(`${Math.floor((100 * Math.min(done, total)) / total)} %`.padStart(5));
  if (total !== null) parts.push(`${formatInteger(done).padStart(formatInteger(total).length)} of ${formatInteger(total)}`);
  else if (done > 0) parts.push(formatInteger(done));
  if (perSecond !== null) parts.push(`${formatInteger(Math.round(perSecond))}/s`);
  if (unicode && rates.length > 1) parts.push(sparkline(rates, Math.min(rates.length, SPARKLINE_COLUMNS)));
  let line = '';
  for (const part of parts) {
    const longer = line === '' ? part : `${line}  ${part}`;
    if (longer.length > widthColumns) break;
    line = longer;
  }
  return line;
}
