import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { MqliteError } from '../../../src/broker/errors.ts';
import type { TuiEvent, WindowSnapshot } from '../../../src/tui/events.ts';
import { MessageReader } from '../../../src/tui/sources/message-reader.ts';
import type { StreamReader } from '../../../src/tui/sources/reader.ts';
import { StreamWindow } from '../../../src/tui/sources/stream-window.ts';
import { bodies, brokerWith, messageReader, names, send } from './stream-readers.ts';

describe('a window', { timeout: 30_000 }, () => {
  function openWindow(reader: StreamReader, isFollowing: boolean): { readonly window: StreamWindow; readonly last: () => WindowSnapshot; readonly events: TuiEvent[] } {
    const events: TuiEvent[] = [];
    const window: StreamWindow = new StreamWindow({
      id: 'messages', clock: systemClock, emit: (event) => events.push(event), onChange: () => window.flush(), onFatal: (error) => { throw error as Error; },
    }, reader, isFollowing);
    const last = (): WindowSnapshot => events.flatMap((event) => (event.type === 'rows' ? [event.window] : [])).at(-1)!;
    return { window, last, events };
  }
  const wait = (condition: () => unknown, value: unknown) => expect.poll(condition, { timeout: 10_000 }).toEqual(value);

  it('that cannot begin says why, and never that it is well', async () => {
    const broker = await brokerWith(3);
    broker.queues = async () => {
      throw new MqliteError('UNREACHABLE', 'nobody is there');
    };
    const { window, events } = openWindow(messageReader(broker, ''), true);
    window.open({ at: 'last' }, 10);
    const told = (): (string | null)[] => events.flatMap((event) => (event.type === 'health' ? [event.reason] : []));
    await expect.poll(() => told().length, { timeout: 20_000 }).toBeGreaterThan(2);
    expect(new Set(told())).toEqual(new Set(['nobody is there']));
    window.close();
  });

  it('follows, holds while it is paused and counts, and goes on at the end', async () => {
    const broker = await brokerWith(300);
    const { window, last } = openWindow(messageReader(broker), true);
    window.open({ at: 'last' }, 50);
    await wait(() => last()?.rows.length, 100);
    await send(broker, 300, 10);
    await wait(() => bodies(last().rows).slice(-10), names(300, 310));
    window.follow(false);
    await send(broker, 310, 2500);
    await wait(() => last().arrived, 2510);
    expect(bodies(last().rows).at(-1)).toBe('m309');
    expect(last().atEnd).toBe(false);
    window.newer(100);
    await wait(() => bodies(last().rows).at(-1), 'm409');
    window.follow(true);
    await wait(() => [bodies(last().rows).at(-1), last().atEnd], ['m2809', true]);
    await send(broker, 2810, 1);
    await wait(() => bodies(last().rows).at(-1), 'm2810');
    window.close();
  });

  it('goes to a row among many of one time', async () => {
    const broker = await brokerWith(6000);
    for (const message of broker.store.log) Object.assign(message, { storeTimestamp: 5000 });
    const { window, last, events } = openWindow(messageReader(broker), false);
    window.open({ at: 'first' }, 50);
    await wait(() => last()?.rows.length, 200);
    const row = (index: number): string => {
      const { queueId, queueOffset } = broker.store.log[index]!;
      return `T/broker-a/${queueId}/${queueOffset}`;
    };
    const selected = () => events.flatMap((event) => (event.type === 'rows' && event.select !== undefined ? [event.select] : [])).at(-1);
    window.jump({ at: 'time', timestamp: 5000 }, 50, row(900));
    await wait(selected, { id: row(900) });
    // It is too far: the place it is.
    window.jump({ at: 'time', timestamp: 5000 }, 50, row(5000));
    await wait(selected, { id: row(0) });
    expect(last().rows.length).toBeLessThanOrEqual(2000);
    window.close();
  });

  it('lets frames and keys have their turn between two steps', async () => {
    const { window, last, events } = openWindow(messageReader(await brokerWith(3000)), false);
    window.open({ at: 'first' }, 50);
    await wait(() => last()?.rows.length, 200);
    let steps = 0;
    const stepsAtTurns: number[] = [];
    const turn = (): void => {
      stepsAtTurns.push(steps);
      if (!last().atEnd) setImmediate(turn);
    };
    // One step asks for the next, as a search does.
    events.push = (...come) => {
      if (come.some((event) => event.type === 'rows' && event.done === true && !event.window.atEnd)) {
        steps++;
        window.newer(100);
      }
      return Array.prototype.push.apply(events, come);
    };
    window.newer(100);
    setImmediate(turn);
    await wait(() => last().atEnd, true);
    expect(steps).toBeGreaterThan(20);
    expect(Math.max(...stepsAtTurns.map((count, at) => count - (stepsAtTurns[at - 1] ?? 0)))).toBeLessThanOrEqual(2);
    window.close();
  });

  it('keeps a bounded number of rows, however far one scrolls and whatever comes', async () => {
    const broker = await brokerWith(6000);
    const { window, last } = openWindow(messageReader(broker), true);
    window.open({ at: 'last' }, 50);
    await wait(() => last()?.rows.length, 100);
    window.follow(false);
    window.older(5000);
    await wait(() => bodies(last().rows)[0], 'm900');
    expect(last().rows).toHaveLength(2000);
    expect(last()).toMatchObject({ atStart: false, atEnd: false });
    window.newer(500);
    await wait(() => bodies(last().rows).at(-1), 'm3399');
    expect(bodies(last().rows)).toEqual(names(1400, 3400));
    window.older(1500);
    await wait(() => bodies(last().rows)[0], 'm0');
    window.jump({ at: 'first' }, 50);
    await wait(() => [bodies(last().rows)[0], last().atStart], ['m0', true]);
    window.close();
  }, 30_000);

  it('from the last N on has all of them when it follows, and what comes next behind them', async () => {
    const broker = await brokerWith(3000);
    const { window, last } = openWindow(messageReader(broker), true);
    window.open({ at: 'lastN', count: 500 }, 50);
    await wait(() => last()?.rows.length, 600);
    expect(last().atEnd).toBe(true);
    await send(broker, 3000, 1);
    await wait(() => bodies(last().rows).at(-1), 'm3000');
    expect(bodies(last().rows)).toEqual(names(2400, 3001));
    window.close();
  });

  it('that goes to the last N holds there, whatever comes, and none is skipped on the way down', async () => {
    const broker = await brokerWith(3000);
    const { window, last } = openWindow(messageReader(broker), true);
    window.open({ at: 'last' }, 50);
    await wait(() => last()?.rows.length, 100);
    window.jump({ at: 'lastN', count: 500 }, 50);
    await wait(() => bodies(last().rows)[0], 'm2400');
    await send(broker, 3000, 1);
    await wait(() => last().arrived, 1);
    expect([bodies(last().rows), last().atEnd]).toEqual([names(2400, 2700), false]);
    for (const end of [2900, 3001]) {
      window.newer(200);
      await wait(() => bodies(last().rows).at(-1), `m${end - 1}`);
    }
    expect([bodies(last().rows), last().atEnd]).toEqual([names(2400, 3001), true]);
    window.follow(true);
    await send(broker, 3001, 1);
    await wait(() => bodies(last().rows).at(-1), 'm3001');
    expect(bodies(last().rows)).toEqual(names(2400, 3002));
    window.close();
  });

  it('that is paused shows what a topic holds that was made anew, when it is to follow again', async () => {
    const broker = await brokerWith(300);
    const { window, last } = openWindow(messageReader(broker), true);
    window.open({ at: 'last' }, 50);
    await wait(() => last()?.rows.length, 100);
    window.follow(false);
    await broker.deleteTopic('T');
    await broker.createTopic('T', { readQueueNums: 3, writeQueueNums: 3 });
    await send(broker, 1000, 7);
    await wait(() => last().arrived, 7);
    window.follow(true);
    await wait(() => bodies(last().rows), names(1000, 1007));
    await send(broker, 1007, 1);
    await wait(() => bodies(last().rows), names(1000, 1008));
    window.close();
  });

  it('that follows goes on with a topic that was made anew, and with the others when one is gone', async () => {
    const broker = await brokerWith(30);
    await broker.send({ topic: 'other', body: Buffer.from('o1') });
    const reader = new MessageReader({ broker, clock: systemClock, topics: [], queueId: undefined, filter: null, onDamage: () => undefined });
    const { window, last } = openWindow(reader, true);
    window.open({ at: 'last' }, 50);
    await wait(() => last()?.rows.length, 31);
    await broker.deleteTopic('T');
    await broker.send({ topic: 'other', body: Buffer.from('o2') });
    await wait(() => bodies(last().rows).at(-1), 'o2');
    await broker.createTopic('T', { readQueueNums: 3, writeQueueNums: 3 });
    await send(broker, 100, 4);
    await wait(() => bodies(last().rows).slice(-4).sort(), names(100, 104));
    window.close();
  }, 30_000);

  it('follows a topic that was made right before it went to a place', async () => {
    const broker = await brokerWith(30);
    const reader = new MessageReader({ broker, clock: systemClock, topics: [], queueId: undefined, filter: null, onDamage: () => undefined });
    const { window, last } = openWindow(reader, true);
    window.open({ at: 'last' }, 50);
    await wait(() => last()?.rows.length, 30);
    await send(broker, 30, 1);
    await wait(() => last().arrived, 1);
    await broker.send({ topic: 'later', body: Buffer.from('first') });
    window.jump({ at: 'first' }, 50);
    await wait(() => [last().arrived, last().atEnd], [2, false]);
    window.newer(100);
    await wait(() => bodies(last().rows).at(-1), 'first');
    await broker.send({ topic: 'later', body: Buffer.from('second') });
    await wait(() => [last().arrived, last().atEnd], [3, false]);
    window.newer(100);
    await wait(() => bodies(last().rows).at(-1), 'second');
    window.close();
  });

  it('goes to the end when that was asked for while it went elsewhere', async () => {
    const broker = await brokerWith(500);
    const { window, last } = openWindow(messageReader(broker), true);
    window.open({ at: 'last' }, 50);
    await wait(() => last()?.rows.length, 100);
    window.jump({ at: 'first' }, 50);
    window.follow(true);
    await send(broker, 500, 1);
    await wait(() => bodies(last().rows).at(-1), 'm500');
    window.close();
  });

  it('leaves out what it cannot keep up with: batch after batch of old rows, however small each is', async () => {
    const places: string[] = [];
    let isBehind = false;
    const reader: StreamReader = {
      begin: async ({ at }) => { places.push(at); }, older: async () => [], newer: async () => [], isAtEnd: () => true, takeArrivals: () => undefined,
      dropOldest: () => undefined, dropNewest: () => undefined, close: () => undefined,
      arrivals: async () => {
        await systemClock.sleep(20);
        return isBehind ? { count: 64, rows: () => [], behindMs: 5000 } : { count: 2000, rows: () => [], behindMs: 0 };
      },
    };
    const { window } = openWindow(reader, true);
    window.open({ at: 'last' }, 50);
    await systemClock.sleep(300);
    expect(places).toEqual(['last']);
    isBehind = true;
    await wait(() => places.length > 1, true);
    window.close();
  });

  it('that goes to a place which cannot be read shows what it showed', async () => {
    const good = messageReader(await brokerWith(5));
    let isDown = false;
    const reader: StreamReader = {
      begin: (to) => good.begin(to), older: (count, signal) => good.older(count, signal), isAtEnd: () => good.isAtEnd(), takeArrivals: () => undefined, dropOldest: () => undefined,
      dropNewest: () => undefined, close: () => good.close(),
      newer: (count, signal) => (isDown ? Promise.reject(new MqliteError('UNREACHABLE', 'nobody answers')) : good.newer(count, signal)),
      arrivals: async () => {
        await systemClock.sleep(20);
        return { count: 1, rows: () => [], behindMs: 0 };
      },
    };
    const { window, last, events } = openWindow(reader, false);
    window.open({ at: 'first' }, 50);
    await wait(() => last()?.rows.length, 5);
    isDown = true;
    window.jump({ at: 'first' }, 50);
    await wait(() => events.some((event) => event.type === 'health' && event.reason === 'nobody answers'), true);
    await systemClock.sleep(100);
    expect(last().rows).toHaveLength(5);
    isDown = false;
    const { arrived } = last();
    await wait(() => [last().rows.length, last().arrived > arrived], [5, true]);
    window.close();
  });

  it('says why nothing comes, and goes on when the broker does', async () => {
    const broker = await brokerWith(10);
    const pull = broker.pull.bind(broker);
    const { MqliteError } = await import('../../../src/broker/errors.ts');
    let isDown = true;
    broker.pull = (request) => (isDown ? Promise.reject(new MqliteError('UNREACHABLE', 'nobody answers')) : pull(request));
    const { window, last, events } = openWindow(messageReader(broker), true);
    window.open({ at: 'last' }, 50);
    await wait(() => events.some((event) => event.type === 'health' && event.reason === 'nobody answers'), true);
    isDown = false;
    await wait(() => last()?.rows.length, 10);
    await wait(() => events.at(-1)?.type === 'health' || events.some((event) => event.type === 'health' && event.reason === null), true);
    window.close();
  });
});
