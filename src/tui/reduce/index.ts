import type { TuiEvent } from '../events.ts';
import { layOut } from '../detail.ts';
import type { RecordReference } from '../panel.ts';
import { referenceId } from '../rows.ts';
import { isStream, moveTo, pageRows, rowColumns, shownPanels } from '../state.ts';
import type { Notice, State, StreamState } from '../state.ts';
import { pressed } from './keys.ts';
import { helpAt, openPage } from './pages.ts';
import { exportFailed } from './prompt.ts';
import { nothingAt, notFound, putStream } from './step.ts';
import type { Step } from './step.ts';
import { wanting, withRows } from './stream.ts';

/** What the view is after something has happened, and what is to be done. Pure: it knows no terminal and no broker. */
export function reduce(state: State, event: TuiEvent): Step {
  switch (event.type) {
    case 'key': return pressed(state, event.key);
    case 'resize': return resized(state, event.columns, event.rows);
    case 'clock': return { state: withPanelRows({ ...state, nowMs: event.nowMs, absent: event.absent }, state.active), effects: [] };
    case 'rows': {
      const before = state.streams[event.stream];
      const step = withRows(event.stream, before, event, pageRows(state), state.searched);
      const told = before.seeking !== null && step.stream.seeking === null ? soughtToEnd(state, before, step.isInVain === true) : state;
      const { stream, nothingFrom } = event;
      return putStream(nothingFrom === undefined || stream !== state.active ? told : nothingAt(told, nothingFrom, step.stream).state, stream, step);
    }
    case 'health': return { state: withHealth(state, event.view, event.atMs, event.reason), effects: [] };
    case 'panel': {
      const panel = { ...state.panels[event.panel]!, snapshot: event.snapshot, health: { okAtMs: event.atMs, reason: null } };
      return { state: withPanelRows({ ...state, panels: { ...state.panels, [event.panel]: panel } }, event.panel), effects: [] };
    }
    case 'message': return openPage(state, event.message, event.withOthers);
    case 'related': {
      const { offsetMsgId, found: { messages } } = event;
      const details = state.details.map((detail) => (detail.message.offsetMsgId === offsetMsgId ? layOut({ ...detail, related: messages }, state.columns, pageRows(state)) : detail));
      return { state: { ...state, notice: null, details }, effects: [] };
    }
    case 'file-name': {
      const { prompt } = state;
      if (prompt?.kind !== 'export' || prompt.text !== event.wanted) return { state, effects: [] };
      return { state: { ...state, prompt: { ...prompt, text: event.file } }, effects: [] };
    }
    case 'export-failed': return exportFailed(state, event);
    case 'redriven': {
      const sent = new Set([...state.sent, ...event.sent.map(referenceId)]);
      return { state: { ...withoutMarks(state, event.sent), sent, notice: { text: event.text, tone: event.isGood ? 'good' : 'bad' } }, effects: [] };
    }
    case 'notice': return { state: { ...state, notice: { text: event.text, tone: event.tone } }, effects: [] };
  }
}

/** A search through the store that has come to an end says so when it was in vain. */
function soughtToEnd(state: State, { seeking, soughtElsewhere }: StreamState, isInVain: boolean): State {
  return isInVain ? notFound(state, state.searched ?? '', soughtElsewhere ? 'everywhere' : seeking ?? 'everywhere').state : { ...state, notice: null };
}

/** Whatever the cursor is on stays on the screen, in what is shown and in what lies under it. */
function resized(state: State, columns: number, rows: number): Step {
  const page = pageRows({ rows });
  const help = state.help === null ? null : helpAt(state, state.help.top, page);
  const sized = { ...state, columns, rows, help, details: state.details.map((detail) => layOut(detail, columns, page)) };
  const withPanels = Object.keys(sized.panels).reduce(withPanelRows, sized);
  const { active } = state;
  const streams = { messages: sizedStream(state.streams.messages, page), commitlog: sizedStream(state.streams.commitlog, page) };
  if (!isStream(active)) return { state: { ...withPanels, streams }, effects: [] };
  const step = putStream({ ...withPanels, streams }, active, wanting(active, streams[active], page, 'older'));
  // There may be room beside the rows now, or none any more.
  return shownPanels(state).length === shownPanels(step.state).length ? step : { ...step, effects: [...step.effects, { type: 'show', view: active }] };
}

/** The end of a stream that flows stays at the bottom. */
function sizedStream(stream: StreamState, page: number): StreamState {
  const { length } = stream.rows;
  return { ...stream, ...(stream.isFollowing ? moveTo({ selected: 0, top: length }, length - 1, length, page) : moveTo(stream, stream.selected, length, page)) };
}

/** Whatever was sent is marked no more, in any view. */
function withoutMarks(state: State, sent: readonly RecordReference[]): State {
  const ids = new Set(sent.map(referenceId));
  const isLeft = (record: RecordReference | null): boolean => record === null || !ids.has(referenceId(record));
  const stream = (of: StreamState): StreamState => ({ ...of, marks: new Map([...of.marks].filter(([, row]) => isLeft(row.record))) });
  const panels = Object.fromEntries(Object.entries(state.panels).map(([id, panel]) => [id, { ...panel, marks: new Map([...panel.marks].filter(([, record]) => isLeft(record))) }]));
  return { ...state, panels, streams: { messages: stream(state.streams.messages), commitlog: stream(state.streams.commitlog) } };
}

function withHealth(state: State, view: string, atMs: number, reason: string | null): State {
  if (isStream(view)) {
    const stream = state.streams[view];
    const health = { okAtMs: reason === null ? atMs : stream.health.okAtMs, reason };
    // What was asked for will not come by itself any more; what is shown stays.
    const notice: Notice | null = reason !== null && stream.loading && view === state.active ? { text: `could not be read: ${reason}`, tone: 'bad' } : state.notice;
    return { ...state, notice, streams: { ...state.streams, [view]: { ...stream, health, loading: reason === null && stream.loading, seeking: reason === null ? stream.seeking : null } } };
  }
  const panel = state.panels[view]!;
  return { ...state, panels: { ...state.panels, [view]: { ...panel, health: { okAtMs: reason === null ? atMs : panel.health.okAtMs, reason } } } };
}

/** Rows of a table are made of its snapshot, the width and the time; the cursor stays on the thing it was on. */
function withPanelRows(state: State, id: string): State {
  const panel = state.panels[id];
  if (panel === undefined || panel.snapshot === null) return state;
  const rows = panel.panel.rows(panel.snapshot, { widthColumns: rowColumns(state.columns), nowMs: state.nowMs });
  const selectedId = panel.rows[panel.selected]?.id;
  const found = rows.findIndex((row) => row.id === selectedId);
  const cursor = moveTo(panel, found < 0 ? panel.selected : found, rows.length, pageRows(state));
  return { ...state, panels: { ...state.panels, [id]: { ...panel, ...cursor, rows } } };
}
