import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { dumpStore, planRecovery, recoverStore, verifyStore } from '../../src/engine/inspect/store-tools.ts';
import { readTruth, temporaryDirectory, unpackFixture } from '../support/fixtures.ts';

const rows = readTruth();
const fixtures = { clean: unpackFixture('clean'), killed: unpackFixture('killed') };
// 100 MB of holes that nothing here looks at, copied for every case.
for (const store of Object.values(fixtures)) fs.rmSync(path.join(store, 'timerlog'), { recursive: true });
const copyOf = (kind: 'clean' | 'killed'): string => {
  const directory = temporaryDirectory('recover');
  execFileSync('cp', ['-a', '--sparse=always', fixtures[kind], directory]);
  return path.join(directory, 'store');
};

const logFile = (store: string): string => path.join(store, 'commitlog', '00000000000000000000');
const queueFile = (store: string, topic: string, queueId: number): string => path.join(store, 'consumequeue', topic, String(queueId), '00000000000000000000');

const change = (file: string, position: number, edit: (bytes: Buffer) => void, length = 8): void => {
  const fd = fs.openSync(file, 'r+');
  const bytes = Buffer.alloc(length);
  fs.readSync(fd, bytes, 0, length, position);
  edit(bytes);
  fs.writeSync(fd, bytes, 0, length, position);
  fs.closeSync(fd);
};
const flip = (file: string, position: number, bit = 3): void => change(file, position, (bytes) => void (bytes[0]! ^= 0x80 >> bit), 1);

const records = async (store: string): Promise<Map<string, Record<string, unknown>>> => {
  const found = new Map<string, Record<string, unknown>>();
  for await (const object of dumpStore({ storeDirectory: store, what: 'commitlog' })) {
    const record = object as Record<string, unknown>;
    found.set(String(record['commitLogOffset']), record);
  }
  return found;
};

/** Everything but the records at `changed` is as the official client saw it. */
const expectNeighbours = async (store: string, changed: readonly number[]): Promise<Map<string, Record<string, unknown>>> => {
  const found = await records(store);
  for (const row of rows) {
    const { bodySha256_8: _hash, bodyLength, msgId: _id, offsetMsgId: _offsetId, storeSize, commitLogOffset, ...fields } = row;
    if (changed.includes(commitLogOffset)) continue;
    expect(found.get(String(commitLogOffset))).toMatchObject({ recordType: 'message', crcOk: true, sizeBytes: storeSize, ...fields });
    void bodyLength;
  }
  return found;
};

const row = rows.find((candidate) => candidate.commitLogOffset === 3729)!;

const DAMAGES: readonly (readonly [string, (store: string) => void, 'lost' | 'kept'])[] = [
  ['the body of a record', (store) => flip(logFile(store), 3729 + 88), 'lost'],
  ['TOTALSIZE', (store) => flip(logFile(store), 3729 + 3, 6), 'lost'],
  ['TOTALSIZE by 256', (store) => change(logFile(store), 3729, (bytes) => void (bytes[2]! ^= 1), 4), 'lost'],
  ['MAGICCODE', (store) => flip(logFile(store), 3729 + 4), 'lost'],
  ['BODYCRC', (store) => flip(logFile(store), 3729 + 8), 'lost'],
  ['PHYSICALOFFSET', (store) => flip(logFile(store), 3729 + 35), 'lost'],
  ['BODYLEN', (store) => flip(logFile(store), 3729 + 87, 5), 'lost'],
  ['QUEUEID', (store) => flip(logFile(store), 3729 + 15, 6), 'kept'],
  ['QUEUEOFFSET', (store) => flip(logFile(store), 3729 + 27, 5), 'kept'],
  ['the transaction type', (store) => flip(logFile(store), 3729 + 39, 5), 'kept'],
  ['unknown SYSFLAG bits', (store) => flip(logFile(store), 3729 + 37, 5), 'kept'],
  ['STOREHOST', (store) => flip(logFile(store), 3729 + 65, 5), 'kept'],
  ['the port of BORNHOST', (store) => flip(logFile(store), 3729 + 53, 5), 'kept'],
  ['RECONSUMETIMES', (store) => flip(logFile(store), 3729 + 72, 2), 'kept'],
  ['PREPARED_TRAN_OFFSET', (store) => flip(logFile(store), 3729 + 82, 2), 'kept'],
  ['the topic', (store) => flip(logFile(store), 3729 + 88 + row.bodyLength + 1, 6), 'kept'],
  ['200 bytes across two records', (store) => change(logFile(store), 3729 + row.storeSize - 100, (bytes) => bytes.fill(0xff), 200), 'lost'],
  ['the offset in a queue entry', (store) => flip(queueFile(store, row.topic, row.queueId), row.queueOffset * 20 + 6), 'kept'],
  ['the offset in the first entry of a queue', (store) => flip(queueFile(store, row.topic, row.queueId), 6), 'kept'],
  ['the size in a queue entry', (store) => flip(queueFile(store, row.topic, row.queueId), row.queueOffset * 20 + 11), 'kept'],
  ['the tags code in a queue entry', (store) => flip(queueFile(store, row.topic, row.queueId), row.queueOffset * 20 + 19), 'kept'],
  ['a queue entry that became zeros', (store) => change(queueFile(store, row.topic, row.queueId), row.queueOffset * 20, (bytes) => bytes.fill(0), 20), 'kept'],
  ['a queue that lost its directory', (store) => fs.rmSync(path.join(store, 'consumequeue', row.topic, String(row.queueId)), { recursive: true }), 'kept'],
  ['all queues gone', (store) => fs.rmSync(path.join(store, 'consumequeue'), { recursive: true }), 'kept'],
  ['an entry behind the end of a queue', (store) => change(queueFile(store, 'Orders', 1), 10 * 20, (bytes) => { bytes.writeInt32BE(5, 4); bytes.writeInt32BE(100, 8); }, 20), 'kept'],
  ['an index entry', (store) => flip(path.join(store, 'index', fs.readdirSync(path.join(store, 'index'))[0]!), 4040 + 7 * 20 + 2), 'kept'],
  ['an index header', (store) => flip(path.join(store, 'index', fs.readdirSync(path.join(store, 'index'))[0]!), 39), 'kept'],
  ['a broken topics.json', (store) => fs.writeFileSync(path.join(store, 'config', 'topics.json'), '{"topicConfigTable":{'), 'kept'],
  ['a stray file in the log', (store) => fs.writeFileSync(path.join(store, 'commitlog', '.DS_Store'), 'x'), 'kept'],
  ['a stray file in a queue', (store) => fs.writeFileSync(path.join(store, 'consumequeue', 'Orders', '1', 'notes~'), 'x'), 'kept'],
  ['a log file cut short', (store) => fs.truncateSync(logFile(store), 1_000_000), 'kept'],
  ['a queue file cut short', (store) => fs.truncateSync(queueFile(store, 'Orders', 1), 40), 'kept'],
  ['a timer wheel cut short', (store) => fs.truncateSync(path.join(store, 'timerwheel'), 100), 'kept'],
];

