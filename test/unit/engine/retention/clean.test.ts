import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../../src/base/clock.ts';
import { segmentFileName } from '../../../../src/engine/commit-log/log-directory.ts';
import { nodeFileSystem } from '../../../../src/engine/files/node-file-system.ts';
import { writeEntry } from '../../../../src/engine/consume-queue/layout.ts';
import { cleanStore, initStore } from '../../../../src/engine/inspect/store-tools.ts';
import { STUB_SIZE_BYTES, UNIT_SIZE_BYTES, writeUnit } from '../../../../src/engine/timer/layout.ts';
import { temporaryDirectory } from '../../../support/fixtures.ts';

const SEGMENT = 4096;
const QUEUE_FILE = 40;
const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 0, 10);
const clock: Clock = { nowMs: () => NOW, elapsedMs: () => NOW, repeat: () => ({ within: () => {} }), sleep: () => Promise.resolve() };

/** Log files of the given ages in hours, oldest first; a queue of two entries a file, pointing at the given offsets. */
const storeWith = async (agesHours: readonly number[], entries: readonly number[], indexEnds: readonly number[] = []): Promise<string> => {
  const directory = path.join(temporaryDirectory(), 'store');
  await initStore({ storeDirectory: directory, segmentSizeBytes: SEGMENT, consumeQueueFileEntries: 2, indexSlotCount: 10, indexMaxCount: 10 });
  agesHours.forEach((age, index) => {
    const file = path.join(directory, 'commitlog', segmentFileName(index * SEGMENT));
    fs.writeFileSync(file, Buffer.alloc(SEGMENT));
    fs.utimesSync(file, (NOW - age * HOUR) / 1000, (NOW - age * HOUR) / 1000);
  });
  const queue = path.join(directory, 'consumequeue', 't', '0');
  fs.mkdirSync(queue, { recursive: true });
  for (let first = 0; first < entries.length; first += 2) {
    const bytes = Buffer.alloc(QUEUE_FILE);
    entries.slice(first, first + 2).forEach((offset, index) => writeEntry(bytes, index * 20, offset, 100, 0, 0));
    fs.writeFileSync(path.join(queue, segmentFileName(first * 20)), bytes);
  }
  indexEnds.forEach((end, index) => {
    const bytes = Buffer.alloc(280);
    bytes.writeBigInt64BE(BigInt(end), 24);
    fs.writeFileSync(path.join(directory, 'index', `2026010100000000${index}`), bytes);
  });
  return directory;
};

const names = (directory: string): string[] => (fs.existsSync(directory) ? fs.readdirSync(directory).sort() : []);
const inLog = (store: string): string[] => names(path.join(store, 'commitlog'));
const inQueue = (store: string): string[] => names(path.join(store, 'consumequeue', 't', '0'));

describe('store clean', () => {
  it('removes expired log files, then the queue and index files that point below what is left', async () => {
    const store = await storeWith([100, 80, 10, 0], [0, 5000, 6000, 8000, 9000], [8000, 8500, 9000]);
    const report = await cleanStore({ storeDirectory: store, dryRun: false, clock });
    expect(inLog(store)).toEqual([segmentFileName(2 * SEGMENT), segmentFileName(3 * SEGMENT)]);
    expect(inQueue(store)).toEqual([segmentFileName(80)]);
    expect(names(path.join(store, 'index'))).toEqual(['20260101000000001', '20260101000000002']);
    expect(report.files.map((file) => file.family)).toEqual(['commitlog', 'commitlog', 'consumequeue', 'consumequeue', 'index']);
    expect(report).toMatchObject({ minOffset: 2 * SEGMENT, sizeBytes: 2 * SEGMENT + 2 * QUEUE_FILE + 280 });
  });

  it('says the same in a dry run and removes nothing, not even a time changes', async () => {
    const store = await storeWith([100, 80, 10, 0], [0, 5000, 6000, 8000, 9000], [8000, 8500, 9000]);
    const before = (fs.readdirSync(store, { recursive: true }) as string[]).sort().map((name) => `${name} ${fs.statSync(path.join(store, name)).mtimeMs}`);
    const plan = await cleanStore({ storeDirectory: store, dryRun: true, clock });
    expect((fs.readdirSync(store, { recursive: true }) as string[]).sort().map((name) => `${name} ${fs.statSync(path.join(store, name)).mtimeMs}`)).toEqual(before);
    expect((await cleanStore({ storeDirectory: store, dryRun: false, clock })).files).toEqual(plan.files);
  });

  it('never removes the last log file, however old', async () => {
    const store = await storeWith([500, 500], [0, 1]);
    await cleanStore({ storeDirectory: store, dryRun: false, clock, olderThanMs: 0 });
    expect(inLog(store)).toEqual([segmentFileName(SEGMENT)]);
  });

  it('stops at the first log file that is young, so that no hole appears', async () => {
    const store = await storeWith([10, 500, 0], []);
    expect((await cleanStore({ storeDirectory: store, dryRun: false, clock })).files).toEqual([]);
    expect(inLog(store)).toHaveLength(3);
  });

  it('removes files of the timer log whose last unit names a record that is gone, never the last', async () => {
    const fileSizeBytes = 2 * UNIT_SIZE_BYTES + STUB_SIZE_BYTES;
    const store = await storeWith([100, 80, 0], []);
    const timerLog = path.join(store, 'timerlog');
    fs.mkdirSync(timerLog);
    [[0, 100], [200, SEGMENT], [300, 2 * SEGMENT], [0, 0]].forEach((offsets, file) => {
      const bytes = Buffer.alloc(fileSizeBytes);
      offsets.forEach((commitLogOffset, index) => writeUnit(bytes, index * UNIT_SIZE_BYTES, { previous: -1, magic: 1, baseMs: NOW, timeMs: NOW, commitLogOffset, sizeBytes: 100, topicHash: 0 }));
      fs.writeFileSync(path.join(timerLog, segmentFileName(file * fileSizeBytes)), bytes);
    });
    const report = await cleanStore({ storeDirectory: store, dryRun: false, clock });
    expect(report.files.filter(({ family }) => family === 'timerlog').map(({ file }) => path.basename(file))).toEqual([0, 1].map((file) => segmentFileName(file * fileSizeBytes)));
    expect(names(timerLog)).toEqual([2, 3].map((file) => segmentFileName(file * fileSizeBytes)));
  });

  it('keeps the last queue file, so that numbering goes on', async () => {
    const store = await storeWith([100, 0], [0, 10]);
    await cleanStore({ storeDirectory: store, dryRun: false, clock });
    expect(inQueue(store)).toEqual([segmentFileName(0)]);
  });

  it('goes by --older-than', async () => {
    const store = await storeWith([30, 0], []);
    expect((await cleanStore({ storeDirectory: store, dryRun: true, clock })).files).toEqual([]);
    expect((await cleanStore({ storeDirectory: store, dryRun: true, clock, olderThanMs: 24 * HOUR })).files).toHaveLength(1);
  });

  it('P15: says that age is the modification time when nothing has expired', async () => {
    const store = await storeWith([1, 0], []);
    expect((await cleanStore({ storeDirectory: store, dryRun: true, clock })).notes.join()).toContain('modification time');
  });

  it('leaves the files behind the ones it could not remove', async () => {
    const store = await storeWith([100, 80, 0], []);
    const failing = { ...nodeFileSystem, unlink: (): void => { throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO', syscall: 'unlink' }); } };
    await expect(cleanStore({ storeDirectory: store, dryRun: false, clock, fs: failing })).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    expect(inLog(store)).toHaveLength(3);
  });
});
