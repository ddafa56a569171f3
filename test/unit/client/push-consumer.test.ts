import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { DEFAULT_LIMITS } from '../../../src/client/flow-control.ts';
import type { ConsumeOutcome } from '../../../src/client/listener.ts';
import { consumePushed } from '../../../src/client/push-consumer.ts';
import type { PushOptions, PushResult } from '../../../src/client/push-consumer.ts';
import type { Message } from '../../../src/record/message.ts';
import type { FakeBroker } from '../../support/fake-broker.ts';
import { brokerWith, fill } from './support.ts';

const never = new AbortController().signal;
const place = (message: Message): string => `${message.queueId}@${message.queueOffset}`;

interface Run {
  readonly seen: string[];
  readonly notices: string[];
  readonly result: Promise<PushResult>;
}

/** Starts a consumer whose listener does what `consume` says. */
function start(broker: FakeBroker, consume: (message: Message) => ConsumeOutcome | Promise<ConsumeOutcome>, more: Partial<PushOptions> = {}): Run {
  const seen: string[] = [];
  const notices: string[] = [];
  const result = consumePushed(broker, systemClock, {
    group: 'g', topics: ['T'], untilEnd: true, suspendMs: 1000, commitIntervalMs: 5000, autoCommit: true, signal: never, onDamage: () => undefined,
    onNotice: (text) => void notices.push(text), concurrency: 1, limits: DEFAULT_LIMITS, pullBatchSize: 32, pullBatchBytes: 1 << 18, pullIntervalMs: 0,
    restMs: 30, orderlySuspendMs: 10, consumeTimeoutMs: 900_000,
    listener: {
      consume: async (message) => {
        seen.push(place(message));
        return consume(message);
      },
    },
    ...more,
  });
  return { seen, notices, result };
}

const ok = (): ConsumeOutcome => 'consumed';
const committed = async (broker: FakeBroker): Promise<(number | null)[]> => (await broker.committedOffsets('g', 'T')).map((row) => row.committedOffset);
const sleep = (ms: number): Promise<void> => systemClock.sleep(ms);

