import { describe, expect, it } from 'vitest';
import type { Broker } from '../../../src/broker/broker.ts';
import type { DelayProgress } from '../../../src/broker/types.ts';
import { followDelayed } from '../../../src/client/delayed-window.ts';
import type { DelayedWindow } from '../../../src/client/delayed-window.ts';
import { findDelayed } from '../../../src/client/delayed.ts';
import { readWindow } from '../../../src/client/queue-window.ts';
import { listTransactions, recentTransactions } from '../../../src/client/transactions.ts';
import { FakeBroker } from '../../support/fake-broker.ts';
import { brokerWith, ManualClock } from './support.ts';

const signal = new AbortController().signal;
const queue = (topic: string, queueId = 0): { topic: string; brokerName: string; queueId: number } => ({ topic, brokerName: 'broker-a', queueId });

/** Counts the messages that are read. */
function counting(broker: Broker): { read: number } {
  const count = { read: 0 };
  const pull = broker.pull.bind(broker);
  broker.pull = async (request) => {
    const result = await pull(request);
    count.read += result.messages.length;
    return result;
  };
  return count;
}

describe('readWindow', () => {
  it('reads what it does not hold, and forgets what lies before', async () => {
    const broker = await brokerWith('T', 1, Array.from({ length: 50 }, () => 0));
    const count = counting(broker);
    const window = (from: number, to: number, held?: Awaited<ReturnType<typeof readWindow<number>>>): ReturnType<typeof readWindow<number>> =>
      readWindow(broker, queue('T'), from, to, held, ({ queueOffset }) => queueOffset, signal);
    const first = await window(10, 20);
    expect([first.from, first.to, first.items.map(({ item }) => item)]).toEqual([10, 20, [10, 11, 12, 13, 14, 15, 16, 17, 18, 19]]);
    const second = await window(15, 23, first);
    expect([second.from, second.to, second.items.map(({ item }) => item)]).toEqual([15, 23, [15, 16, 17, 18, 19, 20, 21, 22]]);
    expect(count.read).toBe(13);
    // A queue that was made anew, and one of which more is wanted than before.
    expect((await window(15, 18, second)).items.map(({ item }) => item)).toEqual([15, 16, 17]);
    expect((await window(14, 24, second)).items).toHaveLength(10);
    expect(count.read).toBe(26);
  });

  it('reads no more than 8 MiB at a time', async () => {
    const broker = new FakeBroker();
    await broker.createTopic('T', { readQueueNums: 1, writeQueueNums: 1 });
    for (let n = 0; n < 40; n++) await broker.send({ topic: 'T', queueId: 0, body: Buffer.alloc(1 << 20) });
    const pull = broker.pull.bind(broker);
    broker.pull = (request) => pull({ ...request, maxMessages: 1 });
    const first = await readWindow(broker, queue('T'), 0, 40, undefined, () => 0, signal);
    expect(first.to).toBe(8);
    expect((await readWindow(broker, queue('T'), 0, 40, first, () => 0, signal)).to).toBe(16);
  });
});

