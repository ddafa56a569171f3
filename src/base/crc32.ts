import { crc32 } from 'node:zlib';

/** Up to this many bytes the loop below is faster than the call into zlib. */
const SHORT_BYTES = 192;

/**
 * CRC-32 (zlib polynomial) of `bytes[start, end)` without its sign bit, as RocketMQ stores it. [UtilAll#crc32]
 * Of no bytes it is 0.
 */
export const crc32Masked = (bytes: Uint8Array, start = 0, end = bytes.length): number => {
  if (end - start <= SHORT_BYTES) return crc32OfShort(bytes, start, end);
  return crc32(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end)) & 0x7fff_ffff;
};

const makeTables = (): Int32Array[] => {
  const tables = Array.from({ length: 8 }, () => new Int32Array(256));
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = (value & 1) === 0 ? value >>> 1 : (value >>> 1) ^ 0xedb8_8320;
    tables[0]![byte] = value;
  }
  for (let level = 1; level < 8; level++) {
    for (let byte = 0; byte < 256; byte++) {
      const below = tables[level - 1]![byte]!;
      tables[level]![byte] = (below >>> 8) ^ tables[0]![below & 255]!;
    }
  }
  return tables;
};

const [T0, T1, T2, T3, T4, T5, T6, T7] = makeTables() as [Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array];

/** Eight bytes a step ("slicing by 8"): Tn advances a byte's remainder over n more bytes. */
const crc32OfShort = (bytes: Uint8Array, start: number, end: number): number => {
  let crc = -1;
  let at = start;
  for (; at + 8 <= end; at += 8) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc = T7[crc & 255]! ^ T6[(crc >>> 8) & 255]! ^ T5[(crc >>> 16) & 255]! ^ T4[crc >>> 24]! ^
      T3[bytes[at + 4]!]! ^ T2[bytes[at + 5]!]! ^ T1[bytes[at + 6]!]! ^ T0[bytes[at + 7]!]!;
  }
  for (; at < end; at++) crc = T0[(crc ^ bytes[at]!) & 255]! ^ (crc >>> 8);
  return ~crc & 0x7fff_ffff;
};
