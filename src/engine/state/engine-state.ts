import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import type { FileSystem } from '../files/file-system.ts';
import { makeDirectoryDurably, readWholeFile, writeFileAtomically } from './file-io.ts';

/**
 * `mqlite/state`, 512 bytes, two slots of 256. A write goes to the slot of its generation's parity, so the other slot still holds the
 * state before it; of two valid slots the one with the higher generation counts. Big-endian like everything else in a store.
 */
export const ENGINE_STATE_SIZE_BYTES = 512;
const SLOT_SIZE_BYTES = 256;
const MAGIC = 0x4d514c53; // "MQLS"
const VERSION = 1;
/**
 * Behind the slots: that a sync has failed. Written without the write lock, because whoever waits for that must not be told
 * meanwhile that something is on disk; in the block of the slots, so that a full disk cannot refuse it.
 */
const FAILED_SYNC = { position: ENGINE_STATE_SIZE_BYTES, magic: 0x4d514c46 /* "MQLF" */, from: 4, sizeBytes: 12 } as const;

const AT = {
  magic: 0, version: 4, generation: 8, committedTail: 16, syncedTail: 24, plannedEnd: 32, lastStoreTimestamp: 40, status: 48, batchOpen: 49,
  resetGeneration: 52, topicsGeneration: 56, indexSyncedCount: 60, indexSyncedOffset: 64, bootId: 72, writerPid: 88, crc: 92,
} as const;
const BOOT_ID_BYTES = 16;
const TWO_POW_32 = 0x1_0000_0000;

/** What one writer tells the next. Every offset is a commit-log offset in bytes. */
export interface EngineState {
  /** Raised by every write of this record. */
  generation: number;
  /** Everything below is complete: log, queues and index. */
  committedTail: number;
  /** Everything below is known to be on disk. */
  syncedTail: number;
  /** A writer is between `committedTail` and `plannedEnd`; found so by another one, it died there. */
  batchOpen: boolean;
  plannedEnd: number;
  lastStoreTimestamp: number;
  status: 'live' | 'closed';
  /** Raised by every reset of offsets. */
  resetGeneration: number;
  /** Raised by every change of topics or groups. */
  topicsGeneration: number;
  /** Entries of the newest index file known to be on disk, and the log offset they reach to. */
  indexSyncedCount: number;
  indexSyncedOffset: number;
  /** 32 hex digits: another one means that the machine restarted since, and unsynced pages may be gone. Zeros where unknown. */
  bootId: string;
  writerPid: number;
}

export const newEngineState = (): EngineState => ({
  generation: 0, committedTail: 0, syncedTail: 0, batchOpen: false, plannedEnd: 0, lastStoreTimestamp: 0, status: 'closed',
  resetGeneration: 0, topicsGeneration: 0, indexSyncedCount: 0, indexSyncedOffset: 0, bootId: '0'.repeat(2 * BOOT_ID_BYTES), writerPid: 0,
});

const putU64 = (bytes: Buffer, at: number, value: number): void => {
  const high = Math.floor(value / TWO_POW_32);
  bytes.writeUInt32BE(high, at);
  bytes.writeUInt32BE(value - high * TWO_POW_32, at + 4);
};

const getU64 = (bytes: Buffer, at: number): number => bytes.readUInt32BE(at) * TWO_POW_32 + bytes.readUInt32BE(at + 4);

/** The boot this machine is in, 32 hex digits; zeros where there is no such thing (not Linux). */
export const readBootId = (fs: FileSystem): string => {
  const text = readWholeFile(fs, '/proc/sys/kernel/random/boot_id')?.toString('latin1').trim().replaceAll('-', '') ?? '';
  return /^[0-9a-f]{32}$/.test(text) ? text : '0'.repeat(2 * BOOT_ID_BYTES);
};

