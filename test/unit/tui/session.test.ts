import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { Panel } from '../../../src/tui/panel.ts';
import { Session } from '../../../src/tui/session.ts';
import type { SessionOptions } from '../../../src/tui/session.ts';
import { FakeBroker } from '../../support/fake-broker.ts';

const sessions: Session[] = [];
afterEach(() => {
  for (const session of sessions.splice(0)) session.end();
});

function open(broker: FakeBroker, options: Partial<SessionOptions> = {}): Session {
  const session = new Session({
    broker, clock: systemClock, panels: [], start: 'messages', topics: [], queueId: undefined, filter: '', from: { at: 'last' },
    size: { columns: 80, rows: 24 }, hasColor: false, writeFile: async () => 0, redrive: async () => 'nothing', copy: () => undefined, isBlocked: () => false,
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
    ['a tick', { type: 'clock', nowMs: 1 }],
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
