import type { Message } from '../../record/message.ts';
import { layOut, nextMode, openDetail } from '../detail.ts';
import type { DetailState } from '../detail.ts';
import type { Action } from '../keys.ts';
import { helpCount, moveTo, pageRows, stepOf } from '../state.ts';
import type { Cursor, State } from '../state.ts';
import { copied, noticed } from './step.ts';
import type { Step } from './step.ts';

const put = (state: State, detail: DetailState): Step => ({ state: { ...state, details: [...state.details.slice(0, -1), detail] }, effects: [] });

/** Keys on the page of a message. */
export function inDetail(state: State, action: Action): Step {
  const detail = state.details.at(-1)!;
  const page = pageRows(state);
  const to = action === 'first' ? 0 : action === 'last' ? detail.lines.length - 1 : undefined;
  const by = stepOf(action, page);
  if (to !== undefined || by !== undefined) return put(state, { ...detail, ...moveTo(detail, to ?? detail.selected + by!, detail.lines.length, page) });
  return HANDLERS[action]?.(state, detail) ?? { state, effects: [] };
}

const HANDLERS: Partial<Record<Action, (state: State, detail: DetailState) => Step>> = {
  body: (state, detail) => put(state, layOut({ ...detail, mode: nextMode(detail) }, state.columns, pageRows(state))),
  copy: (state, { lines, selected, message }) => copied(state, lines[selected]?.value || message.msgId),
  related: (state, { message }) => findOthers(state, message),
  open: (state, { lines, selected, message }) => {
    const link = lines[selected]?.link;
    if (link === undefined) return { state, effects: [] };
    return { state, effects: ['record' in link ? { type: 'read', record: link.record, withOthers: false } : { type: 'find', ...link, open: true, of: message.offsetMsgId }] };
  },
};

/** A page on top of those that are open. */
export function openPage(state: State, message: Message, withOthers: boolean): Step {
  const opened = { ...state, notice: null, details: [...state.details, openDetail(message, state.columns)] };
  return withOthers ? findOthers(opened, message) : { state: opened, effects: [] };
}

function findOthers(state: State, { msgId, offsetMsgId }: Message): Step {
  return noticed(state, `looking for ${msgId} in every topic …`, 'good', [{ type: 'find', msgId, topic: undefined, open: false, of: offsetMsgId }]);
}

/** The page of keys scrolls as a whole: it has no cursor. */
export function inHelp(state: State, action: Action): Step {
  const page = pageRows(state);
  const by = stepOf(action, page);
  const top = action === 'first' ? 0 : action === 'last' ? helpCount(state) : by === undefined ? undefined : state.help!.top + by;
  if (top === undefined) return { state, effects: [] };
  return { state: { ...state, help: helpAt(state, top, page) }, effects: [] };
}

/** That line on top, as far as there are enough below it. */
export function helpAt(state: State, top: number, page: number): Cursor {
  const clamped = Math.max(0, Math.min(top, helpCount(state) - page));
  return { selected: clamped, top: clamped };
}
