import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Broker } from '../../../../src/broker/broker.ts';
import { openLocalBroker } from '../../../../src/engine/open.ts';
import { readTruth, unpackFixture } from '../../../support/fixtures.ts';

/** Entries that a broker writes in rare settings, put into the queues of a real store. */
const FILE_BYTES = 6_000_000;
const orders = readTruth().filter((row) => row.topic === 'Orders' && row.queueId === 0);
const queue = { topic: 'Orders', brokerName: 'broker-a', queueId: 0 };

let store: string;
let directory: string;
let first: string;
beforeEach(() => {
  store = unpackFixture('clean');
  directory = path.join(store, 'consumequeue', 'Orders', '0');
  first = path.join(directory, '00000000000000000000');
});

const reading = async <T>(look: (broker: Broker) => Promise<T>): Promise<T> => {
  const broker = await openLocalBroker({ storeDirectory: store, mode: 'read' });
  try {
    return await look(broker);
  } finally {
    await broker.close();
  }
};

const patch = (file: string, position: number, bytes: Buffer): void => {
  const fd = fs.openSync(file, 'r+');
  fs.writeSync(fd, bytes, 0, bytes.length, position);
  fs.closeSync(fd);
};

const preBlank = (count: number): Buffer => {
  const bytes = Buffer.alloc(20 * count);
  for (let at = 8; at < bytes.length; at += 20) bytes.writeInt32BE(0x7fff_ffff, at);
  return bytes;
};

describe('entries that are not the usual ones', () => {
  it('fillers before the first entry stand for nothing, whatever the log begins with', async () => {
    patch(first, 0, preBlank(3));
    for (const filter of [undefined, { tags: orders.map((row) => row.properties['TAGS']!).join(' || ') }]) {
      await reading(async (broker) => {
        const result = await broker.pull({ queue, offset: 0, maxMessages: 100, ...(filter === undefined ? {} : { filter }) });
        expect(result.messages.map(({ msgId }) => msgId)).toEqual(orders.slice(3).map(({ msgId }) => msgId));
        expect({ damaged: result.damaged, nextOffset: result.nextOffset }).toEqual({ damaged: [], nextOffset: orders.length });
        for (const row of orders.slice(3)) {
          const found = await broker.offsetByTime(queue, row.storeTimestamp, 'lower');
          expect(orders[found]!.storeTimestamp).toBe(row.storeTimestamp);
        }
      });
    }
  });

  it('a queue may begin with any file', async () => {
    const later = path.join(directory, String(FILE_BYTES).padStart(20, '0'));
    fs.renameSync(first, later);
    const base = FILE_BYTES / 20;
    // The records know their places, too.
    for (const row of orders) {
      const place = Buffer.alloc(8);
      place.writeBigInt64BE(BigInt(base + row.queueOffset));
      patch(path.join(store, 'commitlog', '00000000000000000000'), row.commitLogOffset + 20, place);
    }
    await reading(async (broker) => {
      expect([await broker.minOffset(queue), await broker.maxOffset(queue)]).toEqual([base, base + orders.length]);
      expect(await broker.pull({ queue, offset: 0, maxMessages: 1 })).toMatchObject({ status: 'OFFSET_ILLEGAL', nextOffset: base });
      const result = await broker.pull({ queue, offset: base, maxMessages: 100 });
      expect(result.damaged).toEqual([]);
      expect(result.messages.map(({ queueOffset, msgId }) => ({ queueOffset, msgId }))).toEqual(orders.map(({ msgId }, index) => ({ queueOffset: base + index, msgId })));
      const queues = (await broker.describeTopic('Orders')).queues.filter((described) => described.queue.queueId === 0);
      expect(queues).toMatchObject([{ minOffset: base, maxOffset: base + orders.length, lastStoreTimestamp: orders.at(-1)!.storeTimestamp }]);
    });
  });

  it.each([
    ['the lowest address', -0x8000_0000_0000_0000n],
    ['a later one', -0x8000_0000_0000_0000n + 0x1234_5678n],
    ['the highest', -0x8000_0001n],
  ])('an address of an ext unit in place of the hash (%s) leaves the choice to the record', async (_, address) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(address);
    orders.forEach((__, index) => patch(first, index * 20 + 12, bytes));
    const tags = orders[1]!.properties['TAGS']!;
    await reading(async (broker) => {
      const { messages, nextOffset } = await broker.pull({ queue, offset: 0, maxMessages: 100, filter: { tags } });
      expect(messages.map(({ msgId }) => msgId)).toEqual(orders.filter((row) => row.properties['TAGS'] === tags).map(({ msgId }) => msgId));
      expect(nextOffset).toBe(orders.length);
    });
  });

  it('a hash of Integer.MIN_VALUE is no address', async () => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(-0x8000_0000n);
    orders.forEach((__, index) => patch(first, index * 20 + 12, bytes));
    await reading(async (broker) => {
      expect(await broker.pull({ queue, offset: 0, maxMessages: 100, filter: { tags: orders[0]!.properties['TAGS']! } })).toMatchObject({ status: 'NO_MATCHED_MESSAGE' });
    });
  });
});
