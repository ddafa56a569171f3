import { CodecError } from '../base/codec-error.ts';
import { decodeBinaryHeader, encodeBinaryHeader } from './header-binary.ts';
import { decodeJsonHeader, encodeJsonHeader } from './header-json.ts';

/** A request or a response: what one frame holds. [RemotingCommand] */
export interface RemotingCommand {
  /** Request code, or response code where `flag` says that it is a response. */
  readonly code: number;
  /** Name of the sender's language; of an unknown number in a binary header, its digits. */
  readonly language: string;
  /** Ordinal of the sender's release, `VERSION` in codes.ts. */
  readonly version: number;
  /** Chosen by who asks, copied by who answers; 32 bits, may be negative. */
  readonly opaque: number;
  /** FLAG_RESPONSE, FLAG_ONEWAY. */
  readonly flag: number;
  /** Of a response: the error in words, or the pull status. Says nothing when the code is SUCCESS. */
  readonly remark: string | null;
  readonly extFields: Readonly<Record<string, string>>;
  /** null when empty. Of a decoded frame: a view of the received bytes. */
  readonly body: Buffer | null;
  readonly serializeType: SerializeType;
}

export type SerializeType = 'JSON' | 'ROCKETMQ';

/** Frame: length i32 of what follows it, serialize type u8 (0 JSON, 1 binary), header length u24, header, body. [RemotingCommand#encode] */
const LENGTH_BYTES = 4;
const HEADER_AT = 8;
/** Of a whole frame, its length field included: `com.rocketmq.remoting.frameMaxLength`. [NettyDecoder] */
export const MAX_FRAME_BYTES = 16 * 1024 * 1024;
/** A header is small: properties have at most 32 KiB. Only a list of topics in GET_CONSUME_STATS comes near. */
export const MAX_HEADER_BYTES = 2 * 1024 * 1024;

/**
 * One frame, ready to be written. Throws CodecError: MESSAGE_ILLEGAL when it would be longer than every peer accepts, INVALID_INPUT for what
 * a binary header cannot hold.
 */
export const encodeFrame = (command: Omit<RemotingCommand, 'body'> & { readonly body: Uint8Array | null }): Buffer => {
  const { body } = command;
  const bodyBytes = body === null ? 0 : body.length;
  const isBinary = command.serializeType === 'ROCKETMQ';
  const header = isBinary ? encodeBinaryHeader(command) : encodeJsonHeader(command);
  const headerBytes = typeof header === 'string' ? Buffer.byteLength(header) : header.length;
  const total = HEADER_AT + headerBytes + bodyBytes;
  if (total > MAX_FRAME_BYTES) throw new CodecError('MESSAGE_ILLEGAL', `the frame would have ${total} bytes; at most ${MAX_FRAME_BYTES} are accepted`);
  const frame = Buffer.allocUnsafe(total);
  frame.writeInt32BE(total - LENGTH_BYTES, 0);
  frame.writeInt32BE((isBinary ? 0x100_0000 : 0) | headerBytes, LENGTH_BYTES);
  if (typeof header === 'string') frame.utf8Write(header, HEADER_AT);
  else header.copy(frame, HEADER_AT);
  if (body !== null) frame.set(body, HEADER_AT + headerBytes);
  return frame;
};

/** The frame of `total` bytes that lies wholly in `buffer` at `start`. Throws CodecError(DAMAGED). */
export const decodeFrame = (buffer: Buffer, start: number, total: number): RemotingCommand => {
  const end = start + total;
  const word = buffer.readInt32BE(start + LENGTH_BYTES);
  const type = word >>> 24;
  const headerEnd = start + HEADER_AT + (word & 0xff_ffff);
  if (type > 1) throw new CodecError('DAMAGED', `the frame's header is of type ${type}; 0 (JSON) and 1 (binary) are known`);
  if (headerEnd === start + HEADER_AT || headerEnd > end) throw new CodecError('DAMAGED', `the frame's header length ${word & 0xff_ffff} does not fit a frame of ${total} bytes`);
  if (headerEnd - start - HEADER_AT > MAX_HEADER_BYTES) throw new CodecError('DAMAGED', `the frame's header has ${word & 0xff_ffff} bytes; at most ${MAX_HEADER_BYTES} are accepted`);
  const body = headerEnd === end ? null : buffer.subarray(headerEnd, end);
  return type === 0 ? decodeJsonHeader(buffer.utf8Slice(start + HEADER_AT, headerEnd), body) : decodeBinaryHeader(buffer, start + HEADER_AT, headerEnd, body);
};

/** Up to here a frame's buffer is as large as the frame says; beyond it grows with what has come, whatever a peer claims. */
const TRUSTED_BYTES = 1024 * 1024;
/** What is left of a chunk when not even the length has come. */
const SMALL_BYTES = 64;

