import path from 'node:path';
import type { Message } from '../../record/message.ts';
import { listSegments, segmentFileName } from '../commit-log/log-directory.ts';
import type { LogSegment } from '../commit-log/log-directory.ts';
import {
  BATCH_BASE_OFFSET, BATCH_COUNT, BATCH_ENTRY_SIZE_BYTES, BATCH_PHYSICAL_OFFSET, BATCH_RECORD_SIZE, readOffset,
} from '../consume-queue/layout.ts';
import type { QueueEnd } from '../consume-queue/queue-end.ts';
import type { FileSystem } from '../files/file-system.ts';
import type { OpenFiles } from '../files/open-files.ts';
import { openIfThere } from '../files/open-if-there.ts';
import type { TailEntries } from './tail-entries.ts';

const CHUNK_ENTRIES = 256;

/** An entry that a broker would take for one when it loads the queue. [BatchConsumeQueue#recover] */
const isBatchEntryPresent = (buffer: Buffer, position: number): boolean =>
  buffer.readInt32BE(position + BATCH_PHYSICAL_OFFSET) >= 0 && buffer.readInt32BE(position + BATCH_RECORD_SIZE) > 0 &&
  buffer.readInt32BE(position + BATCH_BASE_OFFSET) >= 0 && buffer.readInt16BE(position + BATCH_COUNT) > 0;

const baseOf = (buffer: Buffer, position: number): number => readOffset(buffer, position + BATCH_BASE_OFFSET);

const nextOf = (buffer: Buffer, position: number): number => baseOf(buffer, position) + buffer.readInt16BE(position + BATCH_COUNT);

/** Entries of one file; files have whole entries, whatever their size. */
const entriesIn = (fileSizeBytes: number): number => Math.floor(fileSizeBytes / BATCH_ENTRY_SIZE_BYTES);

/** Number of entries in a file, by bisection: they are written in order, the rest is zeros. */
const countEntries = (fs: FileSystem, segment: LogSegment): number => {
  const entry = Buffer.alloc(BATCH_ENTRY_SIZE_BYTES);
  const fd = fs.open(segment.path, 'read');
  try {
    let low = 0;
    let high = entriesIn(segment.sizeBytes);
    while (low < high) {
      const middle = (low + high) >>> 1;
      const isThere = fs.read(fd, entry, 0, entry.length, middle * entry.length) === entry.length && isBatchEntryPresent(entry, 0);
      if (isThere) low = middle + 1;
      else high = middle;
    }
    return low;
  } finally {
    fs.close(fd);
  }
};

/**
 * Reads one queue of 46-byte entries (a topic with `queue.type=BatchCQ`) without locks. An entry stands for one record with
 * one or more messages, so entries are looked up by their base offset, not computed from it. Entries are numbered from the
 * first possible one of the oldest file ("unit"). [BatchConsumeQueue]
 */
export class BatchQueueReader {
  readonly topic: string;
  readonly queueId: number;
  /** Entries of the last `readUnits`. Reused by the next. */
  readonly entries = Buffer.allocUnsafe(CHUNK_ENTRIES * BATCH_ENTRY_SIZE_BYTES);
  /** The last inner batch that was unpacked: pulls of a few messages come back to it. */
  unpacked: { readonly commitLogOffset: number; readonly messages: readonly Message[] } | null = null;
  readonly #fs: FileSystem;
  readonly #directory: string;
  readonly #tail: () => TailEntries | null;
  readonly #openFiles: OpenFiles | undefined;
  #fileSizeBytes = 0;
  #firstUnit = 0;
  /** Unit behind the last entry on disk. */
  #endUnit = -1;
  #fd = -1;
  #fileBase = -1;

  /** @param tail entries that the files lack, see `UncleanTail` @param openFiles bounds the queues with an open file */
  constructor(fs: FileSystem, topic: string, queueId: number, directory: string, tail: () => TailEntries | null, openFiles?: OpenFiles) {
    this.#fs = fs;
    this.topic = topic;
    this.queueId = queueId;
    this.#directory = directory;
    this.#tail = tail;
    this.#openFiles = openFiles;
  }

  /** Queue offset after the last message, as of now. [BatchConsumeQueue#reviseMaxOffsetInQueue] */
  maxOffset(): number {
    const end = this.#end();
    return end > this.#firstUnit && this.readUnits(end - 1, 1) === 1 ? nextOf(this.entries, 0) : 0;
  }

  /** First offset whose record is still in the log, which begins at `logMinOffset`. [BatchConsumeQueue#correctMinOffset] */
  minOffset(logMinOffset: number): number {
    const end = this.#end();
    const unit = this.#bisect(end, (at) => readOffset(this.entries, at + BATCH_PHYSICAL_OFFSET) < logMinOffset);
    if (unit === end) return this.maxOffset();
    return this.readUnits(unit, 1) === 1 ? baseOf(this.entries, 0) : 0;
  }

  /** Whether there is news at `offset`, the end of the queue so far. */
  hasNews(offset: number): boolean {
    return this.maxOffset() > offset;
  }

  /** Unit of the entry that holds `offset`, or of the first one behind it; -1 when there is neither. */
  findUnit(offset: number): number {
    const end = this.#end();
    const unit = this.#bisect(end, (at) => nextOf(this.entries, at) <= offset);
    return unit < end ? unit : -1;
  }

