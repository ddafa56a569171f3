import { crc32 } from 'node:zlib';

/** CRC-32 (zlib polynomial) without its sign bit, as RocketMQ stores it. [UtilAll#crc32] */
export const crc32Masked = (bytes: Uint8Array): number => (bytes.length === 0 ? 0 : crc32(bytes) & 0x7fff_ffff);