/** Writes one slot. Allocates nothing. `bootId` is not touched: `EngineStateFile#write` puts it there when it changes. */
const encodeSlot = (state: EngineState, bytes: Buffer, views: readonly Buffer[]): void => {
  const base = (state.generation % 2) * SLOT_SIZE_BYTES;
  bytes.writeUInt32BE(MAGIC, base + AT.magic);
  bytes.writeUInt32BE(VERSION, base + AT.version);
  putU64(bytes, base + AT.generation, state.generation);
  putU64(bytes, base + AT.committedTail, state.committedTail);
  putU64(bytes, base + AT.syncedTail, state.syncedTail);
  putU64(bytes, base + AT.plannedEnd, state.plannedEnd);
  putU64(bytes, base + AT.lastStoreTimestamp, state.lastStoreTimestamp);
  bytes[base + AT.status] = state.status === 'live' ? 1 : 0;
  bytes[base + AT.batchOpen] = state.batchOpen ? 1 : 0;
  bytes.writeUInt32BE(state.resetGeneration, base + AT.resetGeneration);
  bytes.writeUInt32BE(state.topicsGeneration, base + AT.topicsGeneration);
  bytes.writeUInt32BE(state.indexSyncedCount, base + AT.indexSyncedCount);
  putU64(bytes, base + AT.indexSyncedOffset, state.indexSyncedOffset);
  bytes.writeUInt32BE(state.writerPid, base + AT.writerPid);
  bytes.writeUInt32BE(crc32(views[state.generation % 2]!), base + AT.crc);
};

/** The checksummed part of both slots. */
const checkedParts = (bytes: Buffer): readonly Buffer[] =>
  [0, 1].map((slot) => bytes.subarray(slot * SLOT_SIZE_BYTES, slot * SLOT_SIZE_BYTES + AT.crc));

const isValidSlot = (bytes: Buffer, slot: number, views: readonly Buffer[]): boolean => {
  const base = slot * SLOT_SIZE_BYTES;
  return (
    bytes.readUInt32BE(base + AT.magic) === MAGIC && bytes.readUInt32BE(base + AT.version) === VERSION &&
    bytes.readUInt32BE(base + AT.crc) === crc32(views[slot]!)
  );
};

const decodeSlot = (bytes: Buffer, slot: number, state: EngineState): void => {
  const base = slot * SLOT_SIZE_BYTES;
  state.generation = getU64(bytes, base + AT.generation);
  state.committedTail = getU64(bytes, base + AT.committedTail);
  state.syncedTail = getU64(bytes, base + AT.syncedTail);
  state.plannedEnd = getU64(bytes, base + AT.plannedEnd);
  state.lastStoreTimestamp = getU64(bytes, base + AT.lastStoreTimestamp);
  state.status = bytes[base + AT.status] === 1 ? 'live' : 'closed';
  state.batchOpen = bytes[base + AT.batchOpen] === 1;
  state.resetGeneration = bytes.readUInt32BE(base + AT.resetGeneration);
  state.topicsGeneration = bytes.readUInt32BE(base + AT.topicsGeneration);
  state.indexSyncedCount = bytes.readUInt32BE(base + AT.indexSyncedCount);
  state.indexSyncedOffset = getU64(bytes, base + AT.indexSyncedOffset);
  state.bootId = bytes.toString('hex', base + AT.bootId, base + AT.bootId + BOOT_ID_BYTES);
  state.writerPid = bytes.readUInt32BE(base + AT.writerPid);
};

/** The slot that counts: valid, with the higher generation; -1 when there is none. */
const currentSlot = (bytes: Buffer, views: readonly Buffer[]): number => {
  const [first, second] = [isValidSlot(bytes, 0, views), isValidSlot(bytes, 1, views)];
  if (first && second) return getU64(bytes, AT.generation) >= getU64(bytes, SLOT_SIZE_BYTES + AT.generation) ? 0 : 1;
  return first ? 0 : second ? 1 : -1;
};

/** The state in these 512 bytes; null when neither slot is valid. */
export const decodeEngineState = (bytes: Buffer): EngineState | null => {
  if (bytes.length < ENGINE_STATE_SIZE_BYTES) return null;
  const views = checkedParts(bytes);
  const slot = currentSlot(bytes, views);
  if (slot < 0) return null;
  const state = newEngineState();
  decodeSlot(bytes, slot, state);
  return state;
};

const decodeFailedSync = (bytes: Buffer, at: number): number | null =>
  bytes.readUInt32BE(at) === FAILED_SYNC.magic ? getU64(bytes, at + FAILED_SYNC.from) : null;

/** The record as one open file: read and written without allocation, because a writer does both for every batch. */
export class EngineStateFile {
  /** As last read or written. Change it, then `write`. */
  readonly state: EngineState = newEngineState();
  /**
   * As last read: some writer could not sync a file, and from this log offset on nothing is known to be on disk, whatever
   * later syncs have said. null: no sync has failed since the store was last taken over.
   */
  failedSyncFrom: number | null = null;
  readonly #fs: FileSystem;
  readonly #fd: number;
  readonly #in = Buffer.alloc(ENGINE_STATE_SIZE_BYTES + FAILED_SYNC.sizeBytes);
  readonly #out = Buffer.alloc(ENGINE_STATE_SIZE_BYTES);
  readonly #inViews = checkedParts(this.#in);
  readonly #outViews = checkedParts(this.#out);
  #outBootId = '';
  #closed = false;

