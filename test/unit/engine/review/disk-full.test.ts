import { expect, it } from 'vitest';
import type { FileSystem } from '../../../../src/engine/files/file-system.ts';
import { nodeFileSystem } from '../../../../src/engine/files/node-file-system.ts';
import { initStore } from '../../../../src/engine/inspect/init.ts';
import { openLocalBroker } from '../../../../src/engine/open.ts';
import { temporaryDirectory } from '../../../support/fixtures.ts';

const enospc = (): Error => Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });

/** A full disk: bytes that are there can be overwritten, holes of sparse files can't be filled. */
const disk = (): { fs: FileSystem; isFull: boolean } => {
  const state = { isFull: false, fs: nodeFileSystem };
  state.fs = {
    ...nodeFileSystem,
    write: (fd, source, sourceOffset, length, position) => {
      if (state.isFull) {
        const there = Buffer.alloc(length);
        const count = nodeFileSystem.read(fd, there, 0, length, position);
        if (count < length || there.every((byte) => byte === 0)) throw enospc();
      }
      nodeFileSystem.write(fd, source, sourceOffset, length, position);
    },
  };
  return state;
};

it('a writer goes on once a full disk has room again', async () => {
  const storeDirectory = temporaryDirectory('full');
  await initStore({ storeDirectory, segmentSizeBytes: 65_536, consumeQueueFileEntries: 100, indexSlotCount: 100, indexMaxCount: 400 });
  const full = disk();
  const broker = await openLocalBroker({ storeDirectory, mode: 'write', fs: full.fs });
  await broker.createTopic('T', { readQueueNums: 1, writeQueueNums: 1 });
  await broker.send({ topic: 'T', body: Buffer.from('a') });
  full.isFull = true;
  await expect(broker.send({ topic: 'T', body: Buffer.from('b') })).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
  full.isFull = false;
  await broker.send({ topic: 'T', body: Buffer.from('c') });
  const queue = (await broker.queues('T'))[0]!;
  const { messages } = await broker.pull({ queue, offset: 0, maxMessages: 10 });
  expect(messages.map(({ body }) => Buffer.from(body).toString())).toEqual(['a', 'c']);
  await broker.close();
});
