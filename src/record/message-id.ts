import type { Clock } from '../base/clock.ts';
import { formatHost, spellHost } from './host.ts';
import { IPV4_HOST_BYTES, IPV6_HOST_BYTES } from './layout.ts';

/** Upper-case hex of every byte and of every 16-bit number's two bytes would be 64 K strings; one table of bytes is enough. */
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).toUpperCase().padStart(2, '0'));

const hexOf32 = (value: number): string => HEX[value >>> 24]! + HEX[(value >>> 16) & 255]! + HEX[(value >>> 8) & 255]! + HEX[value & 255]!;

let lastHigh = 0;
let lastHighHex = hexOf32(0);

/** The upper half changes once in 4 GiB of log. */
const hexOf64 = (value: number): string => {
  const high = Math.floor(value / 0x1_0000_0000);
  if (high !== lastHigh) {
    lastHighHex = hexOf32(high);
    lastHigh = high;
  }
  return lastHighHex + hexOf32(value % 0x1_0000_0000 >>> 0);
};

/** The store host at `position` of `buffer`, and the commit-log offset, in upper-case hex: 32 or 56 digits. [MessageDecoder#createMessageId] */
export const offsetMsgIdOf = (buffer: Buffer, commitLogOffset: number, position = 0, hostBytes = buffer.length): string => {
  if (hostBytes === IPV4_HOST_BYTES) return spellHost(buffer, position).hex + hexOf64(commitLogOffset);
  let text = '';
  for (let index = position; index < position + hostBytes; index++) text += HEX[buffer[index]!]!;
  return text + hexOf64(commitLogOffset);
};

export interface OffsetMsgId {
  readonly host: string;
  readonly commitLogOffset: number;
}

/** null unless `text` is 32 or 56 hex digits with a plausible offset. [MessageDecoder#decodeMessageId] */
export const parseOffsetMsgId = (text: string): OffsetMsgId | null => {
  if (!/^(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{56})$/.test(text)) return null;
  const bytes = Buffer.from(text, 'hex');
  const hostBytes = bytes.length - 8;
  if (hostBytes !== IPV4_HOST_BYTES && hostBytes !== IPV6_HOST_BYTES) return null;
  const offset = bytes.readBigInt64BE(hostBytes);
  if (offset < 0n || offset > BigInt(Number.MAX_SAFE_INTEGER)) return null;
  return { host: formatHost(bytes, 0, hostBytes === IPV6_HOST_BYTES), commitLogOffset: Number(offset) };
};

export interface UniqKeyOptions {
  readonly clock: Clock;
  /** 4 or 16 address bytes. */
  readonly ip: Uint8Array;
  readonly pid: number;
  /** Stands where Java has the class loader's hash: keeps processes with equal ip and pid apart. */
  readonly random: number;
}

/**
 * Client ids as Java's clients make them: ip, pid (16 bits), a per-process number, milliseconds since the start of the
 * local month, a 16-bit counter. [MessageClientIDSetter#createUniqID]
 */
export class UniqKeyGenerator {
  readonly #clock: Clock;
  readonly #prefix: string;
  #monthStartMs = 0;
  #nextMonthMs = 0;
  #lastMs = -1;
  #lastText = '';
  #counter = 0;

  constructor(options: UniqKeyOptions) {
    this.#clock = options.clock;
    const ip = Array.from(options.ip, (byte) => HEX[byte]!).join('');
    this.#prefix = ip + HEX[(options.pid >>> 8) & 255]! + HEX[options.pid & 255]! + hexOf32(options.random >>> 0);
  }

  /** @param nowMs the time, for callers that just asked for it: it costs a tenth of a message's preparation */
  next(nowMs = this.#clock.nowMs()): string {
    if (nowMs !== this.#lastMs) this.#setTime(nowMs);
    const counter = this.#counter;
    this.#counter = (counter + 1) & 0xffff;
    // 65,536 ids in one millisecond would wrap to ids already given: borrow the next millisecond.
    if (this.#counter === 0) this.#setTime(this.#lastMs + 1);
    return this.#lastText + HEX[counter >>> 8]! + HEX[counter & 255]!;
  }

  #setTime(nowMs: number): void {
    // Never back: a counter that wraps within a repeated millisecond would repeat an id.
    const timeMs = Math.max(nowMs, this.#lastMs);
    if (timeMs >= this.#nextMonthMs) this.#setMonth(timeMs);
    this.#lastMs = timeMs;
    this.#lastText = this.#prefix + hexOf32(Math.max(0, timeMs - this.#monthStartMs));
  }

  #setMonth(nowMs: number): void {
    const now = new Date(nowMs);
    this.#monthStartMs = new Date(now.getFullYear(), now.getMonth(), 1).getTime();
    this.#nextMonthMs = new Date(now.getFullYear(), now.getMonth() + 1, 1).getTime();
  }
}
