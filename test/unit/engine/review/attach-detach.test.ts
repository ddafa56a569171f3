import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import type { Broker } from '../../../../src/broker/broker.ts';
import { nativeFileLocks } from '../../../../src/engine/files/file-locks.ts';
import type { FileSystem } from '../../../../src/engine/files/file-system.ts';
import { nodeFileSystem } from '../../../../src/engine/files/node-file-system.ts';
import { initStore } from '../../../../src/engine/inspect/init.ts';
import { isLocked } from '../../../../src/engine/locks/lock-holder.ts';
import { openLocalBroker } from '../../../../src/engine/open.ts';
import { temporaryDirectory } from '../../../support/fixtures.ts';

const newStore = async (): Promise<string> => {
  const storeDirectory = temporaryDirectory('attach');
  await initStore({ storeDirectory, segmentSizeBytes: 4096, consumeQueueFileEntries: 100, indexSlotCount: 100, indexMaxCount: 400 });
  return storeDirectory;
};
const writer = (storeDirectory: string, files: FileSystem = nodeFileSystem): Promise<Broker> => openLocalBroker({ storeDirectory, mode: 'write', fs: files });
const say = (broker: Broker, body: string): Promise<unknown> => broker.send({ topic: 'T', body: Buffer.from(body.padEnd(200, '.')) });

/** Remembers what descriptors belong to, and lets a test look at every sync, or refuse it, and at every close. */
const watched = (onSync: (file: string) => void, onClose: (file: string) => void = () => {}): FileSystem => {
  const paths = new Map<number, string>();
  return {
    ...nodeFileSystem,
    open: (file, mode) => {
      const fd = nodeFileSystem.open(file, mode);
      paths.set(fd, file);
      return fd;
    },
    close: (fd) => {
      const file = paths.get(fd) ?? '';
      paths.delete(fd);
      nodeFileSystem.close(fd);
      onClose(file);
    },
    dataSync: (fd) => {
      onSync(paths.get(fd) ?? '');
      nodeFileSystem.dataSync(fd);
    },
  };
};

it('the record that writers share is made by one that is alone: two that made it would each write one of its own', async () => {
  const storeDirectory = await newStore();
  const state = path.join(storeDirectory, 'mqlite', 'state');
  const madeAlone: boolean[] = [];
  const files: FileSystem = {
    ...nodeFileSystem,
    rename: (from, to) => {
      if (to === state) madeAlone.push(isLocked(nodeFileSystem, path.join(storeDirectory, 'mqlite', 'attach.lock')));
      nodeFileSystem.rename(from, to);
    },
  };
  const [first, second] = await Promise.all([writer(storeDirectory, files), writer(storeDirectory, files)]);
  expect(madeAlone).toEqual([true]);
  await say(first, 'one');
  await say(second, 'two');
  await first.close();
  await second.close();
});

it('of writers that leave at the same time, one completes the store', async () => {
  const storeDirectory = await newStore();
  for (let round = 0; round < 10; round++) {
    const brokers = [await writer(storeDirectory), await writer(storeDirectory), await writer(storeDirectory)];
    for (const broker of brokers) await say(broker, `round ${round}`);
    await Promise.all(brokers.map((broker) => broker.close()));
    expect(fs.existsSync(path.join(storeDirectory, 'abort'))).toBe(false);
  }
});

it('whoever may leave next finds the store and the index let go of', async () => {
  const storeDirectory = await newStore();
  const order: string[] = [];
  const isIndexFree = (): boolean => {
    const fd = nodeFileSystem.open(path.join(storeDirectory, 'mqlite', 'index.lock'), 'write');
    const isFree = nativeFileLocks.tryLock(fd, 0, 'exclusive');
    nodeFileSystem.close(fd);
    return isFree;
  };
  const owner = await writer(storeDirectory, watched(() => {}, (file) => {
    const name = path.basename(file);
    if (name === 'lock') order.push('store');
    if (name === 'attach.lock') order.push(isIndexFree() ? 'attach, index free' : 'attach, index held');
  }));
  const other = await writer(storeDirectory);
  await say(owner, 'a');
  order.length = 0;
  await owner.close();
  expect(order).toEqual(['store', 'attach, index free']);
  await other.close();
  expect(fs.existsSync(path.join(storeDirectory, 'abort'))).toBe(false);
});

it('a close that fails lets go of the store', async () => {
  const storeDirectory = await newStore();
  let isBroken = false;
  const broker = await writer(storeDirectory, watched(() => {
    if (isBroken) throw Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO', syscall: 'fdatasync' });
  }));
  await say(broker, 'a');
  isBroken = true;
  await expect(broker.close()).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
  expect(isLocked(nodeFileSystem, path.join(storeDirectory, 'lock'))).toBe(false);
  const next = await writer(storeDirectory);
  await say(next, 'b');
  await next.close();
  expect(fs.existsSync(path.join(storeDirectory, 'abort'))).toBe(false);
});

it('queue entries that a dead writer did not sync are synced before the store counts as complete', async () => {
  const storeDirectory = await newStore();
  const broker = await writer(storeDirectory);
  await broker.createTopic('T', { readQueueNums: 1, writeQueueNums: 1 });
  await say(broker, 'a');
  const dead = path.join(temporaryDirectory('dead'), 'store');
  fs.cpSync(storeDirectory, dead, { recursive: true });
  await broker.close();
  const synced: string[] = [];
  const next = await writer(dead, watched((file) => void synced.push(path.relative(dead, file))));
  await next.close();
  expect(synced).toContain('consumequeue/T/0/00000000000000000000');
});

it('a store whose oldest log file has expired can be written and synced after its broker died', async () => {
  const storeDirectory = await newStore();
  const first = await writer(storeDirectory);
  for (let index = 0; index < 60; index++) await say(first, `m${index}`);
  await first.close();
  fs.unlinkSync(path.join(storeDirectory, 'commitlog', '00000000000000000000'));
  fs.unlinkSync(path.join(storeDirectory, 'mqlite', 'state'));
  fs.writeFileSync(path.join(storeDirectory, 'abort'), '1');
  const next = await openLocalBroker({ storeDirectory, mode: 'write', flush: 'sync' });
  await say(next, 'after');
  await next.close();
  expect(fs.existsSync(path.join(storeDirectory, 'abort'))).toBe(false);
});

it('messages are acknowledged when the index cannot be written, and their keys follow', async () => {
  const storeDirectory = await newStore();
  let isFull = false;
  const indexFileBytes = 40 + 100 * 4 + 400 * 20;
  const broker = await writer(storeDirectory, {
    ...nodeFileSystem,
    truncate: (fd, sizeBytes) => {
      if (isFull && sizeBytes === indexFileBytes) throw Object.assign(new Error('ENOSPC: no space left on device, ftruncate'), { code: 'ENOSPC', syscall: 'ftruncate' });
      nodeFileSystem.truncate(fd, sizeBytes);
    },
  });
  isFull = true;
  const ids: string[] = [];
  for (let index = 0; index < 450; index++) ids.push((await broker.send({ topic: 'T', body: Buffer.from(`m${index}`) })).msgId);
  isFull = false;
  await broker.close();
  const reader = await openLocalBroker({ storeDirectory, mode: 'read' });
  for (const id of ids) expect((await reader.queryByMsgId(id, 'T')).messages).toHaveLength(1);
  await reader.close();
});
