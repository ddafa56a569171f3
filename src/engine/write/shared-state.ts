import { crc32 } from 'node:zlib';
import type { FileSystem } from '../files/file-system.ts';

/**
 * `<store>/mqlite/state`: how the writers of one store tell each other where the log ends. Two slots of 256 bytes are
 * written in turn, so a torn write leaves the older one; the valid slot with the higher sequence counts.
 * All integers big-endian; docs/format/mqlite-state.md has the layout.
 */
const SLOT_BYTES = 256;
const STATE_BYTES = 2 * SLOT_BYTES;
const MAGIC = 0x4d514c53;
const VERSION = 1;
const CRC_POSITION = SLOT_BYTES - 4;
const BOOT_ID_BYTES = 16;

export interface StateFields {
  /** Grows with every write of this file. */
  sequence: number;
  /** live: writers are or were attached. closed: the last one left in order. */
  status: 'live' | 'closed';
  /** End of the log that is stored and dispatched to the queues. */
  committedTail: number;
  /** Log, queues and index below this are on disk. */
  syncedTail: number;
  /** A batch is being written between committedTail and plannedEnd. */
  batchOpen: boolean;
  plannedEnd: number;
  /** storeTimestamp of the newest record: it never goes back. */
  lastStoreTimestamp: number;
  /** Grows when committed offsets were reset from outside their group. */
  resetGeneration: number;
  /** Grows when topics or groups were changed. */
  configGeneration: number;
  /** pid that the `abort` file of the live writers names. */
  abortPid: number;
  /** Modification time of `checkpoint` as the last mqlite left it, in ms: another one means that a broker was here. */
  checkpointModifiedMs: number;
  /** Boot of the machine: after another one the page cache is gone. */
  bootId: Buffer;
}

export const initialState = (bootId: Buffer): StateFields => ({
  sequence: 0,
  status: 'closed',
  committedTail: 0,
  syncedTail: 0,
  batchOpen: false,
  plannedEnd: 0,
  lastStoreTimestamp: 0,
  resetGeneration: 0,
  configGeneration: 0,
  abortPid: 0,
  checkpointModifiedMs: 0,
  bootId,
});

/** Reads and writes the state file with reused buffers; it is on the path of every batch. */
export class SharedState {
  readonly #fs: FileSystem;
  readonly #fd: number;
  readonly #readBuffer = Buffer.alloc(STATE_BYTES);
  readonly #writeBuffer = Buffer.alloc(SLOT_BYTES);

  constructor(fs: FileSystem, fd: number) {
    this.#fs = fs;
    this.#fd = fd;
  }

