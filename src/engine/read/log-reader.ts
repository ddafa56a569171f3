import path from 'node:path';
import { segmentBase, segmentFileName } from '../commit-log/log-directory.ts';
import type { FileSystem } from '../files/file-system.ts';
import { openIfThere } from '../files/open-if-there.ts';

/**
 * One read-ahead of the log. Larger saves system calls, smaller saves copying what a sparse queue skips. They lie at multiples of
 * their size: queues of one topic advance through the log together, and each finds what the others have read ahead. (Windows that
 * began at the record wanted overlapped; four queues read the log 1.8 times.)
 */
const WINDOW_BYTES = 1 << 18;
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
  /** By start, the oldest first. */
  readonly #windows = new Map<number, Window>();
  #last: Window | null = null;
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

  /**
   * Makes `sizeBytes` at `offset` available at `buffer`/`position`; false when the log has no such bytes. `aheadBytes`: so much from
   * there on will be wanted, and nothing else is read; Infinity: much of what follows will be, by this queue or another.
   */
  read(offset: number, sizeBytes: number, aheadBytes: number): boolean {
    const start = offset - ((offset - segmentBase(offset, this.#segmentSizeBytes)) % WINDOW_BYTES);
    const end = offset + sizeBytes;
    const known = holds(this.#last, offset, end) ? this.#last : this.#windows.get(start) ?? null;
    if (holds(known, offset, end)) return this.#at(this.#last = known, offset);
    // A record across the border of two windows is read alone.
    if (aheadBytes <= sizeBytes || sizeBytes > WINDOW_BYTES || (aheadBytes === Infinity && end > start + WINDOW_BYTES)) return this.#readExactly(offset, sizeBytes);
    const window = aheadBytes === Infinity ? this.#load(start, WINDOW_BYTES) : this.#load(offset, Math.min(aheadBytes, WINDOW_BYTES));
    if (!holds(window, offset, end)) return false;
    if (aheadBytes === Infinity) this.#keep(window);
    return this.#at(this.#last = window, offset);
  }

  /** Forgets everything read of this part of the log and reads the record from the file its name leads to now. */
  readFresh(offset: number, sizeBytes: number): boolean {
    for (const window of this.#windows.values()) if (offset < window.end && offset + sizeBytes > window.start) this.#windows.delete(window.start);
    this.#last = null;
    this.#closeFile(segmentBase(offset, this.#segmentSizeBytes));
    return this.#readExactly(offset, sizeBytes);
  }

  close(): void {
    for (const base of [...this.#files.keys()]) this.#closeFile(base);
    this.#windows.clear();
    this.#last = null;
  }

  #at(window: Window, offset: number): true {
    this.buffer = window.buffer;
    this.position = offset - window.start;
    return true;
  }

  #keep(window: Window): void {
    this.#windows.delete(window.start);
    if (this.#windows.size >= WINDOWS) this.#windows.delete(this.#windows.keys().next().value!);
    this.#windows.set(window.start, window);
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
    const fd = openIfThere(this.#fs, path.join(this.#directory, segmentFileName(base)));
    if (fd === null) return -1;
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

const holds = (window: Window | null, start: number, end: number): window is Window => window !== null && start >= window.start && end <= window.end;
