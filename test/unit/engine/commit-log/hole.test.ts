import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { isHoleFrom } from '../../../../src/engine/commit-log/hole.ts';
import type { FileAllocation, FileSystem } from '../../../../src/engine/files/file-system.ts';
import { nodeFileSystem } from '../../../../src/engine/files/node-file-system.ts';
import { initStore, verifyStore } from '../../../../src/engine/inspect/store-tools.ts';
import { openLocalBroker } from '../../../../src/engine/open.ts';
import { temporaryDirectory } from '../../../support/fixtures.ts';

const BLOCK = 4096;
const SIZE = 8 << 20;
const ZEROS = Buffer.alloc(BLOCK);

/** Counts as ext4 does, whatever the tests run on: each block that holds anything, and `more`. Notes what is read. */
const countingFs = (more = 0, change: (truth: FileAllocation) => FileAllocation | null = (truth) => truth): FileSystem & { bytesRead: number } => {
  const counting = {
    ...nodeFileSystem,
    bytesRead: 0,
    read: (fd: number, target: Uint8Array, targetOffset: number, length: number, position: number): number => {
      const count = nodeFileSystem.read(fd, target, targetOffset, length, position);
      counting.bytesRead += count;
      return count;
    },
    allocation: (fd: number): FileAllocation | null => {
      const bytes = Buffer.alloc(fs.fstatSync(fd).size);
      fs.readSync(fd, bytes, 0, bytes.length, 0);
      let blocks = 0;
      for (let at = 0; at < bytes.length; at += BLOCK) if (bytes.compare(ZEROS, 0, BLOCK, at, at + BLOCK) !== 0) blocks++;
      return change({ allocatedBytes: (blocks + more) * BLOCK, blockBytes: BLOCK });
    },
  };
  return counting;
};

describe('a hole is proved by what a file takes up', () => {
  let file: string;
  const write = (position: number, bytes: Buffer | string): void => {
    const fd = fs.openSync(file, fs.existsSync(file) ? 'r+' : 'w+');
    fs.ftruncateSync(fd, SIZE);
    fs.writeSync(fd, Buffer.from(bytes), 0, bytes.length, position);
    fs.closeSync(fd);
  };
  beforeEach(() => {
    file = path.join(temporaryDirectory('hole'), 'log');
  });
  const islands = [BLOCK * 3, BLOCK * 3 + 1, 1 << 20, SIZE / 2, SIZE - 1];

  it.each([1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK - 17])('data of %i bytes, and nothing else', (length) => {
    write(0, Buffer.alloc(length, 'x'));
    const counting = countingFs();
    expect(isHoleFrom(counting, file, SIZE, length)).toBe(true);
    expect(counting.bytesRead).toBeLessThanOrEqual(3 * BLOCK);
    // From one byte earlier on it is none.
    expect(isHoleFrom(counting, file, SIZE, length - 1)).toBe(false);
  });

  it.each(islands)('an island at %i denies it, on the counting double and on the real file system', (at) => {
    write(0, Buffer.alloc(2 * BLOCK + 10, 'x'));
    write(at, 'y');
    expect(isHoleFrom(countingFs(), file, SIZE, 2 * BLOCK + 10)).toBe(false);
    expect(isHoleFrom(nodeFileSystem, file, SIZE, 2 * BLOCK + 10)).toBe(false);
  });

  it('an island denies it also where what is before has blocks of zeros, allocated or not', () => {
    write(0, 'x');
    write(8 * BLOCK, 'x');
    write(BLOCK, Buffer.alloc(BLOCK));
    expect(isHoleFrom(countingFs(), file, SIZE, 8 * BLOCK + 1)).toBe(true);
    write(SIZE / 2, 'y');
    expect(isHoleFrom(countingFs(), file, SIZE, 8 * BLOCK + 1)).toBe(false);
    expect(isHoleFrom(nodeFileSystem, file, SIZE, 8 * BLOCK + 1)).toBe(false);
  });

  it('the rest of the last block is looked at, in every chunk', () => {
    const length = (1 << 20) + 5 * BLOCK + 100;
    write(0, Buffer.alloc(length, 'x'));
    expect(isHoleFrom(countingFs(), file, SIZE, length)).toBe(true);
    write(6 * BLOCK + (1 << 20) - 1, 'y');
    expect(isHoleFrom(countingFs(), file, SIZE, length)).toBe(false);
  });

  it.each<[string, FileSystem]>([
    ['blocks of metadata', countingFs(1)], ['fewer blocks than hold data (compression)', countingFs(-1)], ['no count', countingFs(0, () => null)], ['no such method', { ...nodeFileSystem, allocation: undefined } as unknown as FileSystem],
  ])('%s: nothing is proved', (_what, system) => {
    write(0, Buffer.alloc(3 * BLOCK, 'x'));
    expect(isHoleFrom(system, file, SIZE, 3 * BLOCK)).toBe(false);
  });

  it('a full file and an untouched one', () => {
    write(0, '');
    expect(isHoleFrom(countingFs(), file, SIZE, 0)).toBe(true);
    expect(isHoleFrom(countingFs(), file, SIZE, SIZE)).toBe(false);
    write(0, 'x');
    expect(isHoleFrom(countingFs(), file, SIZE, 0)).toBe(false);
  });

  it('the real count, where there is one, covers at least the blocks that hold data', () => {
    write(0, Buffer.alloc(5 * BLOCK, 'x'));
    write(SIZE / 2, Buffer.alloc(BLOCK + 1, 'y'));
    const fd = fs.openSync(file, 'r');
    const allocation = nodeFileSystem.allocation!(fd);
    fs.closeSync(fd);
    // null on the file systems that are not believed.
    if (allocation !== null) expect(allocation.allocatedBytes).toBeGreaterThanOrEqual(7 * BLOCK);
  });
});