  /** null when neither slot is valid: a new store, or a broker's. */
  read(): StateFields | null {
    const count = this.#fs.read(this.#fd, this.#readBuffer, 0, STATE_BYTES, 0);
    if (count < STATE_BYTES) this.#readBuffer.fill(0, count);
    return newestSlot(this.#readBuffer);
  }

  /** The sequence on disk, without decoding the rest when it is the one expected. null when unreadable. */
  sequenceIs(expected: number): boolean {
    const at = (expected & 1) * SLOT_BYTES;
    const other = SLOT_BYTES - at;
    if (this.#fs.read(this.#fd, this.#readBuffer, 0, STATE_BYTES, 0) < STATE_BYTES) return false;
    return readLong(this.#readBuffer, at + 8) === expected && readLong(this.#readBuffer, other + 8) < expected;
  }

  /** Writes the next sequence. */
  write(fields: StateFields): void {
    fields.sequence++;
    encode(fields, this.#writeBuffer);
    this.#fs.write(this.#fd, this.#writeBuffer, 0, SLOT_BYTES, (fields.sequence & 1) * SLOT_BYTES);
  }

  sync(): void {
    this.#fs.dataSync(this.#fd);
  }

  close(): void {
    this.#fs.close(this.#fd);
  }
}

/** The state of a store for somebody who only looks; null when there is none or it is unreadable. */
export const readState = (fs: FileSystem, path: string): StateFields | null => {
  if (fs.stat(path) === null) return null;
  const state = new SharedState(fs, fs.open(path, 'read'));
  try {
    return state.read();
  } finally {
    state.close();
  }
};

/** 16 bytes that differ after every boot; zeros where the system does not tell. */
export const readBootId = (fs: FileSystem): Buffer => {
  const bytes = Buffer.alloc(64);
  try {
    const fd = fs.open('/proc/sys/kernel/random/boot_id', 'read');
    try {
      const count = fs.read(fd, bytes, 0, bytes.length, 0);
      return Buffer.from(bytes.toString('latin1', 0, count).replace(/[^0-9a-f]/g, '').padEnd(32, '0').slice(0, 32), 'hex');
    } finally {
      fs.close(fd);
    }
  } catch {
    return Buffer.alloc(BOOT_ID_BYTES);
  }
};

const newestSlot = (bytes: Buffer): StateFields | null => {
  const slots = [decode(bytes, 0), decode(bytes, SLOT_BYTES)].filter((slot) => slot !== null);
  return slots.reduce<StateFields | null>((best, slot) => (best === null || slot.sequence > best.sequence ? slot : best), null);
};

const encode = (fields: StateFields, target: Buffer): void => {
  target.writeUInt32BE(MAGIC, 0);
  target.writeUInt32BE(VERSION, 4);
  writeLong(target, 8, fields.sequence);
  writeLong(target, 16, fields.committedTail);
  writeLong(target, 24, fields.syncedTail);
  writeLong(target, 32, fields.plannedEnd);
  writeLong(target, 40, fields.lastStoreTimestamp);
  target.writeUInt32BE(fields.status === 'live' ? 1 : 0, 48);
  target.writeUInt32BE(fields.batchOpen ? 1 : 0, 52);
  target.writeUInt32BE(fields.resetGeneration, 56);
  target.writeUInt32BE(fields.configGeneration, 60);
  target.writeUInt32BE(fields.abortPid, 64);
  target.writeDoubleBE(fields.checkpointModifiedMs, 72);
  fields.bootId.copy(target, 80, 0, BOOT_ID_BYTES);
  target.writeUInt32BE(crc32(target.subarray(0, CRC_POSITION)), CRC_POSITION);
};

const decode = (bytes: Buffer, at: number): StateFields | null => {
  if (bytes.readUInt32BE(at) !== MAGIC || bytes.readUInt32BE(at + 4) !== VERSION) return null;
  if (crc32(bytes.subarray(at, at + CRC_POSITION)) !== bytes.readUInt32BE(at + CRC_POSITION)) return null;
  return {
    sequence: readLong(bytes, at + 8),
    committedTail: readLong(bytes, at + 16),
    syncedTail: readLong(bytes, at + 24),
    plannedEnd: readLong(bytes, at + 32),
    lastStoreTimestamp: readLong(bytes, at + 40),
    status: bytes.readUInt32BE(at + 48) === 1 ? 'live' : 'closed',
    batchOpen: bytes.readUInt32BE(at + 52) === 1,
    resetGeneration: bytes.readUInt32BE(at + 56),
    configGeneration: bytes.readUInt32BE(at + 60),
    abortPid: bytes.readUInt32BE(at + 64),
    checkpointModifiedMs: bytes.readDoubleBE(at + 72),
    bootId: Buffer.from(bytes.subarray(at + 80, at + 80 + BOOT_ID_BYTES)),
  };
};

const readLong = (bytes: Buffer, at: number): number => bytes.readUInt32BE(at) * 0x1_0000_0000 + bytes.readUInt32BE(at + 4);

const writeLong = (target: Buffer, at: number, value: number): void => {
  target.writeUInt32BE(Math.floor(value / 0x1_0000_0000), at);
  target.writeUInt32BE(value % 0x1_0000_0000, at + 4);
};
