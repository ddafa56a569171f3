import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { browse } from '../../../src/client/browse.ts';
import type { BrowseRequest } from '../../../src/client/browse.ts';
import { resolvePosition } from '../../../src/client/positions.ts';
import type { Position } from '../../../src/client/positions.ts';
import type { Message } from '../../../src/record/message.ts';
import { MqliteError } from '../../../src/broker/errors.ts';
import type { DamageReport, MessageQueue, PullRequest } from '../../../src/broker/types.ts';
import { FakeBroker } from '../../support/fake-broker.ts';
import { ManualClock, brokerWith, fill, places, settle } from './support.ts';

const never = new AbortController().signal;
const request = (more: Partial<BrowseRequest> = {}): BrowseRequest => ({ topics: ['T'], from: { at: 'first' }, untilEnd: true, suspendMs: 1000, signal: never, onDamage: () => undefined, ...more });

async function read(broker: FakeBroker, more: Partial<BrowseRequest> = {}): Promise<Message[]> {
  const messages: Message[] = [];
  for await (const batch of browse(broker, systemClock, request(more))) messages.push(...batch);
  return messages;
}

describe('many queues', () => {
  it('wait together without a word from the runtime', async () => {
    const warnings: string[] = [];
    const listen = (warning: Error): void => void warnings.push(warning.message);
    process.on('warning', listen);
    const broker = await brokerWith('Wide', 40, []);
    const stop = new AbortController();
    const browsing = (async () => {
      for await (const _ of browse(broker, systemClock, { topics: ['Wide'], from: { at: 'first' }, untilEnd: false, idleTimeoutMs: 50, suspendMs: 20, signal: stop.signal, onDamage: () => undefined })) stop.abort();
    })();
    await browsing;
    await settle();
    process.off('warning', listen);
    expect(warnings).toEqual([]);
  });
});

