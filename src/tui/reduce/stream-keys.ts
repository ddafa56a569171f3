import type { StreamId } from '../events.ts';
import type { Action } from '../keys.ts';
import type { StreamRow } from '../rows.ts';
import { BESIDE_FROM_COLUMNS, isStream, pageRows, stepOf } from '../state.ts';
import type { State, StreamState } from '../state.ts';
import { openPrompt } from './prompt.ts';
import { copied, notFound, noticed, openRecord, putStream } from './step.ts';
import type { Step } from './step.ts';
import { follow, moveBy, moveToRow, pause, seek } from './stream.ts';

const SHIFT_COLUMNS = 8;

interface At {
  readonly state: State;
  readonly id: StreamId;
  readonly stream: StreamState;
  readonly page: number;
  /** The one that the cursor is on. */
  readonly row: StreamRow | undefined;
}

export function inStream(state: State, action: Action): Step {
  const id = state.active;
  if (!isStream(id)) return { state, effects: [] };
  const stream = state.streams[id];
  const page = pageRows(state);
  const by = stepOf(action, page);
  if (by !== undefined) return putStream(state, id, moveBy(id, stream, by, page));
  return HANDLERS[action]?.({ state, id, stream, page, row: stream.rows[stream.selected] }) ?? { state, effects: [] };
}

const HANDLERS: Partial<Record<Action, (at: At) => Step>> = {
  first: ({ state, id, stream, page }) => {
    if (stream.atStart) return putStream(state, id, moveToRow(id, stream, 0, page));
    return putStream(state, id, { stream: { ...stream, isFollowing: false, loading: true, seeking: null, soughtFrom: null }, effects: [{ type: 'jump', stream: id, to: { at: 'first' }, context: page }] });
  },
  last: ({ state, id, stream, page }) => putStream(state, id, follow(id, stream, page)),
  follow: ({ state, id, stream, page }) => putStream(state, id, follow(id, stream, page)),
  pause: ({ state, id, stream, page }) => putStream(state, id, stream.isFollowing ? pause(id, stream) : follow(id, stream, page)),
  left: ({ state, id, stream }) => putStream(state, id, { stream: { ...stream, shift: Math.max(0, stream.shift - SHIFT_COLUMNS) }, effects: [] }),
  right: ({ state, id, stream }) => putStream(state, id, { stream: { ...stream, shift: stream.shift + SHIFT_COLUMNS }, effects: [] }),
  mark: ({ state, id, stream, page, row }) => {
    if (row === undefined) return { state, effects: [] };
    const marks = new Map(stream.marks);
    if (!marks.delete(row.id)) marks.set(row.id, row);
    const marked = { ...stream, marks };
    // On to the next, as one marks several; a stream that flows is held.
    return putStream(state, id, stream.isFollowing ? pause(id, marked) : moveBy(id, marked, 1, page));
  },
  'clear-marks': ({ state, id, stream }) => putStream(state, id, { stream: { ...stream, marks: new Map() }, effects: [] }),
  open: ({ state, row }) => openRecord(state, row?.record),
  related: ({ state, row }) => openRecord(state, row?.record, true),
  copy: ({ state, row }) => copied(state, row === undefined ? '' : idOf(row)),
  beside: ({ state, id }) => {
    if (state.columns < BESIDE_FROM_COLUMNS) return noticed(state, `queues and groups have room beside the rows from ${BESIDE_FROM_COLUMNS} columns on`, 'warn');
    return { state: { ...state, beside: { ...state.beside, [id]: !state.beside[id] }, shownAtMs: state.nowMs }, effects: [{ type: 'show', view: id }] };
  },
  search: ({ state }) => openPrompt(state, 'search'),
  filter: ({ state, stream }) => openPrompt(state, 'filter', { text: stream.filter?.text ?? '' }),
  'go-to': ({ state }) => openPrompt(state, 'go-to'),
  'next-match': (at) => seekOn(at, 'down'),
  'previous-match': (at) => seekOn(at, 'up'),
};

function idOf(row: StreamRow): string {
  return row.kind === 'message' ? row.msgId : String(row.commitLogOffset);
}

function seekOn({ state, id, stream, page }: At, direction: 'up' | 'down'): Step {
  if (state.searched === null) return openPrompt(state, 'search');
  const step = seek(id, stream, state.searched, direction, page);
  return step.stream === stream ? notFound(state, state.searched, direction) : putStream(state, id, { ...step, stream: { ...step.stream, soughtElsewhere: false } });
}
