import { crc32Masked } from '../base/crc32.ts';
import { viewOf } from '../base/view-of.ts';
import {
  AFTER_STORE_HOST_BYTES, BODY_CRC, BORN_HOST, IPV4_HOST_BYTES, IPV6_HOST_BYTES, MAGIC_BLANK, MAGIC_CODE, MAGIC_V1, MAGIC_V2, MIN_BLANK_BYTES,
  MIN_RECORD_BYTES, PHYSICAL_OFFSET, STORE_TIMESTAMP_BYTES, SYS_FLAG,
} from './layout.ts';
import { BORN_HOST_IPV6, STORE_HOST_IPV6 } from './sys-flag.ts';

/** Position of the body behind the fixed fields, relative to the record: 88 for IPv4 hosts. */
export const bodyPosition = (sysFlag: number): number =>
  BORN_HOST + STORE_TIMESTAMP_BYTES + AFTER_STORE_HOST_BYTES +
  ((sysFlag & BORN_HOST_IPV6) === 0 ? IPV4_HOST_BYTES : IPV6_HOST_BYTES) +
  ((sysFlag & STORE_HOST_IPV6) === 0 ? IPV4_HOST_BYTES : IPV6_HOST_BYTES);

/**
 * What is wrong with the record of `sizeBytes` that lies wholly in `buffer` at `position`; null when it is sound.
 * The lengths must add up to TOTALSIZE and the body must match BODYCRC [CommitLog#checkMessageAndReturnSize].
 * Never reads outside the record, whatever its fields claim; allocates nothing for a sound record.
 */
export const recordProblem = (buffer: Buffer, position: number, sizeBytes: number, checkCrc: boolean): string | null => {
  if (sizeBytes < MIN_RECORD_BYTES) return `TOTALSIZE ${sizeBytes} is too small`;
  const view = viewOf(buffer);
  const magic = view.getInt32(position + MAGIC_CODE);
  if (magic !== MAGIC_V1 && magic !== MAGIC_V2) return `MAGICCODE 0x${(magic >>> 0).toString(16).toUpperCase()} is that of no record`;
  const total = view.getInt32(position);
  if (total !== sizeBytes) return `TOTALSIZE is ${total} instead of ${sizeBytes}`;
  const end = position + sizeBytes;
  const body = position + bodyPosition(view.getInt32(position + SYS_FLAG));
  const topicLengthBytes = magic === MAGIC_V2 ? 2 : 1;
  if (body + topicLengthBytes + 2 > end) return `TOTALSIZE ${sizeBytes} is too small for its hosts`;
  const bodyLength = view.getInt32(body - 4);
  if (bodyLength < 0 || body + bodyLength + topicLengthBytes + 2 > end) return `BODYLEN ${bodyLength} does not fit TOTALSIZE ${sizeBytes}`;
  const topicAt = body + bodyLength + topicLengthBytes;
  const topicLength = topicLengthBytes === 2 ? view.getInt16(topicAt - 2) : view.getInt8(topicAt - 1);
  if (topicLength < 0 || topicAt + topicLength + 2 > end) return `TOPICLEN ${topicLength} does not fit TOTALSIZE ${sizeBytes}`;
  if (!isDirectoryName(buffer, topicAt, topicAt + topicLength)) return 'the topic is empty or cannot be the name of its queues\' directory';
  const propertiesAt = topicAt + topicLength + 2;
  const propertiesLength = view.getInt16(propertiesAt - 2);
  if (propertiesLength < 0 || propertiesAt + propertiesLength !== end) return `PROPLEN ${propertiesLength} does not fit TOTALSIZE ${sizeBytes}`;
  if (!checkCrc || bodyLength === 0) return null;
  const stored = view.getInt32(position + BODY_CRC);
  const actual = crc32Masked(buffer, body, body + bodyLength);
  return stored === actual ? null : `BODYCRC is ${stored}, the body's is ${actual}`;
};

const DOT = 0x2e;
const SLASH = 0x2f;
const BACKSLASH = 0x5c;

/**
 * Queues lie in a directory named after the topic. No broker lets such a topic in [TopicValidator#validateTopic]; believing
 * one in a crafted log would write outside of the store.
 */
const isDirectoryName = (buffer: Buffer, start: number, end: number): boolean => {
  let areDots = end - start <= 2;
  for (let at = start; at < end; at++) {
    const byte = buffer[at]!;
    if (byte === SLASH || byte === BACKSLASH || byte === 0) return false;
    if (byte !== DOT) areDots = false;
  }
  return !areDots;
};

export type RecordCheck =
  | { readonly kind: 'record'; readonly sizeBytes: number }
  | { readonly kind: 'blank'; readonly sizeBytes: number }
  /** Zeros: nothing was written here. */
  | { readonly kind: 'empty' }
  /** The record claims more bytes than are available. */
  | { readonly kind: 'partial'; readonly sizeBytes: number }
  | { readonly kind: 'invalid'; readonly reason: string };

/**
 * Judges what lies at `position` with `available` bytes behind it. `commitLogOffset` is where it should say it is; -1
 * skips that check, which a broker does not make (P10).
 */
export const checkRecord = (buffer: Buffer, position: number, available: number, commitLogOffset: number, options: { readonly crc: boolean }): RecordCheck => {
  if (available < MIN_BLANK_BYTES) return { kind: 'partial', sizeBytes: MIN_BLANK_BYTES };
  const sizeBytes = buffer.readInt32BE(position);
  const magic = buffer.readInt32BE(position + MAGIC_CODE);
  if (sizeBytes === 0 && magic === 0) return { kind: 'empty' };
  if (magic === MAGIC_BLANK) {
    return sizeBytes < MIN_BLANK_BYTES ? { kind: 'invalid', reason: `the end-of-file record claims ${sizeBytes} bytes` } : { kind: 'blank', sizeBytes };
  }
  if (magic !== MAGIC_V1 && magic !== MAGIC_V2) return { kind: 'invalid', reason: `MAGICCODE 0x${(magic >>> 0).toString(16).toUpperCase()} is that of no record` };
  if (sizeBytes < MIN_RECORD_BYTES) return { kind: 'invalid', reason: `TOTALSIZE ${sizeBytes} is too small` };
  if (sizeBytes > available) return { kind: 'partial', sizeBytes };
  const reason = recordProblem(buffer, position, sizeBytes, options.crc);
  if (reason !== null) return { kind: 'invalid', reason };
  const claimed = buffer.readInt32BE(position + PHYSICAL_OFFSET) * 0x1_0000_0000 + buffer.readUInt32BE(position + PHYSICAL_OFFSET + 4);
  if (commitLogOffset >= 0 && claimed !== commitLogOffset) return { kind: 'invalid', reason: `PHYSICALOFFSET ${claimed} is not the record's position` };
  return { kind: 'record', sizeBytes };
};
