import path from 'node:path';
import type { FileSystem } from '../files/file-system.ts';
import { createSizedFile, reopenIfReplaced, restoreIfUnlinked } from '../files/sized-file.ts';
import { segmentBase, segmentFileName } from './log-directory.ts';

/** TOTALSIZE and magic of an end-of-file record: what every file must have left [CommitLog, END_FILE_MIN_BLANK_LENGTH]. */
export const END_OF_FILE_RESERVE_BYTES = 8;
const BLANK_MAGIC = 0xcbd43194 | 0;

export interface LogWriterOptions {
  readonly fs: FileSystem;
  readonly directory: string;
  readonly tempDirectory: string;
  readonly segmentSizeBytes: number;
}

/**
 * Writes bytes at positions of the commit log. The current segment's file stays open; the next one appears by rename
 * with its first records in it, after the end-of-file record of the one before is in place (P20).
 */
export class LogWriter {
  readonly #options: LogWriterOptions;
  #fd = -1;
  #base = -1;
  /** Bases of segments made by the batch under way, newest last. */
  #created: number[] = [];

  constructor(options: LogWriterOptions) {
    this.#options = options;
  }

  get segmentSizeBytes(): number {
    return this.#options.segmentSizeBytes;
  }

  /** Whether a record of `sizeBytes` may start at `offset`: it and an end-of-file record must fit. */
  fits(offset: number, sizeBytes: number): boolean {
    const left = this.#options.segmentSizeBytes - (offset % this.#options.segmentSizeBytes);
    return sizeBytes + END_OF_FILE_RESERVE_BYTES <= left;
  }

  /** Writes `length` bytes of `source`, all in one segment, at commit-log offset `offset`. */
  write(source: Buffer, length: number, offset: number): void {
    const { fs, directory, tempDirectory, segmentSizeBytes } = this.#options;
    const base = segmentBase(offset, segmentSizeBytes);
    if (base === this.#base) {
      this.reopenReplaced();
      fs.write(this.#fd, source, 0, length, offset - base);
      return;
    }
    const file = path.join(directory, segmentFileName(base));
    this.#closeFile();
    if (fs.stat(file) === null) {
      this.#fd = createSizedFile(fs, { path: file, sizeBytes: segmentSizeBytes, tempDirectory }, (fd) => {
        fs.write(fd, source, 0, length, offset - base);
        // A segment is durable as a file before it has a name: a later fdatasync of it then covers every acknowledged byte.
        fs.dataSync(fd);
      });
      this.#created.push(base);
      fs.syncDirectory(directory);
    } else {
      this.#fd = fs.open(file, 'write');
      fs.write(this.#fd, source, 0, length, offset - base);
    }
    this.#base = base;
  }

  /** Closes a segment with its end-of-file record; returns the offset of the next segment. */
  endSegment(offset: number): number {
    const { segmentSizeBytes } = this.#options;
    const next = segmentBase(offset, segmentSizeBytes) + segmentSizeBytes;
    const blank = Buffer.alloc(END_OF_FILE_RESERVE_BYTES);
    blank.writeInt32BE(next - offset, 0);
    blank.writeInt32BE(BLANK_MAGIC, 4);
    this.write(blank, blank.length, offset);
    return next;
  }

  /** The batch is stored. */
  commit(): void {
    if (this.#created.length > 0) this.#created = [];
  }

  /** Takes back whatever the batch wrote between its start and `end`: zeros, and its new segments removed. */
  rollBack(start: number, end: number): void {
    const { fs, directory, segmentSizeBytes } = this.#options;
    // The newest first: dying in between must not leave a gap.
    for (const base of this.#created.reverse()) fs.unlink(path.join(directory, segmentFileName(base)));
    if (this.#created.length > 0) {
      this.#closeFile();
      fs.syncDirectory(directory);
    }
    this.#created = [];
    const base = segmentBase(start, segmentSizeBytes);
    const file = path.join(directory, segmentFileName(base));
    if (fs.stat(file) === null) return;
    zeroRange(fs, file, start - base, Math.min(end - base, segmentSizeBytes));
  }

  /** Rewrites the current segment if a refused broker has unlinked it. */
  restoreUnlinked(): void {
    if (this.#fd < 0) return;
    this.#fd = restoreIfUnlinked(this.#options.fs, this.#fd, this.#current());
  }

  /** The same where another writer may have done it before: then its copy counts. Lock held. */
  reopenReplaced(): void {
    if (this.#fd < 0) return;
    this.#fd = reopenIfReplaced(this.#options.fs, this.#fd, this.#current());
  }

  /** Makes the log durable from `from` to `to`, whoever wrote it. Blocks. */
  sync(from: number, to: number): void {
    this.#forEachSegment(from, to, (fd) => this.#options.fs.dataSync(fd));
  }

  /** The same in the thread pool. */
  async syncAsync(from: number, to: number): Promise<void> {
    const { fs, directory, segmentSizeBytes } = this.#options;
    for (let base = segmentBase(from, segmentSizeBytes); base < to; base += segmentSizeBytes) {
      // A descriptor of its own: the current one may be closed by a roll while the flush runs.
      const fd = fs.open(path.join(directory, segmentFileName(base)), 'write');
      try {
        await fs.dataSyncAsync(fd);
      } finally {
        fs.close(fd);
      }
    }
  }

  close(): void {
    this.#closeFile();
  }

  #forEachSegment(from: number, to: number, action: (fd: number) => void): void {
    const { fs, directory, segmentSizeBytes } = this.#options;
    for (let base = segmentBase(from, segmentSizeBytes); base < to; base += segmentSizeBytes) {
      if (base === this.#base) {
        action(this.#fd);
        continue;
      }
      const fd = fs.open(path.join(directory, segmentFileName(base)), 'write');
      try {
        action(fd);
      } finally {
        fs.close(fd);
      }
    }
  }

  #current(): { path: string; sizeBytes: number; tempDirectory: string } {
    const { directory, tempDirectory, segmentSizeBytes } = this.#options;
    return { path: path.join(directory, segmentFileName(this.#base)), sizeBytes: segmentSizeBytes, tempDirectory };
  }

  #closeFile(): void {
    if (this.#fd >= 0) this.#options.fs.close(this.#fd);
    this.#fd = -1;
    this.#base = -1;
  }
}

const ZEROS_BYTES = 1 << 16;

/** Overwrites a range of a file with zeros, durably: what was there must not come back behind newer bytes. */
export const zeroRange = (fs: FileSystem, file: string, from: number, to: number): void => {
  if (to <= from) return;
  const zeros = Buffer.alloc(Math.min(ZEROS_BYTES, to - from));
  const there = Buffer.alloc(zeros.length);
  const fd = fs.open(file, 'write');
  try {
    for (let position = from; position < to; position += zeros.length) {
      // Zeros are left alone: on a full disk, where most batches are taken back, filling a hole would fail again.
      const count = fs.read(fd, there, 0, Math.min(zeros.length, to - position), position);
      if (there.compare(zeros, 0, count, 0, count) !== 0) fs.write(fd, zeros, 0, count, position);
    }
    fs.dataSync(fd);
  } finally {
    fs.close(fd);
  }
};
