import type { Position } from '../../client/positions.ts';
import type { StreamId, TuiEvent } from '../events.ts';
import { matcher, rowText } from '../rows.ts';
import type { StreamRow } from '../rows.ts';
import { moveTo } from '../state.ts';
import type { StreamState } from '../state.ts';
import type { StreamStep } from './step.ts';

/** Rows that one request brings: pages enough that a key held down does not wait, few enough to come at once. */
const CHUNK_ROWS = 200;
/** A search through the store takes bigger steps. */
const SEEK_ROWS = 1000;

type RowsEvent = Extract<TuiEvent, { readonly type: 'rows' }>;

/** New contents of the window: the cursor and the screen stay on the rows they were on, wherever these are now. */
export function withRows(id: StreamId, stream: StreamState, event: RowsEvent, page: number, searched: string | null): StreamStep {
  const loaded = { ...stream, ...event.window, loading: event.done === true ? false : stream.loading, owed: event.select === undefined ? stream.owed : 0 };
  const arrived = event.select !== undefined && stream.seeking === null;
  const placed = { ...loaded, ...cursorIn(stream, event, page), soughtFrom: arrived ? null : stream.soughtFrom };
  const from = event.select === undefined ? stream.rows[stream.selected]?.id : placed.rows[placed.selected]?.id;
  const step = placed.seeking !== null ? goOnSeeking(id, placed, page, searched, from)
    : event.done === true && placed.owed !== 0 ? moveToRow(id, { ...placed, owed: 0 }, placed.selected + placed.owed, page)
      : wanting(id, placed, page, 'older');
  return { ...step, stream: seenBy(step.stream, page) };
}

/** How much is new is counted from when the end was last on the screen. */
function seenBy(stream: StreamState, page: number): StreamState {
  const isEndShown = stream.isFollowing || (stream.atEnd && stream.top + page >= stream.rows.length);
  return isEndShown && stream.seen !== stream.arrived ? { ...stream, seen: stream.arrived } : stream;
}

function cursorIn(stream: StreamState, { window: { rows }, select }: RowsEvent, page: number): { readonly selected: number; readonly top: number } {
  const last = rows.length - 1;
  if (stream.isFollowing || select === 'last') return moveTo({ selected: 0, top: rows.length }, last, rows.length, page);
  if (select !== undefined) {
    const at = Math.max(0, rows.findIndex((row) => row.id === select.id));
    return moveTo({ selected: at, top: at }, at, rows.length, page);
  }
  const anchor = indexOf(rows, stream.rows[stream.selected]?.id);
  if (anchor < 0) return moveTo(stream, stream.seeking === 'up' ? last : stream.selected, rows.length, page);
  return moveTo({ selected: anchor, top: anchor - (stream.selected - stream.top) }, anchor, rows.length, page);
}

function indexOf(rows: readonly { readonly id: string }[], id: string | undefined): number {
  return id === undefined ? -1 : rows.findIndex((row) => row.id === id);
}

/** Asks for more where less than a page lies between the screen and an edge of the window. Newer rows come when somebody goes there: a pause holds. */
export function wanting(id: StreamId, stream: StreamState, page: number, which: 'older' | 'both'): StreamStep {
  if (stream.loading) return { stream, effects: [] };
  if (!stream.atStart && stream.top < page) return { stream: { ...stream, loading: true }, effects: [{ type: 'older', stream: id, count: Math.max(CHUNK_ROWS, 2 * page) }] };
  const below = stream.rows.length - (stream.top + page);
  if (which === 'both' && !stream.isFollowing && !stream.atEnd && below < page) {
    return { stream: { ...stream, loading: true }, effects: [{ type: 'newer', stream: id, count: Math.max(CHUNK_ROWS, 2 * page) }] };
  }
  return { stream, effects: [] };
}

/** Moves the cursor. Whoever leaves the end of a stream that flows pauses it. */
export function moveBy(id: StreamId, stream: StreamState, by: number, page: number): StreamStep {
  return moveToRow(id, stream, stream.selected + stream.owed + by, page);
}

export function moveToRow(id: StreamId, stream: StreamState, row: number, page: number): StreamStep {
  const cursor = moveTo(stream, row, stream.rows.length, page);
  const pauses = stream.isFollowing && cursor.selected < stream.rows.length - 1;
  const isEdgeOfAll = row < 0 ? stream.atStart : stream.isFollowing || stream.atEnd;
  const owed = isEdgeOfAll || stream.rows.length === 0 ? 0 : row - cursor.selected;
  const step = wanting(id, seenBy({ ...stream, ...cursor, owed, isFollowing: stream.isFollowing && !pauses, seeking: null, soughtFrom: null }, page), page, 'both');
  return pauses ? { ...step, effects: [{ type: 'follow', stream: id, on: false }, ...step.effects] } : step;
}

