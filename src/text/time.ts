import { MqliteError } from '../broker/errors.ts';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+$/;
const DURATION_PART = /(\d+(?:\.\d+)?)(ms|[smhdw])/g;

/** `500ms`, `30s`, `1h30m`, `2d` in ms; undefined for anything else. */
export function durationOrUndefined(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined;
  let totalMs = 0;
  for (const [, count, unit] of text.matchAll(DURATION_PART)) totalMs += Number(count) * UNIT_MS[unit!]!;
  totalMs = Math.round(totalMs);
  return Number.isSafeInteger(totalMs) ? totalMs : undefined;
}

/** A duration in ms; `0` needs no unit. `flag` names the place. Error: USAGE. */
export function parseDuration(text: string, flag: string): number {
  const durationMs = text === '0' ? 0 : durationOrUndefined(text);
  if (durationMs === undefined) {
    throw new MqliteError('USAGE', `${flag}: "${text}" is not a duration`, { hint: 'Write a number with a unit (ms, s, m, h, d), for example 500ms, 30s or 1h30m.' });
  }
  return durationMs;
}

const SIZE_UNITS: Readonly<Record<string, number>> = { '': 1, b: 1, k: 1024, kb: 1024, kib: 1024, m: 1024 ** 2, mb: 1024 ** 2, mib: 1024 ** 2, g: 1024 ** 3, gb: 1024 ** 3, gib: 1024 ** 3 };

/** `100`, `1k`, `64KiB`, `1g` in bytes; k, m and g are powers of 1024. Error: USAGE. */
export function parseSize(text: string, flag: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([a-zA-Z]*)$/.exec(text);
  const unit = SIZE_UNITS[match?.[2]?.toLowerCase() ?? '?'];
  const sizeBytes = match === null || unit === undefined ? Number.NaN : Number(match[1]) * unit;
  if (!Number.isSafeInteger(sizeBytes)) {
    throw new MqliteError('USAGE', `${flag}: "${text}" is not a size`, { hint: 'Write whole bytes or a unit (k, m, g: powers of 1024), for example 1024, 1k or 64KiB.' });
  }
  return sizeBytes;
}

/** `500`, `100k`, `1m`: a number of things; k and m are powers of ten. At least 1. Error: USAGE. */
export function parseCount(text: string, flag: string): number {
  const match = /^(\d+(?:\.\d+)?)([kKmM]?)$/.exec(text);
  const unit = { '': 1, k: 1000, m: 1_000_000 }[match?.[2]?.toLowerCase() ?? ''] ?? Number.NaN;
  const count = match === null ? Number.NaN : Number(match[1]) * unit;
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new MqliteError('USAGE', `${flag}: "${text}" is not a count`, { hint: 'Write a whole number from 1 on, or 100k, 1m.' });
  }
  return count;
}

/** `1000/s`, `500/m` or `1000` (a second) as messages per second. Error: USAGE. */
export function parseRate(text: string, flag: string): number {
  const match = /^(\d+(?:\.\d+)?)(?:\/(s|m|h))?$/.exec(text);
  const perSecond = match === null ? 0 : Number(match[1]) / (UNIT_MS[match[2] ?? 's']! / 1000);
  if (!(perSecond > 0) || !Number.isFinite(perSecond)) {
    throw new MqliteError('USAGE', `${flag}: "${text}" is not a rate`, { hint: 'Write messages per unit of time, for example 1000/s or 30/m.' });
  }
  return perSecond;
}

const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?([Zz]|[+-]\d{2}:\d{2})?)?$/;
const ROCKETMQ_TIME = /^(\d{4})-(\d{2})-(\d{2})#(\d{2}):(\d{2}):(\d{2}):(\d{3})$/;
const RELATIVE = /^([+-])(.+)$/;

/**
 * A point in time in epoch ms: RFC 3339, a date, epoch ms, `-1h` (before now), `+1h`, `now`, or RocketMQ's
 * `yyyy-MM-dd#HH:mm:ss:SSS`. Times without a zone are local time, as RocketMQ's own are. Error: USAGE.
 */
export function parseTime(text: string, nowMs: number, flag: string): number {
  const time = timeOrUndefined(text, nowMs);
  if (time === undefined) {
    throw new MqliteError('USAGE', `${flag}: "${text}" is not a time`, { hint: 'Write RFC 3339 (2026-01-31T12:00:00Z), epoch milliseconds, -1h, or yyyy-MM-dd#HH:mm:ss:SSS.' });
  }
  return time;
}

function timeOrUndefined(text: string, nowMs: number): number | undefined {
  if (text === 'now') return nowMs;
  if (/^\d{1,16}$/.test(text)) {
    const epochMs = Number(text);
    return Number.isSafeInteger(epochMs) ? epochMs : undefined;
  }
  const relative = RELATIVE.exec(text);
  if (relative !== null) {
    const durationMs = durationOrUndefined(relative[2]!);
    return durationMs === undefined ? undefined : nowMs + (relative[1] === '-' ? -durationMs : durationMs);
  }
  const rocketmq = ROCKETMQ_TIME.exec(text);
  if (rocketmq !== null) return calendarTime(rocketmq.slice(1).map(Number), undefined);
  const rfc = RFC3339.exec(text);
  if (rfc === null) return undefined;
  const milliseconds = Math.floor(Number(`0.${rfc[7] ?? '0'}`) * 1000);
  return calendarTime([...rfc.slice(1, 7).map((part) => Number(part ?? 0)), milliseconds], rfc[8]);
}

/** Fields year…ms; refuses the 31st of February instead of rolling over. */
function calendarTime(fields: readonly number[], zone: string | undefined): number | undefined {
  const [year, month, day, hour, minute, second, ms] = fields as [number, number, number, number, number, number, number];
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) return undefined;
  if (day > new Date(Date.UTC(year, month, 0)).getUTCDate()) return undefined;
  if (zone === undefined) return new Date(year, month - 1, day, hour, minute, second, ms).getTime();
  let offsetMinutes = 0;
  if (zone.length > 1) {
    const hours = Number(zone.slice(1, 3));
    const minutes = Number(zone.slice(4, 6));
    if (hours > 23 || minutes > 59) return undefined;
    offsetMinutes = (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
  }
  return Date.UTC(year, month - 1, day, hour, minute, second, ms) - offsetMinutes * 60_000;
}
