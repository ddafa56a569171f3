import path from 'node:path';
import { segmentBase, segmentFileName } from '../commit-log/log-directory.ts';
import type { FileSystem } from '../files/file-system.ts';
import { openIfThere } from '../files/open-if-there.ts';

/** TOTALSIZE and MAGICCODE: where nothing is written yet they are zeros. */
const MARK_BYTES = 8;

/**
 * Tells by one small read whether a broker has stored something since the log was last read to its end: its next record
 * begins exactly there.
 */
export class LogEndWatch {
  readonly #fs: FileSystem;
  readonly #directory: string;
  readonly #segmentSizeBytes: number;
  readonly #bytes = Buffer.alloc(MARK_BYTES);
  readonly #seen = Buffer.alloc(MARK_BYTES);
  #end = -1;
  /** What lies at the end was there at the look before, too, or there is nothing: not a record that is being written. */
  #isSettled = false;
  #fd = -1;
  #fileBase = -1;

  constructor(fs: FileSystem, directory: string, segmentSizeBytes: number) {
    this.#fs = fs;
    this.#directory = directory;
    this.#segmentSizeBytes = segmentSizeBytes;
  }

  /** @param end of the log, just read through  @returns whether it has moved since the last time */
  remember(end: number): boolean {
    // Another file may have the name by now.
    this.close();
    const isSame = end === this.#end;
    this.#end = end;
    this.#read();
    this.#isSettled = this.#bytes.readInt32BE(0) === 0 || (isSame && this.#bytes.equals(this.#seen));
    this.#bytes.copy(this.#seen);
    return !isSame;
  }

  hasChanged(): boolean {
    if (!this.#isSettled) return true;
    this.#read();
    return !this.#bytes.equals(this.#seen);
  }

  close(): void {
    if (this.#fd >= 0) this.#fs.close(this.#fd);
    this.#fd = -1;
    this.#fileBase = -1;
  }

  #read(): void {
    this.#bytes.fill(0);
    const base = segmentBase(this.#end, this.#segmentSizeBytes);
    if (this.#open(base)) this.#fs.read(this.#fd, this.#bytes, 0, MARK_BYTES, this.#end - base);
  }

  /** At the end of a full file, the next one may not be there yet. */
  #open(base: number): boolean {
    if (base === this.#fileBase) return true;
    this.close();
    const file = path.join(this.#directory, segmentFileName(base));
    const fd = this.#fs.stat(file) === null ? null : openIfThere(this.#fs, file);
    if (fd === null) return false;
    this.#fd = fd;
    this.#fileBase = base;
    return true;
  }
}
