import { CodecError } from '../base/codec-error.ts';
import { crc32Masked } from '../base/crc32.ts';
import { MAX_BODY_BYTES, MAX_PROPERTIES_BYTES } from './layout.ts';
import type { Message } from './message.ts';
import { parseProperties, PROPERTY } from './properties.ts';
import { INNER_BATCH, NEED_UNWRAP } from './sys-flag.ts';

/**
 * One message of a client batch: TOTALSIZE i32, MAGIC i32 (0), BODYCRC i32 (0), FLAG i32, BODYLEN i32, body, PROPLEN i16,
 * properties. [MessageDecoder#encodeMessage]
 */
export interface BatchUnit {
  readonly flag: number;
  readonly body: Buffer;
  /** Joined form. */
  readonly properties: string;
}

const FLAG_AT = 12;
const BODY_LENGTH_AT = 16;
const BODY_AT = 20;
/** Everything of a unit but body and properties. */
const UNIT_FIXED_BYTES = BODY_AT + 2;

/** The body of a batch request. Throws CodecError(MESSAGE_ILLEGAL) for what a broker refuses. [MessageExtEncoder#encode(MessageExtBatch)] */
export const encodeBatch = (units: readonly BatchUnit[]): Buffer => {
  const parts = units.map((unit) => ({ unit, properties: Buffer.from(unit.properties) }));
  let total = 0;
  for (const { unit, properties } of parts) {
    if (properties.length > MAX_PROPERTIES_BYTES) {
      throw new CodecError('MESSAGE_ILLEGAL', `the properties have ${properties.length} bytes; at most ${MAX_PROPERTIES_BYTES} are allowed`);
    }
    total += UNIT_FIXED_BYTES + unit.body.length + properties.length;
  }
  if (total > MAX_BODY_BYTES) throw new CodecError('MESSAGE_ILLEGAL', `the batch has ${total} bytes; at most ${MAX_BODY_BYTES} are allowed`);
  const bytes = Buffer.alloc(total);
  let at = 0;
  for (const { unit, properties } of parts) {
    bytes.writeInt32BE(UNIT_FIXED_BYTES + unit.body.length + properties.length, at);
    bytes.writeInt32BE(unit.flag, at + FLAG_AT);
    bytes.writeInt32BE(unit.body.length, at + BODY_LENGTH_AT);
    bytes.set(unit.body, at + BODY_AT);
    at = bytes.writeInt16BE(properties.length, at + BODY_AT + unit.body.length);
    bytes.set(properties, at);
    at += properties.length;
  }
  return bytes;
};

/** The messages of a batch, their bodies views of `bytes`. Throws CodecError(DAMAGED) where lengths do not fit. [MessageDecoder#decodeMessages] */
export const decodeBatch = (bytes: Buffer): BatchUnit[] => {
  const units: BatchUnit[] = [];
  for (let at = 0; at < bytes.length; ) {
    const bodyAt = at + BODY_AT;
    const bodyLength = bodyAt + 2 > bytes.length ? -1 : bytes.readInt32BE(at + BODY_LENGTH_AT);
    const propertiesAt = bodyAt + bodyLength + 2;
    if (bodyLength < 0 || propertiesAt > bytes.length) throw damaged(at);
    const propertiesLength = bytes.readInt16BE(propertiesAt - 2);
    const end = propertiesAt + propertiesLength;
    if (propertiesLength < 0 || end > bytes.length || bytes.readInt32BE(at) !== end - at) throw damaged(at);
    units.push({
      flag: bytes.readInt32BE(at + FLAG_AT),
      body: bytes.subarray(bodyAt, bodyAt + bodyLength),
      properties: bytes.toString('utf8', propertiesAt, end),
    });
    at = end;
  }
  return units;
};

const damaged = (position: number): CodecError => new CodecError('DAMAGED', `the message at byte ${position} of the batch has lengths that do not fit`);

/** Whether the record holds several messages in its body (BatchCQ topics). */
export const isInnerBatch = (sysFlag: number): boolean => (sysFlag & (INNER_BATCH | NEED_UNWRAP)) === (INNER_BATCH | NEED_UNWRAP);

/**
 * The messages inside an inner batch, in order: the i-th has queueOffset base + i, its own flag, body and properties, and
 * all else from the record; bodyCRC is that of its own body. [MessageDecoder#decodeMessage]
 * Throws CodecError(DAMAGED) as `decodeBatch` and `Message.body` do.
 */
export const expandInnerBatch = (record: Message): Message[] =>
  decodeBatch(record.body).map((unit, index) => innerMessage(record, unit, record.queueOffset + index));

const innerMessage = (record: Message, unit: BatchUnit, queueOffset: number): Message => {
  const properties = parseProperties(unit.properties);
  return {
    topic: record.topic,
    originTopic: properties[PROPERTY.RETRY_TOPIC] ?? properties[PROPERTY.REAL_TOPIC] ?? null,
    brokerName: record.brokerName,
    queueId: record.queueId,
    queueOffset,
    commitLogOffset: record.commitLogOffset,
    storeSize: record.storeSize,
    msgId: properties[PROPERTY.UNIQ_KEY] ?? record.offsetMsgId,
    offsetMsgId: record.offsetMsgId,
    tags: properties[PROPERTY.TAGS] ?? null,
    keys: (properties[PROPERTY.KEYS] ?? '').split(' ').filter((key) => key !== ''),
    body: unit.body,
    properties,
    flag: unit.flag,
    sysFlag: record.sysFlag,
    bodyCRC: crc32Masked(unit.body),
    bornTimestamp: record.bornTimestamp,
    bornHost: record.bornHost,
    storeTimestamp: record.storeTimestamp,
    storeHost: record.storeHost,
    reconsumeTimes: record.reconsumeTimes,
    preparedTransactionOffset: record.preparedTransactionOffset,
  };
};
