import { CodecError } from '../base/codec-error.ts';
import { crc32Masked } from '../base/crc32.ts';
import { setInt64 } from '../base/int64.ts';
import {
  AFTER_STORE_HOST_BYTES, BODY_CRC, BORN_HOST, BORN_TIMESTAMP, FLAG, IPV6_HOST_BYTES, MAGIC_BLANK, MAGIC_CODE, MAGIC_V1, MAGIC_V2, MAX_BODY_BYTES,
  MAX_PROPERTIES_BYTES, MAX_RETRY_TOPIC_BYTES, MAX_TOPIC_BYTES, MAX_V1_TOPIC_LENGTH, MIN_BLANK_BYTES, PHYSICAL_OFFSET, PROPERTY_CRC_BYTES, QUEUE_ID,
  QUEUE_OFFSET, STORE_TIMESTAMP_BYTES, SYS_FLAG, TOTAL_SIZE,
} from './layout.ts';
import { NAME_END, PROPERTY, VALUE_END } from './properties.ts';
import { BORN_HOST_IPV6, STORE_HOST_IPV6 } from './sys-flag.ts';

export interface RecordFields {
  topic: string;
  queueId: number;
  flag: number;
  queueOffset: number;
  commitLogOffset: number;
  /** The IPv6 bits are set from the hosts' lengths. */
  sysFlag: number;
  bornTimestamp: number;
  /** As `encodeHost` makes it. */
  bornHost: Buffer;
  storeTimestamp: number;
  storeHost: Buffer;
  reconsumeTimes: number;
  preparedTransactionOffset: number;
  /** Stored bytes: compressed when sysFlag says so. */
  body: Uint8Array;
  /** Joined, ending with 0x02, or empty. */
  properties: string;
  /** Append the `__CRC32#` property over the whole record. */
  propertyCrc: boolean;
}

/** Fixed fields with two IPv6 hosts and a two-byte topic length. */
const MAX_FIXED_BYTES = 91 + 2 * 12 + 1;

/** An upper bound of the encoded size, cheap: a UTF-16 unit is at most three bytes of UTF-8. */
export const maxRecordSize = (fields: RecordFields): number =>
  MAX_FIXED_BYTES + fields.body.length + 3 * (fields.topic.length + fields.properties.length) + PROPERTY_CRC_BYTES;

const RETRY_PREFIX = '%RETRY%';

const topicCache = new Map<string, Buffer>();
const TOPIC_CACHE_LIMIT = 4096;

let lastTopic = '';
let lastTopicBytes: Buffer = Buffer.alloc(0);

const topicBytes = (topic: string): Buffer => {
  if (topic !== lastTopic) {
    lastTopicBytes = cachedTopicBytes(topic);
    lastTopic = topic;
  }
  return lastTopicBytes;
};

const cachedTopicBytes = (topic: string): Buffer => {
  let bytes = topicCache.get(topic);
  if (bytes === undefined) {
    if (topicCache.size >= TOPIC_CACHE_LIMIT) topicCache.clear();
    bytes = Buffer.from(topic);
    topicCache.set(topic, bytes);
  }
  return bytes;
};

/**
 * Writes one record at `position` and returns its size in bytes. The caller has made room for `maxRecordSize`.
 * Throws CodecError(MESSAGE_ILLEGAL) for what a broker refuses [MessageExtEncoder#encode]; nothing before `position` is touched.
 */
export const encodeRecord = (fields: RecordFields, target: Buffer, position: number): number =>
  encodeRecordInto(fields, target, new DataView(target.buffer, target.byteOffset, target.byteLength), position);

