import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { Broker } from '../../src/broker/broker.ts';
import type { LogRecord } from '../../src/broker/types.ts';
import { openLocalBroker } from '../../src/engine/open.ts';
import { verifyStore } from '../../src/engine/inspect/store-tools.ts';
import type { Message } from '../../src/record/message.ts';
import { readTruth, temporaryDirectory, unpackFixture } from '../support/fixtures.ts';
import type { TruthRow } from '../support/fixtures.ts';
import { snapshotTree } from '../support/tree-snapshot.ts';

const truth = readTruth();

const toRow = (message: Message): TruthRow => ({
  topic: message.topic, queueId: message.queueId, queueOffset: message.queueOffset, commitLogOffset: message.commitLogOffset, storeSize: message.storeSize,
  sysFlag: message.sysFlag, flag: message.flag, bodyCRC: message.bodyCRC, bornTimestamp: message.bornTimestamp, storeTimestamp: message.storeTimestamp,
  reconsumeTimes: message.reconsumeTimes, preparedTransactionOffset: message.preparedTransactionOffset, offsetMsgId: message.offsetMsgId, msgId: message.msgId,
  bodyLength: message.body.length, bodySha256_8: createHash('sha256').update(message.body).digest('hex').slice(0, 16), properties: { ...message.properties },
});

const byPlace = (a: TruthRow, b: TruthRow): number => (a.topic === b.topic ? a.queueId - b.queueId || a.queueOffset - b.queueOffset : a.topic < b.topic ? -1 : 1);

/** Every message of every queue of every topic, in the order of the truth. */
const readEverything = async (broker: Broker, batch = 7): Promise<TruthRow[]> => {
  const rows: TruthRow[] = [];
  for (const { topic } of await broker.listTopics()) {
    for (const queue of await broker.queues(topic)) {
      let offset = await broker.minOffset(queue);
      const end = await broker.maxOffset(queue);
      while (offset < end) {
        const { status, messages, nextOffset, damaged } = await broker.pull({ queue, offset, maxMessages: batch });
        expect({ status, damaged, moved: nextOffset > offset }).toEqual({ status: 'FOUND', damaged: [], moved: true });
        rows.push(...messages.map(toRow));
        offset = nextOffset;
      }
    }
  }
  return rows.sort(byPlace);
};

const readWholeLog = async (broker: Broker): Promise<LogRecord<Message>[]> => {
  const records: LogRecord<Message>[] = [];
  for await (const batch of broker.readLog({ from: { at: 'first' }, follow: false })) records.push(...batch);
  return records;
};

