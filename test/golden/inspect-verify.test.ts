import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { dumpStore, storeInfo, verifyStore } from '../../src/engine/inspect/store-tools.ts';
import { readTruth, unpackFixture } from '../support/fixtures.ts';

/** Every path with length, time of change and content. */
const snapshot = (directory: string): string[] =>
  (fs.readdirSync(directory, { recursive: true }) as string[]).sort().map((name) => {
    const file = path.join(directory, name);
    const stat = fs.statSync(file, { bigint: true });
    const hash = stat.isDirectory() ? '' : createHash('sha256').update(fs.readFileSync(file)).digest('hex');
    return `${name} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs} ${hash}`;
  });

/** Flips one bit of a file (bit 0 = highest of the byte at `position`), runs, and flips it back. */
const withFlippedBit = async <T>(file: string, position: number, bit: number, run: () => Promise<T>): Promise<T> => {
  const fd = fs.openSync(file, 'r+');
  const at = position + (bit >> 3);
  const byte = Buffer.alloc(1);
  fs.readSync(fd, byte, 0, 1, at);
  const flip = (): void => {
    byte[0]! ^= 0x80 >> (bit & 7);
    fs.writeSync(fd, byte, 0, 1, at);
  };
  try {
    flip();
    return await run();
  } finally {
    flip();
    fs.closeSync(fd);
  }
};

const bits = (count: number): number[] => Array.from({ length: count }, (_, bit) => bit);
const range = (from: number, to: number): number[] => bits(to - from).map((bit) => from + bit);

describe.each(['clean', 'killed'] as const)('a real broker 5.5.0 store, %s', (kind) => {
  const store = unpackFixture(kind);

  it('verifies, with every record, queue entry and index entry compared', async () => {
    const before = snapshot(store);
    const report = await verifyStore({ storeDirectory: store });
    expect(report.damage).toEqual([]);
    expect(report).toMatchObject({ ok: true, cleanlyClosed: kind === 'clean', records: readTruth().length, queueEntries: readTruth().length, queues: 45, logEnd: 111_600 });
    expect(report.indexEntries).toBe(494);
    expect(snapshot(store)).toEqual(before);
  });

  it('is described and dumped without a byte or a time being changed', async () => {
    const before = snapshot(store);
    const info = await storeInfo({ storeDirectory: store });
    expect(info).toMatchObject({ cleanlyClosed: kind === 'clean', messages: 151, commitLog: { minOffset: 0, dispatchedOffset: 111_600 }, index: { files: 1, keys: 494 } });
    expect(info.identity).toMatchObject({ brokerName: 'broker-a', segmentSizeBytes: 1_048_576, consumeQueueFileSizeBytes: 6_000_000, indexSlotCount: 1000, indexMaxCount: 4000, storeHost: '127.0.0.1:20911' });
    expect(info.commitLog.lastStoreTimestamp).toBe(Math.max(...readTruth().map((row) => row.storeTimestamp)));
    for (const what of ['commitlog', 'consumequeue', 'index', 'checkpoint', 'topics', 'offsets', 'state'] as const) {
      const objects: object[] = [];
      for await (const object of dumpStore({ storeDirectory: store, what })) objects.push(object);
      expect(objects.length, what).toBeGreaterThan(0);
    }
    expect(snapshot(store)).toEqual(before);
  });
});

describe('dump against the truth', () => {
  const store = unpackFixture('clean');
  const rows = readTruth();

  it('shows every record of the log as the official client saw it', async () => {
    const found = new Map<number, Record<string, unknown>>();
    for await (const object of dumpStore({ storeDirectory: store, what: 'commitlog' })) found.set((object as { commitLogOffset: number }).commitLogOffset, object as Record<string, unknown>);
    for (const row of rows) {
      const { bodySha256_8: _hash, bodyLength: _length, msgId: _id, offsetMsgId: _offsetId, storeSize, commitLogOffset, ...fields } = row;
      expect(found.get(commitLogOffset)).toMatchObject({ recordType: 'message', sizeBytes: storeSize, position: commitLogOffset, crcOk: true, ...fields });
    }
    expect(found.size).toBe(rows.length);
  });

  it('shows every queue entry at its place', async () => {
    const objects: Record<string, unknown>[] = [];
    for await (const object of dumpStore({ storeDirectory: store, what: 'consumequeue' })) objects.push(object as Record<string, unknown>);
    const places = objects.map(({ topic, queueId, queueOffset, commitLogOffset, sizeBytes }) => ({ topic, queueId, queueOffset, commitLogOffset, sizeBytes }));
    expect(places).toHaveLength(rows.length);
    for (const row of rows) {
      expect(places).toContainEqual({ topic: row.topic, queueId: row.queueId, queueOffset: row.queueOffset, commitLogOffset: row.commitLogOffset, sizeBytes: row.storeSize });
    }
  });

  it('starts at an offset, stops at a limit, and goes to the next record from inside one', async () => {
    const offsets = rows.map((row) => row.commitLogOffset).sort((a, b) => a - b);
    const take = async (from: number): Promise<number[]> => {
      const taken: number[] = [];
      for await (const object of dumpStore({ storeDirectory: store, what: 'commitlog', from, limit: 2 })) taken.push((object as { commitLogOffset: number }).commitLogOffset);
      return taken;
    };
    expect(await take(offsets[5]!)).toEqual(offsets.slice(5, 7));
    expect(await take(offsets[5]! + 1)).toEqual(offsets.slice(6, 8));
  });
});