  private constructor(fs: FileSystem, fd: number) {
    this.#fs = fs;
    this.#fd = fd;
  }

  /** Opens the record; with `write` it is made when missing (durably). null when it is missing and only read. */
  static open(fs: FileSystem, path: string, mode: 'read' | 'write', tempDirectory: string): EngineStateFile | null {
    if (fs.stat(path) === null) {
      if (mode === 'read') return null;
      makeDirectoryDurably(fs, dirname(path));
      writeFileAtomically(fs, path, Buffer.alloc(ENGINE_STATE_SIZE_BYTES), { tempDirectory });
    }
    return new EngineStateFile(fs, fs.open(path, mode));
  }

  /**
   * Re-reads. `unchanged`: still the generation last read or written; `invalid`: neither slot is valid (new, or damaged: recover), and
   * `state` stays as it was.
   */
  read(): 'changed' | 'unchanged' | 'invalid' {
    let slot = this.#readSlots();
    // Without the write lock: a read that was interrupted may have met two writes, one in either slot.
    if (slot < 0) slot = this.#readSlots();
    if (slot < 0) return 'invalid';
    if (getU64(this.#in, slot * SLOT_SIZE_BYTES + AT.generation) === this.state.generation) return 'unchanged';
    decodeSlot(this.#in, slot, this.state);
    return 'changed';
  }

  /** The highest generation that either slot names, unchecked, by one read: another number than before means that there is something to read. */
  peek(): number {
    const length = this.#fs.read(this.#fd, this.#in, 0, ENGINE_STATE_SIZE_BYTES, 0);
    return length < ENGINE_STATE_SIZE_BYTES ? -1 : Math.max(getU64(this.#in, AT.generation), getU64(this.#in, SLOT_SIZE_BYTES + AT.generation));
  }

  #readSlots(): number {
    const length = this.#fs.read(this.#fd, this.#in, 0, this.#in.length, 0);
    this.failedSyncFrom = length < this.#in.length ? null : decodeFailedSync(this.#in, FAILED_SYNC.position);
    return length < ENGINE_STATE_SIZE_BYTES ? -1 : currentSlot(this.#in, this.#inViews);
  }

  /** Raises the generation and writes `state` with one write of 256 bytes. */
  write(): void {
    const { state } = this;
    state.generation += 1;
    if (state.bootId !== this.#outBootId) {
      this.#out.write(state.bootId, AT.bootId, BOOT_ID_BYTES, 'hex');
      this.#out.write(state.bootId, SLOT_SIZE_BYTES + AT.bootId, BOOT_ID_BYTES, 'hex');
      this.#outBootId = state.bootId;
    }
    encodeSlot(state, this.#out, this.#outViews);
    const base = (state.generation % 2) * SLOT_SIZE_BYTES;
    this.#fs.write(this.#fd, this.#out, base, SLOT_SIZE_BYTES, base);
  }

  sync(): void {
    this.#fs.dataSync(this.#fd);
  }

  /** Reads `failedSyncFrom` alone. */
  readFailedSync(): number | null {
    const bytes = Buffer.alloc(FAILED_SYNC.sizeBytes);
    const length = this.#fs.read(this.#fd, bytes, 0, bytes.length, FAILED_SYNC.position);
    return (this.failedSyncFrom = length < bytes.length ? null : decodeFailedSync(bytes, 0));
  }

  /** A sync has failed; `from` is what this process knew to be on disk before. An earlier mark that reaches further back stays. */
  markFailedSync(from: number): void {
    const bytes = Buffer.alloc(FAILED_SYNC.sizeBytes);
    bytes.writeUInt32BE(FAILED_SYNC.magic, 0);
    putU64(bytes, FAILED_SYNC.from, Math.min(from, this.readFailedSync() ?? from));
    this.#fs.write(this.#fd, bytes, 0, bytes.length, FAILED_SYNC.position);
  }

  /** Everything that such a mark puts in doubt is on disk. */
  clearFailedSync(): void {
    if (this.readFailedSync() !== null) this.#fs.write(this.#fd, Buffer.alloc(FAILED_SYNC.sizeBytes), 0, FAILED_SYNC.sizeBytes, FAILED_SYNC.position);
    this.failedSyncFrom = null;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#fs.close(this.#fd);
  }
}
