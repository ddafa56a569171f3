import type { Position } from './positions.ts';
import { MqliteError } from '../broker/errors.ts';
import { parseTime } from '../text/time.ts';

/** Error: USAGE for an end that lies before the start, where both are of one kind. The same place twice is a range of nothing, and fine. */
export function refuseEmptyRange(from: Position | undefined, to: Position | undefined): void {
  const offsets = from?.at === 'offset' && to?.at === 'offset' && from.offset > to.offset;
  const times = from?.at === 'time' && to?.at === 'time' && from.timestamp > to.timestamp;
  if (offsets || times) throw new MqliteError('USAGE', '--to lies before --from', { hint: '--from is the first position wanted, --to the first one not wanted.' });
}

/**
 * `first`, `last`, `committed`, OFFSET, `-N` (the last N in all), `@TIME`, `@-1h`. `nowMs` is what relative times count from.
 * Error: USAGE.
 */
export function parsePosition(text: string, nowMs: number, flag: string): Position {
  if (text === 'first' || text === 'last' || text === 'committed') return { at: text };
  if (text.startsWith('@')) return { at: 'time', timestamp: parseTime(text.slice(1), nowMs, flag) };
  const number = /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(number) || text === '-0') {
    throw new MqliteError('USAGE', `${flag}: "${text}" is not a position`, {
      hint: 'Write first, last, committed, a queue offset, -N (the last N), @TIME (@2026-01-31T12:00:00Z) or @-1h.',
    });
  }
  return number < 0 ? { at: 'lastN', count: -number } : { at: 'offset', offset: number };
}
