/** Bits of SYSFLAG. [MessageSysFlag] [CompressionType] */
export const COMPRESSED = 0x1;
export const MULTI_TAGS = 0x2;
export const TRANSACTION_MASK = 0xc;
export const TRANSACTION_PREPARED = 0x4;
export const TRANSACTION_COMMIT = 0x8;
export const TRANSACTION_ROLLBACK = 0xc;
export const BORN_HOST_IPV6 = 0x10;
export const STORE_HOST_IPV6 = 0x20;
export const NEED_UNWRAP = 0x40;
export const INNER_BATCH = 0x80;
export const COMPRESSION_MASK = 0x700;

export type CompressionType = 'zlib' | 'lz4' | 'zstd';

/** Bits 8-10. Type 0 is zlib too: clients before compression types wrote it. */
const COMPRESSION_TYPES: readonly (CompressionType | null)[] = ['zlib', 'lz4', 'zstd', 'zlib', null, null, null, null];
const COMPRESSION_BITS: Record<CompressionType, number> = { lz4: 0x100, zstd: 0x200, zlib: 0x300 };

/** null for a type no RocketMQ writes. */
export const compressionTypeOf = (sysFlag: number): CompressionType | null => COMPRESSION_TYPES[(sysFlag & COMPRESSION_MASK) >> 8] ?? null;

/** The bits that a body compressed with `type` needs, the "compressed" bit included. */
export const compressionFlags = (type: CompressionType): number => COMPRESSED | COMPRESSION_BITS[type];