describe('a push consumer', () => {
  it('consumes in the order of the log and commits what it consumed', async () => {
    const broker = await brokerWith('T', 2, [0, 1, 1, 0, 1]);
    const { seen, result } = start(broker, ok);
    expect(await result).toMatchObject({ consumed: 5, sentBack: 0, wasStopped: false });
    expect(seen).toEqual(['0@0', '1@0', '1@1', '0@1', '1@2']);
    expect(await committed(broker)).toEqual([2, 3]);
    expect(broker.store.members.size).toBe(0);
  });

  it('commits the lowest offset that is not consumed, whatever was consumed above it', async () => {
    const broker = await brokerWith('T', 1, Array.from({ length: 10 }, () => 0));
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const stop = new AbortController();
    const { seen, result } = start(broker, async (message): Promise<ConsumeOutcome> => {
      if (message.queueOffset === 2) await held;
      return 'consumed';
    }, { concurrency: 3, untilEnd: false, commitIntervalMs: 20, signal: stop.signal });
    await expect.poll(() => seen.length).toBe(10);
    await expect.poll(() => committed(broker)).toEqual([2]);
    await sleep(60);
    expect(await committed(broker)).toEqual([2]);
    release();
    await expect.poll(() => committed(broker)).toEqual([10]);
    stop.abort();
    await result;
  });

  it('never has more under way than it may', async () => {
    const broker = await brokerWith('T', 4, Array.from({ length: 40 }, (_, index) => index % 4));
    let underWay = 0;
    let most = 0;
    const { result } = start(broker, async (): Promise<ConsumeOutcome> => {
      most = Math.max(most, ++underWay);
      await sleep(2);
      underWay--;
      return 'consumed';
    }, { concurrency: 3 });
    expect((await result).consumed).toBe(40);
    expect(most).toBe(3);
  });

  it('a bad message is sent back once, and the queue goes on', async () => {
    const broker = await brokerWith('T', 1, [0, 0, 0]);
    const back: unknown[] = [];
    const { seen, result } = start(broker, (message) => (message.queueOffset === 1 ? 'reconsumeLater' : 'consumed'), {
      sendBack: async (message, request) => {
        back.push([place(message), request]);
        return { isDead: false };
      }, maxReconsumeTimes: 3,
    });
    expect(await result).toMatchObject({ consumed: 2, sentBack: 1, dead: 0 });
    expect(seen).toEqual(['0@0', '0@1', '0@2']);
    expect(back).toEqual([['0@1', { group: 'g', delayLevel: 0, maxReconsumeTimes: 3 }]]);
    expect(await committed(broker)).toEqual([3]);
  });

  it('what cannot be sent back is not committed over', async () => {
    const broker = await brokerWith('T', 1, [0, 0, 0]);
    const stop = new AbortController();
    const { seen, notices, result } = start(broker, (message) => (message.queueOffset === 1 ? 'reconsumeLater' : 'consumed'), {
      untilEnd: false, signal: stop.signal, sendBack: async () => Promise.reject(new Error('disk full')),
    });
    await expect.poll(() => seen.length).toBe(3);
    stop.abort();
    await result;
    expect(await committed(broker)).toEqual([1]);
    expect(notices).toEqual(['T queue 0, offset 1 cannot be sent back, and is tried again here: disk full']);
  });

  it('suspend: the queue rests, the same message comes again, nothing is sent back; others go on', async () => {
    const broker = await brokerWith('T', 2, [0, 0, 1, 1]);
    let gone = true;
    const { seen, result } = start(broker, (message) => {
      if (message.queueId !== 0 || !gone) return 'consumed';
      gone = false;
      return 'suspend';
    }, { sendBack: async () => Promise.reject(new Error('never')) });
    expect(await result).toMatchObject({ consumed: 4, sentBack: 0 });
    expect(seen).toEqual(['0@0', '1@0', '1@1', '0@0', '0@1']);
  });

  it('stop: ends, and that message is not consumed', async () => {
    const broker = await brokerWith('T', 1, [0, 0, 0]);
    const { seen, result } = start(broker, (message) => (message.queueOffset === 1 ? 'stop' : 'consumed'), { untilEnd: false });
    expect(await result).toMatchObject({ consumed: 1, wasStopped: true });
    expect(seen).toEqual(['0@0', '0@1']);
    expect(await committed(broker)).toEqual([1]);
  });

  it('a listener that throws ends it without a commit', async () => {
    const broker = await brokerWith('T', 1, [0, 0]);
    const { result } = start(broker, (message) => {
      if (message.queueOffset === 1) throw new Error('a bug');
      return 'consumed';
    });
    await expect(result).rejects.toThrow('a bug');
    expect(await committed(broker)).toEqual([null]);
    expect(broker.store.members.size).toBe(0);
  });

  it('obeys a reset', async () => {
    const broker = await brokerWith('T', 1, [0, 0]);
    const stop = new AbortController();
    const { seen, result } = start(broker, ok, { untilEnd: false, signal: stop.signal });
    await expect.poll(() => seen).toEqual(['0@0', '0@1']);
    const [queue] = await broker.queues('T');
    await broker.resetOffsets('g', [{ queue: queue!, offset: 1 }]);
    await expect.poll(() => seen, { timeout: 1000 }).toEqual(['0@0', '0@1', '0@1']);
    stop.abort();
    await result;
    expect(await committed(broker)).toEqual([2]);
  });

  it('goes on at the first message when its offset is gone, at the end when it lies beyond, and says so', async () => {
    const broker = await brokerWith('T', 2, [0, 0, 0, 1]);
    await broker.createGroup('g', {});
    const [zero, one] = await broker.queues('T');
    await broker.resetOffsets('g', [{ queue: zero!, offset: 1 }, { queue: one!, offset: 9 }]);
    broker.store.expire('T', 0, 2);
    const { seen, notices, result } = start(broker, ok);
    await result;
    expect(seen).toEqual(['0@2']);
    expect(notices).toEqual(['T queue 0: offset 1 is no longer stored; going on at the first message, 2', 'T queue 1: offset 9 is beyond the end; going on at the end, 1']);
    expect(await committed(broker)).toEqual([3, 1]);
  });

  it('a message that takes too long is sent back, and what is said of it later does not count', async () => {
    const broker = await brokerWith('T', 1, [0]);
    const back: unknown[] = [];
    const { notices, result } = start(broker, async (): Promise<ConsumeOutcome> => {
      await sleep(700);
      return 'reconsumeLater';
    }, {
      consumeTimeoutMs: 100, sendBack: async (_, request) => {
        back.push(request);
        return { isDead: false };
      },
    });
    expect(await result).toMatchObject({ consumed: 0, sentBack: 1 });
    expect(back).toMatchObject([{ delayLevel: 3 }]);
    expect(notices).toHaveLength(1);
  });
});

