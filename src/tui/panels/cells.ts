import type { MessageQueue } from '../../broker/types.ts';
import { clustersOf, columnsOf, ELLIPSIS, takeColumns } from '../../text/columns.ts';
import { escapeControl } from '../../text/escape.ts';
import { formatDuration, formatInteger } from '../../text/numbers.ts';
import { rateText } from '../../text/rates.ts';
import type { Span } from '../panel.ts';

const SECOND_MS = 1000;
const SUFFIXES = ['k', 'M', 'G', 'T', 'P'];
const EIGHTHS = ' ▏▎▍▌▋▊▉';
const FULL = '█';

/** A number that stays one when it is too long for its column: `1,234,567`, `1234567`, `1.2M`. */
export function integerCell(value: number, widthColumns: number): string {
  const [grouped, plain] = [formatInteger(value), String(Math.trunc(value))];
  if (grouped.length <= widthColumns) return grouped;
  return plain.length <= widthColumns ? plain : compact(value, widthColumns);
}

/** `unknown` where it cannot be known, and never 0. */
export function lagCell(lag: number | null, widthColumns: number): string {
  return lag === null ? 'unknown' : integerCell(lag, widthColumns);
}

/** `2.5/s`, `12k/s`. */
export function rateCell(perSecond: number | null, widthColumns: number): Span {
  const text = rateText(perSecond);
  if (perSecond === null) return { text, tone: 'dim' };
  return { text: text.length <= widthColumns ? text : `${compact(perSecond, widthColumns - 2)}/s` };
}

/** How long ago, or how long until, in whole seconds and at most two units: `0s`, `1m 30s`, `3d 4h`; in one where there is no room for two. */
export function ageCell(durationMs: number, widthColumns: number): string {
  const text = durationMs < SECOND_MS ? '0s' : formatDuration(Math.floor(durationMs / SECOND_MS) * SECOND_MS);
  return text.length <= widthColumns ? text : text.split(' ')[0]!;
}

/** The end of an id that is too long: those of one sender begin alike. */
export function idCell(id: string, widthColumns: number): string {
  const safe = escapeControl(id);
  if (columnsOf(safe) <= widthColumns) return safe;
  let end = '';
  for (const cluster of [...clustersOf(safe)].reverse()) {
    if (columnsOf(cluster + end) > widthColumns - 1) break;
    end = cluster + end;
  }
  return ELLIPSIS + end;
}

/** A queue of one of several brokers: `0@broker-a`, or `0@b…-a`, as names of brokers mostly differ at their ends. */
export function brokerQueueCell({ queueId, brokerName }: MessageQueue, widthColumns: number): string {
  const name = escapeControl(brokerName);
  const left = widthColumns - `${queueId}@`.length;
  if (columnsOf(name) <= left) return `${queueId}@${name}`;
  const start = takeColumns(name, Math.max(0, Math.floor((left - 1) / 3)));
  return `${queueId}@${start}${idCell(brokerName, left - columnsOf(start))}`;
}

function compact(value: number, widthColumns: number): string {
  let scaled = value;
  let suffix = '';
  for (const next of SUFFIXES) {
    if (Math.abs(scaled) < 1000) break;
    scaled /= 1000;
    suffix = next;
  }
  // Rounded down: 999,999 is not 1000k.
  const tenths = `${Math.trunc(scaled * 10) / 10}${suffix}`;
  return tenths.length <= widthColumns ? tenths : `${Math.trunc(scaled)}${suffix}`;
}

/** A bar of that part of the width, in eighths of a column; something is never nothing. */
export function bar(part: number, widthColumns: number): string {
  const eighths = Math.min(widthColumns * 8, part <= 0 ? 0 : Math.max(1, Math.round(part * widthColumns * 8)));
  return (FULL.repeat(Math.floor(eighths / 8)) + (eighths % 8 === 0 ? '' : EIGHTHS[eighths % 8]!)).padEnd(widthColumns);
}