/**
 * Bits of a record's fixed fields in which a change leaves a record that could have been written so, and that nothing else
 * in the store repeats: only a property CRC protects them (docs/format/consume-queue.md, "What verification can know").
 */
const UNKNOWABLE: Readonly<Record<string, readonly number[]>> = {
  FLAG: bits(32),
  SYSFLAG: [28, 30],
  BORNTIMESTAMP: range(11, 64),
  BORNHOST: [...bits(32), ...range(48, 64)],
  RECONSUMETIMES: range(12, 32),
};

const FIELDS: readonly (readonly [string, number, number])[] = [
  ['TOTALSIZE', 0, 4], ['MAGICCODE', 4, 4], ['BODYCRC', 8, 4], ['QUEUEID', 12, 4], ['FLAG', 16, 4], ['QUEUEOFFSET', 20, 8], ['PHYSICALOFFSET', 28, 8],
  ['SYSFLAG', 36, 4], ['BORNTIMESTAMP', 40, 8], ['BORNHOST', 48, 8], ['STOREHOST', 64, 8], ['RECONSUMETIMES', 72, 4], ['PREPARED_TRAN_OFFSET', 76, 8],
  ['BODYLEN', 84, 4],
];

describe('one flipped bit', () => {
  const store = unpackFixture('clean');
  const log = path.join(store, 'commitlog', '00000000000000000000');
  const row = readTruth().find((candidate) => candidate.commitLogOffset === 3729)!;

  it.each(FIELDS)('in %s of a record is reported at the record, unless it cannot be known', async (field, at, length) => {
    const unnoticed: number[] = [];
    // Every bit of the short fields; of the long ones the first and last bytes and every fifth bit, to save time.
    for (const bit of bits(length * 8).filter((candidate) => length < 8 || candidate % 5 === 0 || candidate < 8 || candidate >= 56)) {
      const report = await withFlippedBit(log, row.commitLogOffset + at, bit, () => verifyStore({ storeDirectory: store }));
      if (report.ok) unnoticed.push(bit);
      else expect(report.damage, `bit ${bit}`).toContainEqual(expect.objectContaining({ file: log, position: row.commitLogOffset, commitLogOffset: row.commitLogOffset }));
    }
    expect(unnoticed.filter((bit) => !(UNKNOWABLE[field] ?? []).includes(bit))).toEqual([]);
  });

  it('in STORETIMESTAMP is reported when it moves the record by a second or more', async () => {
    for (const bit of range(0, 50).filter((candidate) => candidate % 3 === 0)) {
      const report = await withFlippedBit(log, row.commitLogOffset + 56, bit, () => verifyStore({ storeDirectory: store }));
      expect(report.ok, `bit ${bit}`).toBe(false);
    }
  });

  it('in a body is reported with queue and queue offset', async () => {
    const report = await withFlippedBit(log, row.commitLogOffset + 88, 3, () => verifyStore({ storeDirectory: store }));
    expect(report.ok).toBe(false);
    expect(report.damage[0]).toMatchObject({
      family: 'commitlog', file: log, position: row.commitLogOffset, queueOffset: row.queueOffset, queue: { topic: row.topic, queueId: row.queueId, brokerName: 'broker-a' },
    });
    expect(report.damage[0]!.reason).toContain('BODYCRC');
    expect(report.records).toBe(readTruth().length - 1);
  });

  it('in the last record of the log is damage too: its queue entry says that it was complete', async () => {
    const last = readTruth().reduce((a, b) => (a.commitLogOffset > b.commitLogOffset ? a : b));
    for (const at of [0, 5, 36, 90]) {
      const report = await withFlippedBit(log, last.commitLogOffset + at, 3, () => verifyStore({ storeDirectory: store }));
      expect(report.damage, `byte ${at}`).toContainEqual(expect.objectContaining({ file: log, position: last.commitLogOffset }));
    }
  });

  it('anywhere in a queue entry is reported at the entry', async () => {
    const rows = readTruth().filter((candidate) => candidate.topic === 'Orders' && candidate.queueId === 1);
    const file = path.join(store, 'consumequeue', 'Orders', '1', '00000000000000000000');
    for (const entry of [0, 3, rows.length - 1]) {
      for (const bit of bits(160).filter((candidate) => (candidate + entry) % 3 === 0)) {
        const report = await withFlippedBit(file, entry * 20, bit, () => verifyStore({ storeDirectory: store }));
        expect(report.ok, `entry ${entry}, bit ${bit}`).toBe(false);
        expect(report.damage, `entry ${entry}, bit ${bit}`).toContainEqual(expect.objectContaining({ family: 'consumequeue', file, position: entry * 20, queueOffset: entry }));
      }
    }
  });

  it('in a slot, an entry or the header of the index is reported in the file', async () => {
    const name = fs.readdirSync(path.join(store, 'index'))[0]!;
    const file = path.join(store, 'index', name);
    const bytes = fs.readFileSync(file);
    const usedSlot = bits(1000).find((slot) => bytes.readInt32BE(40 + slot * 4) !== 0)!;
    const places = [...bits(320).map((bit) => [0, bit]), ...bits(32).map((bit) => [40 + usedSlot * 4, bit]), ...bits(160).map((bit) => [40 + 4000 + 7 * 20, bit])];
    for (const [position, bit] of places.filter((_, index) => index % 3 === 0)) {
      const report = await withFlippedBit(file, position!, bit!, () => verifyStore({ storeDirectory: store }));
      expect(report.damage.some((damage) => damage.family === 'index' && damage.file === file && damage.position >= 0), `byte ${position}, bit ${bit}`).toBe(true);
    }
  });
});
