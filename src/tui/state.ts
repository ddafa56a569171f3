import type { DetailState } from './detail.ts';
import type { ExportRequest, StreamId } from './events.ts';
import type { ViewFilter } from './filter.ts';
import { BINDINGS } from './keys.ts';
import type { Action, Mode } from './keys.ts';
import type { Panel, PanelRow, RecordReference } from './panel.ts';
import type { StreamRow } from './rows.ts';

/** Lines of the screen that are not rows: title, state, column heads, and the keys at the bottom. */
export const CHROME_LINES = 4;

/** When the source of a view last answered, and why it does not. */
export interface Health {
  readonly okAtMs: number | null;
  readonly reason: string | null;
}

/** A cursor in a list, and the first row of it that is on the screen. */
export interface Cursor {
  readonly selected: number;
  readonly top: number;
}

export interface StreamState extends Cursor {
  readonly rows: readonly StreamRow[];
  readonly atStart: boolean;
  readonly atEnd: boolean;
  readonly arrived: number;
  /** So much had arrived when the end was last on the screen. */
  readonly seen: number;
  readonly perSecond: number | null;
  readonly isFollowing: boolean;
  readonly filter: ViewFilter | null;
  /** Empty: all. */
  readonly topics: readonly string[];
  /** Marked rows by id: they may have left the window. */
  readonly marks: ReadonlyMap<string, StreamRow>;
  /** Columns that the text is moved to the left by. */
  readonly shift: number;
  /** Rows are asked for and have not come. */
  readonly loading: boolean;
  /** So many rows the cursor has yet to go, down or up, when they have come. */
  readonly owed: number;
  /** A search goes on in the store, in this direction. */
  readonly seeking: 'up' | 'down' | null;
  /** Where that search began, and whether the stream flowed: one in vain goes back. */
  readonly soughtFrom: { readonly row: StreamRow | undefined; readonly wasFollowing: boolean } | null;
  /** The other direction has been looked through. */
  readonly soughtElsewhere: boolean;
  readonly health: Health;
}

export interface PanelState extends Cursor {
  readonly panel: Panel;
  /** Why this target cannot give it. */
  readonly unavailable: string | null;
  readonly snapshot: unknown;
  readonly rows: readonly PanelRow[];
  readonly marks: ReadonlyMap<string, RecordReference>;
  readonly health: Health;
}

export type PromptKind = 'go-to' | 'search' | 'filter' | 'export' | 'redrive';

export interface Prompt {
  readonly kind: PromptKind;
  readonly label: string;
  readonly text: string;
  readonly error: string | null;
  /** The row that the cursor was on, and whether the stream flowed: a search that is given up goes back. */
  readonly origin: string | undefined;
  readonly wasFollowing: boolean;
  /** Of `export`: what was named when it was asked, whatever the cursor is on by now. */
  readonly request: ExportRequest | null;
  /** Of `redrive`. */
  readonly records: readonly RecordReference[];
}

/** What a question ends with, however long it is. */
export const ANSWERS = ' y/n';

export interface Notice {
  readonly text: string;
  readonly tone: 'good' | 'warn' | 'bad';
}

export interface State {
  readonly columns: number;
  readonly rows: number;
  readonly nowMs: number;
  /** The store directory or the name servers. */
  readonly target: string;
  /** Ids of all views, in the order of their numbers. */
  readonly views: readonly { readonly id: string; readonly title: string }[];
  readonly active: string;
  /** Since when it is looked at: before nobody asked its source. */
  readonly shownAtMs: number;
  readonly streams: Readonly<Record<StreamId, StreamState>>;
  readonly panels: Readonly<Record<string, PanelState>>;
  /** Streams whose rows have panels beside them, where the screen is wide enough. */
  readonly beside: Readonly<Record<StreamId, boolean>>;
  /** Pages above the view, the last one is shown: messages that were opened one from the other. */
  readonly details: readonly DetailState[];
  readonly help: Cursor | null;
  readonly prompt: Prompt | null;
  readonly notice: Notice | null;
  readonly searched: string | null;
  /** `referenceId`s of dead letters that were sent again from here. */
  readonly sent: ReadonlySet<string>;
  /** Names of brokers that are gone: what they hold is not shown. */
  readonly absent: readonly string[];
}

export interface StartOptions {
  readonly columns: number;
  readonly rows: number;
  readonly nowMs: number;
  readonly target: string;
  readonly active: StreamId;
  readonly topics: readonly string[];
  readonly filter: ViewFilter | null;
  readonly isFollowing: boolean;
  readonly panels: readonly { readonly panel: Panel; readonly unavailable: string | null }[];
}

