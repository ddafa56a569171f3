const MAGIC = 0x184d2204;
/** Bits of the FLG byte. */
const VERSION_MASK = 0xc0;
const VERSION_1 = 0x40;
const BLOCK_CHECKSUM = 0x10;
const CONTENT_SIZE = 0x08;
const DICTIONARY_ID = 0x01;
/** Top bit of a block's size: the block is stored as it is. */
const STORED = 0x8000_0000;
const MIN_MATCH = 4;

/** The growing output: matches refer back into it, across blocks too. */
interface Output {
  bytes: Buffer;
  length: number;
  readonly maxBytes: number;
}

/**
 * The content of one LZ4 frame, the form that RocketMQ's LZ4 bodies have [Lz4Compressor]. Dependent and independent
 * blocks are understood. Checksums are skipped: the record's CRC covers the same bytes.
 * Throws Error for bytes that are no whole frame, and as soon as the content grows beyond `maxBytes`.
 */
export const decodeLz4Frame = (frame: Buffer, maxBytes: number): Buffer => {
  if (frame.length < 7 || frame.readUInt32LE(0) !== MAGIC) throw new Error('it does not begin like an LZ4 frame');
  const flags = frame[4]!;
  if ((flags & VERSION_MASK) !== VERSION_1) throw new Error(`LZ4 frame version ${flags >>> 6} is unknown`);
  if ((flags & DICTIONARY_ID) !== 0) throw new Error('it needs a dictionary');
  const checksumBytes = (flags & BLOCK_CHECKSUM) === 0 ? 0 : 4;
  let at = 7 + ((flags & CONTENT_SIZE) === 0 ? 0 : 8);
  const output: Output = { bytes: Buffer.allocUnsafe(Math.min(maxBytes, Math.max(256, frame.length * 4))), length: 0, maxBytes };
  for (;;) {
    if (at + 4 > frame.length) throw endsEarly();
    const blockSize = frame.readUInt32LE(at);
    at += 4;
    if (blockSize === 0) return output.bytes.subarray(0, output.length);
    const end = at + (blockSize & ~STORED);
    if (end > frame.length) throw endsEarly();
    if (blockSize >= STORED) appendLiterals(output, frame, at, end);
    else decodeBlock(frame, at, end, output);
    at = end + checksumBytes;
  }
};

/** A block is a sequence of: token, literals, offset (u16) and length of a match. The last one ends after its literals. */
const decodeBlock = (frame: Buffer, start: number, end: number, output: Output): void => {
  let at = start;
  while (at < end) {
    const token = frame[at++]!;
    let literals = token >>> 4;
    if (literals === 15) {
      let more: number;
      do {
        if (at >= end) throw endsEarly();
        literals += more = frame[at++]!;
      } while (more === 255);
    }
    if (at + literals > end) throw endsEarly();
    appendLiterals(output, frame, at, at + literals);
    at += literals;
    if (at === end) return;
    if (at + 2 > end) throw endsEarly();
    const offset = frame[at]! | (frame[at + 1]! << 8);
    at += 2;
    let match = token & 15;
    if (match === 15) {
      let more: number;
      do {
        if (at >= end) throw endsEarly();
        match += more = frame[at++]!;
      } while (more === 255);
    }
    appendMatch(output, offset, match + MIN_MATCH);
  }
};

const appendLiterals = (output: Output, frame: Buffer, start: number, end: number): void => {
  reserve(output, end - start);
  frame.copy(output.bytes, output.length, start, end);
  output.length += end - start;
};

const appendMatch = (output: Output, offset: number, length: number): void => {
  if (offset === 0 || offset > output.length) throw new Error('it refers to bytes before its start');
  reserve(output, length);
  const { bytes } = output;
  // Byte by byte: source and target overlap when the match repeats what it is writing.
  for (let to = output.length, stop = to + length; to < stop; to++) bytes[to] = bytes[to - offset]!;
  output.length += length;
};

const reserve = (output: Output, more: number): void => {
  const needed = output.length + more;
  if (needed <= output.bytes.length) return;
  if (needed > output.maxBytes) throw new Error(`it grows beyond ${output.maxBytes} bytes`);
  const grown = Buffer.allocUnsafe(Math.min(output.maxBytes, Math.max(needed, output.bytes.length * 2)));
  output.bytes.copy(grown, 0, 0, output.length);
  output.bytes = grown;
};

const endsEarly = (): Error => new Error('it ends too early');
