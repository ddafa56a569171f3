import path from 'node:path';
import { CodecError } from '../../base/codec-error.ts';
import { inspectSegmentDirectory, segmentBase, segmentFileName } from '../commit-log/log-directory.ts';
import type { FileSystem } from '../files/file-system.ts';
import { createSizedFile, restoreIfUnlinked } from '../files/sized-file.ts';
import type { StorePaths } from '../store-paths.ts';
import { DEFAULT_TIMER_LOG_FILE_BYTES, encodeStub, isStub, MAGIC_DONE, readUnit, STUB_SIZE_BYTES, UNIT_MAGIC_AT, UNIT_RECORD_SIZE_AT, UNIT_SIZE_BYTES, writeUnit } from './layout.ts';
import type { TimerUnit } from './layout.ts';
import { TimerDamage } from './timer-damage.ts';

const WINDOW_BYTES = 64 * 1024;
/** Units this close to each other are marked with one read and one write. */
const MAX_MARK_GAP_BYTES = 4096;

/** `timerlog/`: appended to, read along chains, and its units marked as done. Used by one process, with the write lock held. */
export class TimerLog {
  readonly #fs: FileSystem;
  readonly #directory: string;
  readonly #tempDirectory: string;
  readonly #fileSizeBytes: number;
  readonly #files = new Map<number, number>();
  /** Position of the first unit that is left: files before it have expired, with the records that they name. */
  readonly begin: number;
  /** Behind the last unit that is in a file. */
  #writtenEnd = 0;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #window: Buffer = Buffer.alloc(0);
  #windowStart = 0;
  readonly #unsynced = new Set<number>();

  private constructor(fs: FileSystem, paths: StorePaths, fileSizeBytes: number, begin: number) {
    this.#fs = fs;
    this.#directory = paths.timerLog;
    this.#tempDirectory = paths.temp;
    this.#fileSizeBytes = fileSizeBytes;
    this.begin = begin;
  }

  /** Throws TimerDamage for files that no broker would boot with. */
  static open(fs: FileSystem, paths: StorePaths): TimerLog {
    const { segments, oddities, fileSizeBytes } = inspectSegmentDirectory(fs, paths.timerLog);
    if (oddities.length > 0) throw new TimerDamage(`${oddities[0]!.path}: ${oddities[0]!.reason}`);
    const size = fileSizeBytes ?? DEFAULT_TIMER_LOG_FILE_BYTES;
    if (size < UNIT_SIZE_BYTES + STUB_SIZE_BYTES) throw new TimerDamage(`${segments[0]!.path}: ${size} bytes long, too short for a unit`);
    const log = new TimerLog(fs, paths, size, segments[0]?.baseOffset ?? 0);
    const last = segments.at(-1);
    if (last !== undefined) log.#writtenEnd = log.#findEnd(last.baseOffset);
    return log;
  }

  /** Position behind the last unit, those appended and not written yet included. */
  get end(): number {
    return this.#writtenEnd + this.#pendingBytes;
  }

  /** Position that the next unit gets. The end of a file must have been written (`flush`) before the next file begins. */
  get nextPosition(): number {
    const { end } = this;
    return this.#rest(end) < UNIT_SIZE_BYTES + STUB_SIZE_BYTES && end % this.#fileSizeBytes !== 0 ? segmentBase(end, this.#fileSizeBytes) + this.#fileSizeBytes : end;
  }

  /** Written with `flush`. Returns its position. */
  append(unit: TimerUnit): number {
    const position = this.nextPosition;
    if (position !== this.end) {
      this.flush();
      const restBytes = this.#rest(this.#writtenEnd);
      if (restBytes >= STUB_SIZE_BYTES) this.#write(encodeStub(restBytes), this.#writtenEnd);
      this.#writtenEnd = position;
    }
    const bytes = Buffer.allocUnsafe(UNIT_SIZE_BYTES);
    writeUnit(bytes, 0, unit);
    this.#pending.push(bytes);
    this.#pendingBytes += UNIT_SIZE_BYTES;
    return position;
  }

  /** Forgets what was appended and not written: its batch failed. */
  discardPending(): void {
    this.#pending = [];
    this.#pendingBytes = 0;
  }