describe('followDelayed', () => {
  const follow = (broker: Broker, previous: DelayedWindow<string> | null): Promise<DelayedWindow<string>> => followDelayed(broker, previous, ({ message }) => message.body.toString(), signal);
  const all = async (broker: Broker): Promise<string[]> => (await findDelayed(broker, signal)).delayed.map(({ message }) => message.body.toString());

  it('finds what "delay list" finds, whatever happens between two looks, and reads nothing twice', async () => {
    const clock = new ManualClock();
    const broker = new FakeBroker({ clock });
    const reader = new FakeBroker({ clock, store: broker.store, mode: 'read' });
    await broker.createTopic('T', { readQueueNums: 1, writeQueueNums: 1 });
    const count = counting(reader);
    let window: DelayedWindow<string> | null = null;
    const handles: string[] = [];
    for (let step = 0; step < 40; step++) {
      const sent = await broker.send({ topic: 'T', body: Buffer.from(`timer ${step}`), delayMs: 5000 + ((step * 7919) % 60_000) });
      handles.push(sent.recallHandle!);
      await broker.send({ topic: 'T', body: Buffer.from(`level ${step}`), delayLevel: 1 + (step % 4) });
      if (step % 5 === 4) await broker.recall('T', handles.at(-1)!);
      await clock.advance(1700);
      if (step % 3 === 0) await broker.pull({ queue: queue('T'), offset: 0, maxMessages: 1 });
      window = await follow(reader, window);
      expect(window.items).toEqual(await all(new FakeBroker({ clock, store: broker.store, mode: 'read' })));
      expect([window.more, window.unread]).toEqual([0, 0]);
    }
    expect(window!.items.length).toBeGreaterThan(5);
    const stored = ['SCHEDULE_TOPIC_XXXX', 'rmq_sys_wheel_timer'].flatMap((topic) => broker.store.topics.get(topic)!.queues.flat());
    expect(count.read).toBeLessThanOrEqual(stored.length);
  });

  it('reads 200 messages of a level and 4,096 of a timer topic at a time, and says how many there are behind', async () => {
    const clock = new ManualClock();
    const broker = new FakeBroker({ clock });
    await broker.createTopic('T', { readQueueNums: 1, writeQueueNums: 1 });
    for (let n = 0; n < 300; n++) await broker.send({ topic: 'T', body: Buffer.from('l'), delayLevel: 9 });
    for (let n = 0; n < 5000; n++) await broker.send({ topic: 'T', body: Buffer.from('t'), delayMs: 100_000 });
    const count = counting(broker);
    const first = await follow(broker, null);
    expect([count.read, first.items.length, first.more, first.unread]).toEqual([4296, 4296, 100, 904]);
    const second = await follow(broker, first);
    expect([count.read, second.items.length, second.more, second.unread]).toEqual([5200, 5200, 100, 0]);
  });

  it('knows what was taken back also when a copy of it is stored behind that', async () => {
    const clock = new ManualClock();
    const broker = new FakeBroker({ clock });
    await broker.createTopic('T', { readQueueNums: 1, writeQueueNums: 1 });
    const sent = await broker.send({ topic: 'T', body: Buffer.from('far'), delayMs: 200_000 });
    const [record] = broker.store.topics.get('rmq_sys_wheel_timer')!.queues[0]!;
    await broker.recall('T', sent.recallHandle!);
    broker.delayProgress = async (): Promise<DelayProgress> => ({ levels: [], timer: { nextQueueOffset: 1, lastReadTimeMs: 0, doneInSecond: [] } });
    const window = await follow(broker, null);
    expect(window.items).toEqual([]);
    // The broker had it in hand, and has rolled it on.
    broker.store.append({ topic: 'rmq_sys_wheel_timer', body: Buffer.from('far'), msgId: record!.msgId }, 0, { ...record!.properties, TIMER_ROLL_TIMES: '1' });
    expect(await all(broker)).toEqual([]);
    expect((await follow(broker, window)).items).toEqual([]);
  });

  it('holds so many timer messages that are due first, and reads the others again once half of those are delivered', async () => {
    const clock = new ManualClock();
    const broker = new FakeBroker({ clock });
    await broker.createTopic('T', { readQueueNums: 1, writeQueueNums: 1 });
    // Due the later, the earlier it is stored.
    for (let n = 0; n < 300; n++) await broker.send({ topic: 'T', body: Buffer.from(String(n)), delayMs: 2_000_000 - n * 1000 });
    let window: DelayedWindow<string> | null = null;
    const look = async (): Promise<DelayedWindow<string>> => {
      do window = await followDelayed(broker, window, ({ message }) => message.body.toString(), signal, { levelMessages: 1, timerRecordsEachTime: 70, timerMessages: 200 });
      while (window.unread > 0);
      return window;
    };
    const held = await look();
    expect([held.items.length, held.more, held.items[0], held.items.at(-1)]).toEqual([200, 100, '299', '100']);
    const deliverAfter = (n: number): void => {
      const timer = { nextQueueOffset: 300, lastReadTimeMs: clock.nowMs() + 2_000_000 - n * 1000 - 1000, doneInSecond: [] };
      broker.delayProgress = async (): Promise<DelayProgress> => ({ levels: [], timer });
    };
    deliverAfter(250);
    expect((await look()).items).toHaveLength(151);
    deliverAfter(150);
    expect((await look()).items).toHaveLength(51);
    const again = await look();
    expect([again.items.length, again.more, again.items[0], again.items.at(-1)]).toEqual([151, 0, '150', '0']);
  });
});

describe('recentTransactions', () => {
  async function withHalves(count: number): Promise<{ readonly broker: FakeBroker; readonly clock: ManualClock }> {
    const clock = new ManualClock();
    const broker = new FakeBroker({ clock });
    await broker.createTopic('T', { readQueueNums: 1, writeQueueNums: 1 });
    for (let n = 0; n < count; n++) {
      const sent = await broker.send({ topic: 'T', keys: [`k${n}`], body: Buffer.from('x'), transactional: true, producerGroup: 'g' });
      if (n % 2 === 0) await broker.endTransaction({ topic: 'T', transactionId: sent.transactionId!, offsetMsgId: sent.offsetMsgId, queueOffset: sent.queueOffset, producerGroup: 'g', decision: 'commit' });
      await clock.advance(10);
    }
    return { broker, clock };
  }
  const keys = (transactions: readonly { readonly half: { readonly keys: readonly string[] } }[]): string[] => transactions.map(({ half }) => half.keys.join());

  it('is what "tx list" lists when there is room for all of it', async () => {
    const { broker } = await withHalves(20);
    const found = (await recentTransactions(broker, 4096, null, signal))!;
    expect(keys(found.transactions)).toEqual(keys(await listTransactions(broker, { withEnded: false })));
    expect(found).toMatchObject({ unreadRecords: 0, transactions: { length: 10 } });
    expect(await recentTransactions(broker, 4096, found.mark, signal)).toBeNull();
    await broker.checkTransactions('g', async () => 'rollback', signal, { once: true, timeoutMs: 0 });
    const later = (await recentTransactions(broker, 4096, found.mark, signal))!;
    expect(keys(later.transactions)).toEqual(keys(await listTransactions(broker, { withEnded: false })));
  });

  it('reads the newest records alone, and takes nothing for pending that may be decided in another', async () => {
    const { broker } = await withHalves(20);
    const count = counting(broker);
    const found = (await recentTransactions(broker, 6, null, signal))!;
    expect(count.read).toBe(12);
    expect(keys(found.transactions)).toEqual(['k15', 'k17', 'k19']);
    expect(found.unreadRecords).toBe(14);
    // Decisions that lie further back than the halves: of those before the first one read, nobody can tell.
    const pull = broker.pull.bind(broker);
    broker.pull = async (request) => (request.queue.topic === 'RMQ_SYS_TRANS_OP_HALF_TOPIC' ? { ...await pull(request), messages: (await pull(request)).messages.slice(-1) } : pull(request));
    expect(keys((await recentTransactions(broker, 6, null, signal))!.transactions)).toEqual(['k19']);
  });
});
