import type { FileSystem } from '../files/file-system.ts';
import { findSegment } from './log-directory.ts';
import type { LogSegment } from './log-directory.ts';

const MAGIC_V1 = 0xdaa320a7 | 0;
const MAGIC_V2 = 0xdaa320ab | 0;
const MAGIC_BLANK = 0xcbd43194 | 0;
/** What both message magics begin with, for searching. */
const MAGIC_PREFIX = Buffer.from([0xda, 0xa3, 0x20]);
const BLANK_BYTES = Buffer.from([0xcb, 0xd4, 0x31, 0x94]);

/** Smallest record: fixed fields of version 1 over IPv4, no body, topic or properties. [MessageExtEncoder#calMsgLength] */
const MIN_RECORD_SIZE = 91;
/** Fixed part up to and including BODYLEN with IPv4 hosts. */
const BODY_POSITION = 88;
const IPV6_EXTRA = 12;
/** The same with IPv6 hosts. */
const MAX_FIXED_SIZE = BODY_POSITION + 2 * IPV6_EXTRA;
/** TOPICLEN (≤ 2), topic (≤ 32767), PROPLEN, properties (≤ 32767). */
const MAX_AFTER_BODY = 2 + 32_767 + 2 + 32_767;
const PHYSICAL_OFFSET_POSITION = 28;
const SYS_FLAG_POSITION = 36;
/** TOTALSIZE and MAGICCODE: the least that the end of a file must leave. [CommitLog] */
const MIN_BLANK_SIZE = 8;
const DEFAULT_WINDOW_BYTES = 4 * 1024 * 1024;
const ZEROS = Buffer.alloc(64 * 1024);

