import type { Effect, TuiEvent, WindowSnapshot } from '../../../src/tui/events.ts';
import type { Panel, PanelRow, RecordReference } from '../../../src/tui/panel.ts';
import { reduce } from '../../../src/tui/reduce/index.ts';
import type { MessageRow } from '../../../src/tui/rows.ts';
import { startState } from '../../../src/tui/state.ts';
import type { State } from '../../../src/tui/state.ts';

export function row(index: number, topic = 'T'): MessageRow {
  const record = { topic, brokerName: 'b', queueId: 0, queueOffset: index };
  return { kind: 'message', id: `${topic}${index}`, record, commitLogOffset: index * 100, storeTimestamp: 1_000 + index, msgId: `id${index}`, tags: '', keys: '', body: `body ${index}` };
}

export const rows = (from: number, to: number, topic = 'T'): MessageRow[] => Array.from({ length: to - from }, (_, index) => row(from + index, topic));

export const letters: Panel<readonly number[]> = {
  id: 'letters', title: 'Letters', intervalMs: 1000,
  unavailable: () => null,
  load: async () => [],
  header: () => [{ text: 'offset' }],
  rows: (snapshot) => snapshot.map((queueOffset): PanelRow => ({ id: String(queueOffset), line: [{ text: `letter ${queueOffset}` }], record: letter(queueOffset) })),
  summary: (snapshot) => [{ text: `${snapshot.length} letters` }],
};
export const letter = (queueOffset: number): RecordReference => ({ topic: '%DLQ%g', brokerName: 'b', queueId: 0, queueOffset });

/** A view at which events happen one after the other. */
export class View {
  state: State;
  effects: Effect[] = [];

  constructor(more: Partial<Parameters<typeof startState>[0]> = {}) {
    this.state = startState({ columns: 80, rows: 24, nowMs: 0, target: '/store', active: 'messages', topics: [], filter: null, isFollowing: true, panels: [{ panel: letters as Panel, unavailable: null }], ...more });
  }

  send(...events: readonly TuiEvent[]): this {
    for (const event of events) {
      const step = reduce(this.state, event);
      this.state = step.state;
      this.effects.push(...step.effects);
    }
    return this;
  }

  keys(...keys: readonly string[]): this {
    return this.send(...keys.map((key): TuiEvent => ({ type: 'key', key })));
  }

  type(text: string): this {
    return this.keys(...[...text].map((character) => (character === ' ' ? 'space' : character)));
  }

  window(window: Partial<WindowSnapshot> & { readonly rows: readonly MessageRow[] }, more: Partial<Extract<TuiEvent, { type: 'rows' }>> = {}): this {
    return this.send({ type: 'rows', stream: 'messages', window: { atStart: true, atEnd: true, arrived: 0, perSecond: null, ...window }, ...more });
  }

  get stream(): State['streams']['messages'] {
    return this.state.streams.messages;
  }

  get selected(): string | undefined {
    return this.stream.rows[this.stream.selected]?.id;
  }

  /** What was asked for since this was last looked at. */
  taken(): Effect[] {
    return this.effects.splice(0);
  }
}
