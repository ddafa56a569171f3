import { MqliteError } from '../../broker/errors.ts';
import { listQueues } from '../consume-queue/queue-directory.ts';
import { findBatchQueueEnd } from '../read/batch-queue-reader.ts';
import type { StoreContext } from '../store-context.ts';

/** Topics with batch queues, each with the end of the last record that they know. Those queues are read here and never written. */
export const batchTopicEnds = ({ fs, paths }: StoreContext): Map<string, number> => {
  const ends = new Map<string, number>();
  for (const queue of listQueues(fs, paths.root)) {
    if (queue.family === 'batch') ends.set(queue.topic, Math.max(ends.get(queue.topic) ?? 0, findBatchQueueEnd(fs, queue.path).commitLogEnd));
  }
  return ends;
};

/**
 * Refuses to take over a store in which a batch topic's record is in no queue: closing the store would tell a broker that
 * its queues are complete (P8). Throws UNSUPPORTED.
 */
export const refuseUnlistedBatch = (context: StoreContext, topic: string, commitLogOffset: number, sizeBytes: number, knownEnd: number): void => {
  if (commitLogOffset + sizeBytes <= knownEnd) return;
  throw new MqliteError('UNSUPPORTED', `${context.paths.root}: the record at commit-log offset ${commitLogOffset} belongs to the batch queues of ${topic} and is not in them; mqlite does not write batch queues`, {
    hint: 'Start and stop the broker of this store once; reading works without.',
  });
};
