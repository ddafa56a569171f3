import type { DamageReport, MessageQueue, PullResult } from '../../broker/types.ts';
import { decodeRecord } from '../../record/decode.ts';
import type { Message } from '../../record/message.ts';
import { recordProblem } from '../../record/check.ts';
import { PHYSICAL_OFFSET, QUEUE_ID, QUEUE_OFFSET } from '../../record/layout.ts';
import { PROPERTY } from '../../record/properties.ts';
import { RecordProperties } from '../../record/property-source.ts';
import type { CompiledFilter } from '../../filter/message-filter.ts';
import { ENTRY_PHYSICAL_OFFSET, ENTRY_RECORD_SIZE, ENTRY_SIZE_BYTES, ENTRY_TAGS_CODE, PRE_BLANK_RECORD_SIZE, readOffset } from '../consume-queue/layout.ts';
import { SCHEDULE_TOPIC } from '../../broker/names.ts';
import { isLightTopic } from './light-queue.ts';
import type { LogReader } from './log-reader.ts';
import type { QueueReader } from './queue-reader.ts';

/** One pull's share of memory: a queue of large messages must not fill it with `maxMessages` of them. */
export const MAX_PULL_BYTES = 8 * 1024 * 1024;
/** Entries looked at for one pull when a filter lets few through: it answers with progress instead of scanning for ever. */
const MAX_SCANNED_ENTRIES = 64 * 1024;
/** A read-ahead pays when at least one in so many bytes of it is wanted. */
const DENSE_FRACTION = 24;
const LOOK_AHEAD_ENTRIES = 64;
/** Entries read at a time: `maxBytes` mostly ends a pull of larger messages before there were many. */
const READ_ENTRIES = 256;

export interface PullRange {
  readonly offset: number;
  readonly maxMessages: number;
  /** Bodies and all, in bytes; the first message comes whatever its size. */
  readonly maxBytes: number;
  readonly minOffset: number;
  readonly maxOffset: number;
  readonly filter: CompiledFilter | null;
}

/** Entry → hash filter → record → check → real comparison: one queue's messages from `offset` on. [DefaultMessageStore#getMessage] */
export const pullMessages = (log: LogReader, queue: QueueReader, messageQueue: MessageQueue, range: PullRange): PullResult<Message> => {
  const { maxMessages, maxBytes, minOffset, maxOffset, filter } = range;
  const messages: Message[] = [];
  const damaged: DamageReport[] = [];
  let offset = range.offset;
  let bytes = 0;
  const scanLimit = offset + MAX_SCANNED_ENTRIES;
  // Entries of the schedule topic carry due times where others carry hashes.
  const mayMatch = queue.topic === SCHEDULE_TOPIC ? null : (filter?.mayMatchHash ?? null);
  const isLight = isLightTopic(queue.topic);
  while (messages.length < maxMessages && offset < maxOffset && offset < scanLimit && bytes < maxBytes) {
    const count = queue.read(offset, Math.min(maxOffset - offset, Math.max(maxMessages - messages.length, 32), READ_ENTRIES));
    if (count === 0) break;
    const { entries } = queue;
    const isDense = mayMatch === null && isDenseAt(entries, count);
    let index = 0;
    for (; index < count && messages.length < maxMessages && bytes < maxBytes; index++) {
      const at = index * ENTRY_SIZE_BYTES;
      if (mayMatch !== null && !mayMatchEntry(mayMatch, entries, at + ENTRY_TAGS_CODE)) continue;
      const commitLogOffset = readOffset(entries, at + ENTRY_PHYSICAL_OFFSET);
      const sizeBytes = entries.readInt32BE(at + ENTRY_RECORD_SIZE);
      // Fillers of a broker before a queue's first entry stand for nothing.
      if (commitLogOffset === 0 && (sizeBytes === PRE_BLANK_RECORD_SIZE || sizeBytes === 1)) continue;
      const aheadBytes = mayMatch === null ? (isDense ? Infinity : 0) : runBytesAt(mayMatch, entries, index, count);
      const problem = locateRecord(log, isLight ? OTHER_QUEUE : messageQueue.queueId, offset + index, commitLogOffset, sizeBytes, aheadBytes);
      if (problem !== null) {
        damaged.push(damageOf(log, messageQueue, offset + index, commitLogOffset, problem));
        continue;
      }
      if (filter !== null && !filter.matches(properties.at(log.buffer, log.position))) continue;
      const message = decodeRecord(log.buffer, log.position, messageQueue.brokerName);
      const reason = standInReason(message);
      if (reason !== null) {
        damaged.push(damageOf(log, messageQueue, offset + index, commitLogOffset, reason));
        continue;
      }
      messages.push(isLight ? Object.assign(message, { queueId: messageQueue.queueId, queueOffset: offset + index }) : message);
      bytes += sizeBytes;
    }
    offset += index;
  }
  const status = messages.length > 0 ? 'FOUND' : 'NO_MATCHED_MESSAGE';
  return { status, messages, nextOffset: offset, minOffset, maxOffset, damaged };
};

