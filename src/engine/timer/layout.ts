import { readInt64, writeInt64 } from '../../base/int64.ts';

/** Bytes of timerlog, timerwheel and timercheck, docs/format/timer.md. All integers big-endian, signed. [TimerLog] [Slot] [TimerCheckpoint] */

export const UNIT_SIZE_BYTES = 52;
/** Behind the last unit of a file there is room for the stub that says so. */
export const STUB_SIZE_BYTES = 16;
export const DEFAULT_TIMER_LOG_FILE_BYTES = 104_857_600;

/** Where the last unit of a full file is: no unit begins where the stub would not fit behind it. [TimerLog#getOffsetForLastUnit] */
export const lastUnitAt = (fileSizeBytes: number): number => (Math.floor((fileSizeBytes - STUB_SIZE_BYTES) / UNIT_SIZE_BYTES) - 1) * UNIT_SIZE_BYTES;

const UNIT = { size: 0, previous: 4, magic: 12, base: 16, delay: 24, commitLogOffset: 28, recordSize: 36, topicHash: 40, reserved: 44 } as const;
export const UNIT_MAGIC_AT = UNIT.magic;
export const UNIT_RECORD_SIZE_AT = UNIT.recordSize;
const STUB_MAGIC = 0xcbd43194 | 0;

export const MAGIC_DEFAULT = 1;
export const MAGIC_ROLL = 2;
export const MAGIC_DELETE = 4;
/** A delete without a TIMER_DEL_UNIQKEY in its record: whoever reads it does nothing. */
export const MAGIC_DONE = MAGIC_DEFAULT | MAGIC_DELETE;

export interface TimerUnit {
  /** Position of the unit before it in the same second; -1: none. */
  readonly previous: number;
  readonly magic: number;
  readonly baseMs: number;
  /** What the slot stands for. */
  readonly timeMs: number;
  readonly commitLogOffset: number;
  readonly sizeBytes: number;
  readonly topicHash: number;
}

export const writeUnit = (target: Buffer, at: number, unit: TimerUnit): void => {
  target.writeInt32BE(UNIT_SIZE_BYTES, at + UNIT.size);
  writeInt64(target, at + UNIT.previous, unit.previous);
  target.writeInt32BE(unit.magic, at + UNIT.magic);
  writeInt64(target, at + UNIT.base, unit.baseMs);
  target.writeInt32BE(unit.timeMs - unit.baseMs, at + UNIT.delay);
  writeInt64(target, at + UNIT.commitLogOffset, unit.commitLogOffset);
  target.writeInt32BE(unit.sizeBytes, at + UNIT.recordSize);
  target.writeInt32BE(unit.topicHash, at + UNIT.topicHash);
  writeInt64(target, at + UNIT.reserved, 0);
};

/** null: no unit. Throws CodecError(DAMAGED) for a field beyond 2^53. */
export const readUnit = (buffer: Buffer, at: number): TimerUnit | null => {
  const magic = buffer.readInt32BE(at + UNIT.magic);
  // [TimerMessageStore#isMagicOK]
  if (buffer.readInt32BE(at + UNIT.size) !== UNIT_SIZE_BYTES || (magic | 0xf) !== 0xf) return null;
  const baseMs = readInt64(buffer, at + UNIT.base);
  return {
    previous: readInt64(buffer, at + UNIT.previous),
    magic,
    baseMs,
    timeMs: baseMs + buffer.readInt32BE(at + UNIT.delay),
    commitLogOffset: readInt64(buffer, at + UNIT.commitLogOffset),
    sizeBytes: buffer.readInt32BE(at + UNIT.recordSize),
    topicHash: buffer.readInt32BE(at + UNIT.topicHash),
  };
};

/** What ends a file: how much of it is left. */
export const encodeStub = (restBytes: number): Buffer => {
  const stub = Buffer.alloc(STUB_SIZE_BYTES);
  stub.writeInt32BE(restBytes, 0);
  stub.writeInt32BE(STUB_MAGIC, 12);
  return stub;
};

export const isStub = (buffer: Buffer, at: number): boolean => buffer.readInt32BE(at + 12) === STUB_MAGIC;

/** Seven days, twice: what is behind may still be read while what is ahead is entered. [TimerMessageStore] */
export const WHEEL_SLOTS = 2 * 604_800;
export const SLOT_SIZE_BYTES = 32;
export const WHEEL_SIZE_BYTES = WHEEL_SLOTS * SLOT_SIZE_BYTES;

export interface TimerSlot {
  /** Seconds since the epoch; the slot means no other second. */
  second: number;
  first: number;
  last: number;
  count: number;
}

export const writeSlot = (target: Buffer, at: number, slot: TimerSlot): void => {
  writeInt64(target, at, slot.second);
  writeInt64(target, at + 8, slot.first);
  writeInt64(target, at + 16, slot.last);
  target.writeInt32BE(slot.count, at + 24);
  target.writeInt32BE(0, at + 28);
};

/** Throws CodecError(DAMAGED) for a field beyond 2^53. */
export const readSlot = (buffer: Buffer, at: number): TimerSlot => ({
  second: readInt64(buffer, at), first: readInt64(buffer, at + 8), last: readInt64(buffer, at + 16), count: buffer.readInt32BE(at + 24),
});

export const CHECK_SIZE_BYTES = 4096;

export interface TimerCheck {
  lastReadTimeMs: number;
  lastTimerLogFlushPos: number;
  lastTimerQueueOffset: number;
  masterTimerQueueOffset: number;
  stateVersion: number;
  timestamp: number;
  counter: number;
}

const CHECK_FIELDS = [
  'lastReadTimeMs', 'lastTimerLogFlushPos', 'lastTimerQueueOffset', 'masterTimerQueueOffset', 'stateVersion', 'timestamp', 'counter',
] as const satisfies readonly (keyof TimerCheck)[];

export const encodeCheck = (check: TimerCheck): Buffer => {
  const bytes = Buffer.alloc(CHECK_SIZE_BYTES);
  CHECK_FIELDS.forEach((field, index) => writeInt64(bytes, index * 8, check[field]));
  return bytes;
};

/** null for what no broker writes: too short, or a negative field. Throws CodecError(DAMAGED) for a field beyond 2^53. */
export const decodeCheck = (bytes: Buffer): TimerCheck | null => {
  if (bytes.length < CHECK_FIELDS.length * 8) return null;
  const check = Object.fromEntries(CHECK_FIELDS.map((field, index) => [field, readInt64(bytes, index * 8)])) as unknown as TimerCheck;
  return CHECK_FIELDS.every((field) => check[field] >= 0) ? check : null;
};
