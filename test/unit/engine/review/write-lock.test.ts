import path from 'node:path';
import { expect, it } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import type { FileLocks } from '../../../../src/engine/files/file-locks.ts';
import { nativeFileLocks } from '../../../../src/engine/files/file-locks.ts';
import { nodeFileSystem } from '../../../../src/engine/files/node-file-system.ts';
import { WriteLock } from '../../../../src/engine/locks/write-lock.ts';
import { temporaryDirectory } from '../../../support/fixtures.ts';

/**
 * A lock that belongs to a descriptor is granted to it again and again: two parts of one process must not both believe
 * they hold it, for the first to let go would let another process in beside the second.
 */
const MAIN_BYTE = 0;

const newLock = (locks: FileLocks, directory: string): WriteLock =>
  new WriteLock({ fs: nodeFileSystem, locks, clock: systemClock, path: path.join(directory, 'write.lock'), timeoutMs: 1000, turn: () => 0 });

/** Another process seems to hold the main byte for the first `tries`. */
const busyFor = (tries: number): FileLocks => {
  let left = tries;
  return {
    tryLock: (fd, byte, mode) => (byte === MAIN_BYTE && left-- > 0 ? false : nativeFileLocks.tryLock(fd, byte, mode)),
    unlock: (fd, byte) => nativeFileLocks.unlock(fd, byte),
  };
};

it('parts of a process that want it at once get it one after the other, and hold it while they have it', async () => {
  const directory = temporaryDirectory('lock');
  const lock = newLock(busyFor(3), directory);
  const otherProcess = newLock(nativeFileLocks, directory);
  let turns = 0;
  const part = async (afterTurns: number): Promise<void> => {
    for (let turn = 0; turn < afterTurns; turn++) await Promise.resolve();
    if (!lock.tryAcquire()) await lock.acquire();
    expect(lock.held).toBe(true);
    expect(otherProcess.tryAcquire()).toBe(false);
    turns++;
    lock.release(0, false);
  };
  await Promise.all([0, 0, 1, 2, 3, 4, 5, 6].map(part));
  expect(turns).toBe(8);
  expect(otherProcess.tryAcquire()).toBe(true);
  otherProcess.release(0, false);
  lock.close();
  otherProcess.close();
});

it('a part that gives up waiting leaves the lock to the next', async () => {
  const directory = temporaryDirectory('lock');
  const other = newLock(nativeFileLocks, directory);
  const lock = new WriteLock({ fs: nodeFileSystem, locks: nativeFileLocks, clock: systemClock, path: path.join(directory, 'write.lock'), timeoutMs: 30, turn: () => 0 });
  expect(other.tryAcquire()).toBe(true);
  await expect(Promise.all([lock.acquire(), lock.acquire()])).rejects.toMatchObject({ code: 'LOCKED' });
  await new Promise((resolve) => setTimeout(resolve, 80));
  other.release(0, false);
  expect(lock.tryAcquire()).toBe(true);
  lock.release(0, false);
  lock.close();
  other.close();
});
