import { describe, expect, it } from 'vitest';
import type { Broker } from '../../../src/broker/broker.ts';
import { columnsOf } from '../../../src/text/columns.ts';
import type { TuiEvent } from '../../../src/tui/events.ts';
import { lineText } from '../../../src/tui/line.ts';
import type { Panel } from '../../../src/tui/panel.ts';
import { groupsPanel } from '../../../src/tui/panels/groups.ts';
import { PANELS } from '../../../src/tui/panels/index.ts';
import { foremost } from '../../../src/tui/panels/lines.ts';
import { queuesPanel } from '../../../src/tui/panels/queues.ts';
import { reduce } from '../../../src/tui/reduce/index.ts';
import { BESIDE_FROM_COLUMNS, shownPanels, startState } from '../../../src/tui/state.ts';
import type { State } from '../../../src/tui/state.ts';
import { frame } from '../../../src/tui/views/frame.ts';
import { FakeBroker } from '../../support/fake-broker.ts';
import { ManualClock } from '../client/support.ts';
import { loadOf, textOf } from './panels/support.ts';

const WIDE = { columns: 160, rows: 30 };

function start(more: Partial<Parameters<typeof startState>[0]> = {}): State {
  return startState({ ...WIDE, nowMs: 0, target: '/store', active: 'commitlog', topics: [], filter: null, isFollowing: true, panels: (PANELS as readonly Panel[]).map((panel) => ({ panel, unavailable: null })), ...more });
}

const key = (name: string): TuiEvent => ({ type: 'key', key: name });
const screenOf = (state: State): string[] => frame(state).map(lineText);

/** Groups of one topic each, the n-th so many messages behind. */
async function withGroups(lags: readonly number[]): Promise<{ readonly broker: Broker; readonly clock: ManualClock }> {
  const clock = new ManualClock();
  const broker = new FakeBroker({ clock });
  for (const [index, lag] of lags.entries()) {
    const topic = `topic-${index}`;
    await broker.createTopic(topic, { readQueueNums: 1, writeQueueNums: 1 });
    for (let message = 0; message < lag; message++) await broker.send({ topic, queueId: 0, body: Buffer.from('x') });
    await broker.createGroup(`group-${index}`, {});
    await broker.resetOffsets(`group-${index}`, [{ queue: { topic, brokerName: 'broker-a', queueId: 0 }, offset: 0 }]);
  }
  return { broker, clock };
}

