import { findSegment } from '../commit-log/log-directory.ts';
import type { LogSegment } from '../commit-log/log-directory.ts';
import type { FileSystem } from '../files/file-system.ts';
import { ENTRY_PHYSICAL_OFFSET, ENTRY_RECORD_SIZE, ENTRY_SIZE_BYTES, ENTRY_TAGS_CODE, isEntryPresent, isPreBlank, readOffset } from './layout.ts';

const DEFAULT_BUFFER_BYTES = 64 * 1024;
const MIN_BUFFER_BYTES = 20 * ENTRY_SIZE_BYTES;

/** `present`: an entry (a pre-blank one too). `absent`: unwritten or unreadable as an entry. `outside`: no file holds that number. */
export type EntryState = 'present' | 'absent' | 'outside';

/** A buffer size with which `cursors` of them stay within `totalBytes`. */
export const cursorBufferBytes = (cursors: number, totalBytes: number): number =>
  Math.max(MIN_BUFFER_BYTES, Math.min(DEFAULT_BUFFER_BYTES, Math.floor(totalBytes / Math.max(1, cursors))));

/**
 * Reads the entries of one queue, best in ascending order: it reads ahead. It holds no descriptor between reads, so that
 * thousands of them can be alive at once; the public getters describe the entry last loaded.
 */
export class QueueCursor {
  readonly segments: readonly LogSegment[];
  readonly #fs: FileSystem;
  readonly #bufferBytes: number;
  #buffer: Buffer | null = null;
  #start = 0;
  #end = 0;
  #at = 0;
  #queueOffset = 0;

  constructor(fs: FileSystem, segments: readonly LogSegment[], bufferBytes = DEFAULT_BUFFER_BYTES) {
    this.#fs = fs;
    this.segments = segments;
    this.#bufferBytes = bufferBytes - (bufferBytes % ENTRY_SIZE_BYTES);
  }

  /** Number of the first entry that a file could hold; 0 without files. */
  get firstOffset(): number {
    return (this.segments[0]?.baseOffset ?? 0) / ENTRY_SIZE_BYTES;
  }

  /** Number after the last entry that a file could hold. */
  get capacityOffset(): number {
    const last = this.segments.at(-1);
    return last === undefined ? 0 : Math.floor((last.baseOffset + last.sizeBytes) / ENTRY_SIZE_BYTES);
  }

  /** Makes entry `queueOffset` the current one. */
  load(queueOffset: number): EntryState {
    const position = queueOffset * ENTRY_SIZE_BYTES;
    this.#queueOffset = queueOffset;
    if (position < this.#start || position + ENTRY_SIZE_BYTES > this.#end || this.#buffer === null) {
      if (!this.#fill(position)) return 'outside';
    }
    this.#at = position - this.#start;
    return isEntryPresent(this.#buffer as Buffer, this.#at) ? 'present' : 'absent';
  }

  get queueOffset(): number {
    return this.#queueOffset;
  }

  get commitLogOffset(): number {
    return readOffset(this.#bytes, this.#at + ENTRY_PHYSICAL_OFFSET);
  }

  get recordSize(): number {
    return this.#bytes.readInt32BE(this.#at + ENTRY_RECORD_SIZE);
  }

  get tagsHigh(): number {
    return this.#bytes.readInt32BE(this.#at + ENTRY_TAGS_CODE);
  }

  get tagsLow(): number {
    return this.#bytes.readInt32BE(this.#at + ENTRY_TAGS_CODE + 4);
  }

  get tagsCode(): bigint {
    return this.#bytes.readBigInt64BE(this.#at + ENTRY_TAGS_CODE);
  }

  get isPreBlank(): boolean {
    return isPreBlank(this.#bytes, this.#at);
  }

  /** File and byte position of entry `queueOffset`, whether it is there or not; the last file for one beyond all files. */
  locate(queueOffset: number): { readonly file: string; readonly position: number } {
    const position = queueOffset * ENTRY_SIZE_BYTES;
    const segment = this.segments[findSegment(this.segments, position)] ?? this.segments.at(-1);
    return { file: segment?.path ?? '', position: position - (segment?.baseOffset ?? 0) };
  }

  /** Forgets what was read ahead: the next load looks at the files again. */
  refresh(): void {
    this.#start = this.#end = 0;
  }

  get #bytes(): Buffer {
    if (this.#buffer === null) throw new Error('no entry was loaded');
    return this.#buffer;
  }

  #fill(position: number): boolean {
    const segment = this.segments[findSegment(this.segments, position)];
    if (segment === undefined) return false;
    this.#buffer ??= Buffer.allocUnsafe(this.#bufferBytes);
    const inFile = position - segment.baseOffset;
    const fd = this.#fs.open(segment.path, 'read');
    try {
      const count = this.#fs.read(fd, this.#buffer, 0, Math.min(this.#bufferBytes, segment.sizeBytes - inFile), inFile);
      this.#start = position;
      this.#end = position + count;
      return count >= ENTRY_SIZE_BYTES;
    } finally {
      this.#fs.close(fd);
    }
  }
}