describe.each(['clean', 'killed'] as const)('the store of a real broker, %s', (name) => {
  let store: string;
  let before: Record<string, string>;
  const copyOf = (): string => {
    const copy = path.join(temporaryDirectory('copy'), 'store');
    execFileSync('cp', ['-a', '--sparse=always', store, copy]);
    return copy;
  };
  const looking = async (look: (broker: Broker) => Promise<void>): Promise<void> => {
    const broker = await openLocalBroker({ storeDirectory: store, mode: 'read' });
    try {
      await look(broker);
    } finally {
      await broker.close();
    }
    expect(snapshotTree(store)).toEqual(before);
  };

  beforeAll(() => {
    store = unpackFixture(name);
    before = snapshotTree(store);
  });

  it('pull: every queue of every topic is what the official client saw', () => looking(async (broker) => {
    expect(await readEverything(broker)).toEqual(truth);
    expect(await readEverything(broker, 1000)).toEqual(truth);
    expect(broker.damage()).toEqual([]);
  }));

  it('the physical log holds the same messages, in their places, and nothing damaged', () => looking(async (broker) => {
    const records = await readWholeLog(broker);
    const messages = records.flatMap((record) => (record.recordType === 'message' ? [record] : []));
    expect(records.filter((record) => record.recordType === 'damaged')).toEqual([]);
    expect(messages.every((record) => record.crcOk && record.sizeBytes === record.message.storeSize && record.commitLogOffset === record.message.commitLogOffset)).toBe(true);
    const queued = new Set(truth.map((row) => row.commitLogOffset));
    expect(messages.map((record) => toRow(record.message)).filter((row) => queued.has(row.commitLogOffset)).sort(byPlace)).toEqual(truth);
    // Contiguous: each step begins where the one before it ends.
    for (let index = 1; index < records.length; index++) expect(records[index]!.commitLogOffset).toBe(records[index - 1]!.commitLogOffset + records[index - 1]!.sizeBytes);
    const tail = [];
    for await (const batch of broker.readLog({ from: { at: 'lastN', count: 3 }, follow: false })) tail.push(...batch);
    expect(tail.map((record) => record.commitLogOffset)).toEqual(records.slice(-3).map((record) => record.commitLogOffset));
    const since = records.at(-10)!;
    if (since.recordType !== 'message') throw new Error('a message was expected there');
    const timed: LogRecord<Message>[] = [];
    for await (const batch of broker.readLog({ from: { at: 'time', timestamp: since.message.storeTimestamp }, follow: false })) timed.push(...batch);
    expect(timed[0]).toMatchObject({ message: { storeTimestamp: since.message.storeTimestamp } });
  }));

  it('finds each message by id, by client id and by key', () => looking(async (broker) => {
    for (const row of truth) {
      const byOffsetId = await broker.queryByMsgId(row.offsetMsgId);
      expect(byOffsetId.messages.map(toRow)).toEqual([row]);
      const byId = await broker.queryByMsgId(row.msgId, row.topic);
      expect(byId.messages.map(toRow)).toContainEqual(row);
      for (const key of (row.properties['KEYS'] ?? '').split(' ').filter((part) => part !== '')) {
        const byKey = await broker.queryByKey({ topic: row.topic, key, maxMessages: 1000 });
        expect(byKey.messages.map(toRow), `${row.topic} ${key}`).toContainEqual(row);
      }
    }
    // An id without a topic is looked for in every topic.
    const order = truth.find((row) => row.topic === 'Orders')!;
    expect((await broker.queryByMsgId(order.msgId)).messages.map((message) => message.topic)).toContain('Orders');
  }));

  it('describes and lists without a trace', () => looking(async (broker) => {
    const topics = await broker.listTopics();
    expect(topics.map(({ topic }) => topic)).toEqual(expect.arrayContaining([...new Set(truth.map((row) => row.topic))]));
    for (const { topic } of topics) {
      const described = await broker.describeTopic(topic);
      for (const { queue, minOffset, maxOffset, lastStoreTimestamp } of described.queues) {
        const rows = truth.filter((row) => row.topic === topic && row.queueId === queue.queueId);
        expect({ minOffset, maxOffset, lastStoreTimestamp }).toEqual({ minOffset: 0, maxOffset: rows.length, lastStoreTimestamp: rows.at(-1)?.storeTimestamp ?? null });
        for (const row of rows) {
          const lower = await broker.offsetByTime(queue, row.storeTimestamp, 'lower');
          expect(rows[lower]!.storeTimestamp).toBe(row.storeTimestamp);
          expect(lower === 0 || rows[lower - 1]!.storeTimestamp < row.storeTimestamp).toBe(true);
        }
      }
    }
    for (const { group } of await broker.listGroups()) {
      if ((await broker.listMembers(group)).length > 0) throw new Error(`${group} has a member`);
      for (const offset of await broker.committedOffsets(group)) expect(offset.lag === null || offset.lag >= 0).toBe(true);
    }
    await expect(broker.pull({ queue: { topic: 'NoSuchTopic', brokerName: 'broker-a', queueId: 0 }, offset: 0, maxMessages: 1 })).rejects.toMatchObject({ code: 'TOPIC_NOT_FOUND' });
    await expect(broker.send({ topic: 'Orders', body: Buffer.from('x') })).rejects.toMatchObject({ code: 'READ_ONLY' });
    expect(broker.notices().length).toBe(name === 'killed' ? 1 : 0);
  }));

  it('a waiting reader leaves no trace either', () => looking(async (broker) => {
    const queue = { topic: 'Orders', brokerName: 'broker-a', queueId: 0 };
    const end = await broker.maxOffset(queue);
    expect(await broker.pull({ queue, offset: end, maxMessages: 1, suspendMs: 60 })).toMatchObject({ status: 'NO_NEW_MESSAGE' });
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 60);
    for await (const batch of broker.readLog({ from: { at: 'last' }, follow: true }, stop.signal)) expect(batch).toEqual([]);
  }));

  it('a copy is taken over, appended to and closed; all that was there stays as it was', async () => {
    const copy = copyOf();
    const last = Math.max(...truth.map((row) => row.commitLogOffset + row.storeSize));
    // In the time of that broker, when nothing more was due.
    const clock = { ...systemClock, nowMs: () => Math.max(...truth.map((row) => row.storeTimestamp)) };
    const writer = await openLocalBroker({ storeDirectory: copy, mode: 'write', clock });
    expect(await readEverything(writer)).toEqual(truth);
    const sent = [];
    for (let index = 0; index < 40; index++) {
      sent.push(await writer.send({ topic: index % 2 === 0 ? 'Orders' : 'NewTopic', body: Buffer.from(`new ${index}`), tags: 'New', keys: [`new-${index}`] }));
    }
    await writer.close();

    const reader = await openLocalBroker({ storeDirectory: copy, mode: 'read' });
    const rows = await readEverything(reader);
    expect(reader.notices()).toEqual([]);
    const isNew = (row: TruthRow): boolean => row.commitLogOffset >= last;
    expect(rows.filter((row) => !isNew(row))).toEqual(truth);
    expect(rows.filter(isNew).map(({ topic, queueId, queueOffset, msgId, offsetMsgId }) => ({ topic, queueId, queueOffset, msgId, offsetMsgId })).sort((a, b) => (a.msgId < b.msgId ? -1 : 1)))
      .toEqual(sent.map(({ topic, queueId, queueOffset, msgId, offsetMsgId }) => ({ topic, queueId, queueOffset, msgId, offsetMsgId })).sort((a, b) => (a.msgId < b.msgId ? -1 : 1)));
    for (let index = 0; index < 40; index++) {
      const { messages } = await reader.queryByKey({ topic: index % 2 === 0 ? 'Orders' : 'NewTopic', key: `new-${index}`, maxMessages: 10 });
      expect(messages.map((message) => message.msgId)).toEqual([sent[index]!.msgId]);
    }
    const old = truth.find((row) => row.topic === 'Orders')!;
    expect((await reader.queryByKey({ topic: 'Orders', key: old.properties['KEYS']!.split(' ')[0]!, maxMessages: 1000 })).messages.map(toRow)).toContainEqual(old);
    await reader.close();
    expect(await verifyStore({ storeDirectory: copy })).toMatchObject({ damage: [], notes: [] });

    // Opened again, the store needs no recovery and has lost nothing.
    const again = await openLocalBroker({ storeDirectory: copy, mode: 'write', clock });
    expect((await readEverything(again)).length).toBe(truth.length + 40);
    expect(again.notices()).toEqual([]);
    await again.close();
    expect(snapshotTree(store)).toEqual(before);
  });
});
