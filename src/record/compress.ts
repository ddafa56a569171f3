import zlib from 'node:zlib';
import { CodecError } from '../base/codec-error.ts';
import { lazyRequire } from '../base/lazy-require.ts';
import { MAX_BODY_BYTES } from './layout.ts';
import { decodeLz4Frame } from './lz4-frame.ts';
import type { CompressionType } from './sys-flag.ts';
import { refuseCostlyZstd } from './zstd-frame.ts';

/** A body that grows beyond this is refused: RocketMQ's largest message has 4 MiB before compression, so it is a bomb. */
export const MAX_DECOMPRESSED_BYTES = 256 * 1024 * 1024;

interface Lz4 {
  compress(bytes: Uint8Array): Uint8Array;
}
interface Zstd {
  init(): Promise<void>;
  compress(bytes: Uint8Array, level?: number): Uint8Array;
}

/** Decompresses a stored body. Throws CodecError(DAMAGED) for bytes that are not of that format or grow too large. */
export const decompressBody = (type: CompressionType, bytes: Uint8Array): Buffer => {
  try {
    return decompress(type, bytes);
  } catch (error) {
    throw new CodecError('DAMAGED', `the body is no valid ${type} data: ${(error as Error).message}`);
  }
};

const decompress = (type: CompressionType, bytes: Uint8Array): Buffer => {
  switch (type) {
    case 'zlib':
      return zlib.inflateSync(bytes, { maxOutputLength: MAX_DECOMPRESSED_BYTES });
    case 'lz4':
      return decodeLz4Frame(asBuffer(bytes), MAX_DECOMPRESSED_BYTES);
    case 'zstd':
      return decompressZstd(asBuffer(bytes));
  }
};

const decompressZstd = (bytes: Buffer): Buffer => {
  refuseCostlyZstd(bytes);
  const { Decompress } = lazyRequire('fzstd') as typeof import('fzstd');
  const chunks: Uint8Array[] = [];
  let total = 0;
  let ended = false;
  const stream = new Decompress((chunk, isLast) => {
    total += chunk.length;
    if (total > MAX_DECOMPRESSED_BYTES) throw new Error(`more than ${MAX_DECOMPRESSED_BYTES} bytes`);
    chunks.push(chunk);
    ended ||= isLast === true;
  });
  stream.push(bytes, true);
  if (!ended) throw new Error('it ends too early');
  return Buffer.concat(chunks);
};

/** The package is one WebAssembly instance per process; a second `init` would leave it writing zeros. */
let zstdReady: Promise<void> | undefined;

/** Loads what `compressBody(type, …)` needs; zstd is WebAssembly and starts asynchronously. May be called again. */
export const prepareCompression = async (type: CompressionType): Promise<void> => {
  if (type === 'zstd') await (zstdReady ??= (lazyRequire('@bokuweb/zstd-wasm') as Zstd).init());
};

/** Of ZLIB and ZSTD in RocketMQ's clients; LZ4 has none. [DefaultMQProducer#compressLevel] [ZstdCompressor#compress] [Lz4Compressor#compress] */
const LEVEL = 5;

/**
 * Compresses a body as RocketMQ's clients do. `prepareCompression(type)` must have resolved before.
 * Throws CodecError(MESSAGE_ILLEGAL) for more than 4 MiB, which clients refuse before they compress. [Validators#checkMessage]
 */
export const compressBody = (type: CompressionType, bytes: Uint8Array): Buffer => {
  if (bytes.length > MAX_BODY_BYTES) throw new CodecError('MESSAGE_ILLEGAL', `the body has ${bytes.length} bytes; at most ${MAX_BODY_BYTES} are allowed`);
  switch (type) {
    case 'zlib':
      return zlib.deflateSync(bytes, { level: LEVEL });
    case 'lz4':
      return withIndependentBlocks(asBuffer((lazyRequire('lz4js') as Lz4).compress(bytes)));
    case 'zstd':
      return asBuffer((lazyRequire('@bokuweb/zstd-wasm') as Zstd).compress(bytes, LEVEL));
  }
};

/**
 * lz4js announces dependent blocks, which Java's reader refuses. A body of at most 4 MiB is one block, so "independent"
 * is just as true: FLG 0x60, BD 0x70 and the header checksum 0x73 that belongs to them.
 */
const withIndependentBlocks = (frame: Buffer): Buffer => {
  frame[4] = 0x60;
  frame[5] = 0x70;
  frame[6] = 0x73;
  return frame;
};

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
