import { join } from 'node:path';
import type { FileSystem } from '../files/file-system.ts';
import { inspectSegmentDirectory } from '../commit-log/log-directory.ts';
import type { SegmentDirectory } from '../commit-log/log-directory.ts';

/** `simple`: 20-byte entries. `batch`: topics with attribute queue.type=BatchCQ, 46-byte entries, read only here. */
export type QueueFamily = 'simple' | 'batch';

/** Directory of each family under the store. [StorePathConfigHelper] */
export const QUEUE_DIRECTORIES = { simple: 'consumequeue', batch: 'batchconsumequeue' } as const satisfies Record<QueueFamily, string>;

export interface QueueDirectory {
  readonly topic: string;
  readonly queueId: number;
  readonly family: QueueFamily;
  /** `<store>/consumequeue/<topic>/<queueId>` */
  readonly path: string;
}

const MAX_QUEUE_ID = 0x7fff_ffff;

/** A queue id as a broker names its directory: a plain non-negative int. null for anything else, which it skips. */
export const parseQueueId = (name: string): number | null => {
  if (!/^(0|[1-9]\d{0,9})$/.test(name)) return null;
  const queueId = Number(name);
  return queueId <= MAX_QUEUE_ID ? queueId : null;
};

export const queueDirectoryPath = (storeDirectory: string, topic: string, queueId: number, family: QueueFamily = 'simple'): string =>
  join(storeDirectory, QUEUE_DIRECTORIES[family], topic, String(queueId));

const isDirectory = (fs: FileSystem, path: string): boolean => fs.stat(path)?.isDirectory ?? false;

/** Topics with a queue directory, sorted. The directory name is the topic, taken verbatim. [ConsumeQueueStore#loadConsumeQueues] */
export const listQueueTopics = (fs: FileSystem, storeDirectory: string, family: QueueFamily = 'simple'): string[] => {
  const root = join(storeDirectory, QUEUE_DIRECTORIES[family]);
  return (fs.list(root) ?? []).filter((name) => isDirectory(fs, join(root, name))).sort();
};

/** Queues of one topic, by id. Other names and plain files are left out: a broker skips the former too. */
export const listTopicQueues = (fs: FileSystem, storeDirectory: string, topic: string, family: QueueFamily = 'simple'): QueueDirectory[] => {
  const root = join(storeDirectory, QUEUE_DIRECTORIES[family], topic);
  const queues: QueueDirectory[] = [];
  for (const name of fs.list(root) ?? []) {
    const queueId = parseQueueId(name);
    const path = join(root, name);
    if (queueId !== null && isDirectory(fs, path)) queues.push({ topic, queueId, family, path });
  }
  return queues.sort((a, b) => a.queueId - b.queueId);
};

/** Every queue of the store, both families, by topic and id. */
export const listQueues = (fs: FileSystem, storeDirectory: string): QueueDirectory[] =>
  (['simple', 'batch'] as const).flatMap((family) =>
    listQueueTopics(fs, storeDirectory, family).flatMap((topic) => listTopicQueues(fs, storeDirectory, topic, family)));

/**
 * Plain files where a queue directory should be and whose name is a number: a broker takes such a file for a queue and
 * serves an empty one. [ConsumeQueueStore#loadConsumeQueues]
 */
export const listPhantomQueues = (fs: FileSystem, storeDirectory: string): string[] =>
  (['simple', 'batch'] as const).flatMap((family) =>
    listQueueTopics(fs, storeDirectory, family).flatMap((topic) => {
      const root = join(storeDirectory, QUEUE_DIRECTORIES[family], topic);
      return (fs.list(root) ?? [])
        .filter((name) => parseQueueId(name) !== null)
        .map((name) => join(root, name))
        .filter((path) => !isDirectory(fs, path));
    }));

/** The files of one queue. `fileSizeBytes` null takes the size that most of them have. */
export const inspectQueueFiles = (fs: FileSystem, queue: QueueDirectory, fileSizeBytes: number | null = null): SegmentDirectory =>
  inspectSegmentDirectory(fs, queue.path, fileSizeBytes);