/** On the store of a killed broker only those that meet crash recovery: half of the cases take twice the time. */
const KILLED = new Set(['the body of a record', 'TOTALSIZE', 'QUEUEOFFSET', 'a queue entry that became zeros', 'all queues gone', 'an index entry', 'a log file cut short']);

describe.each(['clean', 'killed'] as const)('store recover on a %s store of a real broker', (kind) => {
  it.each(DAMAGES.filter(([name]) => kind === 'clean' || KILLED.has(name)))('mends %s and leaves all neighbours as they were', async (name, damage, outcome) => {
    const store = copyOf(kind);
    damage(store);
    // A clean store with a short log file and no other file to compare with says what it should be only in store.json.
    if (name.includes('cut short') || name === 'all queues gone') {
      fs.mkdirSync(path.join(store, 'mqlite'), { recursive: true });
      fs.writeFileSync(path.join(store, 'mqlite', 'store.json'), JSON.stringify({ formatVersion: 1, segmentSizeBytes: 1_048_576, consumeQueueFileSizeBytes: 6_000_000, indexSlotCount: 1000, indexMaxCount: 4000 }));
    }
    const before = await verifyStore({ storeDirectory: store });
    const planned = await planRecovery({ storeDirectory: store });
    expect(planned.dryRun).toBe(true);
    const report = await recoverStore({ storeDirectory: store, dryRun: false });
    if (!before.ok) expect(planned.actions.length).toBeGreaterThan(0);
    expect(report.verification.damage).toEqual([]);
    expect(report.ok).toBe(true);
    const isAcrossTwo = name.startsWith('200');
    const changed = outcome === 'kept' ? [] : isAcrossTwo ? [3729, 3729 + row.storeSize] : [3729];
    const found = await expectNeighbours(store, changed);
    for (const offset of changed) {
      const lost = rows.find((candidate) => candidate.commitLogOffset === offset)!;
      expect(found.get(String(offset))).toMatchObject({
        recordType: 'message', crcOk: true, sizeBytes: lost.storeSize, topic: lost.topic, queueId: lost.queueId, queueOffset: lost.queueOffset,
        properties: { MQLITE_DAMAGED: expect.any(String) as string },
      });
    }
    // Doing it again changes nothing.
    expect((await recoverStore({ storeDirectory: store, dryRun: false })).actions).toEqual([]);
  });

  it('keeps the bytes it replaces', async () => {
    const store = copyOf(kind);
    flip(logFile(store), 3729 + 88);
    const damaged = Buffer.alloc(row.storeSize);
    const fd = fs.openSync(logFile(store), 'r');
    fs.readSync(fd, damaged, 0, row.storeSize, 3729);
    fs.closeSync(fd);
    const { quarantineDirectory } = await recoverStore({ storeDirectory: store, dryRun: false });
    expect(fs.readFileSync(path.join(quarantineDirectory, '3729.1'))).toEqual(damaged);
  });

  it('writes nothing in a dry run', async () => {
    const store = copyOf(kind);
    flip(logFile(store), 3729 + 88);
    flip(queueFile(store, 'Orders', 1), 6);
    const list = (): string[] => (fs.readdirSync(store, { recursive: true }) as string[]).sort().map((name) => `${name} ${fs.statSync(path.join(store, name)).mtimeMs}`);
    const before = list();
    const plan = await planRecovery({ storeDirectory: store });
    expect(plan.ok).toBe(false);
    expect(plan.actions.map((action) => action.action)).toEqual(expect.arrayContaining(['replace-record', 'write-queue-entry']));
    expect(list()).toEqual(before);
  });
});
