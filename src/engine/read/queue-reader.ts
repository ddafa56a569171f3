import path from 'node:path';
import { listSegments, segmentFileName } from '../commit-log/log-directory.ts';
import { ENTRY_PHYSICAL_OFFSET, ENTRY_SIZE_BYTES, isEntryPresent, queueFileBase, readOffset } from '../consume-queue/layout.ts';
import { findQueueEnd } from '../consume-queue/queue-end.ts';
import type { FileSystem } from '../files/file-system.ts';
import type { OpenFiles } from '../files/open-files.ts';
import { openIfThere } from '../files/open-if-there.ts';
import type { TailEntries } from './tail-entries.ts';

const CHUNK_ENTRIES = 1024;
/** How many entries the first look behind the known end reads: mostly there are none. */
const LOOK_ENTRIES = 16;
/** A queue that grew by more since the last look is bisected instead of read. */
const MAX_FORWARD_CHUNKS = 16;

/** Reads one queue without locks while others append to it, roll it or clean it. */
export class QueueReader {
  readonly topic: string;
  readonly queueId: number;
  /** Entries of the last `read`. Reused by the next. */
  readonly entries = Buffer.allocUnsafe(CHUNK_ENTRIES * ENTRY_SIZE_BYTES);
  readonly #fs: FileSystem;
  readonly #directory: string;
  readonly #fileSizeBytes: number;
  readonly #tail: () => TailEntries | null;
  readonly #openFiles: OpenFiles | undefined;
  #fd = -1;
  #fileBase = -1;
  #knownEnd = -1;
  #minFor = -1;
  #min = 0;

  /** @param tail entries that the files lack, see `UncleanTail` @param openFiles bounds the queues with an open file */
  constructor(fs: FileSystem, topic: string, queueId: number, directory: string, fileSizeBytes: number, tail: () => TailEntries | null, openFiles?: OpenFiles) {
    this.#fs = fs;
    this.topic = topic;
    this.queueId = queueId;
    this.#directory = directory;
    this.#fileSizeBytes = fileSizeBytes;
    this.#tail = tail;
    this.#openFiles = openFiles;
  }

  /** Queue offset after the last entry, as of now. */
  maxOffset(): number {
    const end = this.#fileEnd();
    const tail = this.#tail();
    return tail === null ? end : Math.max(end, tail.endOffset);
  }

  #fileEnd(): number {
    if (this.#knownEnd < 0 || (this.#knownEnd > 0 && this.#read(this.#knownEnd - 1, 1) !== 1)) this.#find();
    for (let chunks = 0; chunks < MAX_FORWARD_CHUNKS; chunks++) {
      const from = this.#knownEnd;
      const count = this.#read(from, chunks === 0 ? LOOK_ENTRIES : CHUNK_ENTRIES);
      if (this.#knownEnd < 0) break;
      this.#knownEnd = from + count;
      // A chunk ends early at the end of the queue and at the end of a file; only a second look tells them apart.
      if (count === 0) return this.#knownEnd;
    }
    this.#find();
    return this.#knownEnd;
  }

  /** First offset whose record is still in the log, which begins at `logMinOffset`. [ConsumeQueue#correctMinOffset] */
  minOffset(logMinOffset: number): number {
    if (this.#minFor === logMinOffset) return this.#min;
    const first = listSegments(this.#fs, this.#directory, this.#fileSizeBytes)[0];
    let low = first === undefined ? (this.#tail()?.firstOffset ?? 0) : first.baseOffset / ENTRY_SIZE_BYTES;
    if (logMinOffset > 0) {
      let high = this.maxOffset();
      while (low < high) {
        const middle = Math.floor((low + high) / 2);
        if (this.read(middle, 1) === 1 && readOffset(this.entries, ENTRY_PHYSICAL_OFFSET) < logMinOffset) low = middle + 1;
        else high = middle;
      }
    }
    // A queue without files may begin anywhere once it has one.
    this.#minFor = first === undefined ? -1 : logMinOffset;
    this.#min = low;
    return low;
  }

  /** Reads up to `count` entries from `offset` into `entries`; fewer at the end of the queue or of a file. */
  read(offset: number, count: number): number {
    const wanted = Math.min(count, CHUNK_ENTRIES);
    const found = this.#read(offset, wanted);
    return found > 0 ? found : this.#readTail(offset, wanted);
  }

  /** Commit-log offset of the record an entry points to; -1 without an entry. */
  recordAt(offset: number): number {
    return offset < 0 || this.read(offset, 1) !== 1 ? -1 : readOffset(this.entries, ENTRY_PHYSICAL_OFFSET);
  }

  /**
   * Whether there is news at `offset`, the end of the queue so far: asked many times a second by those who wait for it.
   * A file that was replaced is news, too: `maxOffset` then looks again.
   */
  hasNews(offset: number): boolean {
    return this.#read(offset, 1) > 0 || this.#knownEnd < 0;
  }

  /** The file and byte position of an entry, for messages. */
  locate(offset: number): { file: string; position: number } {
    const base = queueFileBase(offset, this.#fileSizeBytes);
    return { file: path.join(this.#directory, segmentFileName(base)), position: offset * ENTRY_SIZE_BYTES - base };
  }

  /** Lets go of the file, which is opened again when it is needed. */
  release(): void {
    this.close();
  }

  close(): void {
    if (this.#fd < 0) return;
    this.#openFiles?.closed(this);
    this.#fs.close(this.#fd);
    this.#fd = -1;
    this.#fileBase = -1;
  }

  #readTail(offset: number, count: number): number {
    const tail = this.#tail();
    if (tail === null || offset < tail.firstOffset) return 0;
    const from = offset - tail.firstOffset;
    const found = Math.max(0, Math.min(count, tail.count - from));
    tail.bytes.copy(this.entries, 0, from * ENTRY_SIZE_BYTES, (from + found) * ENTRY_SIZE_BYTES);
    return found;
  }

  #find(): void {
    this.close();
    this.#knownEnd = findQueueEnd(this.#fs, this.#directory, this.#fileSizeBytes).endOffset;
  }

  #read(offset: number, count: number): number {
    const base = queueFileBase(offset, this.#fileSizeBytes);
    if (!this.#open(base)) return 0;
    const inFile = offset * ENTRY_SIZE_BYTES - base;
    const wanted = Math.min(count * ENTRY_SIZE_BYTES, this.#fileSizeBytes - inFile);
    const bytes = this.#fs.read(this.#fd, this.entries, 0, wanted, inFile);
    let present = 0;
    const complete = Math.floor(bytes / ENTRY_SIZE_BYTES);
    while (present < complete && isEntryPresent(this.entries, present * ENTRY_SIZE_BYTES)) present++;
    // The end of what the open file has: perhaps it was removed, and another one has its name (a refused broker, a deleted topic).
    if (present === 0 && this.#fs.fstat(this.#fd).linkCount === 0) {
      this.close();
      this.#knownEnd = -1;
      this.#minFor = -1;
      return this.#open(base) ? this.#read(offset, count) : 0;
    }
    return present;
  }

  #open(base: number): boolean {
    if (base === this.#fileBase) return true;
    this.close();
    const file = path.join(this.#directory, segmentFileName(base));
    // A queue without messages has no file, and is asked for again and again.
    const fd = this.#fs.stat(file) === null ? null : openIfThere(this.#fs, file);
    if (fd === null) return false;
    this.#fd = fd;
    this.#fileBase = base;
    this.#openFiles?.opened(this);
    return true;
  }
}
