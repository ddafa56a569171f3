import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Broker } from '../../../../src/broker/broker.ts';
import { nodeFileSystem } from '../../../../src/engine/files/node-file-system.ts';
import { systemClock } from '../../../../src/base/clock.ts';
import { openLocalBroker } from '../../../../src/engine/open.ts';
import type { Message } from '../../../../src/record/message.ts';
import { readTruth, temporaryDirectory, unpackFixture } from '../../../support/fixtures.ts';
import type { TruthRow } from '../../../support/fixtures.ts';

/** A broker that is killed has stored records that no queue lists yet: its queues end somewhere, all at one place of the log. */
const FIXTURES = path.join(import.meta.dirname, '..', '..', '..', 'fixtures');
const truth = readTruth();
const byLog = [...truth].sort((a, b) => a.commitLogOffset - b.commitLogOffset);
const ENTRY_BYTES = { consumequeue: 20, batchconsumequeue: 46 } as const;

let killed: string;
beforeAll(() => {
  killed = unpackFixture('killed');
});

const copyOf = (store: string): string => {
  const copy = path.join(temporaryDirectory('copy'), 'store');
  execFileSync('cp', ['-a', '--sparse=always', store, copy]);
  return copy;
};

const queueDirectories = (store: string, family: keyof typeof ENTRY_BYTES): string[] => {
  const root = path.join(store, family);
  if (!fs.existsSync(root)) return [];
  return fs.readdirSync(root).flatMap((topic) => fs.readdirSync(path.join(root, topic)).map((queueId) => path.join(root, topic, queueId)));
};

const write = (file: string, position: number, bytes: Buffer): void => {
  const fd = fs.openSync(file, 'r+');
  fs.writeSync(fd, bytes, 0, bytes.length, position);
  fs.closeSync(fd);
};

/** Zeroes every queue entry of records at `from` or behind, as if the broker had been killed before it listed them. */
const unlist = (store: string, from: number): number => {
  let count = 0;
  for (const family of ['consumequeue', 'batchconsumequeue'] as const) {
    const size = ENTRY_BYTES[family];
    for (const directory of queueDirectories(store, family)) {
      for (const name of fs.readdirSync(directory)) {
        const file = path.join(directory, name);
        const fd = fs.openSync(file, 'r+');
        const entry = Buffer.alloc(size);
        for (let at = 0; fs.readSync(fd, entry, 0, size, at) === size && entry.readInt32BE(8) > 0; at += size) {
          if (Number(entry.readBigInt64BE(0)) < from) continue;
          fs.writeSync(fd, Buffer.alloc(size), 0, size, at);
          count++;
        }
        fs.closeSync(fd);
      }
    }
  }
  return count;
};

const toRow = (message: Message): TruthRow => ({
  topic: message.topic, queueId: message.queueId, queueOffset: message.queueOffset, commitLogOffset: message.commitLogOffset, storeSize: message.storeSize,
  sysFlag: message.sysFlag, flag: message.flag, bodyCRC: message.bodyCRC, bornTimestamp: message.bornTimestamp, storeTimestamp: message.storeTimestamp,
  reconsumeTimes: message.reconsumeTimes, preparedTransactionOffset: message.preparedTransactionOffset, offsetMsgId: message.offsetMsgId, msgId: message.msgId,
  bodyLength: message.body.length, bodySha256_8: createHash('sha256').update(message.body).digest('hex').slice(0, 16), properties: { ...message.properties },
});

const readAll = async (broker: Broker, batch = 5): Promise<Message[]> => {
  const messages: Message[] = [];
  for (const { topic } of await broker.listTopics()) {
    for (const queue of await broker.queues(topic)) {
      const end = await broker.maxOffset(queue);
      for (let offset = await broker.minOffset(queue); offset < end; ) {
        const result = await broker.pull({ queue, offset, maxMessages: batch });
        expect({ status: result.status, damaged: result.damaged, moved: result.nextOffset > offset }).toEqual({ status: 'FOUND', damaged: [], moved: true });
        messages.push(...result.messages);
        offset = result.nextOffset;
      }
    }
  }
  return messages;
};

