import {
  BATCH_BASE_OFFSET, BATCH_COMPACTED_OFFSET, BATCH_COUNT, BATCH_ENTRY_SIZE_BYTES, BATCH_PHYSICAL_OFFSET, BATCH_RECORD_SIZE, BATCH_RESERVED,
  BATCH_STORE_TIMESTAMP, BATCH_TAGS_CODE, ENTRY_SIZE_BYTES, PRE_BLANK_RECORD_SIZE, writeEntry,
} from '../consume-queue/layout.ts';
import type { QueueFamily } from '../consume-queue/queue-directory.ts';
import type { QueueEnd } from '../consume-queue/queue-end.ts';
import type { TagsCode } from '../dispatch/tags-code.ts';

/** Queue entries that exist in memory only, in the byte form they have on disk. */
export interface TailEntries {
  /** Queue offset of the first message. */
  readonly firstOffset: number;
  /** Queue offset behind the last. */
  readonly endOffset: number;
  /** `count` entries; what follows them is undefined. */
  readonly bytes: Buffer;
  readonly count: number;
}

interface ListedRecord {
  readonly commitLogOffset: number;
  readonly sizeBytes: number;
  readonly storeTimestamp: number;
}

const INITIAL_ENTRIES = 32;
const NO_TAGS: TagsCode = { high: 0, low: 0 };
/** Lost records in the middle of a queue are filled up; a number that is further off is damage. */
const MAX_MISSING = 1 << 20;

/** The end of a queue as its files have it, and the entries that belong behind it. */
export class QueueTail implements TailEntries {
  readonly topic: string;
  readonly queueId: number;
  /** End of the last record that the files list; 0 when they list none. */
  readonly commitLogEnd: number;
  readonly hasDirectory: boolean;
  firstOffset: number;
  endOffset: number;
  count = 0;
  bytes: Buffer;
  readonly #family: QueueFamily;
  readonly #diskEnd: number;
  readonly #entryBytes: number;

  constructor(topic: string, queueId: number, family: QueueFamily, end: QueueEnd, hasDirectory: boolean) {
    this.topic = topic;
    this.queueId = queueId;
    this.commitLogEnd = end.commitLogEnd;
    this.hasDirectory = hasDirectory;
    this.firstOffset = this.endOffset = this.#diskEnd = end.endOffset;
    this.#family = family;
    this.#entryBytes = family === 'batch' ? BATCH_ENTRY_SIZE_BYTES : ENTRY_SIZE_BYTES;
    this.bytes = Buffer.alloc(0);
  }

  /** Lists a record with `messages` messages from `queueOffset` on. */
  put(queueOffset: number, messages: number, record: ListedRecord, tagsCode: TagsCode): void {
    // What the files list already is ignored, as a broker does. [ConsumeQueue#putMessagePositionInfo]
    if (queueOffset < this.#diskEnd || queueOffset - this.endOffset > MAX_MISSING && this.endOffset > 0) return;
    if (this.endOffset === 0 || queueOffset < this.firstOffset) this.#startAt(queueOffset);
    else if (queueOffset < this.endOffset) this.#startAgain(queueOffset);
    if (this.#family === 'simple') {
      for (; this.endOffset < queueOffset; this.endOffset++) this.#append(0, PRE_BLANK_RECORD_SIZE, NO_TAGS);
      this.#append(record.commitLogOffset, record.sizeBytes, tagsCode);
    } else {
      const at = this.#next();
      writeBatchEntry(this.bytes, at, queueOffset, messages, record, tagsCode);
    }
    this.endOffset = queueOffset + (this.#family === 'batch' ? messages : 1);
  }

  #startAt(queueOffset: number): void {
    this.count = 0;
    this.firstOffset = this.endOffset = queueOffset;
  }

  /** The topic was deleted and made anew: what it listed from here on is gone. */
  #startAgain(queueOffset: number): void {
    if (this.#family === 'batch') this.#startAt(queueOffset);
    else this.count = queueOffset - this.firstOffset;
    this.endOffset = queueOffset;
  }

  #append(commitLogOffset: number, sizeBytes: number, { high, low }: TagsCode): void {
    const at = this.#next();
    writeEntry(this.bytes, at, commitLogOffset, sizeBytes, high, low);
  }

  /** Position of one more entry. */
  #next(): number {
    const position = this.count * this.#entryBytes;
    if (position === this.bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(INITIAL_ENTRIES * this.#entryBytes, this.bytes.length * 2));
      this.bytes.copy(larger, 0, 0, position);
      this.bytes = larger;
    }
    this.count++;
    return position;
  }
}

const writeBatchEntry = (target: Buffer, position: number, base: number, messages: number, record: ListedRecord, tagsCode: TagsCode): void => {
  target.writeBigInt64BE(BigInt(record.commitLogOffset), position + BATCH_PHYSICAL_OFFSET);
  target.writeInt32BE(record.sizeBytes, position + BATCH_RECORD_SIZE);
  target.writeInt32BE(tagsCode.high, position + BATCH_TAGS_CODE);
  target.writeInt32BE(tagsCode.low, position + BATCH_TAGS_CODE + 4);
  target.writeBigInt64BE(BigInt(record.storeTimestamp), position + BATCH_STORE_TIMESTAMP);
  target.writeBigInt64BE(BigInt(base), position + BATCH_BASE_OFFSET);
  target.writeInt16BE(messages, position + BATCH_COUNT);
  target.writeInt32BE(-1, position + BATCH_COMPACTED_OFFSET);
  target.writeInt32BE(0, position + BATCH_RESERVED);
};
