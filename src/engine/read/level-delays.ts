import { CodecError } from '../../base/codec-error.ts';
import { recordProblem } from '../../record/check.ts';
import { createDispatchView, readDispatchView } from '../../record/dispatch-view.ts';
import { MIN_RECORD_BYTES } from '../../record/layout.ts';
import { isExtAddress } from '../consume-queue/layout.ts';
import { QueueCursor } from '../consume-queue/queue-cursor.ts';
import { inspectQueueFiles, listTopicQueues } from '../consume-queue/queue-directory.ts';
import type { QueueDirectory } from '../consume-queue/queue-directory.ts';
import { findQueueEnd } from '../consume-queue/queue-end.ts';
import type { FileSystem } from '../files/file-system.ts';
import { isLevelDelay } from '../state/level-identity.ts';
import type { LevelDelays } from '../state/level-identity.ts';
import { SCHEDULE_TOPIC } from '../../broker/names.ts';
import type { StorePaths } from '../store-paths.ts';
import { LogReader } from './log-reader.ts';

/** Entries of a level that are asked before it counts as saying nothing: the newest ones, and so many spread over the rest. */
const NEWEST_ENTRIES = 32;
const SPREAD_ENTRIES = 32;
const MAX_LEVEL = 9999;
/** No broker takes larger messages; an entry that claims more is damaged. */
const MAX_RECORD_BYTES = 64 * 1024 * 1024;
const CURSOR_BYTES = 20 * NEWEST_ENTRIES;

/**
 * How long messages wait at each delay level: the time in a queue entry of SCHEDULE_TOPIC_XXXX minus the STORETIMESTAMP of its
 * record. The newest entry that can be believed counts: a broker's `messageDelayLevel` may have been changed. Reads only; what
 * cannot be read says nothing.
 */
export const readLevelDelays = (fs: FileSystem, paths: StorePaths, segmentSizeBytes: number): LevelDelays => {
  const delaysMs = new Map<number, number>();
  let highest = 0;
  const log = new LogReader(fs, paths.commitLog, segmentSizeBytes);
  try {
    for (const queue of listTopicQueues(fs, paths.root, SCHEDULE_TOPIC)) {
      if (queue.queueId >= MAX_LEVEL) continue;
      const entries = quietly(() => entriesOf(fs, queue));
      if (entries === null) continue;
      highest = Math.max(highest, queue.queueId + 1);
      const delayMs = delayOf(entries, log, queue.queueId);
      if (delayMs !== null) delaysMs.set(queue.queueId + 1, delayMs);
    }
  } finally {
    log.close();
  }
  return { delaysMs, highest };
};

interface Entries {
  readonly cursor: QueueCursor;
  readonly firstOffset: number;
  readonly endOffset: number;
}

/** null for a queue that has no entries. */
const entriesOf = (fs: FileSystem, queue: QueueDirectory): Entries | null => {
  const { segments, fileSizeBytes } = inspectQueueFiles(fs, queue);
  if (fileSizeBytes === null) return null;
  const end = findQueueEnd(fs, queue.path, fileSizeBytes);
  return end.endOffset === end.firstOffset ? null : { cursor: new QueueCursor(fs, segments, CURSOR_BYTES), ...end };
};

const delayOf = ({ cursor, firstOffset, endOffset }: Entries, log: LogReader, queueId: number): number | null => {
  // So that one read brings all of the newest.
  quietly(() => cursor.load(Math.max(firstOffset, endOffset - NEWEST_ENTRIES)));
  for (const queueOffset of candidates(firstOffset, endOffset)) {
    const delayMs = quietly(() => delayAt(cursor, log, queueId, queueOffset));
    if (delayMs !== null) return delayMs;
  }
  return null;
};

/** The newest entries, then some of the older ones: behind a damaged stretch, or in a log file that is still there. */
function* candidates(first: number, end: number): Generator<number> {
  const newest = Math.max(first, end - NEWEST_ENTRIES);
  for (let offset = end - 1; offset >= newest; offset--) yield offset;
  const step = Math.max(1, (newest - first) / SPREAD_ENTRIES);
  for (let offset = newest - 1; offset > first; offset -= step) yield Math.floor(offset);
  if (newest > first) yield first;
}

const view = createDispatchView();

/** What one entry and its record say; null when they do not fit together, or when the time is none that a level leads to. */
const delayAt = (cursor: QueueCursor, log: LogReader, queueId: number, queueOffset: number): number | null => {
  if (cursor.load(queueOffset) !== 'present' || isExtAddress(cursor.tagsCode)) return null;
  const { commitLogOffset, recordSize } = cursor;
  if (recordSize < MIN_RECORD_BYTES || recordSize > MAX_RECORD_BYTES || !log.read(commitLogOffset, recordSize, recordSize)) return null;
  if (recordProblem(log.buffer, log.position, recordSize, true) !== null) return null;
  readDispatchView(log.buffer, log.position, view);
  const isIts = view.topic === SCHEDULE_TOPIC && view.queueId === queueId && view.queueOffset === queueOffset
    && view.commitLogOffset === commitLogOffset && view.delayLevel === queueId + 1;
  const delayMs = Number(cursor.tagsCode) - view.storeTimestamp;
  return isIts && isLevelDelay(delayMs) ? delayMs : null;
};

/** A file may vanish under a reader, and a bad place of a disk must not keep anyone from the rest of the store. */
const quietly = <T>(read: () => T): T | null => {
  try {
    return read();
  } catch (error) {
    if (error instanceof CodecError || typeof (error as NodeJS.ErrnoException).errno === 'number') return null;
    throw error;
  }
};