/** FLAG of the records that `store recover` puts in place of damaged ones ("MQLD"). */
export const DAMAGED_FLAG = 0x4d514c44;

/** What a stand-in of `store recover` stands for; null for any other message. FLAG comes first, so that only they cost a look at the properties. */
export const standInReason = (message: Message): string | null => {
  const reason = message.flag === DAMAGED_FLAG ? message.properties[PROPERTY.DAMAGED] : undefined;
  return reason === undefined ? null : `a damaged record stood here: ${reason}`;
};

/** Queue id for records of a light queue: theirs and their offset are those of their own topic, not of the queue that lists them. */
const OTHER_QUEUE = -1;

const properties = new RecordProperties();

/** What a filter tells of an entry by its tags hash. */
export type HashTest = (tagsCode: number) => boolean;

/** At the entry: may the message match? An address into an ext file where the hash should be says nothing. [ConsumeQueueExt#isExtAddr] */
export const mayMatchEntry = (mayMatch: HashTest, entries: Buffer, position: number): boolean => {
  const high = entries.readInt32BE(position);
  const low = entries.readInt32BE(position + 4);
  return high < -1 || (high === -1 && low >= 0) || mayMatch(low);
};

/** Makes the record available in `log`; says what is wrong with it otherwise. A mismatch is read again from the file before it is believed. */
export const locateRecord = (log: LogReader, queueId: number, queueOffset: number, commitLogOffset: number, sizeBytes: number, aheadBytes: number): string | null => {
  if (sizeBytes <= 0 || commitLogOffset < 0) return `the queue entry points to ${sizeBytes} bytes at ${commitLogOffset}`;
  const first = log.read(commitLogOffset, sizeBytes, aheadBytes) ? problemOf(log, queueId, queueOffset, commitLogOffset, sizeBytes) : 'the log has no such bytes';
  if (first === null) return null;
  return log.readFresh(commitLogOffset, sizeBytes) ? problemOf(log, queueId, queueOffset, commitLogOffset, sizeBytes) : 'the log has no such bytes';
};

const problemOf = (log: LogReader, queueId: number, queueOffset: number, commitLogOffset: number, sizeBytes: number): string | null => {
  const { buffer, position } = log;
  const problem = recordProblem(buffer, position, sizeBytes, true);
  if (problem !== null) return problem;
  if (readOffset(buffer, position + PHYSICAL_OFFSET) !== commitLogOffset) return 'PHYSICALOFFSET is not the record\'s position';
  if (queueId === OTHER_QUEUE) return null;
  if (buffer.readInt32BE(position + QUEUE_ID) !== queueId) return `the record belongs to queue ${buffer.readInt32BE(position + QUEUE_ID)}`;
  const stored = readOffset(buffer, position + QUEUE_OFFSET);
  return stored === queueOffset ? null : `the record has queue offset ${stored}`;
};

export const damageOf = (log: LogReader, queue: MessageQueue, queueOffset: number, commitLogOffset: number, reason: string): DamageReport => ({
  queue, queueOffset, commitLogOffset, file: log.pathOf(commitLogOffset), position: log.positionOf(commitLogOffset), reason,
});

/**
 * Bytes of the records from entry `first` on that all may match and lie one behind the other: what can be read at once without
 * reading a record that is not wanted.
 */
const runBytesAt = (mayMatch: HashTest, entries: Buffer, first: number, count: number): number => {
  const start = readOffset(entries, first * ENTRY_SIZE_BYTES + ENTRY_PHYSICAL_OFFSET);
  let bytes = 0;
  for (let index = first; index < count; index++) {
    const at = index * ENTRY_SIZE_BYTES;
    const sizeBytes = entries.readInt32BE(at + ENTRY_RECORD_SIZE);
    if (readOffset(entries, at + ENTRY_PHYSICAL_OFFSET) !== start + bytes || sizeBytes <= 0 || !mayMatchEntry(mayMatch, entries, at + ENTRY_TAGS_CODE)) break;
    bytes += sizeBytes;
  }
  return bytes;
};

/** Whether the records of the next entries fill enough of the stretch of log they lie in to read it whole. */
const isDenseAt = (entries: Buffer, count: number): boolean => {
  const last = (Math.min(count, LOOK_AHEAD_ENTRIES) - 1) * ENTRY_SIZE_BYTES;
  if (last === 0) return false;
  let wanted = 0;
  for (let at = 0; at <= last; at += ENTRY_SIZE_BYTES) wanted += entries.readInt32BE(at + ENTRY_RECORD_SIZE);
  const span = readOffset(entries, last) + entries.readInt32BE(last + ENTRY_RECORD_SIZE) - readOffset(entries, 0);
  return wanted * DENSE_FRACTION >= span;
};
