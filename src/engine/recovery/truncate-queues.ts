import { listSegments } from '../commit-log/log-directory.ts';
import { zeroRange } from '../commit-log/log-writer.ts';
import { ENTRY_PHYSICAL_OFFSET, ENTRY_RECORD_SIZE, ENTRY_SIZE_BYTES, isEntryPresent, readOffset } from '../consume-queue/layout.ts';
import { listQueues } from '../consume-queue/queue-directory.ts';
import type { QueueDirectory } from '../consume-queue/queue-directory.ts';
import type { StoreContext } from '../store-context.ts';

/**
 * Removes queue entries whose record begins at or behind the end of the log: queues ahead of a log whose tail was lost.
 * A queue file left without an entry is removed, since a zero-filled one counts as an entry (P9).
 */
export const truncateQueues = (context: StoreContext, tail: number, notices: string[]): void => {
  for (const queue of listQueues(context.fs, context.paths.root)) {
    if (queue.family !== 'simple') continue;
    const removed = truncateQueue(context, queue, tail);
    if (removed > 0) notices.push(`${queue.topic} queue ${queue.queueId}: ${removed} entries pointed behind the end of the log and were removed`);
  }
};

const truncateQueue = (context: StoreContext, queue: QueueDirectory, tail: number): number => {
  const { fs, identity } = context;
  const segments = listSegments(fs, queue.path, identity.consumeQueueFileSizeBytes);
  let removed = 0;
  for (let index = segments.length - 1; index >= 0; index--) {
    const segment = segments[index]!;
    const bytes = Buffer.alloc(segment.sizeBytes);
    const fd = fs.open(segment.path, 'read');
    let length: number;
    try {
      length = fs.read(fd, bytes, 0, bytes.length, 0);
    } finally {
      fs.close(fd);
    }
    const { keepEntries, usedEntries } = countEntries(bytes, length, tail);
    removed += usedEntries - keepEntries;
    if (keepEntries === 0) {
      fs.unlink(segment.path);
      fs.syncDirectory(queue.path);
      continue;
    }
    // On disk at once: were the zeros lost, the entries would point at records of other queues later on.
    if (usedEntries > keepEntries) zeroRange(fs, segment.path, keepEntries * ENTRY_SIZE_BYTES, usedEntries * ENTRY_SIZE_BYTES);
    break;
  }
  return removed;
};

/** Entries up to the first invalid one or the first behind the tail are kept; `usedEntries` ends with the last that is not all zeros. */
const countEntries = (bytes: Buffer, length: number, tail: number): { keepEntries: number; usedEntries: number } => {
  let keepEntries = 0;
  const total = Math.floor(length / ENTRY_SIZE_BYTES);
  while (keepEntries < total) {
    const at = keepEntries * ENTRY_SIZE_BYTES;
    if (!isEntryPresent(bytes, at)) break;
    if (readOffset(bytes, at + ENTRY_PHYSICAL_OFFSET) + bytes.readInt32BE(at + ENTRY_RECORD_SIZE) > tail && readOffset(bytes, at) >= tail) break;
    keepEntries++;
  }
  let end = length;
  while (end > keepEntries * ENTRY_SIZE_BYTES && bytes[end - 1] === 0) end--;
  return { keepEntries, usedEntries: Math.max(keepEntries, Math.ceil(end / ENTRY_SIZE_BYTES)) };
};
