/** Byte layout of RocketMQ's index files (docs/format/index.md): codecs and the rules that need no file. */
import { javaHashContinue } from '../../base/java-hash.ts';
import { MqliteError } from '../../broker/errors.ts';

/** Bytes of the header; the slots follow. */
export const INDEX_HEADER_SIZE = 40;
/** Bytes of one slot: the number of the newest entry whose hash falls into it, 0 = none. */
export const INDEX_SLOT_SIZE = 4;
/** Bytes of one entry. */
export const INDEX_ENTRY_SIZE = 20;
/** [MessageStoreConfig#maxHashSlotNum] */
export const DEFAULT_SLOT_COUNT = 5_000_000;
/** [MessageStoreConfig#maxIndexNum] */
export const DEFAULT_MAX_INDEX_COUNT = 20_000_000;

/** What precedes tags where they are a key: the index type `T` and a separator. [MessageConst#INDEX_TAG_TYPE] */
export const TAG_KEY_PREFIX = 'T#';

const INT32_MAX = 0x7fff_ffff;
const TWO_POW_32 = 0x1_0000_0000;

/** What the two settings `maxHashSlotNum` and `maxIndexNum` make of a file. */
export interface IndexGeometry {
  /** Slots of the hash table. */
  readonly slotCount: number;
  /** Entries that fit; number 0 is never used, so that a full file holds one key less. */
  readonly maxIndexCount: number;
  /** Byte position of entry 0. */
  readonly entriesPosition: number;
  /** Full length of the file in bytes: 420,000,040 by default. */
  readonly sizeBytes: number;
}

/** Throws INVALID_INPUT for settings with which no key could be stored. */
export const indexGeometry = (slotCount = DEFAULT_SLOT_COUNT, maxIndexCount = DEFAULT_MAX_INDEX_COUNT): IndexGeometry => {
  const fits = (value: number, least: number): boolean => Number.isInteger(value) && value >= least && value <= INT32_MAX;
  if (!fits(slotCount, 1) || !fits(maxIndexCount, 2)) {
    throw new MqliteError('INVALID_INPUT', `index files of ${slotCount} slots and ${maxIndexCount} entries are not possible`, {
      hint: 'maxHashSlotNum must be at least 1, maxIndexNum at least 2',
    });
  }
  const entriesPosition = INDEX_HEADER_SIZE + slotCount * INDEX_SLOT_SIZE;
  return { slotCount, maxIndexCount, entriesPosition, sizeBytes: entriesPosition + maxIndexCount * INDEX_ENTRY_SIZE };
};

/** Byte position of an entry; numbers start at 1. */
export const entryPosition = (geometry: IndexGeometry, number: number): number => geometry.entriesPosition + number * INDEX_ENTRY_SIZE;

/** Byte position of a slot. */
export const slotPosition = (slot: number): number => INDEX_HEADER_SIZE + slot * INDEX_SLOT_SIZE;

/** The header. Timestamps are store timestamps in ms; offsets are commit-log offsets of records. [IndexHeader] */
export interface IndexHeader {
  beginTimestamp: number;
  endTimestamp: number;
  beginCommitLogOffset: number;
  endCommitLogOffset: number;
  /** Slots that are not 0 (`hashSlotCount`). */
  usedSlotCount: number;
  /** Number of the next free entry: keys + 1 (`indexCount`). */
  indexCount: number;
}

/**
 * A signed 64-bit integer as a number. Damaged bytes must not throw here, where every caller checks the value anyhow:
 * what is beyond 2^53 becomes inexact, and no record can be there.
 */
export const readInt64 = (view: DataView, position: number): number =>
  view.getInt32(position) * TWO_POW_32 + view.getUint32(position + 4);

export const writeInt64 = (view: DataView, position: number, value: number): void => {
  view.setInt32(position, Math.floor(value / TWO_POW_32));
  view.setUint32(position + 4, value >>> 0);
};