  /** Writes what was appended: all of it lies in one file. */
  flush(): void {
    if (this.#pendingBytes === 0) return;
    this.#write(Buffer.concat(this.#pending, this.#pendingBytes), this.#writtenEnd);
    this.#writtenEnd += this.#pendingBytes;
    this.#pending = [];
    this.#pendingBytes = 0;
  }

  /** The unit at a position. Throws TimerDamage where there is none. */
  read(position: number): TimerUnit {
    const base = segmentBase(position, this.#fileSizeBytes);
    if (position < 0 || position + UNIT_SIZE_BYTES > this.#writtenEnd || (position - base) % UNIT_SIZE_BYTES !== 0) {
      throw new TimerDamage(`${this.#pathOf(base)}: no unit of the timer log can be at ${position}, which is named there or in the wheel`);
    }
    if (position < this.#windowStart || position + UNIT_SIZE_BYTES > this.#windowStart + this.#window.length) this.#load(position, base);
    try {
      const unit = readUnit(this.#window, position - this.#windowStart);
      if (unit !== null && unit.previous < position) return unit;
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
    }
    throw new TimerDamage(`${this.#pathOf(base)} at ${position - base}: no sound unit of the timer log`);
  }

  /** Where a broker begins to look for units that its wheel may lack: one file before what it flushed. [TimerMessageStore#recover] */
  recoveryStart(flushedPosition: number): number {
    return Math.max(this.begin, segmentBase(Math.max(0, flushedPosition - this.#fileSizeBytes), this.#fileSizeBytes));
  }

  /** Positions of all units from `from` on, in order, stubs passed over. */
  *positionsFrom(from: number): Generator<number> {
    for (let position = from; position + UNIT_SIZE_BYTES <= this.#writtenEnd;) {
      if (this.#rest(position) < UNIT_SIZE_BYTES + STUB_SIZE_BYTES) {
        position = segmentBase(position, this.#fileSizeBytes) + this.#fileSizeBytes;
        continue;
      }
      yield position;
      position += UNIT_SIZE_BYTES;
    }
  }

  /** Nobody, no broker either, delivers these any more. @param positions ascending */
  markDone(positions: readonly number[]): void {
    for (let index = 0; index < positions.length;) {
      const start = positions[index]!;
      const base = segmentBase(start, this.#fileSizeBytes);
      let last = index;
      while (last + 1 < positions.length && positions[last + 1]! - positions[last]! <= MAX_MARK_GAP_BYTES && segmentBase(positions[last + 1]!, this.#fileSizeBytes) === base) last++;
      const bytes = Buffer.alloc(positions[last]! - start + UNIT_SIZE_BYTES);
      const fd = this.#open(base);
      this.#fs.read(fd, bytes, 0, bytes.length, start - base);
      for (; index <= last; index++) bytes.writeInt32BE(MAGIC_DONE, positions[index]! - start + UNIT_MAGIC_AT);
      this.#fs.write(fd, bytes, 0, bytes.length, start - base);
      this.#unsynced.add(base);
    }
    this.#window = Buffer.alloc(0);
  }

  sync(): void {
    for (const base of this.#unsynced) this.#fs.dataSync(this.#open(base));
    this.#unsynced.clear();
  }

  close(): void {
    for (const fd of this.#files.values()) this.#fs.close(fd);
    this.#files.clear();
  }

  #rest(position: number): number {
    return this.#fileSizeBytes - (position % this.#fileSizeBytes);
  }

  #pathOf(base: number): string {
    return path.join(this.#directory, segmentFileName(base));
  }

  /** Units lie without gaps: the first place without one is bisected. Throws TimerDamage when something else is there. */
  #findEnd(base: number): number {
    const fd = this.#open(base);
    const unit = Buffer.alloc(UNIT_SIZE_BYTES);
    const isBegun = (): boolean => unit.readInt32BE(0) === UNIT_SIZE_BYTES;
    const isUnit = (index: number): boolean => {
      unit.fill(0);
      this.#fs.read(fd, unit, 0, UNIT_SIZE_BYTES, index * UNIT_SIZE_BYTES);
      return isBegun() && unit.readInt32BE(UNIT_RECORD_SIZE_AT) > 0;
    };
    let low = 0;
    let high = Math.floor((this.#fileSizeBytes - STUB_SIZE_BYTES) / UNIT_SIZE_BYTES);
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isUnit(middle)) low = middle + 1;
      else high = middle;
    }
    const position = low * UNIT_SIZE_BYTES;
    unit.fill(0);
    this.#fs.read(fd, unit, 0, Math.min(UNIT_SIZE_BYTES, this.#rest(position)), position);
    if (isStub(unit, 0)) return base + this.#fileSizeBytes;
    // A unit without its record: whoever wrote it died in the middle of it. The next one goes over it.
    if (isBegun()) return base + position;
    if (unit.some((byte) => byte !== 0)) throw new TimerDamage(`${this.#pathOf(base)} at ${position}: neither a unit of the timer log nor zeros`);
    return base + position;
  }

  #load(position: number, base: number): void {
    // Chains lead backwards, recovery forwards.
    const start = Math.max(base, position + UNIT_SIZE_BYTES - WINDOW_BYTES);
    const end = Math.min(base + this.#fileSizeBytes, this.#writtenEnd, position + WINDOW_BYTES);
    const bytes = Buffer.allocUnsafe(end - start);
    this.#window = bytes.subarray(0, this.#fs.read(this.#open(base), bytes, 0, bytes.length, start - base));
    this.#windowStart = start;
    if (this.#window.length < position + UNIT_SIZE_BYTES - start) throw new TimerDamage(`${this.#pathOf(base)} ends before ${position - base}`);
  }

  #write(bytes: Buffer, position: number): void {
    const base = segmentBase(position, this.#fileSizeBytes);
    this.#window = Buffer.alloc(0);
    this.#unsynced.add(base);
    const target = { path: this.#pathOf(base), sizeBytes: this.#fileSizeBytes, tempDirectory: this.#tempDirectory };
    if (position === base && !this.#files.has(base) && this.#fs.stat(target.path) === null) {
      this.#files.set(base, createSizedFile(this.#fs, target, (fd) => this.#fs.write(fd, bytes, 0, bytes.length, 0)));
      return;
    }
    const fd = restoreIfUnlinked(this.#fs, this.#open(base), target);
    this.#files.set(base, fd);
    this.#fs.write(fd, bytes, 0, bytes.length, position - base);
  }

  #open(base: number): number {
    let fd = this.#files.get(base);
    if (fd === undefined) {
      const file = this.#pathOf(base);
      if (this.#fs.stat(file) === null) throw new TimerDamage(`${file} is missing`);
      this.#files.set(base, (fd = this.#fs.open(file, 'write')));
    }
    return fd;
  }
}
