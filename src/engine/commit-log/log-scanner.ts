import { viewOf } from '../../base/view-of.ts';
import { MAGIC_BLANK, MIN_BLANK_BYTES, MIN_RECORD_BYTES } from '../../record/layout.ts';
import type { FileSystem } from '../files/file-system.ts';
import { findSegment } from './log-directory.ts';
import type { LogSegment } from './log-directory.ts';
import { MAX_FIXED_BYTES, claimedSize, headerProblem, soundRecord } from './record-soundness.ts';
import type { RecordCheck } from './record-soundness.ts';

/** What both message magics begin with, for searching. */
const MAGIC_PREFIX = Buffer.from([0xda, 0xa3, 0x20]);
const BLANK_BYTES = Buffer.from([0xcb, 0xd4, 0x31, 0x94]);
/** Small enough to stay in the processor's own cache between reading and checking. */
const DEFAULT_WINDOW_BYTES = 512 * 1024;
const SHORT_FILE = 'the file is shorter than its listing said';
const ZEROS = Buffer.alloc(64 * 1024);

export type ScanKind = 'message' | 'blank' | 'damaged' | 'end';

/**
 * Why a scan ended: `limit` (reached `to`), `last-file` (the log ends with its last file full), `zeros` (unwritten space;
 * nobody has looked behind it), `lost` (damage, and no sound record behind it).
 */
export type ScanEnd = 'limit' | 'last-file' | 'zeros' | 'lost';

export interface LogScannerOptions {
  /** First commit-log offset; a record must start there. Default: start of the first file. */
  readonly from?: number;
  /** No record that starts at or beyond this is looked at. Default: end of the last file. */
  readonly to?: number;
  readonly windowBytes?: number;
  /** Default: `soundRecord`, which checks the body's CRC. */
  readonly check?: RecordCheck;
}

/**
 * Walks the log record by record through one reused window. `next()` moves to the next step and the public fields
 * describe it until the following call; nothing is allocated per record.
 *
 * A scan never guesses: at damage it stands still until `resync()` has found where to go on. Records are sound when
 * TOTALSIZE fits the file, PHYSICALOFFSET is their position (a broker trusts it blindly, P10) and `check` agrees.
 */
export class LogScanner {
  kind: ScanKind = 'end';
  endReason: ScanEnd = 'limit';
  /** Commit-log offset of the current step; at `end`, where the log ends. */
  commitLogOffset: number;
  /** Bytes of the current message or blank; for damage what is known to be unusable, 0 when that is not known. */
  sizeBytes = 0;
  /** What is wrong, at `damaged`. */
  reason = '';
  /** Holds the current message from `position` on; at damage its bytes, as far as its TOTALSIZE was believed. */
  window: Buffer;
  position = 0;
  segment: LogSegment | null = null;

  readonly #fs: FileSystem;
  readonly #segments: readonly LogSegment[];
  readonly #check: RecordCheck;
  readonly #to: number;
  #fd = -1;
  #segmentIndex = -1;
  #segmentEnd = 0;
  #windowStart = 0;
  #windowEnd = 0;
  #nextOffset: number;

  constructor(fs: FileSystem, segments: readonly LogSegment[], options: LogScannerOptions = {}) {
    const last = segments.at(-1);
    this.#fs = fs;
    this.#segments = segments;
    this.#check = options.check ?? soundRecord;
    this.#to = options.to ?? (last === undefined ? 0 : last.baseOffset + last.sizeBytes);
    this.#nextOffset = options.from ?? segments[0]?.baseOffset ?? 0;
    this.commitLogOffset = this.#nextOffset;
    this.window = Buffer.allocUnsafe(options.windowBytes ?? DEFAULT_WINDOW_BYTES);
  }

  /** Byte position of the current step in its file. */
  get filePosition(): number {
    return this.commitLogOffset - (this.segment?.baseOffset ?? 0);
  }

  /** Where `next()` will look; meaningless at `damaged` before `resync()`. */
  get nextOffset(): number {
    return this.#nextOffset;
  }

