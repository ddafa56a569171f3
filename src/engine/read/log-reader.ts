import path from 'node:path';
import { segmentBase, segmentFileName } from '../commit-log/log-directory.ts';
import type { FileSystem } from '../files/file-system.ts';

/** One read-ahead of the log. Larger saves system calls, smaller saves copying what a sparse queue skips. */
const WINDOW_BYTES = 1 << 18;
/** Queues of one topic advance through the log together: each finds what the others have read ahead. */
const WINDOWS = 24;
const OPEN_FILES = 32;

interface Window {
  readonly start: number;
  readonly end: number;
  readonly buffer: Buffer;
}

/**
 * Random and sequential access to records by commit-log offset, for readers without locks. Buffers handed out are never
 * reused, so messages may keep views of them. A window may be older than the file: whoever finds a mismatch asks again
 * with `readFresh`.
 */
export class LogReader {
  readonly #fs: FileSystem;
  readonly #directory: string;
  readonly #segmentSizeBytes: number;
  #windows: Window[] = [];
  readonly #files = new Map<number, number>();
  /** Where the last read put the record. */
  buffer: Buffer = Buffer.alloc(0);
  position = 0;

  constructor(fs: FileSystem, directory: string, segmentSizeBytes: number) {
    this.#fs = fs;
    this.#directory = directory;
    this.#segmentSizeBytes = segmentSizeBytes;
  }

  pathOf(offset: number): string {
    return path.join(this.#directory, segmentFileName(segmentBase(offset, this.#segmentSizeBytes)));
  }

  positionOf(offset: number): number {
    return offset % this.#segmentSizeBytes;
  }

  /** Makes `sizeBytes` at `offset` available at `buffer`/`position`; false when the log has no such bytes. `aheadBytes`: so much from there on will be wanted. */
  read(offset: number, sizeBytes: number, aheadBytes: number): boolean {
    for (let index = this.#windows.length - 1; index >= 0; index--) {
      const window = this.#windows[index]!;
      if (offset >= window.start && offset + sizeBytes <= window.end) return this.#at(window, offset);
    }
    if (aheadBytes <= sizeBytes || sizeBytes > WINDOW_BYTES) return this.#readExactly(offset, sizeBytes);
    const window = this.#load(offset, Math.min(aheadBytes, WINDOW_BYTES));
    if (window === null || offset + sizeBytes > window.end) return false;
    if (this.#windows.length >= WINDOWS) this.#windows.shift();
    this.#windows.push(window);
    return this.#at(window, offset);
  }

  /** Forgets everything read of this part of the log and reads the record from the file its name leads to now. */
  readFresh(offset: number, sizeBytes: number): boolean {
    this.#windows = this.#windows.filter((window) => offset >= window.end || offset + sizeBytes <= window.start);
    this.#closeFile(segmentBase(offset, this.#segmentSizeBytes));
    return this.#readExactly(offset, sizeBytes);
  }

  close(): void {
    for (const base of [...this.#files.keys()]) this.#closeFile(base);
    this.#windows = [];
  }

  #at(window: Window, offset: number): true {
    this.buffer = window.buffer;
    this.position = offset - window.start;
    return true;
  }

  #readExactly(offset: number, sizeBytes: number): boolean {
    const window = this.#load(offset, sizeBytes);
    return window !== null && window.end - window.start >= sizeBytes && this.#at(window, offset);
  }

  #load(offset: number, wantedBytes: number): Window | null {
    const base = segmentBase(offset, this.#segmentSizeBytes);
    const fd = this.#open(base);
    if (fd < 0) return null;
    const length = Math.min(wantedBytes, base + this.#segmentSizeBytes - offset);
    const buffer = Buffer.allocUnsafeSlow(length);
    const count = this.#fs.read(fd, buffer, 0, length, offset - base);
    return { start: offset, end: offset + count, buffer };
  }

  #open(base: number): number {
    const known = this.#files.get(base);
    if (known !== undefined) return known;
    let fd: number;
    try {
      fd = this.#fs.open(path.join(this.#directory, segmentFileName(base)), 'read');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return -1;
      throw error;
    }
    if (this.#files.size >= OPEN_FILES) this.#closeFile(this.#files.keys().next().value!);
    this.#files.set(base, fd);
    return fd;
  }

  #closeFile(base: number): void {
    const fd = this.#files.get(base);
    if (fd === undefined) return;
    this.#files.delete(base);
    this.#fs.close(fd);
  }
}
