import path from 'node:path';
import { expect, it } from 'vitest';
import { nodeFileSystem } from '../../../../src/engine/files/node-file-system.ts';
import type { FileSystem } from '../../../../src/engine/files/file-system.ts';
import { openLocalBroker } from '../../../../src/engine/open.ts';
import { temporaryDirectory } from '../../../support/fixtures.ts';

const QUEUES = 40;

/** Names the files that are synced; time for housekeeping never comes by itself. */
const watched = (synced: string[]): FileSystem => {
  const paths = new Map<number, string>();
  return {
    ...nodeFileSystem,
    open: (file, mode) => {
      const fd = nodeFileSystem.open(file, mode);
      paths.set(fd, file);
      return fd;
    },
    // Queue files are made under another name, and renamed.
    rename: (from, to) => {
      for (const [fd, file] of paths) if (file === from) paths.set(fd, to);
      nodeFileSystem.rename(from, to);
    },
    dataSync: (fd) => {
      synced.push(paths.get(fd) ?? '');
      nodeFileSystem.dataSync(fd);
    },
  };
};

it('another process changes a topic: nothing is synced with the write lock held, and everything by the end', async () => {
  const storeDirectory = path.join(temporaryDirectory('change'), 'store');
  const synced: string[] = [];
  const broker = await openLocalBroker({ storeDirectory, mode: 'write', create: true, fs: watched(synced) });
  const other = await openLocalBroker({ storeDirectory, mode: 'write' });
  await broker.createTopic('T', { readQueueNums: QUEUES, writeQueueNums: QUEUES });
  await broker.sendBatch(Array.from({ length: QUEUES }, (_, queueId) => ({ topic: 'T', body: Buffer.from('x'), queueId })));
  await other.createTopic('other', {});
  synced.length = 0;
  await broker.send({ topic: 'T', body: Buffer.from('y'), queueId: 0 });
  const queueFiles = (): string[] => synced.filter((file) => file.includes('consumequeue'));
  expect(queueFiles()).toEqual([]);
  await broker.close();
  expect(new Set(queueFiles()).size).toBe(QUEUES);
  await other.close();
});