/** Judges the record at `position`, `sizeBytes` long, wholly in `buffer`; null when it is sound, else what is wrong with it. */
export type RecordCheck = (buffer: Buffer, position: number, sizeBytes: number) => string | null;

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
  readonly check: RecordCheck;
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
  /** Holds the current message from `position` on. */
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

  constructor(fs: FileSystem, segments: readonly LogSegment[], options: LogScannerOptions) {
    const last = segments.at(-1);
    this.#fs = fs;
    this.#segments = segments;
    this.#check = options.check;
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
    if (left < MIN_BLANK_SIZE) return this.#damaged('the file ends without an end-of-file record', left, this.#segmentEnd);
    let at = this.#load(offset, MIN_BLANK_SIZE);
    if (at < 0) return this.#damaged('the file is shorter than its name and size say');
    const total = this.window.readInt32BE(at);
    const magic = this.window.readInt32BE(at + 4);
    if (magic === MAGIC_BLANK) {
      if (total !== left) return this.#damaged(`the end-of-file record claims ${total} bytes where ${left} are left`, left, this.#segmentEnd);
      return this.#accept('blank', at, left);
    }
    if (total === 0 && magic === 0) return this.#end('zeros');
    const reason = this.#judgeHeader(offset, left, total, magic);
    if (reason !== null) return this.#damaged(reason);
    at = this.#load(offset, total);
    if (at < 0) return this.#damaged('the file is shorter than its name and size say');
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

  /** Everything that can be told from the fixed fields; it also keeps a hostile TOTALSIZE from growing the window. */
  #judgeHeader(offset: number, left: number, total: number, magic: number): string | null {
    if (magic !== MAGIC_V1 && magic !== MAGIC_V2) return `MAGICCODE ${hex(magic)} is that of no record`;
    if (total < MIN_RECORD_SIZE) return `TOTALSIZE ${total} is too small`;
    if (total > left) return `TOTALSIZE ${total} goes beyond the end of the file (${left} bytes left)`;
    const at = this.#load(offset, Math.min(left, MAX_FIXED_SIZE));
    if (at < 0) return 'the file is shorter than its name and size say';
    const physical = readLong(this.window, at + PHYSICAL_OFFSET_POSITION);
    if (physical !== offset) return `PHYSICALOFFSET ${physical} is not the record's position`;
    if (total <= this.window.length) return null;
    const bodyEnd = bodyExtent(this.window, at);
    if (bodyEnd > total || total - bodyEnd > MAX_AFTER_BODY) return `TOTALSIZE ${total} does not fit the record's own lengths`;
    return null;
  }

  /** How long the damaged record may be; `agreed` when TOTALSIZE and its other lengths say the same. */
  #possibleSizes(offset: number): PossibleSizes {
    if (!this.#enter(offset)) return NO_SIZES;
    const left = this.#segmentEnd - offset;
    if (left < MIN_RECORD_SIZE) return NO_SIZES;
    const at = this.#load(offset, MIN_RECORD_SIZE);
    if (at < 0) return NO_SIZES;
    const total = this.window.readInt32BE(at);
    const computed = this.#computedSize(offset, left);
    const ascending = [...new Set([total, computed])].filter((size) => size >= MIN_RECORD_SIZE && size <= left).sort((a, b) => a - b);
    return { ascending, agreed: total === computed && ascending.length === 1 };
  }

  /** The size that BODYLEN, TOPICLEN and PROPLEN add up to; -1 when they point outside the file. */
  #computedSize(offset: number, left: number): number {
    let at = this.#load(offset, Math.min(left, MAX_FIXED_SIZE));
    if (at < 0) return -1;
    const topicBytes = this.window.readInt32BE(at + 4) === MAGIC_V2 ? 2 : 1;
    const bodyEnd = bodyExtent(this.window, at);
    if (bodyEnd < BODY_POSITION || bodyEnd + topicBytes > left) return -1;
    at = this.#load(offset + bodyEnd, topicBytes);
    if (at < 0) return -1;
    const topicLength = topicBytes === 2 ? this.window.readInt16BE(at) : this.window.readInt8(at);
    const topicEnd = bodyEnd + topicBytes + topicLength;
    if (topicLength < 0 || topicEnd + 2 > left) return -1;
    at = this.#load(offset + topicEnd, 2);
    return at < 0 ? -1 : topicEnd + 2 + this.window.readInt16BE(at);
  }

  #isSound(offset: number): boolean {
    if (offset >= this.#to || !this.#enter(offset)) return false;
    const left = this.#segmentEnd - offset;
    if (left < MIN_BLANK_SIZE) return false;
    let at = this.#load(offset, MIN_BLANK_SIZE);
    if (at < 0) return false;
    const total = this.window.readInt32BE(at);
    const magic = this.window.readInt32BE(at + 4);
    if (magic === MAGIC_BLANK) return total === left;
    if (this.#judgeHeader(offset, left, total, magic) !== null) return false;
    at = this.#load(offset, total);
    return at >= 0 && this.#check(this.window, at, total) === null;
  }

  #isZero(offset: number): boolean {
    if (!this.#enter(offset)) return false;
    const at = this.#load(offset, Math.min(MIN_BLANK_SIZE, this.#segmentEnd - offset));
    return at >= 0 && this.window.subarray(at, Math.min(at + MIN_BLANK_SIZE, at + this.#segmentEnd - offset)).every((byte) => byte === 0);
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
      if (from < this.#windowStart || from + MIN_BLANK_SIZE > this.#windowEnd) this.#fill(from);
      const windowEnd = this.#windowEnd;
      const hit = this.#nextMagic(from - this.#windowStart, windowEnd - this.#windowStart);
      if (hit < 0) {
        // The last 7 bytes may hold the start of a magic whose rest is in the next window.
        from = windowEnd >= end || windowEnd - from < MIN_BLANK_SIZE ? end : windowEnd - MIN_BLANK_SIZE + 1;
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

const hex = (value: number): string => `0x${(value >>> 0).toString(16).toUpperCase().padStart(8, '0')}`;

const readLong = (buffer: Buffer, position: number): number => buffer.readInt32BE(position) * 0x1_0000_0000 + buffer.readUInt32BE(position + 4);

/** Bytes from the start of the record to the end of its body, as SYSFLAG and BODYLEN claim; -1 for a negative BODYLEN. */
const bodyExtent = (buffer: Buffer, at: number): number => {
  const sysFlag = buffer.readInt32BE(at + SYS_FLAG_POSITION);
  const bodyStart = BODY_POSITION + ((sysFlag & 0x10) === 0 ? 0 : IPV6_EXTRA) + ((sysFlag & 0x20) === 0 ? 0 : IPV6_EXTRA);
  // In a short rest of a file BODYLEN may lie behind the end of the window.
  if (at + bodyStart > buffer.length) return -1;
  const bodyLength = buffer.readInt32BE(at + bodyStart - 4);
  return bodyLength < 0 ? -1 : bodyStart + bodyLength;
};