const byPlace = (a: TruthRow, b: TruthRow): number => (a.topic === b.topic ? a.queueId - b.queueId || a.queueOffset - b.queueOffset : a.topic < b.topic ? -1 : 1);

/** Size, mode, mtime and ctime of everything: no write escapes them, and hashing all the sparse files takes seconds. */
const stamps = (root: string): string[] =>
  ['', ...fs.readdirSync(root, { recursive: true, encoding: 'utf8' })].sort().map((name) => {
    const { mode, size, mtimeNs, ctimeNs } = fs.statSync(path.join(root, name), { bigint: true });
    return `${name} ${mode} ${size} ${mtimeNs} ${ctimeNs}`;
  });

const looking = async (store: string, look: (broker: Broker) => Promise<void>, onRead = (_file: string): void => {}): Promise<void> => {
  const before = stamps(store);
  const watching = { ...bind(nodeFileSystem), open: (file: string, mode: 'read' | 'write' | 'create') => {
    onRead(file);
    return nodeFileSystem.open(file, mode);
  } };
  const broker = await openLocalBroker({ storeDirectory: store, mode: 'read', fs: watching });
  try {
    await look(broker);
  } finally {
    await broker.close();
  }
  expect(stamps(store)).toEqual(before);
};

/** The methods of an object as fields, so that some can be replaced. */
const bind = <T extends object>(object: T): T => {
  const bound: Record<string, unknown> = {};
  for (let level: object | null = object; level !== null && level !== Object.prototype; level = Object.getPrototypeOf(level) as object | null) {
    for (const name of Object.getOwnPropertyNames(level)) {
      const value = (object as Record<string, unknown>)[name];
      bound[name] ??= typeof value === 'function' ? (value as (...rest: unknown[]) => unknown).bind(object) : value;
    }
  }
  return bound as T;
};

