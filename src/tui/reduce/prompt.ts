import { MqliteError } from '../../broker/errors.ts';
import { isDlqTopic } from '../../broker/retry-topics.ts';
import { parsePosition } from '../../client/position-words.ts';
import type { Position } from '../../client/positions.ts';
import { formatInteger, plural } from '../../text/numbers.ts';
import type { ExportRequest, StreamId, TuiEvent } from '../events.ts';
import { parseViewFilter } from '../filter.ts';
import type { RecordReference } from '../panel.ts';
import { isOfSeveralLogs, referenceId, referenceOf } from '../rows.ts';
import { ANSWERS, isStream, pageRows } from '../state.ts';
import type { Prompt, PromptKind, State, StreamState } from '../state.ts';
import { notFound, noticed, putStream } from './step.ts';
import type { Step, StreamStep } from './step.ts';
import { findRow, follow, moveToRow, placeOf, seek } from './stream.ts';

const LABELS: Readonly<Record<PromptKind, string>> = { 'go-to': 'go to', search: '/', filter: 'filter', export: 'export to', redrive: '' };

export function openPrompt(state: State, kind: PromptKind, more: Partial<Prompt> = {}): Step {
  const stream = isStream(state.active) ? state.streams[state.active] : undefined;
  const origin = stream?.rows[stream.selected]?.id;
  return { state: { ...state, notice: null, prompt: { kind, label: LABELS[kind], text: '', error: null, origin, wasFollowing: stream?.isFollowing === true, request: null, records: [], ...more } }, effects: [] };
}

/** Keys while something is asked. */
export function promptKey(state: State, prompt: Prompt, key: string): Step {
  if (prompt.kind === 'redrive') return confirm(state, prompt, key);
  switch (key) {
    case 'esc':
    case 'ctrl-c': return cancel(state, prompt);
    case 'enter': return submit(state, prompt);
    case 'backspace': return prompt.text === '' ? cancel(state, prompt) : type(state, prompt, [...prompt.text].slice(0, -1).join(''));
    case 'ctrl-u': return type(state, prompt, '');
    case 'ctrl-w': return type(state, prompt, prompt.text.replace(/\S*\s*$/, ''));
    case 'space': return type(state, prompt, `${prompt.text} `);
    default: return [...key].length === 1 ? type(state, prompt, prompt.text + key) : { state, effects: [] };
  }
}

/** A search goes along with what is typed. */
function type(state: State, prompt: Prompt, text: string): Step {
  const typed = { ...state, prompt: { ...prompt, text, error: null } };
  if (prompt.kind !== 'search' || !isStream(state.active)) return { state: typed, effects: [] };
  const stream = state.streams[state.active];
  const found = text === '' ? -1 : nearest(stream, text, originOf(stream, prompt));
  return putStream(typed, state.active, found < 0 ? toOrigin(state.active, stream, prompt, pageRows(state)) : moveToRow(state.active, stream, found, pageRows(state)));
}

/** Rows may have come before it, and it may have left the window. */
function originOf(stream: StreamState, { origin }: Prompt): number {
  const at = stream.rows.findIndex(({ id }) => id === origin);
  return at < 0 ? stream.selected : at;
}

function toOrigin(id: StreamId, stream: StreamState, prompt: Prompt, page: number): StreamStep {
  if (!prompt.wasFollowing) return moveToRow(id, stream, originOf(stream, prompt), page);
  return stream.isFollowing ? { stream, effects: [] } : follow(id, stream, page);
}

/** Below first, as one reads; else above, where most of a live stream lies. */
function nearest(stream: StreamState, text: string, from: number): number {
  const below = findRow(stream, text, from, 'down');
  return below >= 0 ? below : findRow(stream, text, from - 1, 'up');
}

function cancel(state: State, prompt: Prompt): Step {
  const closed = { ...state, prompt: null };
  if (prompt.kind !== 'search' || !isStream(state.active)) return { state: closed, effects: [] };
  return putStream(closed, state.active, toOrigin(state.active, state.streams[state.active], prompt, pageRows(state)));
}

function submit(state: State, prompt: Prompt): Step {
  const { active } = state;
  const closed = { ...state, prompt: null };
  try {
    switch (prompt.kind) {
      case 'go-to': return prompt.text === '' || !isStream(active) ? { state: closed, effects: [] } : goTo(closed, parsePosition(prompt.text.trim(), state.nowMs, 'go to'));
      case 'filter': return isStream(active) ? applyFilter(closed, prompt.text) : { state: closed, effects: [] };
      case 'search': return isStream(active) ? endSearch(closed, prompt) : { state: closed, effects: [] };
      case 'export': return prompt.text.trim() === '' ? { state: closed, effects: [] } : exported(closed, prompt, prompt.text.trim());
      case 'redrive': return { state: closed, effects: [] };
    }
  } catch (error) {
    if (!(error instanceof MqliteError)) throw error;
    // What was typed stays, to be mended, and what was shown, too.
    return { state: { ...state, prompt: { ...prompt, error: error.message } }, effects: [] };
  }
}

function goTo(state: State, to: Position): Step {
  const { active } = state;
  if (!isStream(active)) return { state, effects: [] };
  if (to.at === 'committed') throw new MqliteError('USAGE', 'go to: "committed" is a position of a group');
  if (to.at === 'offset' && state.streams[active].rows.some(isOfSeveralLogs)) throw new MqliteError('USAGE', `go to: ${to.offset} is a place in the log of one broker, and these are several: first, last, -N, @TIME`);
  if (to.at === 'last') return putStream(state, active, follow(active, state.streams[active], pageRows(state)));
  return putStream(state, active, {
    stream: { ...state.streams[active], isFollowing: false, loading: true, seeking: null, soughtFrom: null },
    effects: [{ type: 'jump', stream: active, to, context: pageRows(state) }],
  });
}