describe('a follower of several brokers', () => {
  /** Two brokers, a queue each; the second can be switched off: at first it only does not answer, then its queue is not listed any more. */
  class TwoBrokers extends FakeBroker {
    state: 'there' | 'silent' | 'forgotten' = 'there';
    readonly #queue = { topic: 'T', brokerName: 'broker-b', queueId: 0 };
    readonly stored: string[] = [];

    override async queues(topic: string): Promise<MessageQueue[]> {
      return [...await super.queues(topic), ...(this.state === 'forgotten' ? [] : [this.#queue])];
    }

    override async minOffset(queue: MessageQueue): Promise<number> {
      return queue.brokerName === 'broker-b' ? this.#answer(0) : super.minOffset(queue);
    }

    override async maxOffset(queue: MessageQueue): Promise<number> {
      return queue.brokerName === 'broker-b' ? this.#answer(this.stored.length) : super.maxOffset(queue);
    }

    override async pull(wanted: PullRequest): ReturnType<FakeBroker['pull']> {
      if (wanted.queue.brokerName !== 'broker-b') return super.pull({ ...wanted, suspendMs: 5 });
      const maxOffset = this.#answer(this.stored.length);
      const messages = this.stored.slice(wanted.offset).map((body, index) => ({ ...wanted.queue, queueOffset: wanted.offset + index, storeTimestamp: 0, body: Buffer.from(body) }) as unknown as Message);
      if (messages.length === 0) await systemClock.sleep(5);
      return { status: messages.length > 0 ? 'FOUND' : 'NO_NEW_MESSAGE', messages, nextOffset: maxOffset, minOffset: 0, maxOffset, damaged: [] };
    }

    #answer<T>(value: T): T {
      if (this.state !== 'there') throw new MqliteError('UNREACHABLE', 'broker broker-b is gone');
      return value;
    }
  }

  it('goes on with the others when one is gone, says so once, and goes on where it was when that one is back', { timeout: 30_000 }, async () => {
    const broker = new TwoBrokers({ kind: 'remote' });
    await broker.createTopic('T', { readQueueNums: 1, writeQueueNums: 1 });
    const send = (body: string): Promise<unknown> => broker.send({ topic: 'T', body: Buffer.from(body), queueId: 0 });
    const stop = new AbortController();
    const told: string[] = [];
    const bodies: string[] = [];
    const following = (async () => {
      for await (const batch of browse(broker, systemClock, request({ untilEnd: false, suspendMs: 20, signal: stop.signal, onGone: ({ message }) => void told.push(message) }))) bodies.push(...batch.map(({ body }) => body.toString()));
    })();
    const until = (wanted: readonly string[]): Promise<void> => expect.poll(() => bodies, { timeout: 8000, interval: 10 }).toEqual(wanted);
    broker.stored.push('b0', 'b1');
    await send('a0');
    await expect.poll(() => [...bodies].sort(), { timeout: 8000, interval: 10 }).toEqual(['a0', 'b0', 'b1']);
    bodies.length = 0;
    broker.state = 'silent';
    await expect.poll(() => told.length, { timeout: 8000 }).toBe(1);
    broker.state = 'forgotten';
    await send('a1');
    await until(['a1']);
    broker.stored.push('b2');
    broker.state = 'there';
    await until(['a1', 'b2']);
    expect(told).toEqual(['broker broker-b is gone']);
    stop.abort();
    await following;
  });

  it('ends with what it waits for no longer than --timeout, and at once where nobody asked to be told', async () => {
    const broker = new TwoBrokers({ kind: 'remote' });
    await broker.createTopic('T', { readQueueNums: 1, writeQueueNums: 1 });
    const follow = async (more: Partial<BrowseRequest>): Promise<void> => {
      broker.state = 'there';
      for await (const _ of browse(broker, systemClock, request({ untilEnd: false, suspendMs: 20, batchLimit: () => { broker.state = 'silent'; return 10; }, ...more }))) expect.unreachable();
    };
    await expect(follow({})).rejects.toMatchObject({ code: 'UNREACHABLE' });
    await expect(follow({ idleTimeoutMs: 300, onGone: () => undefined })).rejects.toMatchObject({ code: 'UNREACHABLE' });
  });
});

describe('browse', () => {
  it('merges queues in the order of the log, each queue in its own order', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 60 }), fc.integer({ min: 1, max: 7 }), async (queueIds, pullSize) => {
      const broker = await brokerWith('T', 5, queueIds);
      const pull = broker.pull.bind(broker);
      broker.pull = (wanted) => pull({ ...wanted, maxMessages: Math.min(pullSize, wanted.maxMessages) });
      expect((await read(broker)).map((message) => message.commitLogOffset)).toEqual(broker.store.log.map((message) => message.commitLogOffset));
    }), { numRuns: 60 });
  });

  it('orders by store time where the log is not one', async () => {
    const clock = new ManualClock();
    const broker = new FakeBroker({ clock, kind: 'remote' });
    await broker.createTopic('T', { readQueueNums: 2, writeQueueNums: 2 });
    for (const queueId of [1, 0, 1]) {
      await broker.send({ topic: 'T', body: Buffer.from('x'), queueId });
      await clock.advance(10);
    }
    expect(places(await read(broker))).toEqual(['1@0', '0@0', '1@1']);
  });

  it.each<[string, Position, string[]]>([
    ['first', { at: 'first' }, ['0@0', '1@0', '0@1', '2@0', '0@2']],
    ['last', { at: 'last' }, []],
    ['an offset', { at: 'offset', offset: 1 }, ['0@1', '0@2']],
    ['an offset past the end', { at: 'offset', offset: 99 }, []],
    ['the last two in all', { at: 'lastN', count: 2 }, ['2@0', '0@2']],
    ['more than there are', { at: 'lastN', count: 99 }, ['0@0', '1@0', '0@1', '2@0', '0@2']],
  ])('starts at %s', async (_, from, expected) => {
    const broker = await brokerWith('T', 3, [0, 1, 0, 2, 0]);
    expect(places(await read(broker, { from }))).toEqual(expected);
  });

  it('starts and stops at a time, the end excluded', async () => {
    const clock = new ManualClock();
    const broker = await brokerWith('T', 2, [0, 1], clock);
    const [first] = broker.store.log;
    await clock.advance(100);
    await fill(broker, 'T', [0, 1]);
    const middle = first!.storeTimestamp + 50;
    expect(places(await read(broker, { from: { at: 'time', timestamp: middle } }))).toEqual(['0@1', '1@1']);
    expect(places(await read(broker, { to: { at: 'time', timestamp: middle } }))).toEqual(['0@0', '1@0']);
    expect(await read(broker, { from: { at: 'time', timestamp: middle + 1000 } })).toEqual([]);
  });

  it('a time after the newest message is the end, also where the adapter clamps to it', async () => {
    const broker = await brokerWith('T', 1, [0, 0]);
    broker.offsetByTime = async () => 1;
    const [queue] = await broker.queues('T');
    const timestamp = broker.store.log[1]!.storeTimestamp;
    expect(await resolvePosition(broker, [queue!], { at: 'time', timestamp: timestamp + 1 })).toEqual([2]);
    expect(await resolvePosition(broker, [queue!], { at: 'time', timestamp })).toEqual([1]);
  });

  it('stops at --to, and --until-end at the end as it was', async () => {
    const broker = await brokerWith('T', 1, [0, 0, 0, 0]);
    expect(places(await read(broker, { to: { at: 'offset', offset: 2 }, untilEnd: false }))).toEqual(['0@0', '0@1']);
    expect(places(await read(broker, { to: { at: 'lastN', count: 1 } }))).toEqual(['0@0', '0@1', '0@2']);
    const seen: string[] = [];
    for await (const batch of browse(broker, systemClock, request({ batchLimit: () => 1 }))) {
      seen.push(...places(batch));
      await fill(broker, 'T', [0]);
    }
    expect(seen).toEqual(['0@0', '0@1', '0@2', '0@3']);
  });

  it('filters by tag, one queue, several topics; every plain topic without any', async () => {
    const broker = await brokerWith('T', 3, [0, 1, 2]);
    await broker.createTopic('U', { readQueueNums: 1, writeQueueNums: 1 });
    await broker.createTopic('rmq_sys_x', { readQueueNums: 1, writeQueueNums: 1 });
    await broker.send({ topic: 'U', body: Buffer.from('u') });
    await broker.send({ topic: 'rmq_sys_x', body: Buffer.from('r') });
    expect(places(await read(broker, { filter: { tags: 'even' } }))).toEqual(['0@0', '2@0']);
    expect(places(await read(broker, { queueId: 1 }))).toEqual(['1@0']);
    await expect(read(broker, { queueId: 7 })).rejects.toMatchObject({ code: 'NOT_FOUND', hint: 'The queues are 0 to 2.' });
    await expect(read(broker, { topics: ['none'] })).rejects.toMatchObject({ code: 'TOPIC_NOT_FOUND' });
    expect((await read(broker, { topics: ['U', 'T', 'U'] })).map((message) => message.topic)).toEqual(['T', 'T', 'T', 'U']);
    expect((await read(broker, { topics: [] })).map((message) => message.topic)).toEqual(['T', 'T', 'T', 'U']);
  });

  it('follows: new messages, new queues, and ends on the signal', async () => {
    const broker = await brokerWith('T', 1, [0]);
    const stop = new AbortController();
    const seen: string[] = [];
    const following = (async () => {
      for await (const batch of browse(broker, systemClock, request({ untilEnd: false, suspendMs: 20_000, signal: stop.signal }))) seen.push(...places(batch));
    })();
    await settle();
    await fill(broker, 'T', [0]);
    await settle();
    expect(seen).toEqual(['0@0', '0@1']);
    await broker.alterTopic('T', { readQueueNums: 2, writeQueueNums: 2 });
    await fill(broker, 'T', [1]);
    await expect.poll(() => seen, { timeout: 4000 }).toEqual(['0@0', '0@1', '1@0']);
    stop.abort();
    await following;
  });

  it('keeps the order when an empty queue and then another are filled between two looks', async () => {
    const broker = await brokerWith('T', 2, []);
    const pull = broker.pull.bind(broker);
    let looks = 0;
    broker.pull = async (wanted) => {
      const result = await pull({ ...wanted, suspendMs: 0 });
      if (wanted.queue.queueId === 0 && looks++ === 0) await fill(broker, 'T', [0, 1]);
      return result;
    };
    let left = 2;
    const seen: string[] = [];
    for await (const batch of browse(broker, systemClock, request({ untilEnd: false, batchLimit: () => left }))) {
      seen.push(...places(batch));
      left -= batch.length;
    }
    expect(seen).toEqual(['0@0', '1@0']);
  });

  it('ends after the idle time, counted from the last message', async () => {
    const broker = await brokerWith('T', 1, [0]);
    const started = performance.now();
    expect(places(await read(broker, { untilEnd: false, idleTimeoutMs: 60 }))).toEqual(['0@0']);
    expect(performance.now() - started).toBeGreaterThan(50);
  });

  it('reports damage and goes on behind it', async () => {
    const broker = await brokerWith('T', 1, [0, 0, 0]);
    const pull = broker.pull.bind(broker);
    const report: DamageReport = { queue: null, queueOffset: 1, commitLogOffset: 7, file: 'f', position: 7, reason: 'CRC' };
    broker.pull = async (wanted: PullRequest) => {
      const result = await pull(wanted);
      const damaged = result.messages.some((message) => message.queueOffset === 1);
      return { ...result, messages: result.messages.filter((message) => message.queueOffset !== 1), damaged: damaged ? [report] : [] };
    };
    const reports: DamageReport[] = [];
    expect(places(await read(broker, { onDamage: (damage) => reports.push(damage) }))).toEqual(['0@0', '0@2']);
    expect(reports).toEqual([report]);
  });

  it('a queue whose start was deleted goes on at its first message', async () => {
    const broker = await brokerWith('T', 1, [0, 0, 0]);
    const pull = broker.pull.bind(broker);
    broker.pull = async (wanted) => (wanted.offset < 2
      ? { status: 'OFFSET_ILLEGAL', messages: [], nextOffset: 2, minOffset: 2, maxOffset: 3, damaged: [] }
      : pull(wanted));
    expect(places(await read(broker))).toEqual(['0@2']);
  });
});