describe('records that no queue lists, on the store of a killed broker', { timeout: 60_000 }, () => {
  it.each([1, 2, 7, 40, 120])('the last %i are read all the same, and nothing is written', async (last) => {
    const store = copyOf(killed);
    expect(unlist(store, byLog.at(-last)!.commitLogOffset)).toBe(last);
    await looking(store, async (broker) => {
      expect((await readAll(broker)).map(toRow).sort(byPlace)).toEqual(truth);
      expect((await readAll(broker, 1000)).map(toRow).sort(byPlace)).toEqual(truth);
      expect(broker.notices().join()).toContain('not closed cleanly');
      for (const { topic } of await broker.listTopics()) {
        for (const { queue, minOffset, maxOffset, lastStoreTimestamp } of (await broker.describeTopic(topic)).queues) {
          const rows = truth.filter((row) => row.topic === topic && row.queueId === queue.queueId);
          expect({ minOffset, maxOffset, lastStoreTimestamp }).toEqual({ minOffset: 0, maxOffset: rows.length, lastStoreTimestamp: rows.at(-1)?.storeTimestamp ?? null });
          for (const { storeTimestamp } of rows) {
            expect(await broker.offsetByTime(queue, storeTimestamp, 'lower')).toBe(rows.findIndex((row) => row.storeTimestamp >= storeTimestamp));
          }
        }
      }
    });
  });

  it('a topic without any queue directory or configuration is there', async () => {
    const store = copyOf(killed);
    const newest = byLog.at(-1)!.topic;
    const first = byLog.find((row) => row.topic === newest)!.commitLogOffset;
    unlist(store, first);
    fs.rmSync(path.join(store, 'consumequeue', newest), { recursive: true });
    const file = path.join(store, 'config', 'topics.json');
    fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replaceAll(`"${newest}"`, '"SomethingElse"'));
    await looking(store, async (broker) => {
      expect((await readAll(broker)).map(toRow).sort(byPlace)).toEqual(truth);
    });
  });

  it('queues that were lost from their beginning are rebuilt from the whole log', async () => {
    const store = copyOf(killed);
    unlist(store, byLog.at(-20)!.commitLogOffset);
    const { topic, queueId } = byLog.at(-1)!;
    fs.rmSync(path.join(store, 'consumequeue', topic, String(queueId)), { recursive: true });
    await looking(store, async (broker) => {
      expect((await readAll(broker)).map(toRow).sort(byPlace)).toEqual(truth);
    });
    // All of them.
    fs.rmSync(path.join(store, 'consumequeue'), { recursive: true });
    await looking(store, async (broker) => {
      expect((await readAll(broker)).map(toRow).sort(byPlace)).toEqual(truth);
    });
  });

  it('a torn record ends the log', async () => {
    const store = copyOf(killed);
    unlist(store, byLog.at(-10)!.commitLogOffset);
    const torn = byLog.at(-4)!;
    const base = Math.floor(torn.commitLogOffset / 1_048_576) * 1_048_576;
    const fd = fs.openSync(path.join(store, 'commitlog', String(base).padStart(20, '0')), 'r+');
    fs.writeSync(fd, Buffer.alloc(torn.storeSize - 60), 0, torn.storeSize - 60, torn.commitLogOffset - base + 60);
    fs.closeSync(fd);
    await looking(store, async (broker) => {
      expect((await readAll(broker)).map(toRow).sort(byPlace)).toEqual(truth.filter((row) => row.commitLogOffset < torn.commitLogOffset));
    });
  });

  it('a deleted topic stays deleted', async () => {
    const store = copyOf(killed);
    unlist(store, byLog.at(-40)!.commitLogOffset);
    const { topic } = byLog.filter((row) => row.topic === 'Tx' || row.topic.startsWith('%')).at(-1)!;
    fs.mkdirSync(path.join(store, 'mqlite'), { recursive: true });
    const limit = byLog.at(-1)!.commitLogOffset + byLog.at(-1)!.storeSize;
    fs.writeFileSync(path.join(store, 'mqlite', 'deleted-topics.json'), JSON.stringify({ [topic]: { commitLogOffset: limit } }));
    fs.rmSync(path.join(store, 'consumequeue', topic), { recursive: true });
    await looking(store, async (broker) => {
      expect((await readAll(broker)).map(toRow).sort(byPlace)).toEqual(truth.filter((row) => row.topic !== topic));
    });
  });

  it('a topic that a broker has deleted does not come back when the whole log is read', async () => {
    const store = copyOf(killed);
    unlist(store, byLog.at(-20)!.commitLogOffset);
    const lost = byLog.at(-1)!;
    fs.rmSync(path.join(store, 'consumequeue', lost.topic, String(lost.queueId)), { recursive: true });
    expect(byLog.filter((row) => row.topic === 'Batch').at(-1)!.commitLogOffset).toBeLessThan(byLog.at(-20)!.commitLogOffset);
    fs.rmSync(path.join(store, 'consumequeue', 'Batch'), { recursive: true });
    const file = path.join(store, 'config', 'topics.json');
    fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replaceAll('"Batch"', '"Another"'));
    await looking(store, async (broker) => {
      expect((await readAll(broker)).map(toRow).sort(byPlace)).toEqual(truth.filter((row) => row.topic !== 'Batch'));
    });
  });

  it('records of an earlier topic of the same name do not come back behind those of the present one', async () => {
    const store = copyOf(killed);
    unlist(store, byLog.at(-20)!.commitLogOffset);
    const lost = byLog.at(-1)!;
    fs.rmSync(path.join(store, 'consumequeue', lost.topic, String(lost.queueId)), { recursive: true });
    // The queue begins anew with what was its last record: all others are of a time before.
    const rows = byLog.filter((row) => row.topic === 'Orders' && row.queueId === 0);
    const last = rows.at(-1)!;
    const queueFile = path.join(store, 'consumequeue', 'Orders', '0', '0'.repeat(20));
    const entry = fs.readFileSync(queueFile).subarray((rows.length - 1) * 20, rows.length * 20);
    write(queueFile, 0, Buffer.concat([entry, Buffer.alloc((rows.length - 1) * 20)]));
    write(path.join(store, 'commitlog', '0'.repeat(20)), last.commitLogOffset + 20, Buffer.alloc(8));
    await looking(store, async (broker) => {
      const queue = { topic: 'Orders', brokerName: 'broker-a', queueId: 0 };
      expect(await broker.maxOffset(queue)).toBe(1);
      expect((await broker.pull({ queue, offset: 0, maxMessages: 100 })).messages.map(({ msgId }) => msgId)).toEqual([last.msgId]);
    });
  });

  it('left-overs of an earlier truncation behind the end are no messages (P7)', async () => {
    const store = copyOf(killed);
    unlist(store, byLog.at(-5)!.commitLogOffset);
    const old = byLog.find((row) => row.topic === 'Orders')!;
    const log = path.join(store, 'commitlog', '0'.repeat(20));
    const end = byLog.at(-1)!.commitLogOffset + byLog.at(-1)!.storeSize;
    const stale = Buffer.from(fs.readFileSync(log).subarray(old.commitLogOffset, old.commitLogOffset + old.storeSize));
    stale.writeBigInt64BE(BigInt(truth.filter((row) => row.topic === 'Orders' && row.queueId === old.queueId).length), 20);
    stale.writeBigInt64BE(BigInt(end), 28);
    expect(end + stale.length).toBeLessThan(1_048_576);
    write(log, end, stale);
    await looking(store, async (broker) => {
      expect((await readAll(broker)).map(toRow).sort(byPlace)).toEqual(truth);
    });
  });

  it.each([['prepared', 0x4], ['rolled back', 0xc]])('a record that is %s has no place in a queue', async (_, transaction) => {
    const store = copyOf(killed);
    unlist(store, byLog.at(-5)!.commitLogOffset);
    const last = byLog.at(-1)!;
    const flags = Buffer.alloc(4);
    flags.writeInt32BE(last.sysFlag | transaction);
    write(path.join(store, 'commitlog', '0'.repeat(20)), last.commitLogOffset + 36, flags);
    await looking(store, async (broker) => {
      expect((await readAll(broker)).map(toRow).sort(byPlace)).toEqual(truth.filter((row) => row !== last));
    });
  });

  it('a filter and a waiting pull work at the seam', async () => {
    const store = copyOf(killed);
    const orders = byLog.filter((row) => row.topic === 'Orders' && row.queueId === 0);
    unlist(store, orders.at(-3)!.commitLogOffset);
    const queue = { topic: 'Orders', brokerName: 'broker-a', queueId: 0 };
    await looking(store, async (broker) => {
      const tags = orders.at(-2)!.properties['TAGS']!;
      const { messages } = await broker.pull({ queue, offset: orders.length - 5, maxMessages: 1000, filter: { tags } });
      const more = await broker.pull({ queue, offset: orders.length - 3, maxMessages: 1000, filter: { tags } });
      expect([...messages, ...more.messages].map(toRow)).toEqual(expect.arrayContaining(orders.slice(-3).filter((row) => row.properties['TAGS'] === tags)));
      expect(await broker.pull({ queue, offset: orders.length, maxMessages: 1, suspendMs: 30 })).toMatchObject({ status: 'NO_NEW_MESSAGE', nextOffset: orders.length });
    });
  });

  it('a writer that recovers the store while it is being read takes nothing away and repeats nothing', async () => {
    const store = copyOf(killed);
    unlist(store, byLog.at(-30)!.commitLogOffset);
    const reader = await openLocalBroker({ storeDirectory: store, mode: 'read' });
    expect((await readAll(reader)).map(toRow).sort(byPlace)).toEqual(truth);
    // At the time of the fixture, when nothing that waits in it is due.
    const newestMs = Math.max(...truth.map(({ storeTimestamp }) => storeTimestamp));
    const writer = await openLocalBroker({ storeDirectory: store, mode: 'write', clock: { ...systemClock, nowMs: () => newestMs } });
    expect((await readAll(reader)).map(toRow).sort(byPlace)).toEqual(truth);
    const sent = await writer.send({ topic: 'Orders', body: Buffer.from('after') });
    await writer.close();
    const rows = (await readAll(reader)).map(toRow).sort(byPlace);
    expect(rows.filter((row) => row.msgId !== sent.msgId)).toEqual(truth);
    expect(rows.length).toBe(truth.length + 1);
    await reader.close();
  }, 60_000);
});

