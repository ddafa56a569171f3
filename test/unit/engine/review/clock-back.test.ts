import path from 'node:path';
import { expect, it } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import { nativeFileLocks } from '../../../../src/engine/files/file-locks.ts';
import { nodeFileSystem } from '../../../../src/engine/files/node-file-system.ts';
import { withStoreExclusive } from '../../../../src/engine/locks/attachment.ts';
import { WriteLock } from '../../../../src/engine/locks/write-lock.ts';
import { openLocalBroker } from '../../../../src/engine/open.ts';
import { storePaths } from '../../../../src/engine/store-paths.ts';
import { temporaryDirectory } from '../../../support/fixtures.ts';

it('timers and signals have their turn in a flood of sends, also after the clock was set back', async () => {
  let setBackMs = 0;
  const broker = await openLocalBroker({
    storeDirectory: temporaryDirectory('clock'), mode: 'write', create: true,
    clock: { ...systemClock, nowMs: () => Date.now() - setBackMs },
  });
  const body = Buffer.from('x');
  await broker.send({ topic: 'T', body });
  for (let index = 0; index < 50; index++) await broker.send({ topic: 'T', body });
  await new Promise((resolve) => setTimeout(resolve, 30));
  await broker.send({ topic: 'T', body });
  setBackMs = 3_600_000;
  let sent = 0;
  let sentAtTimer = -1;
  setTimeout(() => (sentAtTimer = sent), 20);
  while (sent < 20_000 && sentAtTimer < 0) {
    await broker.send({ topic: 'T', body });
    sent++;
  }
  expect(sentAtTimer).toBeGreaterThanOrEqual(0);
  await broker.close();
});

it.each([['back', -3_600_000], ['ahead', 3_600_000]])('a lock is waited for as long as said, also when the clock is set %s meanwhile', async (_, byMs) => {
  const directory = temporaryDirectory('clock');
  const fs = nodeFileSystem;
  const locks = nativeFileLocks;
  let setAtMs = Infinity;
  const clock = { ...systemClock, nowMs: () => (Date.now() > setAtMs ? Date.now() + byMs : Date.now()) };
  const waitedMs = async (timeoutMs: number, wait: (timeoutMs: number) => Promise<unknown>): Promise<number> => {
    const before = performance.now();
    await expect(wait(timeoutMs)).rejects.toMatchObject({ code: 'LOCKED' });
    return performance.now() - before;
  };
  const newLock = (timeoutMs: number): WriteLock => new WriteLock({ fs, locks, clock, path: path.join(directory, 'write.lock'), timeoutMs, turn: () => 0 });
  const holder = newLock(0);
  const waiter = newLock(100);
  expect(holder.tryAcquire()).toBe(true);
  const broker = await openLocalBroker({ storeDirectory: path.join(directory, 'store'), mode: 'write', create: true });
  const paths = storePaths(path.join(directory, 'store'));
  setAtMs = Date.now() + 20;
  const waits = await Promise.all([
    waitedMs(100, () => waiter.acquire()),
    waitedMs(100, (lockTimeoutMs) => withStoreExclusive({ fs, locks, clock, paths, lockTimeoutMs }, () => undefined)),
  ]);
  for (const waited of waits) {
    expect(waited).toBeGreaterThanOrEqual(99);
    expect(waited).toBeLessThan(2000);
  }
  for (const lock of [holder, waiter]) lock.close();
  await broker.close();
});
