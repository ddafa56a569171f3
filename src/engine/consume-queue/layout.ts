/**
 * Byte layout of consume queues, docs/format/consume-queue.md. All integers big-endian, signed.
 * [ConsumeQueue#putMessagePositionInfo] [BatchConsumeQueue]
 */

/** One entry of an ordinary (SimpleCQ) queue. */
export const ENTRY_SIZE_BYTES = 20;
/** i64: commit-log offset of the record. */
export const ENTRY_PHYSICAL_OFFSET = 0;
/** i32: TOTALSIZE of the record. */
export const ENTRY_RECORD_SIZE = 8;
/** i64: tags hash, sign-extended; the deliver time in SCHEDULE_TOPIC_XXXX; an ext address (see `isExtAddress`). */
export const ENTRY_TAGS_CODE = 12;

/** RocketMQ's `mappedFileSizeConsumeQueue` / 20. */
export const DEFAULT_FILE_ENTRIES = 300_000;
export const DEFAULT_QUEUE_FILE_SIZE_BYTES = DEFAULT_FILE_ENTRIES * ENTRY_SIZE_BYTES;

/** RECORD_SIZE of the filler entries (0, 2^31-1, 0) before a queue's first real entry. [ConsumeQueue#fillPreBlank] */
export const PRE_BLANK_RECORD_SIZE = 0x7fff_ffff;

/** One entry of a BatchCQ queue (read only here). */
export const BATCH_ENTRY_SIZE_BYTES = 46;
export const BATCH_PHYSICAL_OFFSET = 0;
export const BATCH_RECORD_SIZE = 8;
export const BATCH_TAGS_CODE = 12;
export const BATCH_STORE_TIMESTAMP = 20;
export const BATCH_BASE_OFFSET = 28;
export const BATCH_COUNT = 36;
export const BATCH_COMPACTED_OFFSET = 38;
export const BATCH_RESERVED = 42;

/** Largest value that is an address into a consume-queue-ext file rather than a tags code. [ConsumeQueueExt#MAX_ADDR] */
const MAX_EXT_ADDRESS = -2_147_483_649n;
export const isExtAddress = (tagsCode: bigint): boolean => tagsCode <= MAX_EXT_ADDRESS;

/**
 * An i64 as a double, without allocating. Exact up to 2^53; damaged fields may lie beyond, where the result is only good
 * for comparing (it is unequal to every real offset).
 */
export const readOffset = (buffer: Buffer, position: number): number =>
  buffer.readInt32BE(position) * 0x1_0000_0000 + buffer.readUInt32BE(position + 4);

/** Writes one entry; `tagsCode` is given as its two 32-bit halves, so that the hot path allocates no bigint. */
export const writeEntry = (
  target: Buffer, position: number, commitLogOffset: number, recordSize: number, tagsHigh: number, tagsLow: number,
): void => {
  target.writeInt32BE(Math.floor(commitLogOffset / 0x1_0000_0000), position + ENTRY_PHYSICAL_OFFSET);
  target.writeUInt32BE(commitLogOffset % 0x1_0000_0000, position + ENTRY_PHYSICAL_OFFSET + 4);
  target.writeInt32BE(recordSize, position + ENTRY_RECORD_SIZE);
  target.writeInt32BE(tagsHigh | 0, position + ENTRY_TAGS_CODE);
  target.writeInt32BE(tagsLow | 0, position + ENTRY_TAGS_CODE + 4);
};

/** true for a filler entry before a queue's first real one. */
export const isPreBlank = (buffer: Buffer, position: number): boolean =>
  buffer.readInt32BE(position + ENTRY_RECORD_SIZE) === PRE_BLANK_RECORD_SIZE && readOffset(buffer, position) === 0;

/** The broker's own test of an entry when it recovers a queue; a pre-blank entry passes. [ConsumeQueue#recover] */
export const isEntryPresent = (buffer: Buffer, position: number): boolean =>
  buffer.readInt32BE(position + ENTRY_PHYSICAL_OFFSET) >= 0 && buffer.readInt32BE(position + ENTRY_RECORD_SIZE) > 0;

/** Base offset (bytes, the file's name) of the queue file that holds entry `queueOffset`. */
export const queueFileBase = (queueOffset: number, fileSizeBytes: number): number => {
  const position = queueOffset * ENTRY_SIZE_BYTES;
  return position - (position % fileSizeBytes);
};

/** A configured queue-file size is rounded up to whole entries. [MessageStoreConfig#getMappedFileSizeConsumeQueue] */
export const queueFileSize = (configuredBytes: number): number => Math.ceil(configuredBytes / ENTRY_SIZE_BYTES) * ENTRY_SIZE_BYTES;