  next(): ScanKind {
    const offset = this.#nextOffset;
    this.commitLogOffset = offset;
    this.sizeBytes = 0;
    if (offset >= this.#to) return this.#end('limit');
    if (this.segment === null || offset < this.segment.baseOffset || offset >= this.#segmentEnd) {
      if (!this.#enter(offset)) return this.#outside(offset);
    }
    const left = this.#segmentEnd - offset;
    if (left < MIN_BLANK_BYTES) return this.#damaged('the file ends without an end-of-file record', left, this.#segmentEnd);
    let at = this.#load(offset, MIN_BLANK_BYTES);
    if (at < 0) return this.#damaged(SHORT_FILE);
    const view = viewOf(this.window);
    const total = view.getInt32(at);
    const magic = view.getInt32(at + 4);
    if (magic === MAGIC_BLANK) {
      if (total !== left) return this.#damaged(`the end-of-file record claims ${total} bytes where ${left} are left`, left, this.#segmentEnd);
      return this.#accept('blank', at, left);
    }
    if (total === 0 && magic === 0) return this.#end('zeros');
    const reason = this.#judgeHeader(offset, left, total);
    if (reason !== null) return this.#damaged(reason);
    at = this.#load(offset, total);
    if (at < 0) return this.#damaged(SHORT_FILE);
    this.position = at;
    const fault = this.#check(this.window, at, total);
    return fault === null ? this.#accept('message', at, total) : this.#damaged(fault);
  }

  /**
   * After `damaged` or an `end` at zeros: finds where the log goes on and lets `next()` continue there. In this order:
   * behind the record, when its own lengths agree with its TOTALSIZE or a sound record follows; else at the next position
   * whose bytes are a sound record with the right PHYSICALOFFSET, or an end-of-file record of the right length.
   * Returns that offset, or -1 when there is none before `to` (`next()` then answers `end`).
   */
  resync(): number {
    const offset = this.commitLogOffset;
    if (this.kind === 'damaged' && this.#nextOffset > offset) return this.#nextOffset;
    const sizes = this.kind === 'damaged' ? this.#possibleSizes(offset) : NO_SIZES;
    if (sizes.agreed) return this.#goTo(offset + (sizes.ascending[0] as number));
    for (const size of sizes.ascending) if (this.#isSound(offset + size)) return this.#goTo(offset + size);
    const found = this.#search(offset);
    if (found >= 0) return this.#goTo(found);
    for (const size of sizes.ascending) if (this.#isZero(offset + size)) return this.#goTo(offset + size);
    this.#nextOffset = offset;
    this.#end('lost');
    return -1;
  }

  /** Commit-log offset of the first byte at or behind `offset` that is not zero; -1 when all is zero up to the end of the files. */
  firstNonZero(offset: number): number {
    let at = offset;
    const last = this.#segments.at(-1);
    const end = last === undefined ? 0 : last.baseOffset + last.sizeBytes;
    while (at < end) {
      if (!this.#enter(at)) {
        const following = this.#segments.find((segment) => segment.baseOffset > at);
        if (following === undefined) return -1;
        at = following.baseOffset;
        continue;
      }
      const length = this.#fill(at);
      if (length === 0) at = this.#segmentEnd;
      for (let done = 0; done < length; done += ZEROS.length) {
        const chunk = this.window.subarray(done, Math.min(done + ZEROS.length, length));
        if (chunk.equals(ZEROS.subarray(0, chunk.length))) continue;
        return at + done + chunk.findIndex((byte) => byte !== 0);
      }
      at += length;
    }
    return -1;
  }

  /** Starts again at `offset` with a fresh look at the files. */
  seek(offset: number): void {
    this.#windowStart = this.#windowEnd = 0;
    this.#goTo(offset);
    this.commitLogOffset = offset;
  }

  close(): void {
    if (this.#fd >= 0) this.#fs.close(this.#fd);
    this.#fd = -1;
    this.segment = null;
    this.#segmentIndex = -1;
  }

  #accept(kind: 'message' | 'blank', at: number, sizeBytes: number): ScanKind {
    this.position = at;
    this.sizeBytes = sizeBytes;
    this.#nextOffset = this.commitLogOffset + sizeBytes;
    this.kind = kind;
    return kind;
  }

  #damaged(reason: string, sizeBytes = 0, nextOffset = -1): ScanKind {
    this.reason = reason;
    this.sizeBytes = sizeBytes;
    if (nextOffset >= 0) this.#nextOffset = nextOffset;
    this.kind = 'damaged';
    return this.kind;
  }

  #end(reason: ScanEnd): ScanKind {
    this.endReason = reason;
    this.kind = 'end';
    return this.kind;
  }

  #goTo(offset: number): number {
    this.#nextOffset = offset;
    return offset;
  }

  /** No file holds `offset`: the end of the log, or a missing file in the middle of it. */
  #outside(offset: number): ScanKind {
    const following = this.#segments.find((segment) => segment.baseOffset > offset);
    if (following === undefined) return this.#end('last-file');
    this.#enter(following.baseOffset);
    return this.#damaged('the log file that should be here is missing', following.baseOffset - offset, following.baseOffset);
  }

  #enter(offset: number): boolean {
    if (this.segment !== null && offset >= this.segment.baseOffset && offset < this.#segmentEnd) return true;
    const following = this.#segments[this.#segmentIndex + 1];
    const index = following?.baseOffset === offset ? this.#segmentIndex + 1 : findSegment(this.#segments, offset);
    const segment = this.#segments[index];
    if (segment === undefined) return false;
    this.close();
    this.#fd = this.#fs.open(segment.path, 'read');
    this.segment = segment;
    this.#segmentIndex = index;
    this.#segmentEnd = segment.baseOffset + segment.sizeBytes;
    this.#windowStart = this.#windowEnd = 0;
    return true;
  }

  /** Makes `length` bytes from `offset` (in the current file) lie in the window; their position there, -1 when the file ends before. */
  #load(offset: number, length: number): number {
    if (offset >= this.#windowStart && offset + length <= this.#windowEnd) return offset - this.#windowStart;
    if (length > this.window.length) this.window = Buffer.allocUnsafe(Math.ceil(length / DEFAULT_WINDOW_BYTES) * DEFAULT_WINDOW_BYTES);
    return this.#fill(offset) >= length ? 0 : -1;
  }

  #fill(offset: number): number {
    const base = this.segment?.baseOffset ?? 0;
    const wanted = Math.min(this.window.length, this.#segmentEnd - offset);
    const length = this.#fs.read(this.#fd, this.window, 0, wanted, offset - base);
    this.#windowStart = offset;
    this.#windowEnd = offset + length;
    return length;
  }

  #judgeHeader(offset: number, left: number, total: number): string | null {
    if (total > left) return `TOTALSIZE ${total} goes beyond the end of the file (${left} bytes left)`;
    const at = this.#load(offset, Math.min(left, MAX_FIXED_BYTES));
    if (at < 0) return SHORT_FILE;
    return headerProblem(this.window, at, Math.min(left, MAX_FIXED_BYTES), offset);
  }

