import { isDlqTopic } from '../../broker/retry-topics.ts';
import { escapeControl } from '../../text/escape.ts';
import { formatDuration, formatInteger } from '../../text/numbers.ts';
import { BINDINGS } from '../keys.ts';
import type { Action } from '../keys.ts';
import { cutLine, highlight, lineColumns, span, spread, withCursor } from '../line.ts';
import type { Line, Span } from '../panel.ts';
import { isOfSeveralLogs, matchPattern } from '../rows.ts';
import type { LogRow, MessageRow } from '../rows.ts';
import { ANSWERS, BESIDE_FROM_COLUMNS, besideColumns, helpCount, isStream, isTooSmall, LEAST, modeOf, pageRows, rowColumns, shownPanels } from '../state.ts';
import type { Health, PanelState, State, StreamState } from '../state.ts';
import { commitLogTable } from './commit-log.ts';
import { messageTable } from './messages.ts';
import { detailLines, helpLines, keyName } from './pages.ts';

/** Without an answer for so long the age of what is shown is told, ms. */
const STALE_MS = 5000;
const SEPARATOR = ' │ ';
const LEAST_HEALTH_COLUMNS = 40;

/** The whole screen: as many lines as it has, none wider than it is. */
export function frame(state: State): Line[] {
  const { columns, rows } = state;
  if (isTooSmall(state)) return tooSmallLines(columns, rows);
  const page = pageRows(state);
  const lines = [titleLine(state), ...bodyOf(state, page)];
  const filled = [...lines.slice(0, rows - 1), ...Array.from({ length: Math.max(0, rows - 1 - lines.length) }, (): Line => [])];
  // What is wrong with what was typed stands above it.
  const error = state.prompt?.error ?? null;
  if (error !== null) filled.splice(-1, 1, [span(escapeControl(error), 'bad')]);
  return [...filled, bottomLine(state)].slice(-rows).map((line) => cutLine(line, columns));
}

/** What is needed instead of what there is no room for. */
function tooSmallLines(columns: number, rows: number): Line[] {
  const text = `terminal too small (${columns}×${rows}, at least ${LEAST.columns}×${LEAST.rows})`;
  const lines = wrap(text, columns).slice(0, rows).map((line): Line => [span(line, 'warn')]);
  return [...lines, ...Array.from({ length: rows - lines.length }, (): Line => [])];
}

/** Words on lines of so many columns. */
function wrap(text: string, columns: number): string[] {
  return text.split(' ').reduce<string[]>((lines, word) => {
    const last = lines.at(-1);
    return last !== undefined && last.length + 1 + word.length <= columns ? [...lines.slice(0, -1), `${last} ${word}`] : [...lines, word.slice(0, columns)];
  }, []);
}

function bodyOf(state: State, page: number): Line[] {
  const { columns, active } = state;
  if (state.help !== null) {
    const count = helpCount(state);
    const last = Math.min(count, state.help.top + page);
    const range = last - state.help.top < count ? [span(`${state.help.top + 1}-${last} of ${count}`, 'dim')] : [];
    return [spread([span('Keys', 'strong')], range, columns), [], ...helpLines(state, page)];
  }
  const detail = state.details.at(-1);
  if (detail !== undefined) {
    const { topic, queueId, queueOffset } = detail.message;
    const where = `${detail.selected + 1}/${detail.lines.length}`;
    return [spread([span(escapeControl(`${topic}/${queueId}@${queueOffset}`), 'strong')], [span(where, 'dim')], columns), [], ...detailLines(detail, columns, page)];
  }
  if (!isStream(active)) return panelBody(state, state.panels[active]!, page);
  const beside = shownPanels(state).map((id) => state.panels[id]!);
  if (beside.length === 0) return streamBody(state, state.streams[active], page, columns);
  const right = besideColumns(columns);
  const left = columns - right - SEPARATOR.length;
  return sideBySide(streamBody(state, state.streams[active], page, left), besideBody(state, beside, right), left);
}

/** The panels beside a stream, one below the other, each with what says how it is and with its heads. */
function besideBody(state: State, panels: readonly PanelState[], columns: number): Line[] {
  const height = state.rows - 2;
  let room = height - panels.length * 3 + 1;
  return panels.flatMap((panel, index) => {
    const layout = { widthColumns: columns, nowMs: state.nowMs };
    // What the ones before do not need is there for the others.
    const maxRows = Math.max(0, Math.floor(room / (panels.length - index)));
    const rows = panel.snapshot === null || panel.unavailable !== null ? [] : panel.panel.brief!(panel.snapshot, { ...layout, maxRows });
    room -= rows.length;
    return [...(index === 0 ? [] : [[]]), panelStateLine(state, panel, columns), panel.panel.header(layout), ...rows];
  });
}

