import path from 'node:path';
import { expect, it } from 'vitest';
import type { FileSystem } from '../../../../src/engine/files/file-system.ts';
import { nodeFileSystem } from '../../../../src/engine/files/node-file-system.ts';
import { OpenFiles } from '../../../../src/engine/files/open-files.ts';
import { initStore } from '../../../../src/engine/inspect/init.ts';
import { verifyStore } from '../../../../src/engine/inspect/verify.ts';
import { openLocalBroker } from '../../../../src/engine/open.ts';
import { temporaryDirectory } from '../../../support/fixtures.ts';

/** Counts descriptors of queue files, and knows which of those were written and not synced since. */
class WatchedFiles {
  readonly #paths = new Map<number, string>();
  readonly unsynced = new Set<string>();
  most = 0;
  readonly fs: FileSystem = {
    ...nodeFileSystem,
    open: (file, mode) => {
      const fd = nodeFileSystem.open(file, mode);
      // A file that is made has its name from a rename: it counts, whatever it is for.
      if (file.includes('consumequeue') || mode === 'create') this.#paths.set(fd, file);
      this.most = Math.max(this.most, this.#paths.size);
      return fd;
    },
    rename: (from, to) => {
      nodeFileSystem.rename(from, to);
      for (const [fd, file] of this.#paths) if (file === from) this.#paths.set(fd, to);
      if (this.unsynced.delete(from)) this.unsynced.add(to);
    },
    write: (fd, ...rest) => {
      nodeFileSystem.write(fd, ...rest);
      const file = this.#paths.get(fd);
      if (file !== undefined) this.unsynced.add(file);
    },
    dataSync: (fd) => {
      nodeFileSystem.dataSync(fd);
      const file = this.#paths.get(fd);
      if (file !== undefined) this.unsynced.delete(file);
    },
    close: (fd) => {
      nodeFileSystem.close(fd);
      this.#paths.delete(fd);
    },
  };
}

it('a writer and a reader of hundreds of queues keep a bounded number of files open, and nothing is lost or unsynced by it', { timeout: 60_000 }, async () => {
  const QUEUES = 700;
  const storeDirectory = path.join(temporaryDirectory('many-queues'), 'store');
  await initStore({ storeDirectory, segmentSizeBytes: 1 << 20, consumeQueueFileEntries: 3, indexSlotCount: 100, indexMaxCount: 10_000 });
  const watched = new WatchedFiles();
  const broker = await openLocalBroker({ storeDirectory, mode: 'write', fs: watched.fs });
  await broker.createTopic('T', { readQueueNums: QUEUES, writeQueueNums: QUEUES });
  // Files of three entries: the fourth round rolls every one.
  for (let round = 0; round < 4; round++) {
    await broker.sendBatch(Array.from({ length: QUEUES }, (_, queueId) => ({ topic: 'T', queueId, body: Buffer.from(`${queueId} ${round}`) })));
  }
  for (let round = 0; round < 2; round++) {
    for (let queueId = 0; queueId < QUEUES; queueId += round === 0 ? 1 : 7) {
      const { messages } = await broker.pull({ queue: { topic: 'T', brokerName: 'broker-a', queueId }, offset: 0, maxMessages: 9 });
      const first = messages.map(({ body }) => Buffer.from(body).toString());
      const { messages: rest } = await broker.pull({ queue: { topic: 'T', brokerName: 'broker-a', queueId }, offset: first.length, maxMessages: 9 });
      expect([...first, ...rest.map(({ body }) => Buffer.from(body).toString())]).toEqual([0, 1, 2, 3].map((number) => `${queueId} ${number}`));
    }
  }
  await broker.close();
  expect(watched.most).toBeLessThanOrEqual(256 + 512 + 10);
  expect(watched.most).toBeGreaterThan(256);
  expect([...watched.unsynced].filter((file) => file.includes('consumequeue'))).toEqual([]);
  expect((await verifyStore({ storeDirectory })).damage).toEqual([]);
});

it('the file opened first is let go of first; one that was closed does not count', () => {
  const released: string[] = [];
  const holder = (name: string) => ({ release: () => void released.push(name) });
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(holder) as [ReturnType<typeof holder>, ReturnType<typeof holder>, ReturnType<typeof holder>, ReturnType<typeof holder>];
  const files = new OpenFiles(2);
  files.opened(a);
  files.opened(b);
  files.opened(a);
  expect(released).toEqual([]);
  files.opened(c);
  expect(released).toEqual(['a']);
  files.closed(b);
  files.opened(d);
  expect(released).toEqual(['a']);
  files.opened(a);
  expect(released).toEqual(['a', 'c']);
});
