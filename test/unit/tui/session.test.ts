import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { Panel } from '../../../src/tui/panel.ts';
import { Session } from '../../../src/tui/session.ts';
import type { SessionOptions } from '../../../src/tui/session.ts';
import type { MessageRow } from '../../../src/tui/rows.ts';
import { frame } from '../../../src/tui/views/frame.ts';
import { lineText } from '../../../src/tui/line.ts';
import { FakeBroker } from '../../support/fake-broker.ts';

const sessions: Session[] = [];
afterEach(() => {
  for (const session of sessions.splice(0)) session.end();
});

function open(broker: FakeBroker, options: Partial<SessionOptions> = {}): Session {
  const session = new Session({
    broker, clock: systemClock, panels: [], start: 'messages', topics: [], queueId: undefined, filter: null, from: { at: 'last' },
    size: { columns: 80, rows: 24 }, hasColor: false, writeFile: async () => 0, freeName: (file) => file, redrive: async () => ({ text: 'nothing', isGood: true, sent: [] }), redrives: () => new Map(), copy: () => undefined, isBlocked: () => false,
    ...options,
  });
  sessions.push(session);
  session.run();
  return session;
}

describe('an error that nobody expected ends the view through its end', () => {
  /** A table that breaks in one way. */
  const broken = (more: Partial<Panel>): Panel => ({
    id: 'broken', title: 'Broken', intervalMs: 1000, unavailable: () => null, load: async () => 1, header: () => [], rows: () => [], summary: () => [], ...more,
  });
  const thrown = (): never => {
    throw new TypeError('on purpose');
  };

  it.each([
    ['while it is drawn', broken({ summary: thrown })],
    ['when a table has been loaded', broken({ rows: thrown })],
  ])('%s', async (_, panel) => {
    const session = open(new FakeBroker(), { panels: [panel] });
    session.dispatch({ type: 'key', key: '3' });
    await expect(session.ended).rejects.toThrow('on purpose');
  });

  it.each([
    ['a tick', { type: 'clock', nowMs: 1, absent: [] }],
    ['another size', { type: 'resize', columns: 100, rows: 30 }],
  ] as const)('at %s', async (_, event) => {
    let isBroken = false;
    const session = open(new FakeBroker(), { panels: [broken({ rows: () => (isBroken ? thrown() : []) })] });
    session.dispatch({ type: 'key', key: '3' });
    await expect.poll(() => session.state.panels['broken']!.snapshot, { timeout: 10_000 }).toBe(1);
    isBroken = true;
    session.dispatch(event);
    await expect(session.ended).rejects.toThrow('on purpose');
  });
});

it('what was sent again is looked at anew, at once', async () => {
  let loads = 0;
  const row = { id: 'x', line: [], record: { topic: '%DLQ%g', brokerName: 'a', queueId: 0, queueOffset: 0, commitLogOffset: 0 } };
  const panel: Panel = { id: 'letters', title: 'Letters', intervalMs: 3_600_000, unavailable: () => null, load: async () => ++loads, header: () => [], rows: () => [row], summary: () => [] };
  const session = open(new FakeBroker(), { panels: [panel] });
  session.dispatch({ type: 'key', key: '3' });
  await expect.poll(() => session.state.panels['letters']!.snapshot, { timeout: 10_000 }).toBe(1);
  for (const key of ['space', 'D', 'y']) session.dispatch({ type: 'key', key });
  await expect.poll(() => session.state.panels['letters']!.snapshot, { timeout: 10_000 }).toBe(2);
});

describe('the last N', () => {
  const rows = (session: Session): string[] => session.state.streams.messages.rows.map((row) => (row as MessageRow).body);
  const stateLine = (session: Session): string => lineText(frame(session.state)[1]!);

  async function brokerWith(count: number): Promise<FakeBroker> {
    const broker = new FakeBroker();
    await broker.createTopic('orders', { readQueueNums: 2, writeQueueNums: 2 });
    for (let index = 0; index < count; index++) await broker.send({ topic: 'orders', body: Buffer.from(String(index)) });
    return broker;
  }

  it.each([500, 2500])('%i: each message is reached by scrolling, and it follows only where the end is', async (count) => {
    const broker = await brokerWith(3000);
    const session = open(broker, { topics: ['orders'], from: { at: 'lastN', count } });
    await expect.poll(() => rows(session).length, { timeout: 20_000 }).toBeGreaterThan(0);
    await broker.send({ topic: 'orders', body: Buffer.from('3000') });
    await expect.poll(() => session.state.streams.messages.arrived, { timeout: 20_000 }).toBe(1);
    const seen = new Set<string>();
    const look = (): void => {
      const bodies = rows(session);
      if (stateLine(session).startsWith('FOLLOWING')) expect(bodies.at(-1)).toBe('3000');
      // None is left out between two.
      expect(bodies).toEqual(Array.from({ length: bodies.length }, (_, index) => String(Number(bodies[0]) + index)));
      for (const body of bodies) seen.add(body);
    };
    await expect.poll(() => {
      look();
      session.dispatch({ type: 'key', key: 'pagedown' });
      return seen.has('3000');
    }, { timeout: 30_000, interval: 2 }).toBe(true);
    await expect.poll(() => {
      look();
      session.dispatch({ type: 'key', key: 'pageup' });
      return seen.size;
    }, { timeout: 30_000, interval: 2 }).toBe(3001);
  }, 90_000);

  it('a time that nothing is as new as leaves the cursor on the last one, and says so', async () => {
    const session = open(await brokerWith(300), { topics: ['orders'] });
    await expect.poll(() => rows(session).at(-1), { timeout: 20_000 }).toBe('299');
    for (const key of [...':@2099-01-01T00:00:00Z', 'enter']) session.dispatch({ type: 'key', key });
    await expect.poll(() => session.state.notice?.text, { timeout: 20_000 }).toBe('nothing at or after 2099-01-01 00:00:00.000Z; the cursor is on the last one');
    const { rows: shown, selected } = session.state.streams.messages;
    expect([(shown[selected] as MessageRow).body, stateLine(session).slice(0, 6)]).toEqual(['299', 'PAUSED']);
  });

  it('":last" follows from wherever one is', async () => {
    const session = open(await brokerWith(300), { topics: ['orders'] });
    await expect.poll(() => rows(session).at(-1), { timeout: 20_000 }).toBe('299');
    for (const key of ['home', ':', 'l', 'a', 's', 't', 'enter']) session.dispatch({ type: 'key', key });
    await expect.poll(() => [rows(session).at(-1), stateLine(session).slice(0, 9)], { timeout: 20_000 }).toEqual(['299', 'FOLLOWING']);
  });
});
