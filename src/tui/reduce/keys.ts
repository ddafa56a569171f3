import { actionOf } from '../keys.ts';
import type { Action, Mode } from '../keys.ts';
import { isStream, isTooSmall, modeOf, pageRows } from '../state.ts';
import type { State } from '../state.ts';
import { inDetail, inHelp } from './pages.ts';
import { inPanel } from './panel.ts';
import { askRedrive, exportRequest, openPrompt, promptKey } from './prompt.ts';
import { noticed, putStream } from './step.ts';
import type { Step } from './step.ts';
import { whereSearchBegan } from './stream.ts';
import { inStream } from './stream-keys.ts';

/** What a key does, where it was pressed. */
export function pressed(state: State, key: string): Step {
  // Nobody sees what else a key would do, or what is asked.
  if (isTooSmall(state)) return { state, effects: key === 'q' || key === 'ctrl-c' ? [{ type: 'quit' }] : [] };
  if (state.prompt !== null) return promptKey(state, state.prompt, key);
  const mode = modeOf(state);
  const quiet = state.notice === null ? state : { ...state, notice: null };
  const numbered = /^[1-9]$/.test(key) ? state.views[Number(key) - 1] : undefined;
  if (numbered !== undefined) return showView({ ...quiet, help: null, details: [] }, numbered.id);
  const action = actionOf(mode, key);
  if (action === undefined) return { state: quiet, effects: [] };
  if (key === 'ctrl-c') return { state: quiet, effects: [{ type: 'quit' }] };
  return EVERYWHERE[action]?.(quiet, mode) ?? BY_MODE[mode](quiet, action);
}

const EXPORT_FILE = 'messages.ndjson';

const isList = (mode: Mode): boolean => mode === 'stream' || mode === 'panel';

const BY_MODE: Readonly<Record<Mode, (state: State, action: Action) => Step>> = { stream: inStream, panel: inPanel, detail: inDetail, help: inHelp };

const EVERYWHERE: Partial<Record<Action, (state: State, mode: Mode) => Step>> = {
  help: (state, mode) => ({ state: { ...state, help: mode === 'help' ? null : { selected: 0, top: 0 } }, effects: [] }),
  quit: (state, mode) => (isList(mode) ? { state, effects: [{ type: 'quit' }] } : back(state)),
  'next-view': (state) => turnView(state, 1),
  'previous-view': (state) => turnView(state, -1),
  export: (state) => askExport(state),
  redrive: (state) => askRedrive(state),
  back: (state) => back(state),
};

function showView(state: State, view: string): Step {
  return view === state.active ? { state, effects: [] } : { state: { ...state, active: view, shownAtMs: state.nowMs }, effects: [{ type: 'show', view }] };
}

function turnView(state: State, by: number): Step {
  const { views, active } = state;
  const at = views.findIndex(({ id }) => id === active);
  return showView(state, views[(at + by + views.length) % views.length]!.id);
}

function back(state: State): Step {
  if (state.help !== null) return { state: { ...state, help: null }, effects: [] };
  if (state.details.length > 0) return { state: { ...state, details: state.details.slice(0, -1) }, effects: [] };
  const { active } = state;
  // A search is over, and what it found stands out no more.
  if (!isStream(active)) return { state, effects: [] };
  const stream = state.streams[active];
  return putStream({ ...state, searched: null }, active, stream.seeking === null ? { stream, effects: [] } : whereSearchBegan(active, stream, pageRows(state)));
}

function askExport(state: State): Step {
  const request = exportRequest(state);
  if (request === null) return noticed(state, 'nothing is selected that could be written', 'warn');
  const { state: asked } = openPrompt(state, 'export', { label: `export ${request.words} to`, text: EXPORT_FILE, request: request.what });
  return { state: asked, effects: [{ type: 'name-file', file: EXPORT_FILE }] };
}
