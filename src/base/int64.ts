import { CodecError } from './codec-error.ts';

const TWO_32 = 0x1_0000_0000;

/** A big-endian signed 64-bit integer as a number. Throws CodecError(DAMAGED) beyond ±2^53, where a number is not exact. */
export const readInt64 = (buffer: Buffer, position: number): number => {
  const value = buffer.readInt32BE(position) * TWO_32 + buffer.readUInt32BE(position + 4);
  if (!Number.isSafeInteger(value)) throw new CodecError('DAMAGED', `the 64-bit integer at byte ${position} is beyond 2^53`);
  return value;
};

/** Writes a safe integer as big-endian signed 64 bits. */
export const writeInt64 = (buffer: Buffer, position: number, value: number): void => {
  const high = Math.floor(value / TWO_32);
  buffer.writeInt32BE(high, position);
  buffer.writeUInt32BE(value - high * TWO_32, position + 4);
};

/** Writes a safe integer as big-endian signed 64 bits through a view. */
export const setInt64 = (view: DataView, position: number, value: number): void => {
  const high = Math.floor(value / TWO_32);
  view.setInt32(position, high);
  view.setUint32(position + 4, value - high * TWO_32);
};

/** A big-endian signed 64-bit integer through a view. Throws as `readInt64` does. */
export const getInt64 = (view: DataView, position: number): number => {
  const value = view.getInt32(position) * TWO_32 + view.getUint32(position + 4);
  if (!Number.isSafeInteger(value)) throw new CodecError('DAMAGED', `the 64-bit integer at byte ${position} is beyond 2^53`);
  return value;
};