describe('ordered', () => {
  it('one message of a queue at a time, however many are allowed', async () => {
    const broker = await brokerWith('T', 2, Array.from({ length: 30 }, (_, index) => index % 2));
    const underWay = new Set<number>();
    const { seen, result } = start(broker, async ({ queueId }): Promise<ConsumeOutcome> => {
      expect(underWay.has(queueId)).toBe(false);
      underWay.add(queueId);
      await sleep(Math.random() * 4);
      underWay.delete(queueId);
      return 'consumed';
    }, { orderly: true, concurrency: 8 });
    await result;
    for (const queueId of [0, 1]) expect(seen.filter((name) => name.startsWith(`${queueId}@`))).toEqual(Array.from({ length: 15 }, (_, offset) => `${queueId}@${offset}`));
  });

  it('a bad message is tried again in place, counted, and dead after so many times', async () => {
    const broker = await brokerWith('T', 1, [0, 0]);
    const times: number[] = [];
    const back: unknown[] = [];
    const { seen, result } = start(broker, (message) => {
      if (message.queueOffset !== 0) return 'consumed';
      times.push(message.reconsumeTimes);
      return 'reconsumeLater';
    }, {
      orderly: true, maxReconsumeTimes: 2, sendBack: async (message, request) => {
        back.push([message.reconsumeTimes, request]);
        return { isDead: true };
      },
    });
    expect(await result).toMatchObject({ consumed: 1, sentBack: 0, dead: 1 });
    expect(seen).toEqual(['0@0', '0@0', '0@0', '0@1']);
    expect(times).toEqual([0, 1, 2]);
    expect(back).toEqual([[2, { group: 'g', delayLevel: -1, maxReconsumeTimes: 2 }]]);
    expect(await committed(broker)).toEqual([2]);
  });
});

describe('broadcasting', () => {
  it('every instance gets everything; what fails is dropped and counted', async () => {
    const broker = await brokerWith('T', 2, [0, 1, 0]);
    for (const instance of ['one', 'two']) {
      const { seen, notices, result } = start(broker, (message) => (message.queueOffset === 1 ? 'reconsumeLater' : 'consumed'), { messageModel: 'broadcasting', instance });
      expect(await result).toMatchObject({ consumed: 2, dropped: 1 });
      expect([seen.length, notices.length]).toEqual([3, 1]);
    }
    const { seen, result } = start(broker, ok, { messageModel: 'broadcasting', instance: 'one' });
    await result;
    expect(seen).toEqual([]);
    expect(await committed(broker)).toEqual([null, null]);
  });
});