  /** How long the damaged record may be; `agreed` when TOTALSIZE and its other lengths say the same. */
  #possibleSizes(offset: number): PossibleSizes {
    if (!this.#enter(offset)) return NO_SIZES;
    const left = this.#segmentEnd - offset;
    if (left < MIN_RECORD_BYTES) return NO_SIZES;
    const at = this.#load(offset, MIN_RECORD_BYTES);
    if (at < 0) return NO_SIZES;
    const total = this.window.readInt32BE(at);
    const computed = this.#computedSize(offset, left);
    const ascending = [...new Set([total, computed])].filter((size) => size >= MIN_RECORD_BYTES && size <= left).sort((a, b) => a - b);
    return { ascending, agreed: total === computed && ascending.length === 1 };
  }

  /** The size that BODYLEN, TOPICLEN and PROPLEN add up to; -1 when they point outside the file. */
  #computedSize(offset: number, left: number): number {
    return claimedSize(left, (position, length) => {
      const at = this.#load(offset + position, length);
      return at < 0 ? null : this.window.subarray(at, at + length);
    });
  }

  #isSound(offset: number): boolean {
    if (offset >= this.#to || !this.#enter(offset)) return false;
    const left = this.#segmentEnd - offset;
    if (left < MIN_BLANK_BYTES) return false;
    let at = this.#load(offset, MIN_BLANK_BYTES);
    if (at < 0) return false;
    const total = this.window.readInt32BE(at);
    const magic = this.window.readInt32BE(at + 4);
    if (magic === MAGIC_BLANK) return total === left;
    if (this.#judgeHeader(offset, left, total) !== null) return false;
    at = this.#load(offset, total);
    return at >= 0 && this.#check(this.window, at, total) === null;
  }

  #isZero(offset: number): boolean {
    if (!this.#enter(offset)) return false;
    const at = this.#load(offset, Math.min(MIN_BLANK_BYTES, this.#segmentEnd - offset));
    return at >= 0 && this.window.subarray(at, Math.min(at + MIN_BLANK_BYTES, at + this.#segmentEnd - offset)).every((byte) => byte === 0);
  }

  /** First offset behind `offset` where something sound starts; -1 when there is none before `to`. */
  #search(offset: number): number {
    let from = offset + 1;
    while (from < this.#to) {
      if (!this.#enter(from)) {
        const following = this.#segments.find((segment) => segment.baseOffset > from);
        if (following === undefined) return -1;
        from = following.baseOffset;
        continue;
      }
      const end = this.#segmentEnd;
      if (from < this.#windowStart || from + MIN_BLANK_BYTES > this.#windowEnd) this.#fill(from);
      const windowEnd = this.#windowEnd;
      const hit = this.#nextMagic(from - this.#windowStart, windowEnd - this.#windowStart);
      if (hit < 0) {
        // The last 7 bytes may hold the start of a magic whose rest is in the next window.
        from = windowEnd >= end || windowEnd - from < MIN_BLANK_BYTES ? end : windowEnd - MIN_BLANK_BYTES + 1;
        continue;
      }
      const start = this.#windowStart + hit;
      if (this.#isSound(start)) return start;
      from = start + 1;
    }
    return -1;
  }

  /** Position in the window, at or behind `start`, of the next four bytes before a magic; -1 without one. */
  #nextMagic(start: number, end: number): number {
    const area = this.window.subarray(start, end);
    const message = area.indexOf(MAGIC_PREFIX, 4);
    // Searching for the rarer mark is bounded by the hit for the more frequent one.
    const blank = (message < 0 ? area : area.subarray(0, message)).indexOf(BLANK_BYTES, 4);
    const hit = blank >= 0 ? blank : message;
    return hit < 0 ? -1 : start + hit - 4;
  }
}

interface PossibleSizes {
  readonly ascending: readonly number[];
  readonly agreed: boolean;
}

const NO_SIZES: PossibleSizes = { ascending: [], agreed: false };
