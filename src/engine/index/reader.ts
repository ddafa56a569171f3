import { join } from 'node:path';
import type { FileSystem } from '../files/file-system.ts';
import { openIfThere } from '../files/open-if-there.ts';
import {
  entryPosition, INDEX_ENTRY_SIZE, indexGeometry, keyHash, nextEntryNumber, readInt64, slotPosition, topicHash, viewOf,
} from './layout.ts';
import type { IndexGeometry, IndexHeader } from './layout.ts';
import { indexNameKind, listIndexFiles } from './names.ts';
import { readIndexHeader } from './open-file.ts';

/** Chain entries that one query looks at before it gives up with `truncated`. */
const MAX_CHAIN_STEPS = 300_000;
/** Entries read at a time: chains of a key that comes often run through neighbours. */
const WINDOW_ENTRIES = 204;

export interface IndexReaderOptions {
  readonly fs: FileSystem;
  /** `<store>/index`. */
  readonly directory: string;
  readonly slotCount?: number;
  readonly maxIndexCount?: number;
}

export interface IndexQuery {
  readonly topic: string;
  readonly key: string;
  readonly maxResults: number;
  /** Store timestamps in ms, both inclusive. */
  readonly beginTimestamp?: number;
  readonly endTimestamp?: number;
}

export interface IndexQueryResult {
  /** Newest first, each once. Candidates: hashes collide and times are whole seconds, so the records decide. */
  readonly commitLogOffsets: number[];
  /** The chain was longer than a query may follow: older matches may be missing. */
  readonly truncated: boolean;
}

/**
 * Looks keys up in the index files, without locks and without writing, also while a writer is at work: a state between
 * two steps of a flush reads as the one before or the one after it. Holds no descriptor between calls.
 */
export class IndexReader {
  readonly #fs: FileSystem;
  readonly #directory: string;
  readonly #geometry: IndexGeometry;

  constructor(options: IndexReaderOptions) {
    this.#fs = options.fs;
    this.#directory = options.directory;
    this.#geometry = indexGeometry(options.slotCount, options.maxIndexCount);
  }

  query(query: IndexQuery): IndexQueryResult {
    const found = new Set<number>();
    const hash = keyHash(topicHash(query.topic), query.key);
    let steps = 0;
    let truncated = false;
    for (const name of listIndexFiles(this.#fs, this.#directory).reverse()) {
      if (found.size >= query.maxResults || truncated) break;
      // Files are not left out by their times: when the clock went back, these say little, and looking costs two reads.
      this.#withFile(name, (fd, header) => {
        steps = this.#followChain(fd, header, hash, query, found, steps);
        truncated = steps >= MAX_CHAIN_STEPS;
      });
    }
    return { commitLogOffsets: [...found].sort((a, b) => b - a), truncated };
  }

  /** Commit-log offset of the last record that is indexed, -1 if none: what lies behind it must be looked for in the log. */
  endCommitLogOffset(): number {
    const end = this.#firstHeader(listIndexFiles(this.#fs, this.#directory).reverse())?.endCommitLogOffset ?? -1;
    return Number.isSafeInteger(end) ? Math.max(end, -1) : -1;
  }

  /** Commit-log offset of the first record that is indexed, -1 if none. */
  beginCommitLogOffset(): number {
    return this.#firstHeader(listIndexFiles(this.#fs, this.#directory))?.beginCommitLogOffset ?? -1;
  }

  /** Names in the directory that are not index files and are therefore not read. */
  foreignNames(): string[] {
    return (this.#fs.list(this.#directory) ?? []).filter((name) => indexNameKind(name) !== 'index').sort();
  }

  #firstHeader(names: readonly string[]): IndexHeader | null {
    for (const name of names) {
      const header = this.#withFile(name, (_fd, read) => read);
      if (header !== null && header.indexCount > 1) return header;
    }
    return null;
  }

  /** null when the file is gone by now. */
  #withFile<T>(name: string, use: (fd: number, header: IndexHeader) => T): T | null {
    const fd = openIfThere(this.#fs, join(this.#directory, name));
    if (fd === null) return null;
    try {
      return use(fd, readIndexHeader(this.#fs, fd));
    } finally {
      this.#fs.close(fd);
    }
  }

  /** Adds the chain's matches to `found` and returns the steps taken so far. */
  #followChain(fd: number, header: IndexHeader, hash: number, query: IndexQuery, found: Set<number>, stepsBefore: number): number {
    if (nextEntryNumber(header, this.#geometry) <= 1) return stepsBefore;
    const { slotCount, maxIndexCount } = this.#geometry;
    const slot = hash % slotCount;
    const window = new Uint8Array(WINDOW_ENTRIES * INDEX_ENTRY_SIZE);
    const view = viewOf(window);
    this.#fs.read(fd, window, 0, 4, slotPosition(slot));
    let number = view.getInt32(0);
    let windowFirst = 0;
    let windowEnd = 0;
    let steps = stepsBefore;
    // A slot may be ahead of the header, whose entries are there already; each link must lead to an older entry of the same slot.
    for (let newer = maxIndexCount; number > 0 && number < newer && steps < MAX_CHAIN_STEPS; steps++) {
      if (number < windowFirst || number >= windowEnd) {
        windowFirst = steps === stepsBefore ? number : Math.max(number - WINDOW_ENTRIES + 1, 1);
        windowEnd = number + 1;
        window.fill(0);
        this.#fs.read(fd, window, 0, (windowEnd - windowFirst) * INDEX_ENTRY_SIZE, entryPosition(this.#geometry, windowFirst));
      }
      const position = (number - windowFirst) * INDEX_ENTRY_SIZE;
      const entryHash = view.getInt32(position);
      const commitLogOffset = readInt64(view, position + 4);
      if (entryHash < 0 || entryHash % slotCount !== slot || !Number.isSafeInteger(commitLogOffset) || commitLogOffset < 0) break;
      if (isEmpty(window, position) && number !== 1) break;
      if (entryHash === hash && isTimeMatched(header.beginTimestamp, number, view.getInt32(position + 12), query)) {
        found.add(commitLogOffset);
        if (found.size >= query.maxResults) break;
      }
      newer = number;
      number = view.getInt32(position + 16);
    }
    return steps;
  }
}

const isEmpty = (bytes: Uint8Array, position: number): boolean =>
  bytes.subarray(position, position + INDEX_ENTRY_SIZE).every((byte) => byte === 0);

/**
 * Whether a record of this entry can lie within the query's times. Entries hold whole seconds, cut off, so the last
 * second counts whole (a broker misses records of it); 0 also stands for anything before the file's first record, when
 * the clock went back; and the first entry's own value is relative to the file before, but its time is in the header.
 */
const isTimeMatched = (beginTimestamp: number, number: number, difference: number, query: IndexQuery): boolean => {
  if (difference < 0) return false;
  const begin = query.beginTimestamp ?? -Infinity;
  const end = query.endTimestamp ?? Infinity;
  if (number === 1) return beginTimestamp >= begin && beginTimestamp <= end;
  const earliest = beginTimestamp + difference * 1000;
  return earliest + 999 >= begin && (difference === 0 || earliest <= end);
};