function sideBySide(left: readonly Line[], right: readonly Line[], leftColumns: number): Line[] {
  return Array.from({ length: Math.max(left.length, right.length) }, (_, index): Line => {
    const line = cutLine(left[index] ?? [], leftColumns);
    return [...line, span(' '.repeat(leftColumns - lineColumns(line))), span(SEPARATOR, 'dim'), ...(right[index] ?? [])];
  });
}

/** `mqlite  [1 Messages]  2 Commit log …`; where that does not fit, only the one that is shown has its name. */
function titleLine({ views, active, columns, target }: State): Line {
  const tabs = (isNamed: (id: string) => boolean): Line => [
    span('mqlite', 'strong'),
    ...views.map(({ id, title }, index) => {
      const name = isNamed(id) ? `${index + 1} ${title}` : `${index + 1}`;
      return id === active ? span(`  [${name}]`, 'strong') : span(`  ${name}`, 'dim');
    }),
  ];
  const all = tabs(() => true);
  const room = columns - all.reduce((sum, { text }) => sum + text.length, 0);
  const left = room >= 0 ? all : tabs((id) => id === active);
  const free = columns - left.reduce((sum, { text }) => sum + text.length, 0) - 2;
  return spread(left, [span(tail(escapeControl(target), Math.max(0, free)), 'dim')], columns);
}

/** The end of a path tells more than its beginning. */
function tail(text: string, columns: number): string {
  return text.length <= columns ? text : columns < 8 ? '' : `…${text.slice(-(columns - 1))}`;
}

function streamBody(state: State, stream: StreamState, page: number, columns: number): Line[] {
  const width = rowColumns(columns);
  const { head, row } = state.active === 'messages'
    ? messageTable(stream.rows as readonly MessageRow[], width, stream.shift, state.nowMs)
    : commitLogTable(stream.rows as readonly LogRow[], width, stream.shift);
  const shown = stream.rows.slice(stream.top, stream.top + page);
  const lines = shown.map((item, index) => withCursor((row as (item: unknown) => Line)(item), columns, stream.top + index === stream.selected, stream.marks.has(item.id)));
  if (lines.length === 0) lines.push(emptyLine(stream));
  const searched = state.prompt?.kind === 'search' ? state.prompt.text : state.searched;
  const pattern = searched === null || searched === '' ? null : matchPattern(searched);
  return [streamStateLine(state, stream, columns), [span('  '), ...head], ...(pattern === null ? lines : lines.map((line) => highlight(line, pattern)))];
}

/** Why there is nothing to see. */
function emptyLine({ health, loading, filter }: StreamState): Line {
  if (health.reason !== null) return [span(`  ${escapeControl(health.reason)}`, 'bad')];
  if (loading || health.okAtMs === null) return [span('  reading …', 'dim')];
  return [span(filter === null ? '  nothing here yet' : '  nothing that passes the filter', 'dim')];
}

function streamStateLine(state: State, stream: StreamState, columns: number): Line {
  const newCount = stream.arrived - stream.seen;
  const parts: Span[] = [stream.isFollowing ? span('FOLLOWING', 'good') : span('PAUSED', 'warn')];
  if (!stream.isFollowing && newCount > 0) parts.push(span(`  +${formatInteger(newCount)} new`, 'strong'));
  if (stream.perSecond !== null && stream.perSecond > 0) parts.push(span(`  ${stream.perSecond < 10 ? stream.perSecond.toFixed(1) : formatInteger(stream.perSecond)}/s`));
  parts.push(span(`  ${stream.topics.length === 0 ? state.active === 'messages' ? 'all topics' : stream.rows.some(isOfSeveralLogs) ? 'all logs, as queues list them' : 'the whole log' : stream.topics.map(escapeControl).join(' ')}`, 'accent'));
  if (stream.filter !== null) parts.push(span(`  filter ${escapeControl(stream.filter.text)}`, 'warn'));
  if (stream.marks.size > 0) parts.push(span(`  ${formatInteger(stream.marks.size)} marked`, 'accent'));
  if (stream.seeking !== null) parts.push(span(`  searching ${stream.seeking === 'up' ? 'above' : 'below'} …`, 'warn'));
  else if (stream.loading) parts.push(span('  reading …', 'dim'));
  return withHealth(parts, healthSpans(stream.health, state), columns);
}

/** What is wrong never gives way: it is cut to the room that is left, and where that is little, what stands before it is cut. */
function withHealth(left: Line, health: Line, columns: number): Line {
  if (health.length === 0) return cutLine(left, columns);
  const right = cutLine(health, Math.max(columns - lineColumns(left) - 2, Math.min(LEAST_HEALTH_COLUMNS, columns - 2)));
  return spread(cutLine(left, columns - lineColumns(right) - 1), right, columns);
}