describe('batch and light queues', { timeout: 60_000 }, () => {
  const batches = (): string => {
    const directory = temporaryDirectory('batchcq');
    execFileSync('tar', ['-xSzf', path.join(FIXTURES, 'broker-5.5.0-batchcq.tar.gz'), '-C', directory]);
    return path.join(directory, 'store');
  };
  const places = (messages: readonly Message[]): string[] => messages.map((message) => `${message.topic} ${message.queueId} ${message.queueOffset} ${message.msgId} ${message.commitLogOffset}`);

  it.each([24_000, 15_000, 9000, 600])('are completed from %i on as well', async (from) => {
    const store = batches();
    let expected: string[] = [];
    await looking(store, async (broker) => {
      expected = places(await readAll(broker));
    });
    expect(expected.length).toBe(104 + 5 + 6 + 9);
    expect(unlist(store, from)).toBeGreaterThan(2);
    fs.writeFileSync(path.join(store, 'abort'), '');
    await looking(store, async (broker) => {
      expect(places(await readAll(broker))).toEqual(expected);
    });
    fs.rmSync(path.join(store, 'batchconsumequeue'), { recursive: true });
    await looking(store, async (broker) => {
      expect(places(await readAll(broker))).toEqual(from < 15_000 ? expected : expect.any(Array));
    });
  });

  it('what a broker lists while the store is being read is not shown twice', async () => {
    const store = batches();
    const file = path.join(store, 'batchconsumequeue', 'BatchOrders', '0', String(920).padStart(20, '0'));
    const listed = fs.readFileSync(file);
    expect(unlist(store, Number(listed.readBigInt64BE(0)))).toBeGreaterThan(8);
    fs.writeFileSync(path.join(store, 'abort'), '');
    const broker = await openLocalBroker({ storeDirectory: store, mode: 'read' });
    const before = places(await readAll(broker));
    for (const entries of [1, 3, 10]) {
      write(file, 0, listed.subarray(0, entries * 46));
      expect(places(await readAll(broker))).toEqual(before);
    }
    await broker.close();
  });
});