  /** Reads up to `count` entries from a unit on into `entries`; fewer at the end of the queue or of a file. */
  readUnits(unit: number, count: number): number {
    const wanted = Math.min(count, CHUNK_ENTRIES);
    if (unit < this.#endUnit) return this.#readFiles(unit, Math.min(wanted, this.#endUnit - unit));
    const tail = this.#missing();
    if (tail === null) return 0;
    const from = tail.from + unit - this.#endUnit;
    const found = Math.max(0, Math.min(wanted, tail.entries.count - from));
    tail.entries.bytes.copy(this.entries, 0, from * BATCH_ENTRY_SIZE_BYTES, (from + found) * BATCH_ENTRY_SIZE_BYTES);
    return found;
  }

  /** Commit-log offset of the record that holds the message at `offset`; -1 without one. */
  recordAt(offset: number): number {
    const unit = this.findUnit(offset);
    return unit < 0 || this.readUnits(unit, 1) !== 1 ? -1 : readOffset(this.entries, BATCH_PHYSICAL_OFFSET);
  }

  /** Lets go of the file, which is opened again when it is needed. */
  release(): void {
    if (this.#fd < 0) return;
    this.#openFiles?.closed(this);
    this.#fs.close(this.#fd);
    this.#fd = this.#fileBase = -1;
  }

  close(): void {
    this.release();
    this.unpacked = null;
  }

  /** First unit from which `isBefore` no longer holds; `end` when it always does. */
  #bisect(end: number, isBefore: (position: number) => boolean): number {
    let low = this.#firstUnit;
    let high = end;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.readUnits(middle, 1) === 1 && isBefore(0)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Unit behind the last entry, those that only the log has included. */
  #end(): number {
    this.#lookForward();
    const tail = this.#missing();
    return this.#endUnit + (tail === null ? 0 : tail.entries.count - tail.from);
  }

  /** The entries of the tail that the files do not have by now. */
  #missing(): { readonly entries: TailEntries; readonly from: number } | null {
    const entries = this.#tail();
    if (entries === null) return null;
    if (this.#endUnit === this.#firstUnit || this.#readFiles(this.#endUnit - 1, 1) !== 1) return { entries, from: 0 };
    const known = nextOf(this.entries, 0);
    let from = 0;
    while (from < entries.count && baseOf(entries.bytes, from * BATCH_ENTRY_SIZE_BYTES) < known) from++;
    return from === entries.count ? null : { entries, from };
  }

  /** Follows the files to where they end now. */
  #lookForward(): void {
    const isLost = this.#endUnit > this.#firstUnit && this.#readFiles(this.#endUnit - 1, 1) !== 1;
    if (this.#fileSizeBytes === 0 || isLost) this.#findEnd();
    if (this.#fileSizeBytes === 0) return;
    for (;;) {
      const count = this.#readFiles(this.#endUnit, CHUNK_ENTRIES);
      if (count === 0) return;
      this.#endUnit += count;
    }
  }

  #findEnd(): void {
    this.close();
    const segments = listSegments(this.#fs, this.#directory);
    const first = segments[0];
    this.#fileSizeBytes = first?.sizeBytes ?? 0;
    this.#firstUnit = first === undefined ? 0 : this.#unitOf(first);
    this.#endUnit = this.#firstUnit;
    for (let index = segments.length - 1; index >= 0; index--) {
      const count = countEntries(this.#fs, segments[index]!);
      if (count === 0) continue;
      this.#endUnit = this.#unitOf(segments[index]!) + count;
      return;
    }
  }

  #unitOf(segment: LogSegment): number {
    return Math.floor(segment.baseOffset / segment.sizeBytes) * entriesIn(segment.sizeBytes);
  }

  #readFiles(unit: number, count: number): number {
    const perFile = entriesIn(this.#fileSizeBytes);
    if (perFile === 0 || unit < 0) return 0;
    const inFile = unit % perFile;
    if (!this.#open(Math.floor(unit / perFile) * this.#fileSizeBytes)) return 0;
    const wanted = Math.min(count, perFile - inFile, CHUNK_ENTRIES) * BATCH_ENTRY_SIZE_BYTES;
    const complete = Math.floor(this.#fs.read(this.#fd, this.entries, 0, wanted, inFile * BATCH_ENTRY_SIZE_BYTES) / BATCH_ENTRY_SIZE_BYTES);
    let present = 0;
    while (present < complete && isBatchEntryPresent(this.entries, present * BATCH_ENTRY_SIZE_BYTES)) present++;
    // A file that lost its name (a deleted topic, a refused broker) tells nothing about the queue any more: it is opened anew.
    if (present === 0 && this.#fs.fstat(this.#fd).linkCount === 0) this.close();
    return present;
  }

  #open(base: number): boolean {
    if (base === this.#fileBase) return true;
    this.release();
    const fd = openIfThere(this.#fs, path.join(this.#directory, segmentFileName(base)));
    if (fd === null) return false;
    this.#fd = fd;
    this.#fileBase = base;
    this.#openFiles?.opened(this);
    return true;
  }
}

/** The end of a queue of 46-byte entries: offset after its last message, and where that message's record ends in the log. */
export const findBatchQueueEnd = (fs: FileSystem, directory: string): QueueEnd => {
  const reader = new BatchQueueReader(fs, '', 0, directory, () => null);
  try {
    const endOffset = reader.maxOffset();
    if (endOffset === 0) return { endOffset: 0, firstOffset: 0, commitLogEnd: 0 };
    const commitLogEnd = readOffset(reader.entries, BATCH_PHYSICAL_OFFSET) + reader.entries.readInt32BE(BATCH_RECORD_SIZE);
    return { endOffset, firstOffset: reader.minOffset(0), commitLogEnd };
  } finally {
    reader.close();
  }
};