describe('several members', () => {
  it('share the queues; what one consumed the other does not see again, and nothing is lost', async () => {
    const broker = await brokerWith('T', 4, Array.from({ length: 40 }, (_, index) => index % 4));
    const [stopOne, stopTwo] = [new AbortController(), new AbortController()];
    const slow = async (): Promise<ConsumeOutcome> => {
      await sleep(1);
      return 'consumed';
    };
    const one = start(broker, slow, { untilEnd: false, signal: stopOne.signal });
    await sleep(20);
    const two = start(broker, slow, { untilEnd: false, signal: stopTwo.signal });
    await expect.poll(async () => (await broker.listMembers('g')).map(({ queues }) => queues.length), { timeout: 3000 }).toEqual([2, 2]);
    await fill(broker, 'T', Array.from({ length: 400 }, (_, index) => index % 4));
    await expect.poll(() => one.seen.length + two.seen.length, { timeout: 5000 }).toBeGreaterThanOrEqual(440);
    stopOne.abort();
    await one.result;
    await fill(broker, 'T', [0, 1, 2, 3]);
    await expect.poll(() => new Set([...one.seen, ...two.seen]).size, { timeout: 2000 }).toBe(444);
    stopTwo.abort();
    await two.result;
    expect(one.seen.length + two.seen.length).toBe(444);
    expect(await committed(broker)).toEqual([111, 111, 111, 111]);
  });

  it('a queue is not another\'s before what is under way has ended', async () => {
    const broker = await brokerWith('T', 2, [0, 1]);
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const [stopOne, stopTwo] = [new AbortController(), new AbortController()];
    const one = start(broker, async (): Promise<ConsumeOutcome> => {
      await held;
      return 'consumed';
    }, { untilEnd: false, signal: stopOne.signal, concurrency: 2 });
    await expect.poll(() => one.seen.length).toBe(2);
    const two = start(broker, ok, { untilEnd: false, signal: stopTwo.signal });
    await sleep(600);
    expect([two.seen, (await broker.listMembers('g'))[1]!.queues]).toEqual([[], []]);
    release();
    await expect.poll(async () => (await broker.listMembers('g'))[1]!.queues.length, { timeout: 1000 }).toBe(1);
    stopOne.abort();
    stopTwo.abort();
    await Promise.all([one.result, two.result]);
    expect(two.seen).toEqual([]);
  });
});

describe('flow control', () => {
  it('rests reading at each limit, counts it, and tells what lasts, once', async () => {
    const broker = await brokerWith('T', 1, Array.from({ length: 300 }, () => 0));
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    let pulled = 0;
    const pull = broker.pull.bind(broker);
    broker.pull = async (request) => {
      const result = await pull(request);
      pulled = Math.max(pulled, result.nextOffset);
      return result;
    };
    const { seen, notices, result } = start(broker, async (message): Promise<ConsumeOutcome> => {
      if (message.queueOffset === 0) await held;
      return 'consumed';
    }, { limits: { ...DEFAULT_LIMITS, queueMessages: 50 } });
    await expect.poll(() => notices, { timeout: 4000 }).toEqual(['reading pauses, consuming does not keep pace: 64 messages of T queue 0 wait']);
    expect([pulled, seen.length]).toEqual([64, 1]);
    release();
    expect((await result).consumed).toBe(300);
    expect((await result).pauses.messages).toBeGreaterThan(1);
    expect(notices.slice(1).filter((text) => !text.startsWith('reading goes on'))).toEqual([]);
  });

  it.each([
    ['bytes', { queueBytes: 1000 }, {}], ['span', { span: 10 }, { concurrency: 2 }], ['messages', { topicMessages: 100 }, {}], ['bytes', { topicBytes: 4000 }, {}], ['all', { allMessages: 40 }, {}],
  ] as const)('%s: %j', async (reason, limits, more) => {
    const broker = await brokerWith('T', 2, Array.from({ length: 400 }, (_, index) => index % 2));
    const { result } = start(broker, async (): Promise<ConsumeOutcome> => {
      await sleep(0);
      return 'consumed';
    }, { limits: { ...DEFAULT_LIMITS, ...limits }, pullBatchSize: 8, ...more });
    const { consumed, pauses } = await result;
    expect([consumed, pauses[reason] > 0, Object.values(pauses).filter((count) => count > 0).length]).toEqual([400, true, 1]);
  });
});
