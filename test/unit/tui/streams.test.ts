import { describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { parseViewFilter } from '../../../src/tui/filter.ts';
import { referenceOf } from '../../../src/tui/rows.ts';
import { readRecord } from '../../../src/tui/sources/lookup.ts';
import { LogReader } from '../../../src/tui/sources/log-reader.ts';
import { MessageReader } from '../../../src/tui/sources/message-reader.ts';
import type { StreamReader } from '../../../src/tui/sources/reader.ts';
import type { FakeBroker } from '../../support/fake-broker.ts';
import { bodies, brokerWith, messageReader, names, never, send } from './stream-readers.ts';

describe('a reader of messages', { timeout: 30_000 }, () => {
  it('reads backwards from the end in the order of the log, to the start', async () => {
    const reader = messageReader(await brokerWith(1000));
    await reader.begin({ at: 'last' });
    expect(bodies(await reader.older(300, never))).toEqual(names(700, 1000));
    expect(bodies(await reader.older(600, never))).toEqual(names(100, 700));
    expect(bodies(await reader.older(600, never))).toEqual(names(0, 100));
    expect(reader.isAtEnd()).toBe(true);
  });

  it('goes on from where rows were given up, at both edges', async () => {
    const broker = await brokerWith(400);
    const reader = messageReader(broker);
    await reader.begin({ at: 'last' });
    const rows = await reader.older(200, never);
    reader.dropOldest(rows.slice(0, 50));
    expect(bodies(await reader.older(60, never))).toEqual(names(190, 250));
    reader.dropNewest(rows.slice(-30));
    expect(reader.isAtEnd()).toBe(false);
    expect(bodies(await reader.newer(20, never))).toEqual(names(370, 390));
    expect(bodies(await reader.newer(20, never))).toEqual(names(390, 400));
    expect(reader.isAtEnd()).toBe(true);
  });

  it('finds the rare ones, both ways, and follows them', async () => {
    const broker = await brokerWith(3000);
    const reader = messageReader(broker, 'ten /[05]0$/');
    await reader.begin({ at: 'last' });
    expect(bodies(await reader.older(3, never))).toEqual(['m2850', 'm2900', 'm2950']);
    await reader.begin({ at: 'first' });
    expect(bodies(await reader.newer(3, never))).toEqual(['m50', 'm100', 'm150']);
    await send(broker, 3000, 60);
    let found: string[] = [];
    while (found.length < 1) found = [...found, ...bodies((await reader.arrivals(20)).rows())];
    expect(found).toEqual(['m3000']);
    reader.close();
  });

  it('sees queues of topics that are made later', async () => {
    const broker = await brokerWith(1);
    const reader = new MessageReader({ broker, clock: systemClock, topics: [], queueId: undefined, filter: null, onDamage: () => undefined });
    await reader.begin({ at: 'last' });
    await broker.send({ topic: 'later', body: Buffer.from('new') });
    const found: string[] = [];
    await expect.poll(async () => {
      found.push(...bodies((await reader.arrivals(50)).rows()));
      return found;
    }, { timeout: 10_000 }).toEqual(['new']);
    reader.close();
  });
});

describe('a broker that fails in the middle of scrolling back', () => {
  it.each(['messages', 'log'])('costs no row of the %s', async (kind) => {
    const broker = await brokerWith(1000);
    const { MqliteError } = await import('../../../src/broker/errors.ts');
    const pull = broker.pull.bind(broker);
    let left = Infinity;
    broker.pull = (request) => (left-- > 0 ? pull(request) : Promise.reject(new MqliteError('UNREACHABLE', 'nobody answers')));
    const options = { broker, clock: systemClock, topics: [], filter: null };
    const reader: StreamReader = kind === 'log' ? new LogReader(options) : messageReader(broker);
    await reader.begin({ at: 'last' }, never);
    const offsets: number[] = [];
    for (let failures = 0; offsets.length < 1000;) {
      // Each time it fails a little later, until it no longer does.
      left = failures;
      const rows = await reader.older(600, never).catch(() => null);
      if (rows === null) failures++;
      else offsets.unshift(...rows.map(({ commitLogOffset }) => commitLogOffset));
    }
    expect(offsets).toEqual(broker.store.log.map(({ commitLogOffset }) => commitLogOffset));
    reader.close();
  });
});

describe('a row', () => {
  it('opens the record that it shows, also when its topic was made anew, or is gone', async () => {
    const broker = await brokerWith(10);
    const old = broker.store.log[4]!;
    await broker.deleteTopic('T');
    expect((await readRecord(broker, referenceOf(old))).body.toString()).toBe('m4');
    await broker.createTopic('T', { readQueueNums: 3, writeQueueNums: 3 });
    await send(broker, 10, 10);
    expect((await readRecord(broker, referenceOf(old))).body.toString()).toBe('m4');
    const { commitLogOffset, ...place } = referenceOf(old);
    expect((await readRecord(broker, place)).commitLogOffset).not.toBe(commitLogOffset);
    await expect(readRecord(broker, { ...place, commitLogOffset: old.commitLogOffset + 1 })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('a reader of the log', () => {
  const logReader = (broker: FakeBroker, filter = ''): LogReader => new LogReader({ broker, clock: systemClock, topics: [], filter: parseViewFilter(filter) });
  const offsets = (reader: { readonly commitLogOffset: number }[]): number[] => reader.map(({ commitLogOffset }) => commitLogOffset);

  it('reads both ways without a gap', async () => {
    const broker = await brokerWith(500);
    const all = offsets(broker.store.log);
    const reader = logReader(broker);
    await reader.begin({ at: 'last' }, never);
    const rows = await reader.older(100, never);
    expect(offsets(rows)).toEqual(all.slice(400));
    reader.dropOldest(rows.slice(0, 20));
    expect(offsets(await reader.older(50, never))).toEqual(all.slice(370, 420));
    reader.dropNewest(rows.slice(-5));
    expect(offsets(await reader.newer(100, never))).toEqual(all.slice(495));
    expect(reader.isAtEnd()).toBe(true);
    expect(await reader.older(1000, never)).toHaveLength(370);
  });

  it('begins at the record that covers an offset, at a time, at the first and before the last ones', async () => {
    const broker = await brokerWith(50);
    const { log } = broker.store;
    const reader = logReader(broker);
    for (const [to, index] of [
      [{ at: 'offset', offset: log[20]!.commitLogOffset + 3 }, 20], [{ at: 'offset', offset: log[20]!.commitLogOffset }, 20], [{ at: 'first' }, 0], [{ at: 'lastN', count: 7 }, 43],
      [{ at: 'time', timestamp: log[0]!.storeTimestamp }, 0],
    ] as const) {
      await reader.begin(to, never);
      expect(offsets(await reader.newer(1, never)), to.at).toEqual([log[index]!.commitLogOffset]);
    }
  });

  it('waits on one read however often it is asked, and a follower that was left ends at once', async () => {
    const broker = await brokerWith(5);
    const signals: AbortSignal[] = [];
    let reads = 0;
    const reactions: { readonly mock: { readonly calls: readonly unknown[] } }[] = [];
    const readLog = broker.readLog.bind(broker);
    broker.readLog = (query, signal) => {
      if (!query.follow) return readLog(query, signal);
      signals.push(signal!);
      return {
        [Symbol.asyncIterator]: () => ({
          next: () => {
            reads++;
            const never = new Promise<IteratorResult<never>>(() => undefined);
            reactions.push(vi.spyOn(never, 'then'));
            return never;
          },
        }),
      };
    };
    const reader = logReader(broker);
    await reader.begin({ at: 'last' }, never);
    for (let asked = 0; asked < 20; asked++) expect((await reader.arrivals(1)).count).toBe(0);
    expect(reads).toBe(1);
    expect(reactions[0]!.mock.calls.length).toBeLessThan(2);
    await reader.begin({ at: 'last' }, never);
    expect(signals[0]!.aborted).toBe(true);
    await reader.arrivals(1);
    expect(signals[1]!.aborted).toBe(false);
    reader.close();
    expect(signals[1]!.aborted).toBe(true);
  });

  it('follows', async () => {
    const broker = await brokerWith(5);
    const reader = logReader(broker);
    await reader.begin({ at: 'last' }, never);
    expect((await reader.arrivals(5)).count).toBe(0);
    await send(broker, 5, 2);
    let count = 0;
    while (count < 2) count += (await reader.arrivals(20)).count;
    reader.takeArrivals();
    expect(reader.isAtEnd()).toBe(true);
    reader.close();
  });
});