const UNKNOWN: Health = { okAtMs: null, reason: null };

/** Flags narrow the view that the command line asked for; the commit log is whole unless it was asked for. */
export function startState(options: StartOptions): State {
  const { active, topics, filter, isFollowing, panels } = options;
  const narrowed = { ...emptyStream(), topics, filter, isFollowing };
  return {
    columns: options.columns, rows: options.rows, nowMs: options.nowMs, target: options.target, active, shownAtMs: options.nowMs,
    views: [{ id: 'messages', title: 'Messages' }, { id: 'commitlog', title: 'Commit log' }, ...panels.map(({ panel: { id, title } }) => ({ id, title }))],
    streams: { messages: active === 'messages' ? narrowed : { ...emptyStream(), topics }, commitlog: active === 'commitlog' ? narrowed : emptyStream() },
    panels: Object.fromEntries(panels.map(({ panel, unavailable }) => [panel.id, emptyPanel(panel, unavailable)])),
    // What lies in the log one behind the other, and what it is sorted into; a message has its text to show.
    beside: { messages: false, commitlog: true },
    details: [], help: null, prompt: null, notice: null, searched: null, sent: new Set(), absent: [],
  };
}

function emptyStream(): StreamState {
  return {
    rows: [], atStart: false, atEnd: true, arrived: 0, seen: 0, perSecond: null, isFollowing: true, filter: null, topics: [], marks: new Map(), shift: 0,
    loading: false, owed: 0, seeking: null, soughtFrom: null, soughtElsewhere: false, health: UNKNOWN, selected: 0, top: 0,
  };
}

function emptyPanel(panel: Panel, unavailable: string | null): PanelState {
  return { panel, unavailable, snapshot: null, rows: [], marks: new Map(), health: UNKNOWN, selected: 0, top: 0 };
}

export const isStream = (view: string): view is StreamId => view === 'messages' || view === 'commitlog';

/** Rows of a list that are on the screen at once. */
export const pageRows = (state: { readonly rows: number }): number => Math.max(1, state.rows - CHROME_LINES);

/** Columns that a row may take beside the marks of cursor and choice. */
export const rowColumns = (columns: number): number => Math.max(10, columns - 2);

/** A smaller terminal shows no view. */
export const LEAST = { columns: 40, rows: 6 } as const;

export const isTooSmall = ({ columns, rows }: { readonly columns: number; readonly rows: number }): boolean => columns < LEAST.columns || rows < LEAST.rows;

/** From so many columns on panels fit beside the rows of a stream. */
export const BESIDE_FROM_COLUMNS = 140;
const BESIDE_LEAST_COLUMNS = 56;
const BESIDE_MOST_COLUMNS = 100;

/** Columns of the panels beside a stream. */
export const besideColumns = (columns: number): number => Math.min(BESIDE_MOST_COLUMNS, Math.max(BESIDE_LEAST_COLUMNS, Math.floor(columns * 0.4)));

/** Ids of the panels that the screen shows: the view itself, or those beside a stream. Only they are loaded. */
export function shownPanels({ active, beside, columns, panels }: State): readonly string[] {
  if (!isStream(active)) return [active];
  return beside[active] && columns >= BESIDE_FROM_COLUMNS ? Object.values(panels).filter(({ panel }) => panel.brief !== undefined).map(({ panel }) => panel.id) : [];
}

/** Lines of the page of keys: one a view, one a binding. */
export const helpCount = (state: State): number => state.views.length + BINDINGS.length;

export const modeOf = (state: State): Mode =>
  state.help !== null ? 'help' : state.details.length > 0 ? 'detail' : isStream(state.active) ? 'stream' : 'panel';

/** The cursor on a row that is there, and that row on the screen. */
export function moveTo(cursor: Cursor, selected: number, count: number, page: number): Cursor {
  const row = Math.max(0, Math.min(count - 1, selected));
  const top = Math.max(0, Math.min(cursor.top, count - page));
  return { selected: row, top: row < top ? row : row >= top + page ? row - page + 1 : top };
}

/** How far an action moves a cursor; undefined for one that does not. */
export function stepOf(action: Action, page: number): number | undefined {
  const steps: Partial<Record<Action, number>> = {
    up: -1, down: 1, 'page-up': -Math.max(1, page - 1), 'page-down': Math.max(1, page - 1), 'half-up': -Math.max(1, page >> 1), 'half-down': Math.max(1, page >> 1),
  };
  return steps[action];
}