describe('panels beside the rows', () => {
  it('stand beside the commit log where there is room, and beside messages when asked for', () => {
    expect(shownPanels(start())).toEqual(['queues', 'groups']);
    expect(shownPanels(start({ columns: BESIDE_FROM_COLUMNS - 1 }))).toEqual([]);
    expect(shownPanels(start({ active: 'messages' }))).toEqual([]);
    const { state, effects } = reduce(start({ active: 'messages' }), key('s'));
    expect(shownPanels(state)).toEqual(['queues', 'groups']);
    expect(effects).toEqual([{ type: 'show', view: 'messages' }]);
    expect(shownPanels(reduce(state, key('s')).state)).toEqual([]);
    expect(shownPanels(reduce(start(), key('4')).state)).toEqual(['groups']);
  });

  it('are refused in words where the terminal is too narrow', () => {
    const before = start({ columns: 100 });
    const { state, effects } = reduce(before, key('s'));
    expect(state.notice?.text).toContain(String(BESIDE_FROM_COLUMNS));
    expect(state.beside).toEqual(before.beside);
    expect(effects).toEqual([]);
  });

  it('have their key at the bottom where there is room for them', () => {
    expect(screenOf(start()).at(-1)).toContain('s panels');
    expect(screenOf(start({ columns: BESIDE_FROM_COLUMNS })).at(-1)).toContain('s panels');
    expect(screenOf(start({ columns: BESIDE_FROM_COLUMNS - 1 })).at(-1)).not.toContain('s panels');
  });

  it('are loaded when a terminal grows, and no longer when it shrinks', () => {
    const grown = reduce(start({ columns: 100 }), { type: 'resize', columns: 200, rows: 30 });
    expect(grown.effects).toContainEqual({ type: 'show', view: 'commitlog' });
    expect(reduce(grown.state, { type: 'resize', columns: 90, rows: 30 }).effects).toContainEqual({ type: 'show', view: 'commitlog' });
    expect(reduce(grown.state, { type: 'resize', columns: 210, rows: 30 }).effects).not.toContainEqual({ type: 'show', view: 'commitlog' });
  });

  it('share the height: what one does not need the other has', async () => {
    const { broker, clock } = await withGroups(Array.from({ length: 30 }, (_, index) => index));
    const queues = await loadOf(queuesPanel, broker, clock);
    const groups = await loadOf(groupsPanel, broker, clock);
    const few = { ...queues, rows: queues.rows.slice(0, 2) };
    const loaded = (state: State, panel: string, snapshot: unknown): State => reduce(state, { type: 'panel', panel, snapshot, atMs: 0 }).state;
    const shown = (snapshot: unknown): string[] => screenOf(loaded(loaded(start(), 'queues', snapshot), 'groups', groups));
    for (const [snapshot, queueLines] of [[queues, 11], [few, 2]] as const) {
      const lines = shown(snapshot);
      expect(lines).toHaveLength(30);
      for (const line of lines) expect(columnsOf(line)).toBeLessThanOrEqual(160);
      const right = lines.slice(1, -1).map((line) => line.split(' │ ')[1]!);
      expect(right).toHaveLength(28);
      const blank = right.indexOf('');
      expect(blank).toBe(2 + queueLines);
      expect(right.at(-1)).toMatch(/and \d+ more groups/);
      // The line between the two stands in one column.
      expect(new Set(lines.slice(1, -1).map((line) => columnsOf(line.slice(0, line.indexOf('│')))))).toHaveLength(1);
    }
  });

  it('tell queues of several brokers apart, however little room there is', async () => {
    const { broker, clock } = await withGroups([3]);
    const queues = await loadOf(queuesPanel, broker, clock);
    const rows = ['broker-a', 'broker-b'].map((brokerName) => ({ ...queues.rows[0]!, queue: { topic: 'topic-0', brokerName, queueId: 0 }, isOfSeveralBrokers: true }));
    const { state } = reduce(start({ columns: BESIDE_FROM_COLUMNS }), { type: 'panel', panel: 'queues', snapshot: { ...queues, rows }, atMs: 0 });
    const cells = screenOf(state).map((line) => /topic-0 +(0@\S+)/.exec(line)?.[1]).filter((cell) => cell !== undefined);
    expect(cells).toEqual(['0@…-a', '0@…-b']);
  });

  it('say of which topics they are, where the view is of some', () => {
    const { state } = reduce(start({ active: 'messages', topics: ['orders', 'mails'] }), key('4'));
    expect(screenOf(state)[1]).toContain('of orders mails');
  });

  it('leave what is wrong with the stream in sight, however narrow it is', () => {
    const reason = 'name server 127.0.0.1:9876 answers, but no broker is registered there';
    for (const columns of [40, 60, 80, 139, 140, 160, 250]) {
      for (const active of ['messages', 'commitlog'] as const) {
        const topics = active === 'messages' ? ['a-topic-with-a-long-name', 'and-another-one-that-is-longer'] : [];
        const down = reduce(start({ columns, active, topics }), { type: 'health', view: active, atMs: 0, reason }).state;
        const line = screenOf(down)[1]!;
        expect(line, String(columns)).toContain('name server 127.0.0.1:9876');
        expect(columnsOf(line)).toBeLessThanOrEqual(columns);
      }
    }
  });

  it('say why they have nothing, or how old it is', () => {
    const down = reduce(start(), { type: 'health', view: 'groups', atMs: 0, reason: 'no broker answers' }).state;
    expect(screenOf(down).join('\n')).toContain('no broker answers');
    const cannot = start({ panels: (PANELS as readonly Panel[]).map((panel) => ({ panel, unavailable: panel.id === 'queues' ? 'this target has no queues' : null })) });
    expect(screenOf(cannot).join('\n')).toContain('this target has no queues');
  });
});

describe('a few rows of many', () => {
  it('are those that weigh most, in the order that they had', () => {
    const line = (text: string) => [{ text }];
    const pick = (maxRows: number): string[] => foremost([3, 9, 1, 7, 5], maxRows, (n) => n, (n) => line(String(n)), (hidden) => line(`+${hidden}`)).map(textOf);
    expect(pick(5)).toEqual(['3', '9', '1', '7', '5']);
    expect(pick(4)).toEqual(['9', '7', '5', '+2']);
    expect(pick(1)).toEqual(['+5']);
    expect(pick(0)).toEqual([]);
  });

  it('groups: with their topics where these fit, else those that are furthest behind', async () => {
    const { broker, clock } = await withGroups([2, 40, 0, 7]);
    const snapshot = await loadOf(groupsPanel, broker, clock);
    const brief = (maxRows: number): string[] => groupsPanel.brief!(snapshot, { widthColumns: 60, nowMs: clock.nowMs(), maxRows }).map((line) => textOf(line).trim().split(/\s+/).slice(0, 2).join(' '));
    expect(brief(8)).toEqual(['group-0 2', 'topic-0 2', 'group-1 40', 'topic-1 40', 'group-2 0', 'topic-2 0', 'group-3 7', 'topic-3 7']);
    expect(brief(4)).toEqual(['group-0 2', 'group-1 40', 'group-2 0', 'group-3 7']);
    expect(brief(3)).toEqual(['group-1 40', 'group-3 7', 'and 2']);
  });

  it('queues: those that were written to last', async () => {
    const clock = new ManualClock();
    const broker = new FakeBroker({ clock });
    await broker.createTopic('T', { readQueueNums: 4, writeQueueNums: 4 });
    for (const queueId of [2, 0, 3]) {
      await clock.advance(1000);
      await broker.send({ topic: 'T', queueId, body: Buffer.from('x') });
    }
    const snapshot = await loadOf(queuesPanel, broker, clock);
    const brief = queuesPanel.brief!(snapshot, { widthColumns: 60, nowMs: clock.nowMs(), maxRows: 3 }).map((line) => textOf(line).trim().split(/\s+/).slice(0, 2).join(' '));
    expect(brief).toEqual(['T 0', 'T 3', 'and 2']);
  });
});
