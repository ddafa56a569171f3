/** The one table of keys: it drives what is done, the `?` page and the hints at the bottom. */
export type Mode = 'stream' | 'panel' | 'detail' | 'help';

export type Action =
  | 'up' | 'down' | 'page-up' | 'page-down' | 'half-up' | 'half-down' | 'first' | 'last' | 'left' | 'right'
  | 'follow' | 'pause' | 'open' | 'back' | 'go-to' | 'search' | 'next-match' | 'previous-match' | 'filter' | 'mark' | 'clear-marks'
  | 'export' | 'redrive' | 'copy' | 'body' | 'related' | 'beside' | 'next-view' | 'previous-view' | 'help' | 'quit';

export interface Binding {
  readonly action: Action;
  readonly keys: readonly string[];
  readonly modes: readonly Mode[];
  readonly help: string;
  /** One word for the line at the bottom, where there is room. */
  readonly hint?: string;
}

const LISTS: readonly Mode[] = ['stream', 'panel'];
const ALL: readonly Mode[] = ['stream', 'panel', 'detail', 'help'];

export const BINDINGS: readonly Binding[] = [
  { action: 'pause', keys: ['p'], modes: ['stream'], help: 'pause: rows stop, counting goes on; again: follow', hint: 'pause' },
  { action: 'follow', keys: ['F'], modes: ['stream'], help: 'follow: go to the end and stay there', hint: 'follow' },
  { action: 'filter', keys: ['f'], modes: ['stream'], help: 'filter: A||B (tags), sql:EXPR, /regex/ (body)', hint: 'filter' },
  { action: 'search', keys: ['/'], modes: ['stream'], help: 'search in what is shown, then in the store', hint: 'search' },
  { action: 'next-match', keys: ['n'], modes: ['stream'], help: 'next match below', hint: 'next' },
  { action: 'previous-match', keys: ['N'], modes: ['stream'], help: 'next match above', hint: 'previous' },
  { action: 'go-to', keys: [':', 'g'], modes: ['stream'], help: 'go to first, last, OFFSET, -N, @TIME, @-1h', hint: 'go to' },
  { action: 'open', keys: ['enter'], modes: ['stream', 'panel', 'detail'], help: 'open the message; in one, follow the link', hint: 'open' },
  { action: 'mark', keys: ['space'], modes: LISTS, help: 'mark, or take the mark away', hint: 'mark' },
  { action: 'clear-marks', keys: ['u'], modes: LISTS, help: 'take all marks away' },
  { action: 'export', keys: ['e'], modes: ['stream', 'panel', 'detail'], help: 'export what is marked, filtered or selected as NDJSON', hint: 'export' },
  { action: 'redrive', keys: ['D'], modes: LISTS, help: 'send the marked dead letters to their groups again', hint: 'send again' },
  { action: 'copy', keys: ['y'], modes: ['stream', 'detail'], help: 'copy the id, or the selected value, to the clipboard', hint: 'copy' },
  { action: 'body', keys: ['b'], modes: ['detail'], help: 'body as text, JSON, hex', hint: 'body as' },
  { action: 'related', keys: ['o'], modes: ['stream', 'panel', 'detail'], help: 'other records of its id: retry, dead letter, original', hint: 'others' },
  { action: 'up', keys: ['up', 'k'], modes: ALL, help: 'one line up' },
  { action: 'down', keys: ['down', 'j'], modes: ALL, help: 'one line down' },
  { action: 'page-up', keys: ['pageup', 'ctrl-b'], modes: ALL, help: 'one page up' },
  { action: 'page-down', keys: ['pagedown', 'ctrl-f'], modes: ALL, help: 'one page down' },
  { action: 'half-up', keys: ['ctrl-u'], modes: ALL, help: 'half a page up' },
  { action: 'half-down', keys: ['ctrl-d'], modes: ALL, help: 'half a page down' },
  { action: 'first', keys: ['home', '<'], modes: ALL, help: 'the first: of a stream, the oldest in the store' },
  { action: 'last', keys: ['end', 'G', '>'], modes: ALL, help: 'the last: of a stream, follow' },
  { action: 'left', keys: ['left', 'h'], modes: ['stream'], help: 'text to the left' },
  { action: 'right', keys: ['right', 'l'], modes: ['stream'], help: 'text to the right' },
  { action: 'beside', keys: ['s'], modes: ['stream'], help: 'queues and groups beside the rows, or not', hint: 'panels' },
  { action: 'next-view', keys: ['tab'], modes: LISTS, help: 'next view; a number goes to one, from a page, too' },
  { action: 'previous-view', keys: ['shift-tab'], modes: LISTS, help: 'previous view' },
  { action: 'back', keys: ['esc', 'backspace'], modes: ALL, help: 'back; end a search' },
  { action: 'help', keys: ['?'], modes: ALL, help: 'these keys', hint: 'keys' },
  { action: 'quit', keys: ['q', 'ctrl-c'], modes: ALL, help: 'quit; on a page, back', hint: 'quit' },
];

const BY_MODE: Readonly<Record<Mode, ReadonlyMap<string, Action>>> = {
  stream: tableOf('stream'), panel: tableOf('panel'), detail: tableOf('detail'), help: tableOf('help'),
};

export const actionOf = (mode: Mode, key: string): Action | undefined => BY_MODE[mode].get(key);

function tableOf(mode: Mode): ReadonlyMap<string, Action> {
  return new Map(BINDINGS.filter(({ modes }) => modes.includes(mode)).flatMap(({ keys, action }) => keys.map((key) => [key, action] as const)));
}
