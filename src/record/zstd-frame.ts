const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
/** Decoders of zstd refuse larger windows unless told otherwise (windowLog 27). */
const MAX_WINDOW_BYTES = 2 ** 27;
/** The streaming decoder moves its whole window once a block; more than this would take many seconds. */
const MAX_MOVED_BYTES = 2 ** 35;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4];
const RLE_BLOCK = 1;

/**
 * Walks the headers of zstd frames and throws Error for those that would cost memory or time without measure to decode:
 * a header of a few bytes can ask for a window of gigabytes, or for a million moves of it. Decodes nothing.
 */
export const refuseCostlyZstd = (bytes: Buffer): void => {
  if (bytes.length < 9) throw new Error('it ends too early');
  for (let at = 0; at + 8 < bytes.length; ) {
    const magic = bytes.readUInt32LE(at);
    if ((magic & 0xffff_fff0) === SKIPPABLE_MAGIC) at += 8 + bytes.readUInt32LE(at + 4);
    else if (magic === FRAME_MAGIC) at = walkFrame(bytes, at + 4);
    else throw new Error('it does not begin like a zstd frame');
  }
};

/** Returns the position behind the frame whose header begins at `start`. */
const walkFrame = (bytes: Buffer, start: number): number => {
  const descriptor = bytes[start]!;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const windowAt = start + 1;
  const contentSizeAt = windowAt + (isSingleSegment ? 0 : 1) + DICTIONARY_ID_BYTES[descriptor & 3]!;
  const contentSizeBytes = descriptor >>> 6 === 0 ? (isSingleSegment ? 1 : 0) : 1 << (descriptor >>> 6);
  const windowBytes = isSingleSegment ? readContentSize(bytes, contentSizeAt, contentSizeBytes) : windowOf(bytes[windowAt] ?? 0);
  if (windowBytes > MAX_WINDOW_BYTES) throw new Error(`it asks for a window of ${windowBytes} bytes`);
  let at = contentSizeAt + contentSizeBytes;
  let movedBytes = 0;
  for (let isLast = false; !isLast && at + 3 <= bytes.length; ) {
    const header = bytes.readUIntLE(at, 3);
    isLast = (header & 1) !== 0;
    at += 3 + (((header >>> 1) & 3) === RLE_BLOCK ? 1 : header >>> 3);
    movedBytes += windowBytes;
    if (movedBytes > MAX_MOVED_BYTES) throw new Error('it has too many blocks for its window');
  }
  return at + ((descriptor & 4) === 0 ? 0 : 4);
};

/** Window_Descriptor: exponent (5 bits) and eighths of the power of two above 1 KiB (3 bits). */
const windowOf = (descriptor: number): number => {
  const base = 2 ** (10 + (descriptor >>> 3));
  return base + (base / 8) * (descriptor & 7);
};

const readContentSize = (bytes: Buffer, at: number, length: number): number => {
  if (at + length > bytes.length) throw new Error('it ends too early');
  if (length === 8) return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32;
  return bytes.readUIntLE(at, length) + (length === 2 ? 256 : 0);
};
