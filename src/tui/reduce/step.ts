import type { Position } from '../../client/positions.ts';
import { formatTime } from '../../text/numbers.ts';
import type { Effect, StreamId } from '../events.ts';
import type { RecordReference } from '../panel.ts';
import type { Notice, State, StreamState } from '../state.ts';

/** What an event leads to. */
export interface Step {
  readonly state: State;
  readonly effects: readonly Effect[];
}

export interface StreamStep {
  readonly stream: StreamState;
  readonly effects: readonly Effect[];
  /** A search has come to an end of the store without a match. */
  readonly isInVain?: boolean;
}

export const putStream = (state: State, id: StreamId, { stream, effects }: StreamStep): Step => ({ state: { ...state, streams: { ...state.streams, [id]: stream } }, effects });

export const noticed = (state: State, text: string, tone: Notice['tone'], effects: readonly Effect[] = []): Step => ({ state: { ...state, notice: { text, tone } }, effects });

/** `withOthers`: its page, with other records of its id. */
export function openRecord(state: State, record: RecordReference | null | undefined, withOthers = false): Step {
  if (record === undefined || record === null) return noticed(state, 'there is no message to open', 'warn');
  return { state, effects: [{ type: 'read', record, withOthers }] };
}

/** `where`: what was looked through. */
export function notFound(state: State, searched: string, where: 'everywhere' | 'up' | 'down'): Step {
  const place = { everywhere: '', up: ' above; n looks below', down: ' below; N looks above' }[where];
  return noticed(state, `"${searched}" was not found${place}`, 'warn');
}

/** Whoever went to a place where nothing is sees what lies before it. */
export function nothingAt(state: State, to: Position, { filter, rows }: StreamState): Step {
  const place = to.at === 'time' ? `at or after ${formatTime(to.timestamp)}` : to.at === 'offset' ? `at or behind offset ${to.offset}` : null;
  // Else there is nothing at all, which shows.
  if (place === null) return { state, effects: [] };
  const what = filter === null ? 'nothing' : 'nothing passes the filter';
  return noticed(state, `${what} ${place}${rows.length === 0 ? '' : '; the cursor is on the last one'}`, 'warn');
}

export function copied(state: State, text: string): Step {
  return text === '' ? { state, effects: [] } : noticed(state, `copied ${text.length > 60 ? `${text.length} characters` : text}`, 'good', [{ type: 'copy', text }]);
}
