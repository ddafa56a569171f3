import path from 'node:path';
import { MIN_RECORD_BYTES } from '../../record/layout.ts';
import { parseSegmentFileName } from '../commit-log/log-directory.ts';
import { ENTRY_PHYSICAL_OFFSET, ENTRY_RECORD_SIZE, ENTRY_SIZE_BYTES, PRE_BLANK_RECORD_SIZE, readOffset } from '../consume-queue/layout.ts';
import { listTopicQueues } from '../consume-queue/queue-directory.ts';
import type { QueueDirectory } from '../consume-queue/queue-directory.ts';
import { removeQueueDirectory } from '../consume-queue/queue-writer.ts';
import type { StoreContext, StoreTables } from '../store-context.ts';

/**
 * Completes deletions of topics that whoever began them did not live to complete: the tombstone is there, and so is a
 * queue with entries from before it. Before any record is dispatched: a topic of the same name starts with empty queues.
 * Returns the topics. Running it again after a crash in the middle leads to the same result.
 */
export const finishDeletions = (context: StoreContext, tables: StoreTables): string[] => {
  const { fs, paths } = context;
  const finished: string[] = [];
  for (const [topic, deletedBelow] of tables.deletedTopics.load()) {
    const queues = listTopicQueues(fs, paths.root, topic);
    if (!queues.some((queue) => firstOffset(context, queue) < deletedBelow)) continue;
    if (tables.topics.get(topic) !== null) tables.topics.remove(topic);
    tables.offsets.removeTopic(topic);
    for (const queue of queues) removeQueueDirectory(fs, queue.path);
    fs.syncDirectory(path.join(paths.consumeQueue, topic));
    finished.push(topic);
  }
  return finished;
};

/** Commit-log offset of the queue's first entry, by whatever file has it; Infinity for an empty queue and for fillers. */
const firstOffset = ({ fs }: StoreContext, queue: QueueDirectory): number => {
  const first = (fs.list(queue.path) ?? []).filter((name) => parseSegmentFileName(name) !== null).sort()[0];
  if (first === undefined) return Infinity;
  const entry = Buffer.alloc(ENTRY_SIZE_BYTES);
  const fd = fs.open(path.join(queue.path, first), 'read');
  try {
    fs.read(fd, entry, 0, ENTRY_SIZE_BYTES, 0);
  } finally {
    fs.close(fd);
  }
  const sizeBytes = entry.readInt32BE(ENTRY_RECORD_SIZE);
  return sizeBytes < MIN_RECORD_BYTES || sizeBytes === PRE_BLANK_RECORD_SIZE ? Infinity : readOffset(entry, ENTRY_PHYSICAL_OFFSET);
};
