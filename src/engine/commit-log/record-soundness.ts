import { viewOf } from '../../base/view-of.ts';
import { bodyPosition, recordProblem } from '../../record/check.ts';
import {
  BORN_HOST, BORN_TIMESTAMP, IPV4_HOST_BYTES, IPV6_HOST_BYTES, MAGIC_CODE, MAGIC_V1, MAGIC_V2, MAX_PROPERTIES_BYTES, MIN_RECORD_BYTES, PHYSICAL_OFFSET,
  QUEUE_ID, QUEUE_OFFSET, SYS_FLAG, TOTAL_SIZE,
} from '../../record/layout.ts';
import { BORN_HOST_IPV6 } from '../../record/sys-flag.ts';

/** Judges the record at `position`, `sizeBytes` long, wholly in `buffer`; null when it is sound, else what is wrong with it. */
export type RecordCheck = (buffer: Buffer, position: number, sizeBytes: number) => string | null;

/** Fixed fields up to and including BODYLEN, with IPv6 hosts. */
export const MAX_FIXED_BYTES = bodyPosition(0xffff_ffff);

/** TOPICLEN (at most 2 bytes), topic, PROPLEN, properties. */
const MAX_AFTER_BODY_BYTES = 2 + 32_767 + 2 + MAX_PROPERTIES_BYTES;

const readLong = (view: DataView, position: number): number => view.getInt32(position) * 0x1_0000_0000 + view.getUint32(position + 4);

/**
 * What can be told from the first `available` (at least 91) bytes of a record that should lie at `commitLogOffset`; null
 * when nothing is wrong. It keeps a hostile TOTALSIZE from being believed. A broker trusts PHYSICALOFFSET blindly (P10).
 */
export const headerProblem = (buffer: Buffer, at: number, available: number, commitLogOffset: number): string | null => {
  const view = viewOf(buffer);
  const total = view.getInt32(at + TOTAL_SIZE);
  const magic = view.getInt32(at + MAGIC_CODE);
  if (magic !== MAGIC_V1 && magic !== MAGIC_V2) return `MAGICCODE 0x${(magic >>> 0).toString(16).toUpperCase().padStart(8, '0')} is that of no record`;
  if (total < MIN_RECORD_BYTES) return `TOTALSIZE ${total} is too small`;
  const physical = readLong(view, at + PHYSICAL_OFFSET);
  if (physical !== commitLogOffset) return `PHYSICALOFFSET ${physical} is not the record's position`;
  const body = bodyPosition(view.getInt32(at + SYS_FLAG));
  if (body > available) return `TOTALSIZE ${total} is too small for its hosts`;
  const bodyLength = view.getInt32(at + body - 4);
  const afterBody = total - body - bodyLength;
  if (bodyLength < 0 || afterBody < 3 || afterBody > MAX_AFTER_BODY_BYTES) return `BODYLEN ${bodyLength} does not fit TOTALSIZE ${total}`;
  return null;
};

/**
 * The default judgement of a whole record: a broker's own (lengths, CRC of the body), and numbers that no writer writes:
 * they would make readers that trust a sound record fail later.
 */
export const soundRecord: RecordCheck = (buffer, position, sizeBytes) => {
  const problem = recordProblem(buffer, position, sizeBytes, true);
  if (problem !== null) return problem;
  const view = viewOf(buffer);
  const queueId = view.getInt32(position + QUEUE_ID);
  if (queueId < 0) return `QUEUEID ${queueId} is negative`;
  const storeTimestampAt = position + BORN_HOST + ((view.getInt32(position + SYS_FLAG) & BORN_HOST_IPV6) === 0 ? IPV4_HOST_BYTES : IPV6_HOST_BYTES);
  return longProblem(view, position + QUEUE_OFFSET, 'QUEUEOFFSET') ?? longProblem(view, position + BORN_TIMESTAMP, 'BORNTIMESTAMP')
    ?? longProblem(view, storeTimestampAt, 'STORETIMESTAMP');
};

/** The high word of a number from 0 to 2^53 - 1 is below 2^21. */
const longProblem = (view: DataView, position: number, field: string): string | null => {
  const high = view.getInt32(position);
  return high >= 0 && high < 0x20_0000 ? null : `${field} ${view.getBigInt64(position)} is impossible`;
};

/**
 * The size that BODYLEN, TOPICLEN and PROPLEN add up to, whatever TOTALSIZE says; -1 when they point outside the `left`
 * bytes of the file. `load` gives bytes of the record, relative to its start.
 */
export const claimedSize = (left: number, load: (position: number, length: number) => Buffer | null): number => {
  const fixed = load(0, Math.min(left, MAX_FIXED_BYTES));
  if (fixed === null || fixed.length < MIN_RECORD_BYTES) return -1;
  const isV2 = fixed.readInt32BE(MAGIC_CODE) === MAGIC_V2;
  const body = bodyPosition(fixed.readInt32BE(SYS_FLAG));
  if (body > fixed.length) return -1;
  const bodyLength = fixed.readInt32BE(body - 4);
  const topicAt = body + bodyLength + (isV2 ? 2 : 1);
  if (bodyLength < 0 || topicAt > left) return -1;
  const topic = load(body + bodyLength, isV2 ? 2 : 1);
  if (topic === null) return -1;
  const topicLength = isV2 ? topic.readInt16BE(0) : topic.readInt8(0);
  const propertiesAt = topicAt + topicLength + 2;
  if (topicLength < 0 || propertiesAt > left) return -1;
  const properties = load(propertiesAt - 2, 2);
  const propertiesLength = properties === null ? -1 : properties.readInt16BE(0);
  return propertiesLength < 0 ? -1 : propertiesAt + propertiesLength;
};