describe('opening stays cheap', () => {
  it('a store that was closed is never scanned', async () => {
    const store = unpackFixture('clean');
    unlist(store, byLog.at(-5)!.commitLogOffset);
    await looking(store, async (broker) => {
      expect((await readAll(broker)).length).toBe(truth.length - 5);
    });
    const opened: string[] = [];
    await looking(store, async (broker) => {
      await broker.pull({ queue: { topic: 'Orders', brokerName: 'broker-a', queueId: 0 }, offset: 0, maxMessages: 1 });
      expect(new Set(opened.filter((file) => file.includes('consumequeue')).map((file) => path.relative(store, path.dirname(file))))).toEqual(new Set(['consumequeue/Orders/0']));
    }, (file) => opened.push(file));
  });

  it('an unclean one is not scanned before a queue is read', async () => {
    const store = copyOf(killed);
    const opened: string[] = [];
    await looking(store, async () => {
      expect(opened.filter((file) => file.includes('consumequeue') && !file.includes('commitlog'))).toEqual([]);
    }, (file) => opened.push(file));
  });

  it('one that is in use is left to those who use it', async () => {
    const store = copyOf(killed);
    const writer = await openLocalBroker({ storeDirectory: store, mode: 'write' });
    unlist(store, byLog.at(-5)!.commitLogOffset);
    const reader = await openLocalBroker({ storeDirectory: store, mode: 'read' });
    expect((await readAll(reader)).length).toBe(truth.length - 5);
    await reader.close();
    await writer.close();
  }, 60_000);
});