/** The same for a writer of many records, with the view of its buffer: integers go in without a call. */
export const encodeRecordInto = (fields: RecordFields, target: Buffer, view: DataView, position: number): number => {
  const { body } = fields;
  if (body.length > MAX_BODY_BYTES) throw new CodecError('MESSAGE_ILLEGAL', `the body has ${body.length} bytes; at most ${MAX_BODY_BYTES} are allowed`);
  const topic = topicBytes(fields.topic);
  const isV2 = fields.topic.length > MAX_V1_TOPIC_LENGTH;
  if (topic.length > (isV2 && fields.topic.startsWith(RETRY_PREFIX) ? MAX_RETRY_TOPIC_BYTES : MAX_TOPIC_BYTES)) {
    throw new CodecError('MESSAGE_ILLEGAL', `the topic has ${topic.length} bytes, which a record cannot hold`);
  }
  let at = encodeFixedFields(fields, target, view, position, isV2);
  target.set(body, at);
  at += body.length;
  if (isV2) {
    view.setInt16(at, topic.length);
    at += 2;
  } else {
    view.setInt8(at, topic.length);
    at += 1;
  }
  at = putShort(target, at, topic);
  const propertiesAt = at + 2;
  const properties = fields.propertyCrc ? withoutPropertyCrc(fields.properties) : fields.properties;
  at = propertiesAt + target.utf8Write(properties, propertiesAt);
  if (fields.propertyCrc) at = reservePropertyCrc(target, propertiesAt, at);
  const propertiesSize = at - propertiesAt;
  if (propertiesSize > MAX_PROPERTIES_BYTES) {
    throw new CodecError('MESSAGE_ILLEGAL', `the properties have ${propertiesSize} bytes; at most ${MAX_PROPERTIES_BYTES} are allowed`);
  }
  view.setInt16(propertiesAt - 2, propertiesSize);
  const sizeBytes = at - position;
  view.setInt32(position + TOTAL_SIZE, sizeBytes);
  if (fields.propertyCrc) writePropertyCrc(target, position, at);
  return sizeBytes;
};

/** Everything before the body; returns where the body goes. */
const encodeFixedFields = (fields: RecordFields, target: Buffer, view: DataView, position: number, isV2: boolean): number => {
  const { body, bornHost, storeHost } = fields;
  const ipv6Bits = (bornHost.length === IPV6_HOST_BYTES ? BORN_HOST_IPV6 : 0) | (storeHost.length === IPV6_HOST_BYTES ? STORE_HOST_IPV6 : 0);
  view.setInt32(position + MAGIC_CODE, isV2 ? MAGIC_V2 : MAGIC_V1);
  view.setInt32(position + BODY_CRC, crc32Masked(body));
  view.setInt32(position + QUEUE_ID, fields.queueId);
  view.setInt32(position + FLAG, fields.flag);
  setInt64(view, position + QUEUE_OFFSET, fields.queueOffset);
  setInt64(view, position + PHYSICAL_OFFSET, fields.commitLogOffset);
  view.setInt32(position + SYS_FLAG, (fields.sysFlag & ~(BORN_HOST_IPV6 | STORE_HOST_IPV6)) | ipv6Bits);
  setInt64(view, position + BORN_TIMESTAMP, fields.bornTimestamp);
  let at = putShort(target, position + BORN_HOST, bornHost);
  setInt64(view, at, fields.storeTimestamp);
  at = putShort(target, at + STORE_TIMESTAMP_BYTES, storeHost);
  view.setInt32(at, fields.reconsumeTimes);
  setInt64(view, at + 4, fields.preparedTransactionOffset);
  view.setInt32(at + 12, body.length);
  return at + AFTER_STORE_HOST_BYTES;
};

/** Few bytes are copied faster one by one than by a call, which costs as much as 40 of them. */
const putShort = (target: Buffer, at: number, bytes: Buffer): number => {
  for (let index = 0; index < bytes.length; index++) target[at + index] = bytes[index]!;
  return at + bytes.length;
};

/** The end-of-file record: `remainingBytes` is all that is left of the file. Only its 8 bytes are written. */
export const encodeBlank = (target: Buffer, position: number, remainingBytes: number): number => {
  target.writeInt32BE(remainingBytes, position);
  target.writeInt32BE(MAGIC_BLANK, position + MAGIC_CODE);
  return MIN_BLANK_BYTES;
};

const VALUE_END_BYTE = 2;

/** A CRC that came with the properties is that of another record. [CommitLog$DefaultAppendMessageCallback#doAppend] */
const withoutPropertyCrc = (properties: string): string =>
  properties.includes(PROPERTY.CRC32)
    ? properties.split(VALUE_END).filter((item) => !item.startsWith(PROPERTY.CRC32 + NAME_END)).join(VALUE_END)
    : properties;

const reservePropertyCrc = (target: Buffer, propertiesAt: number, end: number): number => {
  let at = end;
  if (at > propertiesAt && target[at - 1] !== VALUE_END_BYTE) target[at++] = VALUE_END_BYTE;
  return at + PROPERTY_CRC_BYTES;
};

/** The ten digits stand least significant first. [MessageDecoder#createCrc32] */
const writePropertyCrc = (target: Buffer, position: number, end: number): void => {
  const covered = end - PROPERTY_CRC_BYTES;
  const digits = [...String(crc32Masked(target, position, covered))].reverse().join('').padEnd(10, '0');
  target.latin1Write(PROPERTY.CRC32 + NAME_END + digits + VALUE_END, covered);
};