/**
 * Cuts a stream of bytes into commands. Frames that lie within one chunk are decoded in place; of others each byte is copied once (those
 * beyond 1 MiB at most three times). Holds at most one frame.
 */
export class FrameReader {
  readonly #maxFrameBytes: number;
  /** The beginning of a frame that has not come whole. */
  #partial: Buffer = Buffer.alloc(0);
  #partialBytes = 0;
  #failure: CodecError | null = null;

  constructor(maxFrameBytes = MAX_FRAME_BYTES) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** Bytes of an unfinished frame: when the stream ends, anything but 0 means that it was cut off. */
  get pendingBytes(): number {
    return this.#partialBytes;
  }

  /**
   * Takes the next bytes, which must not be changed afterwards: bodies are views of them. Calls `receive`, which must not throw, for each complete
   * command in order.
   * Throws CodecError(DAMAGED) for what is no frame, after those before it were received; nothing behind it can be read, so that every
   * later call throws the same.
   */
  push(chunk: Buffer, receive: (command: RemotingCommand) => void): void {
    if (this.#failure !== null) throw this.#failure;
    let at = 0;
    if (this.#partialBytes > 0) {
      at = this.#complete(chunk);
      if (at < 0) return;
      const frame = this.#partial.subarray(0, this.#partialBytes);
      this.#partial = Buffer.alloc(0);
      this.#partialBytes = 0;
      receive(this.#decode(frame, 0, frame.length));
    }
    while (chunk.length - at >= LENGTH_BYTES) {
      const total = this.#frameBytes(chunk, at);
      if (chunk.length - at < total) break;
      receive(this.#decode(chunk, at, total));
      at += total;
    }
    if (at < chunk.length) this.#append(chunk, at, chunk.length);
  }

  /** Fills up the unfinished frame; answers where the chunk goes on behind it, or -1 when it is still unfinished. */
  #complete(chunk: Buffer): number {
    let at = 0;
    if (this.#partialBytes < LENGTH_BYTES) {
      at = Math.min(chunk.length, LENGTH_BYTES - this.#partialBytes);
      this.#append(chunk, 0, at);
      if (this.#partialBytes < LENGTH_BYTES) return -1;
    }
    const end = Math.min(chunk.length, at + this.#frameBytes(this.#partial, 0) - this.#partialBytes);
    this.#append(chunk, at, end);
    return this.#partialBytes === this.#frameBytes(this.#partial, 0) ? end : -1;
  }

  #append(chunk: Buffer, start: number, end: number): void {
    const needed = this.#partialBytes + end - start;
    if (needed > this.#partial.length) {
      const head = this.#partialBytes >= LENGTH_BYTES ? this.#partial : chunk.subarray(start, end);
      const frameBytes = head.length >= LENGTH_BYTES ? this.#frameBytes(head, 0) : SMALL_BYTES;
      const grown = Buffer.allocUnsafeSlow(Math.min(frameBytes, Math.max(TRUSTED_BYTES, 2 * needed)));
      this.#partial.copy(grown, 0, 0, this.#partialBytes);
      this.#partial = grown;
    }
    chunk.copy(this.#partial, this.#partialBytes, start, end);
    this.#partialBytes = needed;
  }

  #decode(buffer: Buffer, start: number, total: number): RemotingCommand {
    try {
      return decodeFrame(buffer, start, total);
    } catch (error) {
      this.#failure = error as CodecError;
      throw error;
    }
  }

  /** Bytes of the frame whose length field is at `at`. */
  #frameBytes(buffer: Buffer, at: number): number {
    const total = buffer.readInt32BE(at) + LENGTH_BYTES;
    if (total > HEADER_AT && total <= this.#maxFrameBytes) return total;
    this.#failure = new CodecError('DAMAGED', lengthProblem(buffer.readUInt32BE(at), this.#maxFrameBytes));
    throw this.#failure;
  }
}

const lengthProblem = (word: number, maxFrameBytes: number): string => {
  const peer = peerThatBeginsWith(word);
  if (peer !== null) return `the peer does not speak RocketMQ's protocol: it sends ${peer}`;
  const length = word | 0;
  const reason = length < 0 ? 'it is negative' : length <= LENGTH_BYTES ? 'there is no room for a header' : `at most ${maxFrameBytes - LENGTH_BYTES} is accepted`;
  return `the frame's length ${length} is wrong: ${reason}`;
};

/** Who answers in another protocol is told apart by its first bytes: that is what a wrong port or a missing --tls looks like. */
const peerThatBeginsWith = (word: number): string | null => {
  if (word >>> 8 === 0x150303 || word >>> 8 === 0x150301 || word >>> 8 === 0x150302) return 'a TLS alert (one side speaks TLS, the other does not)';
  if (word >>> 8 === 0x160303 || word >>> 8 === 0x160301) return 'a TLS handshake (it wants TLS from the client\'s side)';
  return word === 0x48545450 ? 'HTTP' : null;
};
