import type { DamageReport, MessageQueue, PullResult } from '../../broker/types.ts';
import { CodecError } from '../../base/codec-error.ts';
import { expandInnerBatch, isInnerBatch } from '../../record/batch.ts';
import { decodeRecord } from '../../record/decode.ts';
import type { Message } from '../../record/message.ts';
import { mapProperties } from '../../record/property-source.ts';
import {
  BATCH_BASE_OFFSET, BATCH_COUNT, BATCH_ENTRY_SIZE_BYTES, BATCH_PHYSICAL_OFFSET, BATCH_RECORD_SIZE, BATCH_TAGS_CODE, readOffset,
} from '../consume-queue/layout.ts';
import type { BatchQueueReader } from './batch-queue-reader.ts';
import type { LogReader } from './log-reader.ts';
import { damageOf, locateRecord, mayMatchEntry, standInReason } from './puller.ts';
import type { HashTest, PullRange } from './puller.ts';

/** Entries looked at for one pull when a filter lets few through. */
const MAX_SCANNED_ENTRIES = 16 * 1024;

/**
 * One BatchCQ queue's messages from `offset` on, which may lie inside a batch. A batch is unpacked to its messages, as the official
 * client does [PullAPIWrapper#processPullResult]; those before `offset` are left out, as a consumer would see them twice.
 */
export const pullBatchMessages = (log: LogReader, queue: BatchQueueReader, messageQueue: MessageQueue, range: PullRange): PullResult<Message> => {
  const { maxMessages, maxBytes, minOffset, maxOffset, filter } = range;
  const messages: Message[] = [];
  const damaged: DamageReport[] = [];
  const mayMatch = filter?.mayMatchHash ?? null;
  let { offset } = range;
  let bytes = 0;
  let unit = queue.findUnit(offset);
  const lastUnit = unit + MAX_SCANNED_ENTRIES;
  while (unit >= 0 && unit < lastUnit && messages.length < maxMessages && bytes < maxBytes) {
    const count = queue.readUnits(unit, Math.max(maxMessages - messages.length, 32));
    if (count === 0) break;
    for (let index = 0; index < count && messages.length < maxMessages && bytes < maxBytes; index++, unit++) {
      const at = index * BATCH_ENTRY_SIZE_BYTES;
      const base = readOffset(queue.entries, at + BATCH_BASE_OFFSET);
      const size = queue.entries.readInt16BE(at + BATCH_COUNT);
      // Entries added since the end was looked up are the next pull's.
      if (base >= maxOffset) return done();
      offset = Math.max(range.offset, base);
      if (mayMatch === null || mayMatchBatch(mayMatch, queue.entries, at, size)) {
        const recordBytes = queue.entries.readInt32BE(at + BATCH_RECORD_SIZE);
        const found = readEntry(log, queue, messageQueue, at, base, size);
        if (typeof found === 'string') damaged.push(damageOf(log, messageQueue, base, readOffset(queue.entries, at + BATCH_PHYSICAL_OFFSET), found));
        else {
          for (const message of found) {
            if (message.queueOffset < range.offset) continue;
            if (messages.length >= maxMessages || (bytes >= maxBytes && messages.length > 0)) return done();
            offset = message.queueOffset + 1;
            if (filter !== null && !filter.matches(mapProperties(message.properties))) continue;
            messages.push(message);
            bytes += recordBytes / size;
          }
        }
      }
      offset = base + size;
    }
  }
  return done();

  function done(): PullResult<Message> {
    return { status: messages.length > 0 ? 'FOUND' : 'NO_MATCHED_MESSAGE', messages, nextOffset: offset, minOffset, maxOffset, damaged };
  }
};

/**
 * A batch's entry has the hash of the batch's own tags, which it has none of; its messages have theirs. So only the entry of a single
 * message with tags can be passed over.
 */
const mayMatchBatch = (mayMatch: HashTest, entries: Buffer, at: number, size: number): boolean =>
  size > 1 || (entries.readInt32BE(at + BATCH_TAGS_CODE) === 0 && entries.readInt32BE(at + BATCH_TAGS_CODE + 4) === 0) ||
  mayMatchEntry(mayMatch, entries, at + BATCH_TAGS_CODE);

/** The messages of the record an entry points to, or what is wrong with it. */
const readEntry = (log: LogReader, queue: BatchQueueReader, messageQueue: MessageQueue, at: number, base: number, size: number): readonly Message[] | string => {
  const commitLogOffset = readOffset(queue.entries, at + BATCH_PHYSICAL_OFFSET);
  if (queue.unpacked?.commitLogOffset === commitLogOffset) return queue.unpacked.messages;
  const problem = locateRecord(log, messageQueue.queueId, base, commitLogOffset, queue.entries.readInt32BE(at + BATCH_RECORD_SIZE), 0);
  if (problem !== null) return problem;
  const record = decodeRecord(log.buffer, log.position, messageQueue.brokerName);
  const reason = standInReason(record);
  if (reason !== null) return reason;
  if (!isInnerBatch(record.sysFlag)) return size === 1 ? [record] : `the queue entry stands for ${size} messages, the record is one`;
  try {
    const messages = expandInnerBatch(record);
    if (messages.length !== size) return `the queue entry stands for ${size} messages, the record has ${messages.length}`;
    queue.unpacked = { commitLogOffset, messages };
    return messages;
  } catch (error) {
    if (error instanceof CodecError) return error.message;
    throw error;
  }
};