export const decodeIndexHeader = (view: DataView): IndexHeader => ({
  beginTimestamp: readInt64(view, 0),
  endTimestamp: readInt64(view, 8),
  beginCommitLogOffset: readInt64(view, 16),
  endCommitLogOffset: readInt64(view, 24),
  usedSlotCount: view.getInt32(32),
  indexCount: view.getInt32(36),
});

export const encodeIndexHeader = (header: IndexHeader, view: DataView): void => {
  writeInt64(view, 0, header.beginTimestamp);
  writeInt64(view, 8, header.endTimestamp);
  writeInt64(view, 16, header.beginCommitLogOffset);
  writeInt64(view, 24, header.endCommitLogOffset);
  view.setInt32(32, header.usedSlotCount);
  view.setInt32(36, header.indexCount);
};

/** The header of a file without keys: a broker starts it with the end of the full file before it. [IndexFile#IndexFile] */
export const newIndexHeader = (full: IndexHeader | null): IndexHeader => {
  const time = Math.max(full?.endTimestamp ?? 0, 0);
  const offset = Math.max(full?.endCommitLogOffset ?? 0, 0);
  return {
    beginTimestamp: time, endTimestamp: time, beginCommitLogOffset: offset, endCommitLogOffset: offset, usedSlotCount: 0, indexCount: 1,
  };
};

/** The number of the next free entry, read as a broker reads it: at least 1 [IndexHeader#load], never beyond the file. */
export const nextEntryNumber = (header: IndexHeader, geometry: IndexGeometry): number =>
  Math.min(Math.max(header.indexCount, 1), geometry.maxIndexCount);

/** Views the bytes of a buffer as they lie in its pool. */
export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The Java hash of `topic + '#'`, to be continued with each key of that topic. */
export const topicHash = (topic: string): number => javaHashContinue(javaHashContinue(0, topic), '#');

/** |hash of topic + '#' + key|, where the one value without an absolute value counts as 0. [IndexFile#indexKeyHashMethod] */
export const keyHash = (hashOfTopic: number, key: string): number => {
  const hash = javaHashContinue(hashOfTopic, key);
  return hash >= 0 ? hash : hash === -0x8000_0000 ? 0 : -hash;
};

/**
 * Puts the hash of every key that broker 5.5.0 would index for a record into `target`, in its order: the unique key, the
 * parts of KEYS between single spaces that are not empty, and the tags as the key `T#<tags>` (brokers before 5.5.0
 * leave those out). Returns how many. [IndexService#buildIndex]
 */
export const recordKeyHashes = (
  hashOfTopic: number, uniqKey: string | null, keys: string | null, tags: string | null, target: number[],
): number => {
  let count = 0;
  if (uniqKey !== null) target[count++] = keyHash(hashOfTopic, uniqKey);
  const keysLength = keys === null ? 0 : keys.length;
  for (let start = 0; keys !== null && start < keysLength; ) {
    const space = keys.indexOf(' ', start);
    const end = space < 0 ? keysLength : space;
    if (end > start) target[count++] = keyHash(hashOfTopic, start === 0 && space < 0 ? keys : keys.slice(start, end));
    start = end + 1;
  }
  if (tags) target[count++] = tagsKeyHash(hashOfTopic, tags);
  return count;
};

let lastTags = { hashOfTopic: 0, tags: '', hash: 0 };

/** Neighbours mostly have the same tags: hashed once. */
const tagsKeyHash = (hashOfTopic: number, tags: string): number => {
  if (lastTags.tags !== tags || lastTags.hashOfTopic !== hashOfTopic) {
    lastTags = { hashOfTopic, tags, hash: keyHash(javaHashContinue(hashOfTopic, TAG_KEY_PREFIX), tags) };
  }
  return lastTags.hash;
};

/** Whole seconds between the first key's store timestamp and this one's, as a broker clamps them. [IndexFile#putKey] */
export const timeDifference = (beginTimestamp: number, storeTimestamp: number): number => {
  if (beginTimestamp <= 0 || storeTimestamp <= beginTimestamp) return 0;
  return Math.min(Math.floor((storeTimestamp - beginTimestamp) / 1000), INT32_MAX);
};
