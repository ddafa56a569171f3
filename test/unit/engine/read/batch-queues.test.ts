import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Broker } from '../../../../src/broker/broker.ts';
import { openLocalBroker } from '../../../../src/engine/open.ts';
import type { Message } from '../../../../src/record/message.ts';
import { temporaryDirectory } from '../../../support/fixtures.ts';
import type { TruthRow } from '../../../support/fixtures.ts';
import { snapshotTree } from '../../../support/tree-snapshot.ts';

/**
 * The store of a broker 5.5.0 (mappedFileSizeCommitLog=1048576, mappedFileSizeConsumeQueue=2000, mapperFileSizeBatchConsumeQueue=460,
 * enableLmq, enableMultiDispatch), stopped in order. BatchOrders has queue.type=BatchCQ: queue 0 got 14 rounds of a batch (2 to 5
 * messages, tags even and odd by turns) and a single message, queue 1 two single ones, a batch of 40 and a compressed single one.
 * The six messages of Parent are listed in %LMQ%one, the first three in %LMQ%two, too.
 * The truth is what the official consumer got; for messages of a batch it leaves storeSize, bodyCRC and offsetMsgId empty. Rows with
 * `lightQueue` were pulled from that queue at that offset and show their place in their own topic.
 */
const FIXTURES = path.join(import.meta.dirname, '..', '..', '..', 'fixtures');
type Row = Omit<TruthRow, 'storeSize' | 'bodyCRC' | 'offsetMsgId'> & Partial<TruthRow> & { lightQueue?: { topic: string; queueOffset: number }; bornHost: string; storeHost: string };
const truth = fs.readFileSync(path.join(FIXTURES, 'broker-5.5.0-batchcq-truth.ndjson'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Row);
const batchTruth = truth.filter((row) => row.topic === 'BatchOrders');
const INNER = 0xc0;

const unpack = (): string => {
  const directory = temporaryDirectory('batchcq');
  execFileSync('tar', ['-xSzf', path.join(FIXTURES, 'broker-5.5.0-batchcq.tar.gz'), '-C', directory]);
  return path.join(directory, 'store');
};

const toRow = (message: Message): Row => {
  const row: Row = {
    topic: message.topic, queueId: message.queueId, queueOffset: message.queueOffset, commitLogOffset: message.commitLogOffset, storeSize: message.storeSize,
    sysFlag: message.sysFlag, flag: message.flag, bodyCRC: message.bodyCRC, bornTimestamp: message.bornTimestamp, bornHost: message.bornHost,
    storeTimestamp: message.storeTimestamp, storeHost: message.storeHost, reconsumeTimes: message.reconsumeTimes,
    preparedTransactionOffset: message.preparedTransactionOffset, offsetMsgId: message.offsetMsgId, msgId: message.msgId, bodyLength: message.body.length,
    bodySha256_8: createHash('sha256').update(message.body).digest('hex').slice(0, 16), properties: { ...message.properties },
  };
  if ((message.sysFlag & INNER) !== INNER) return row;
  const { storeSize: _storeSize, bodyCRC: _bodyCRC, offsetMsgId: _offsetMsgId, ...inner } = row;
  return inner as Row;
};

const queueOf = (queueId: number, topic = 'BatchOrders'): { topic: string; brokerName: string; queueId: number } => ({ topic, brokerName: 'broker-a', queueId });

const readQueue = async (broker: Broker, queueId: number, batch: number, tags?: string, topic = 'BatchOrders'): Promise<Message[]> => {
  const messages: Message[] = [];
  const queue = queueOf(queueId, topic);
  const end = await broker.maxOffset(queue);
  for (let offset = await broker.minOffset(queue); offset < end; ) {
    const result = await broker.pull({ queue, offset, maxMessages: batch, ...(tags === undefined ? {} : { filter: { tags } }) });
    expect(result.damaged).toEqual([]);
    expect(result.messages.length).toBeLessThanOrEqual(batch);
    expect(result.nextOffset).toBeGreaterThan(offset);
    messages.push(...result.messages);
    offset = result.nextOffset;
  }
  return messages;
};

const looking = async (store: string, look: (broker: Broker) => Promise<void>): Promise<void> => {
  const before = snapshotTree(store);
  const broker = await openLocalBroker({ storeDirectory: store, mode: 'read' });
  try {
    await look(broker);
  } finally {
    await broker.close();
  }
  expect(snapshotTree(store)).toEqual(before);
};

describe('topics with batch queues', () => {
  let store: string;
  beforeAll(() => {
    store = unpack();
  });

  it.each([1, 3, 7, 1000])('pulled %i at a time are what the official consumer got, across files', (batch) => looking(store, async (broker) => {
    expect((await broker.queues('BatchOrders')).map(({ queueId }) => queueId)).toEqual([0, 1]);
    const messages = [...await readQueue(broker, 0, batch), ...await readQueue(broker, 1, batch)];
    expect(messages.map(toRow)).toEqual(batchTruth);
    expect(broker.damage()).toEqual([]);
  }));

  it('every offset is a place to start from, inside batches too', () => looking(store, async (broker) => {
    for (const row of batchTruth) {
      const { status, messages, nextOffset, minOffset, maxOffset } = await broker.pull({ queue: queueOf(row.queueId), offset: row.queueOffset, maxMessages: 1 });
      expect({ status, minOffset, maxOffset, nextOffset, rows: messages.map(toRow) })
        .toEqual({ status: 'FOUND', minOffset: 0, maxOffset: row.queueId === 0 ? 61 : 43, nextOffset: row.queueOffset + 1, rows: [row] });
    }
    expect(await broker.pull({ queue: queueOf(0), offset: 61, maxMessages: 1 })).toMatchObject({ status: 'NO_NEW_MESSAGE', nextOffset: 61 });
    expect(await broker.pull({ queue: queueOf(0), offset: 62, maxMessages: 1 })).toMatchObject({ status: 'OFFSET_ILLEGAL', nextOffset: 61 });
  }));

  it('SQL92 is evaluated for each message of a batch', () => looking(store, async (broker) => {
    const { messages } = await broker.pull({ queue: queueOf(0), offset: 0, maxMessages: 1000, filter: { sql: "TAGS = 'odd' OR TAGS IS NULL" } });
    expect(messages.map(({ queueOffset }) => queueOffset)).toEqual(batchTruth.filter(({ queueId, properties }) => queueId === 0 && properties['TAGS'] !== 'even').map(({ queueOffset }) => queueOffset));
    expect(messages.length).toBeGreaterThan(5);
  }));

  it.each(['even', 'odd', 'odd || none'])('a tag is looked for inside batches: %s', (tags) => looking(store, async (broker) => {
    const wanted = tags.split(' ')[0];
    for (const queueId of [0, 1]) {
      for (const batch of [2, 1000]) {
        expect((await readQueue(broker, queueId, batch, tags)).map(toRow))
          .toEqual(batchTruth.filter((row) => row.queueId === queueId && row.properties['TAGS'] === wanted));
      }
    }
  }));

  it('maxBytes stops inside a batch and the next pull goes on there', () => looking(store, async (broker) => {
    const first = await broker.pull({ queue: queueOf(1), offset: 2, maxMessages: 100, maxBytes: 1000 });
    expect(first.messages.length).toBeGreaterThan(1);
    expect(first.messages.length).toBeLessThan(40);
    const second = await broker.pull({ queue: queueOf(1), offset: first.nextOffset, maxMessages: 100 });
    expect([...first.messages, ...second.messages].map(toRow)).toEqual(batchTruth.filter((row) => row.queueId === 1 && row.queueOffset >= 2));
  }));

  it('is listed, described and searched by time', () => looking(store, async (broker) => {
    expect((await broker.listTopics()).find(({ topic }) => topic === 'BatchOrders')).toMatchObject({ readQueueNums: 2, attributes: { 'queue.type': 'BatchCQ' } });
    const { queues } = await broker.describeTopic('BatchOrders');
    const last = (queueId: number): number => batchTruth.filter((row) => row.queueId === queueId).at(-1)!.storeTimestamp;
    expect(queues).toEqual([
      { queue: queueOf(0), minOffset: 0, maxOffset: 61, lastStoreTimestamp: last(0) }, { queue: queueOf(1), minOffset: 0, maxOffset: 43, lastStoreTimestamp: last(1) },
    ]);
    for (const queueId of [0, 1]) {
      const rows = batchTruth.filter((row) => row.queueId === queueId);
      for (const { storeTimestamp } of rows) {
        expect(await broker.offsetByTime(queueOf(queueId), storeTimestamp, 'lower')).toBe(rows.findIndex((row) => row.storeTimestamp >= storeTimestamp));
        expect(await broker.offsetByTime(queueOf(queueId), storeTimestamp, 'upper')).toBe(rows.filter((row) => row.storeTimestamp <= storeTimestamp).length - 1);
      }
    }
  }));

  it('every message is found by its own client id, those of a batch too', () => looking(store, async (broker) => {
    expect(batchTruth.filter(({ sysFlag }) => (sysFlag & INNER) === INNER).length).toBeGreaterThan(80);
    for (const row of batchTruth) expect((await broker.queryByMsgId(row.msgId, 'BatchOrders')).messages.map(toRow)).toEqual([row]);
    for (const row of batchTruth.filter((_, index) => index % 20 === 0)) expect((await broker.queryByMsgId(row.msgId)).messages.map(toRow)).toEqual([row]);
    const inner = batchTruth.find(({ sysFlag }) => (sysFlag & INNER) === INNER)!;
    expect((await broker.queryByMsgId(inner.msgId, 'Parent')).messages).toEqual([]);
    expect((await broker.queryByMsgId(inner.msgId.replace('FD', 'FE'))).messages).toEqual([]);
  }));

  it('a batch that was sent twice has its messages twice', async () => {
    const copy = unpack();
    const [first, second] = batchTruth.filter((row) => row.queueId === 0 && (row.sysFlag & INNER) === INNER && row.properties['n']!.endsWith('.0'));
    // The same id of the same length in another batch, whose CRC is made to fit.
    const log = path.join(copy, 'commitlog', '00000000000000000000');
    const bytes = fs.readFileSync(log);
    const at = bytes.indexOf(second!.msgId, second!.commitLogOffset);
    bytes.write(first!.msgId, at, 'latin1');
    const body = second!.commitLogOffset + 88;
    bytes.writeInt32BE(crc32(bytes.subarray(body, body + bytes.readInt32BE(body - 4))) & 0x7fffffff, second!.commitLogOffset + 8);
    fs.writeFileSync(log, bytes);
    await looking(copy, async (broker) => {
      const { messages } = await broker.queryByMsgId(first!.msgId);
      expect(messages.map(({ queueOffset, msgId }) => [queueOffset, msgId])).toEqual([[first!.queueOffset, first!.msgId], [second!.queueOffset, first!.msgId]]);
    });
  });

  it('a batch of a deleted topic is found no more', async () => {
    const copy = unpack();
    const broker = await openLocalBroker({ storeDirectory: copy, mode: 'write' });
    const inner = batchTruth.find(({ sysFlag }) => (sysFlag & INNER) === INNER)!;
    expect((await broker.queryByMsgId(inner.msgId)).messages).toHaveLength(1);
    await broker.deleteTopic('BatchOrders');
    expect((await broker.queryByMsgId(inner.msgId)).messages).toEqual([]);
    await broker.close();
  });

  it('a topic that topics.json has lost is still found by its queues', async () => {
    const copy = unpack();
    const file = path.join(copy, 'config', 'topics.json');
    fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replaceAll('BatchOrders', 'Elsewhere__'));
    await looking(copy, async (broker) => {
      expect((await broker.listTopics()).map(({ topic }) => topic)).toContain('BatchOrders');
      expect((await readQueue(broker, 0, 50)).map(toRow)).toEqual(batchTruth.filter((row) => row.queueId === 0));
    });
  });

  it('files removed from the front move the minimum; what is left is found', async () => {
    const copy = unpack();
    const directory = path.join(copy, 'batchconsumequeue', 'BatchOrders', '0');
    fs.unlinkSync(path.join(directory, '00000000000000000000'));
    const firstLeft = Number(fs.readFileSync(path.join(directory, '00000000000000000460')).readBigInt64BE(28));
    await looking(copy, async (broker) => {
      expect(await broker.minOffset(queueOf(0))).toBe(firstLeft);
      expect((await readQueue(broker, 0, 4)).map(toRow)).toEqual(batchTruth.filter((row) => row.queueId === 0 && row.queueOffset >= firstLeft));
      expect(await broker.pull({ queue: queueOf(0), offset: 0, maxMessages: 1 })).toMatchObject({ status: 'OFFSET_ILLEGAL', nextOffset: firstLeft });
    });
  });

  it('a damaged batch is reported once and passed over; an entry that counts wrongly is no better', async () => {
    const copy = unpack();
    const rows = batchTruth.filter((row) => row.queueId === 0);
    const batch = rows.find((row) => row.queueOffset === 3)!;
    const log = path.join(copy, 'commitlog', '00000000000000000000');
    flip(log, batch.commitLogOffset + 120);
    const entries = path.join(copy, 'batchconsumequeue', 'BatchOrders', '0', '00000000000000000460');
    const base = Number(fs.readFileSync(entries).readBigInt64BE(46 * 2 + 28));
    const next = Number(fs.readFileSync(entries).readBigInt64BE(46 * 3 + 28));
    flip(entries, 46 * 2 + 37);
    await looking(copy, async (broker) => {
      const first = await broker.pull({ queue: queueOf(0), offset: 4, maxMessages: 100 });
      expect(first.damaged.map(({ queueOffset, file, position }) => ({ queueOffset, file, position }))).toEqual([
        { queueOffset: 3, file: log, position: batch.commitLogOffset },
        { queueOffset: base, file: log, position: rows.find((row) => row.queueOffset === base)!.commitLogOffset },
      ]);
      expect(first.damaged.map(({ reason }) => reason).join()).toMatch(/BODYCRC.*stands for/);
      expect(first.messages.map(({ queueOffset }) => queueOffset)).toEqual(rows.map((row) => row.queueOffset).filter((offset) => offset >= 6 && (offset < base || offset >= next)));
    });
  });

  it('a waiting pull sees what a broker adds', async () => {
    const copy = unpack();
    const file = path.join(copy, 'batchconsumequeue', 'BatchOrders', '1', '00000000000000000000');
    const bytes = fs.readFileSync(file);
    const entries = bytes.findIndex((_, at) => at % 46 === 0 && bytes.readInt32BE(at + 8) === 0) / 46;
    const last = bytes.subarray((entries - 1) * 46, entries * 46);
    write(file, (entries - 1) * 46, Buffer.alloc(46));
    const broker = await openLocalBroker({ storeDirectory: copy, mode: 'read' });
    const waiting = broker.pull({ queue: queueOf(1), offset: 42, maxMessages: 10, suspendMs: 5000 });
    setTimeout(() => write(file, (entries - 1) * 46, last), 50);
    expect((await waiting).messages.map(toRow)).toEqual(batchTruth.filter((row) => row.queueId === 1 && row.queueOffset >= 42));
    await broker.close();
  });

  it('are not written', async () => {
    const copy = unpack();
    const broker = await openLocalBroker({ storeDirectory: copy, mode: 'write' });
    await expect(broker.send({ topic: 'BatchOrders', body: Buffer.from('x') })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    expect((await readQueue(broker, 0, 50)).map(toRow)).toEqual(batchTruth.filter((row) => row.queueId === 0));
    await broker.close();
  });

  it('are deleted as a whole', async () => {
    const copy = unpack();
    const broker = await openLocalBroker({ storeDirectory: copy, mode: 'write' });
    await broker.deleteTopic('BatchOrders');
    await broker.close();
    await looking(copy, async (reader) => {
      expect((await reader.listTopics()).map(({ topic }) => topic)).not.toContain('BatchOrders');
    });
  });
});

describe('light queues', () => {
  it.each(['%LMQ%one', '%LMQ%two'])('%s lists the records of another topic at places of its own', (topic) => looking(unpack(), async (broker) => {
    const rows = truth.filter((row) => row.lightQueue?.topic === topic);
    expect(await broker.maxOffset(queueOf(0, topic))).toBe(rows.length);
    const messages = await readQueue(broker, 0, 2, undefined, topic);
    expect(messages.map(toRow)).toEqual(rows.map(({ lightQueue, ...row }) => ({ ...row, queueId: 0, queueOffset: lightQueue!.queueOffset })));
    expect((await readQueue(broker, 0, 2, 'a', topic)).map(({ commitLogOffset }) => commitLogOffset))
      .toEqual(rows.filter((row) => row.properties['TAGS'] === 'a').map((row) => row.commitLogOffset));
    // Their own topic shows them at their own places.
    expect((await readQueue(broker, 1, 2, undefined, 'Parent')).map(toRow)).toEqual(truth.filter((row) => row.topic === 'Parent' && row.queueId === 1 && row.lightQueue === undefined));
  }));
});

const write = (file: string, position: number, bytes: Buffer): void => {
  const fd = fs.openSync(file, 'r+');
  fs.writeSync(fd, bytes, 0, bytes.length, position);
  fs.closeSync(fd);
};

const flip = (file: string, position: number): void => {
  const bytes = fs.readFileSync(file).subarray(position, position + 1);
  write(file, position, Buffer.from([bytes[0]! ^ 1]));
};
