import type { Action } from '../keys.ts';
import { moveTo, pageRows, stepOf } from '../state.ts';
import type { PanelState, State } from '../state.ts';
import { noticed, openRecord } from './step.ts';
import type { Step } from './step.ts';

const put = (state: State, changed: Partial<PanelState>): Step =>
  ({ state: { ...state, panels: { ...state.panels, [state.active]: { ...state.panels[state.active]!, ...changed } } }, effects: [] });

/** Keys in a view that is a table. */
export function inPanel(state: State, action: Action): Step {
  const panel = state.panels[state.active]!;
  const page = pageRows(state);
  const to = action === 'first' ? 0 : action === 'last' ? panel.rows.length - 1 : undefined;
  const by = stepOf(action, page);
  if (to !== undefined || by !== undefined) return put(state, moveTo(panel, to ?? panel.selected + by!, panel.rows.length, page));
  return HANDLERS[action]?.(state, panel) ?? { state, effects: [] };
}

const HANDLERS: Partial<Record<Action, (state: State, panel: PanelState) => Step>> = {
  mark: (state, panel) => {
    const row = panel.rows[panel.selected];
    if (row?.record === undefined) return noticed(state, 'only rows of messages can be marked', 'warn');
    const marks = new Map(panel.marks);
    if (!marks.delete(row.id)) marks.set(row.id, row.record);
    return put(state, { marks, ...moveTo(panel, panel.selected + 1, panel.rows.length, pageRows(state)) });
  },
  'clear-marks': (state) => put(state, { marks: new Map() }),
  open: (state, panel) => openRecord(state, panel.rows[panel.selected]?.record),
  related: (state, panel) => openRecord(state, panel.rows[panel.selected]?.record, true),
};
