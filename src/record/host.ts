import { CodecError } from '../base/codec-error.ts';
import { viewOf } from '../base/view-of.ts';
import { IPV4_HOST_BYTES, IPV6_HOST_BYTES } from './layout.ts';

const IPV4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3}):(\d{1,5})$/;
const IPV6 = /^\[([0-9a-fA-F:.]+)\]:(\d{1,5})$/;

/** `ip:port` (IPv6 as `[ip]:port`) as a record stores it: the address and the port as i32. */
export const encodeHost = (host: string): Buffer => {
  const v4 = IPV4.exec(host);
  const v6 = v4 === null ? IPV6.exec(host) : null;
  const address = v4 !== null ? v4.slice(1, 5).map(Number) : v6 === null ? null : parseIPv6(v6[1]!);
  const port = Number((v4 ?? v6)?.at(-1));
  if (address === null || address.some((byte) => byte > 255) || port > 65_535) {
    throw new CodecError('INVALID_INPUT', `"${host}" is no ip:port`);
  }
  const bytes = Buffer.alloc(v4 !== null ? IPV4_HOST_BYTES : IPV6_HOST_BYTES);
  bytes.set(address);
  bytes.writeInt32BE(port, address.length);
  return bytes;
};

/** An IPv4 host as it was last spelled: a store knows few, and every message has two. */
interface SpelledHost {
  readonly address: number;
  readonly port: number;
  readonly text: string;
  /** Upper-case hex of the eight bytes. */
  readonly hex: string;
}

const spelled: (SpelledHost | undefined)[] = [];
const SPELLED_MASK = 63;

/** The IPv4 host stored at `position`. */
export const spellHost = (buffer: Buffer, position: number): SpelledHost => {
  const view = viewOf(buffer);
  const address = view.getInt32(position);
  const port = view.getInt32(position + 4);
  const slot = (address ^ port) & SPELLED_MASK;
  const known = spelled[slot];
  if (known !== undefined && known.address === address && known.port === port) return known;
  const text = `${buffer[position]}.${buffer[position + 1]}.${buffer[position + 2]}.${buffer[position + 3]}:${port}`;
  return (spelled[slot] = { address, port, text, hex: buffer.toString('hex', position, position + IPV4_HOST_BYTES).toUpperCase() });
};

/** The host stored at `position`, as `ip:port` or `[ip]:port`. */
export const formatHost = (buffer: Buffer, position: number, isIPv6: boolean): string => {
  if (!isIPv6) return spellHost(buffer, position).text;
  return `[${formatIPv6(buffer, position)}]:${buffer.readInt32BE(position + 16)}`;
};

/** 16 bytes, or null. An embedded IPv4 tail (`::ffff:1.2.3.4`) is understood. */
const parseIPv6 = (text: string): number[] | null => {
  const v4Tail = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  let address = text;
  if (v4Tail !== null) {
    const [a, b, c, d] = v4Tail.slice(2).map(Number) as [number, number, number, number];
    address = `${v4Tail[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  }
  const halves = address.split('::');
  if (halves.length > 2) return null;
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - groups.flat().length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  const all = [...groups[0]!, ...Array<string>(missing).fill('0'), ...(groups[1] ?? [])];
  if (!all.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return null;
  return all.flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 0xff]);
};

/** The longest run of zero groups becomes `::`. */
const formatIPv6 = (buffer: Buffer, position: number): string => {
  const groups = Array.from({ length: 8 }, (_, index) => buffer.readUInt16BE(position + index * 2).toString(16));
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === '0') length++;
    if (length > best.length) best = { start, length };
  }
  if (best.start < 0) return groups.join(':');
  return `${groups.slice(0, best.start).join(':')}::${groups.slice(best.start + best.length).join(':')}`;
};