export function pause(id: StreamId, stream: StreamState): StreamStep {
  return { stream: { ...stream, isFollowing: false }, effects: [{ type: 'follow', stream: id, on: false }] };
}

export function follow(id: StreamId, stream: StreamState, page: number): StreamStep {
  const { selected, top } = moveTo({ selected: 0, top: stream.rows.length }, stream.rows.length - 1, stream.rows.length, page);
  return { stream: { ...stream, isFollowing: true, seeking: null, soughtFrom: null, loading: stream.loading || !stream.atEnd, selected, top }, effects: [{ type: 'follow', stream: id, on: true }] };
}

/** The nearest row that matches, from a row on; -1: none in the window. */
export function findRow(stream: StreamState, text: string, from: number, direction: 'up' | 'down'): number {
  const matches = matcher(text);
  const step = direction === 'down' ? 1 : -1;
  for (let at = from; at >= 0 && at < stream.rows.length; at += step) if (matches(rowText(stream.rows[at]!))) return at;
  return -1;
}

/** To the next match in a direction: in the window, else on through the store. `soughtFrom`: where one in vain goes back to, if that is not the cursor. */
export function seek(
  id: StreamId, stream: StreamState, text: string, direction: 'up' | 'down', page: number,
  soughtFrom: StreamState['soughtFrom'] = { row: stream.rows[stream.selected], wasFollowing: stream.isFollowing },
): StreamStep {
  const found = findRow(stream, text, stream.selected + (direction === 'down' ? 1 : -1), direction);
  if (found >= 0) return moveToRow(id, stream, found, page);
  const isThere = direction === 'up' ? stream.atStart : stream.atEnd;
  if (isThere) return { stream, effects: [] };
  const paused = stream.isFollowing ? pause(id, stream) : { stream, effects: [] };
  // One that begins before the way back from another has ended is from the same place.
  const seeking = { ...paused.stream, seeking: direction, soughtFrom: stream.soughtFrom ?? soughtFrom };
  if (stream.loading) return { stream: seeking, effects: paused.effects };
  return { stream: { ...seeking, loading: true }, effects: [...paused.effects, { type: direction === 'up' ? 'older' : 'newer', stream: id, count: SEEK_ROWS }] };
}

/** `from`: the row that the search comes from: what it was looking at, or what it found before. */
function goOnSeeking(id: StreamId, stream: StreamState, page: number, searched: string | null, from: string | undefined): StreamStep {
  const { seeking } = stream;
  if (seeking === null || searched === null || stream.loading) return { stream, effects: [] };
  const isThere = stream.rows[stream.selected]?.id === from;
  const found = findRow(stream, searched, stream.selected + (isThere ? seeking === 'up' ? -1 : 1 : 0), seeking);
  if (found >= 0) return moveToRow(id, stream, found, page);
  // What was looked through need not be looked at again: the cursor goes along, out of sight of nobody.
  const edge = moveTo(stream, seeking === 'up' ? 0 : stream.rows.length - 1, stream.rows.length, page);
  if (seeking === 'up' ? stream.atStart : stream.atEnd) return { ...whereSearchBegan(id, stream, page), isInVain: true };
  return { stream: { ...stream, ...edge, loading: true }, effects: [{ type: seeking === 'up' ? 'older' : 'newer', stream: id, count: SEEK_ROWS }] };
}

/** A search that was in vain, or is given up, ends where it began, which may have left the window. */
export function whereSearchBegan(id: StreamId, stream: StreamState, page: number): StreamStep {
  const { row, wasFollowing } = stream.soughtFrom ?? { row: undefined, wasFollowing: false };
  if (wasFollowing) return follow(id, stream, page);
  const ended = { ...stream, seeking: null };
  if (row === undefined) return { stream: { ...ended, soughtFrom: null }, effects: [] };
  const at = indexOf(stream.rows, row.id);
  if (at >= 0) return moveToRow(id, stream, at, page);
  return { stream: { ...ended, loading: true }, effects: [{ type: 'jump', stream: id, to: placeOf(row), context: page, row: row.id }] };
}

/** A row's place in its stream: in the log exactly, else the first row of its time. */
export const placeOf = ({ storeTimestamp, commitLogOffset }: StreamRow): Position =>
  storeTimestamp === null ? { at: 'offset', offset: commitLogOffset } : { at: 'time', timestamp: storeTimestamp };