/** `12 s old: reason`: what is shown stays, and says how old it is. Else what is not among it. */
function healthSpans({ okAtMs, reason }: Health, { nowMs, shownAtMs, absent }: State): Line {
  const ageMs = okAtMs === null ? null : Math.max(0, nowMs - okAtMs);
  if (reason !== null) return [span(`${ageMs === null ? '' : `${age(ageMs)} old: `}${escapeControl(reason)}`, 'bad')];
  if (ageMs !== null && Math.min(ageMs, nowMs - shownAtMs) > STALE_MS) return [span(`${age(ageMs)} old: no answer`, 'warn')];
  return absent.length === 0 ? [] : [span(`without ${escapeControl(absent.join(', '))}`, 'bad')];
}

const age = (ageMs: number): string => formatDuration(Math.floor(ageMs / 1000) * 1000);

function panelBody(state: State, panel: PanelState, page: number): Line[] {
  const { columns, nowMs } = state;
  if (panel.unavailable !== null) return [[], [span(`  ${panel.panel.title}: ${panel.unavailable}`, 'warn')]];
  const layout = { widthColumns: rowColumns(columns), nowMs };
  const lines = panel.rows.slice(panel.top, panel.top + page)
    .map(({ id, line }, index) => withCursor(line, columns, panel.top + index === panel.selected, panel.marks.has(id)));
  return [panelStateLine(state, panel, columns), [span('  '), ...panel.panel.header(layout)], ...lines];
}

function panelStateLine(state: State, { panel, unavailable, snapshot, marks, health }: PanelState, columns: number): Line {
  if (unavailable !== null) return [span(unavailable, 'warn')];
  const summary = snapshot === null ? [span('reading …', 'dim')] : panel.summary(snapshot, { widthColumns: rowColumns(columns), nowMs: state.nowMs });
  const marked = marks.size === 0 ? [] : [span(`  ${formatInteger(marks.size)} marked`, 'accent')];
  const { topics } = state.streams.messages;
  const scope = topics.length === 0 ? [] : [span(`  of ${topics.map(escapeControl).join(' ')}`, 'accent')];
  return withHealth([...summary, ...scope, ...marked], healthSpans(health, state), columns);
}

/** What is asked, what was said, or which keys there are. */
function bottomLine(state: State): Line {
  const { prompt, notice, columns } = state;
  if (prompt !== null) {
    if (prompt.kind === 'redrive') return [...cutLine([span(escapeControl(prompt.label.slice(0, -ANSWERS.length)), 'warn')], columns - ANSWERS.length), span(ANSWERS, 'warn')];
    const label = prompt.kind === 'search' ? '/' : `${prompt.label}: `;
    // The end of what is typed is where the typing goes on.
    return [span(label, 'strong'), span(tail(escapeControl(prompt.text), Math.max(8, columns - label.length - 2))), span('▏')];
  }
  if (notice !== null) return [span(escapeControl(notice.text), notice.tone)];
  return hints(state);
}

function isOnDeadLetter({ active, streams, panels }: State): boolean {
  const list = isStream(active) ? streams[active] : panels[active]!;
  return isDlqTopic(list.rows[list.selected]?.record?.topic ?? '');
}

/** Keys that mean something only at times. */
const APPLIES: Partial<Record<Action, (state: State) => boolean>> = {
  redrive: isOnDeadLetter,
  beside: ({ columns }) => columns >= BESIDE_FROM_COLUMNS,
  'next-match': ({ searched }) => searched !== null,
  'previous-match': ({ searched }) => searched !== null,
};

function hints(state: State): Line {
  const mode = modeOf(state);
  const wanted = BINDINGS.filter(({ modes, hint, action }) => hint !== undefined && modes.includes(mode) && (APPLIES[action]?.(state) ?? true));
  // Those that lead everywhere else come first: a narrow screen cuts the rest.
  const line = [...wanted.filter(({ action }) => action === 'help' || action === 'quit'), ...wanted.filter(({ action }) => action !== 'help' && action !== 'quit')]
    .flatMap(({ keys, hint }) => [span(keyName(keys[0]!), 'strong'), span(` ${hint}  `, 'dim')]);
  const kept: Span[] = [];
  let left = state.columns;
  for (let index = 0; index < line.length; index += 2) {
    const pair = line.slice(index, index + 2);
    left -= pair.reduce((sum, { text }) => sum + text.length, 0);
    if (left < -2) break;
    for (const part of pair) kept.push(part);
  }
  return kept;
}