/** What is looked at stays on the screen: from the time of the row that the cursor is on. */
function applyFilter(state: State, text: string): Step {
  const { active } = state;
  if (!isStream(active)) return { state, effects: [] };
  const stream = state.streams[active];
  // One of flags may be what nobody could type: unchanged, it stays what it is.
  const filter = text === stream.filter?.text ? stream.filter : parseViewFilter(text);
  const row = stream.rows[stream.selected];
  const here = stream.isFollowing || row === undefined ? undefined : placeOf(row);
  return putStream(state, active, {
    stream: { ...stream, filter, loading: true, marks: new Map(), isFollowing: here === undefined },
    effects: [{ type: 'filter', stream: active, filter, to: here ?? { at: 'last' }, context: pageRows(state) }],
  });
}

function endSearch(state: State, prompt: Prompt): Step {
  const { active } = state;
  if (!isStream(active) || prompt.text === '') return { state, effects: [] };
  const searched = { ...state, searched: prompt.text };
  const stream = state.streams[active];
  if (nearest(stream, prompt.text, originOf(stream, prompt)) >= 0) return { state: searched, effects: [] };
  // All there is was looked through; the cursor stays.
  if (stream.atStart && stream.atEnd) return notFound(searched, prompt.text, 'everywhere');
  const soughtFrom = { row: stream.rows[originOf(stream, prompt)], wasFollowing: prompt.wasFollowing };
  // What the window holds was looked through while it was typed.
  const from = { ...stream, selected: stream.atEnd ? 0 : stream.rows.length - 1, soughtElsewhere: stream.atStart || stream.atEnd };
  return putStream(searched, active, seek(active, from, prompt.text, stream.atEnd ? 'up' : 'down', pageRows(state), soughtFrom));
}

// -- export

/** What `e` would write, and the words for it; null: nothing is there. */
export function exportRequest(state: State): { readonly what: ExportRequest; readonly words: string } | null {
  const detail = state.details.at(-1);
  if (detail !== undefined) {
    return { what: { records: [referenceOf(detail.message)] }, words: 'this message' };
  }
  const { active } = state;
  if (!isStream(active)) return exportOfPanel(state);
  const { marks, rows, selected, filter } = state.streams[active];
  const marked = [...marks.values()];
  const chosen = marked.length > 0 ? marked : rows.slice(selected, selected + 1);
  if (marked.length === 0 && filter !== null) return { what: { all: active, filter }, words: 'all that pass the filter' };
  if (chosen.length === 0) return null;
  const words = marked.length > 0 ? `${plural(marked.length, 'marked record')}` : 'the selected record';
  return { what: active === 'commitlog' && !chosen.some(isOfSeveralLogs) ? { logOffsets: chosen.map((row) => row.commitLogOffset) } : { records: chosen.flatMap(({ record }) => record ?? []) }, words };
}

function exportOfPanel(state: State): { readonly what: ExportRequest; readonly words: string } | null {
  const { marks, rows, selected } = state.panels[state.active]!;
  if (marks.size > 0) return { what: { records: [...marks.values()] }, words: plural(marks.size, 'marked record') };
  const record = rows[selected]?.record;
  return record === undefined ? null : { what: { records: [record] }, words: 'the selected record' };
}

const writing = (file: string): string => `writing ${file} …`;

function exported(state: State, { request, label }: Prompt, file: string): Step {
  if (request === null) return { state, effects: [] };
  return noticed(state, writing(file), 'good', [{ type: 'export', file, what: request, label }]);
}

/** Asks again with what was typed, unless the user has gone on to something else. */
export function exportFailed(state: State, { file, what, label, reason }: Extract<TuiEvent, { readonly type: 'export-failed' }>): Step {
  if (state.prompt !== null || state.notice?.text !== writing(file)) return noticed(state, reason, 'bad');
  return openPrompt(state, 'export', { label, text: file, error: reason, request: what });
}

// -- redrive

export function askRedrive(state: State): Step {
  const marked: RecordReference[] = isStream(state.active)
    ? [...state.streams[state.active].marks.values()].flatMap(({ record }) => record ?? [])
    : [...state.panels[state.active]!.marks.values()];
  const letters = marked.filter(({ topic }) => isDlqTopic(topic));
  if (letters.length === 0) return noticed(state, 'mark dead letters with space first', 'warn');
  const groups = [...new Set(letters.map(({ topic }) => topic.slice('%DLQ%'.length)))];
  const before = sentBefore(state);
  const again = letters.filter((letter) => before.has(referenceId(letter))).length;
  const known = again === 0 ? '' : again === letters.length ? ' (sent before)' : ` (${formatInteger(again)} of them sent before)`;
  return openPrompt(state, 'redrive', { records: letters, label: `send ${plural(letters.length, 'dead letter')}${known} to ${groups.join(', ')} again on ${state.target}?${ANSWERS}` });
}

/** Dead letters of which that is known, from here or from anywhere else. */
function sentBefore({ sent, panels }: State): ReadonlySet<string> {
  return new Set([...sent, ...Object.values(panels).flatMap(({ panel, snapshot }) => (snapshot === null ? [] : [...panel.sentAgain?.(snapshot) ?? []]))]);
}

function confirm(state: State, { records }: Prompt, key: string): Step {
  const closed = { ...state, prompt: null };
  if (key === 'y' || key === 'Y') return noticed(closed, 'sending …', 'good', [{ type: 'redrive', records }]);
  return key === 'n' || key === 'N' || key === 'esc' || key === 'ctrl-c' ? noticed(closed, 'nothing was sent', 'warn') : { state, effects: [] };
}
