import { afterEach, describe, expect, it } from 'vitest';
import type { Broker } from '../../../../src/broker/broker.ts';
import type { MessageFilter } from '../../../../src/broker/types.ts';
import type { FileSystem } from '../../../../src/engine/files/file-system.ts';
import { nodeFileSystem } from '../../../../src/engine/files/node-file-system.ts';
import { openLocalBroker } from '../../../../src/engine/open.ts';
import type { Message } from '../../../../src/record/message.ts';
import { temporaryDirectory } from '../../../support/fixtures.ts';

interface Range {
  readonly start: number;
  readonly end: number;
}

/** The file system, with a note of what was read of the commit log's first file. */
class WatchedReads {
  readonly ranges: Range[] = [];
  readonly fs: FileSystem = {
    ...nodeFileSystem,
    open: (path, mode) => {
      const fd = nodeFileSystem.open(path, mode);
      if (path.endsWith('/commitlog/00000000000000000000')) this.#logs.add(fd);
      else this.#logs.delete(fd);
      return fd;
    },
    read: (fd, target, targetOffset, length, position) => {
      if (this.#logs.has(fd)) this.ranges.push({ start: position, end: position + length });
      return nodeFileSystem.read(fd, target, targetOffset, length, position);
    },
  };
  readonly #logs = new Set<number>();
}

const open: Broker[] = [];
afterEach(async () => {
  for (const broker of open.splice(0)) await broker.close();
});

const storeOf = async (queueCount: number, tags: readonly (string | undefined)[]): Promise<string> => {
  const storeDirectory = temporaryDirectory('tag-reads');
  const broker = await openLocalBroker({ storeDirectory, mode: 'write', create: true });
  await broker.createTopic('T', { readQueueNums: queueCount, writeQueueNums: queueCount });
  for (const [index, tag] of tags.entries()) await broker.send({ topic: 'T', body: Buffer.alloc(300, index), tags: tag, queueId: index % queueCount });
  await broker.close();
  return storeDirectory;
};

/** Everything a filter lets through, and what was read of the log for it by a process that had read nothing before. */
const readThrough = async (storeDirectory: string, queueCount: number, filter: MessageFilter | undefined): Promise<{ messages: Message[]; ranges: Range[] }> => {
  const watched = new WatchedReads();
  const broker = await openLocalBroker({ storeDirectory, mode: 'read', fs: watched.fs });
  open.push(broker);
  const queues = await broker.queues('T');
  expect(queues).toHaveLength(queueCount);
  for (const queue of queues) await broker.maxOffset(queue);
  watched.ranges.length = 0;
  const messages: Message[] = [];
  for (const queue of queues) {
    for (let offset = 0, maxOffset = 1; offset < maxOffset;) {
      const result = await broker.pull({ queue, offset, maxMessages: 32, filter });
      messages.push(...result.messages);
      offset = result.nextOffset;
      ({ maxOffset } = result);
    }
  }
  return { messages, ranges: watched.ranges };
};

const TAGS = Array.from({ length: 400 }, (_, index) => ['A', 'A', 'BB', undefined, 'A', 'Aa', 'C', 'A', 'A', 'A'][Math.floor(index / 3) % 10]);

describe.each([1, 4])('consumption by tag of %d queues', (queueCount) => {
  it('reads no record whose hash does not match, and each that does once', async () => {
    const storeDirectory = await storeOf(queueCount, TAGS);
    const all = await readThrough(storeDirectory, queueCount, undefined);
    expect(all.messages).toHaveLength(TAGS.length);
    // "Aa" and "BB" have one hash: both are read, one is wanted.
    for (const [filter, wanted, hashed] of [['A', ['A'], ['A']], ['C || Aa', ['C', 'Aa'], ['C', 'Aa', 'BB']], ['nobody', [], []]] as const) {
      const { messages, ranges } = await readThrough(storeDirectory, queueCount, { tags: filter });
      expect(messages.map(({ queueId, queueOffset }) => [queueId, queueOffset])).toEqual(
        all.messages.filter(({ tags }) => (wanted as readonly (string | null)[]).includes(tags)).map(({ queueId, queueOffset }) => [queueId, queueOffset]));
      const timesRead = ({ commitLogOffset, storeSize }: Message): number => ranges.filter(({ start, end }) => start < commitLogOffset + storeSize && end > commitLogOffset).length;
      for (const message of all.messages) expect(timesRead(message), `${filter}: ${message.tags} at ${message.commitLogOffset}`).toBe((hashed as readonly (string | null)[]).includes(message.tags) ? 1 : 0);
    }
  });
});

it('matching records that lie one behind the other are read together', async () => {
  const storeDirectory = await storeOf(1, Array.from({ length: 300 }, () => 'A'));
  const { messages, ranges } = await readThrough(storeDirectory, 1, { tags: 'A' });
  expect(messages).toHaveLength(300);
  expect(ranges.length).toBeLessThan(20);
});