describe('store verify of a small store in a large file', () => {
  const make = async (): Promise<string> => {
    const store = path.join(temporaryDirectory('hole-store'), 'store');
    await initStore({ storeDirectory: store, segmentSizeBytes: SIZE, consumeQueueFileEntries: 1000, indexSlotCount: 1000, indexMaxCount: 4000 });
    const broker = await openLocalBroker({ storeDirectory: store, mode: 'write', flush: 'sync' });
    for (let index = 0; index < 50; index++) await broker.send({ topic: 'T', body: Buffer.alloc(1000, 'x') });
    await broker.close();
    return store;
  };
  const log = (store: string): string => path.join(store, 'commitlog', '0'.repeat(20));
  const island = (store: string, at: number): void => {
    const fd = fs.openSync(log(store), 'r+');
    fs.writeSync(fd, Buffer.from('stale'), 0, 5, at);
    fs.closeSync(fd);
  };

  it('does not read the hole', async () => {
    const counting = countingFs();
    expect(await verifyStore({ storeDirectory: await make(), fs: counting })).toMatchObject({ ok: true, records: 50, notes: [] });
    expect(counting.bytesRead).toBeLessThan(SIZE / 8);
  });

  it.each([1 << 20, SIZE - 5])('finds what lies behind it, at %i', async (at) => {
    const store = await make();
    island(store, at);
    for (const system of [countingFs(), nodeFileSystem]) {
      expect((await verifyStore({ storeDirectory: store, fs: system })).notes).toEqual([`bytes behind the end of the log at ${at}: left by an earlier crash, harmless to mqlite`]);
    }
  });

  it('reads everything of a store that was not closed, whatever the count says', async () => {
    const store = await make();
    fs.writeFileSync(path.join(store, 'abort'), '');
    island(store, SIZE / 2);
    const wrong = countingFs(-1);
    expect((await verifyStore({ storeDirectory: store, fs: wrong })).notes.join()).toContain('unfinished tail');
    expect(wrong.bytesRead).toBeGreaterThan(SIZE / 2);
  });
});
