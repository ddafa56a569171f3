import { CodecError } from '../base/codec-error.ts';
import { crc32Masked } from '../base/crc32.ts';
import { getInt64 } from '../base/int64.ts';
import { viewOf } from '../base/view-of.ts';
import { bodyPosition } from './check.ts';
import { decompressBody } from './compress.ts';
import { formatHost } from './host.ts';
import {
  BODY_CRC, BORN_HOST, BORN_TIMESTAMP, FLAG, IPV4_HOST_BYTES, IPV6_HOST_BYTES, MAGIC_CODE, MAGIC_V2, PHYSICAL_OFFSET, QUEUE_ID, QUEUE_OFFSET,
  STORE_TIMESTAMP_BYTES, SYS_FLAG, TOTAL_SIZE,
} from './layout.ts';
import type { Message } from './message.ts';
import { offsetMsgIdOf } from './message-id.ts';
import { PROPERTY } from './properties.ts';
import { PropertyReader } from './property-reader.ts';
import { BORN_HOST_IPV6, COMPRESSED, compressionTypeOf, STORE_HOST_IPV6 } from './sys-flag.ts';
import { readText } from './text.ts';
import { TopicCache } from './topic-cache.ts';

const topics = new TopicCache();
const propertyReader = new PropertyReader();

/**
 * A record as a Message. Cheap fields are read at once, the others on first use; bytes are views of the buffer the
 * record was read into, which must not be reused.
 */
export class StoredMessage implements Message {
  readonly topic: string;
  readonly brokerName: string;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly commitLogOffset: number;
  readonly storeSize: number;
  readonly flag: number;
  /** Without the "compressed" bit, as the official clients show it, since `body` is decompressed. [MessageDecoder#decode] */
  readonly sysFlag: number;
  readonly storedSysFlag: number;
  readonly bodyCRC: number;
  readonly bornTimestamp: number;
  readonly storeTimestamp: number;
  readonly reconsumeTimes: number;
  readonly preparedTransactionOffset: number;
  readonly #buffer: Buffer;
  readonly #position: number;
  readonly #storeHostAt: number;
  readonly #bodyAt: number;
  readonly #bodyLength: number;
  readonly #propertiesAt: number;
  #properties: Record<string, string> | null = null;
  #body: Buffer | null = null;

  constructor(buffer: Buffer, position: number, brokerName: string) {
    const view = viewOf(buffer);
    const sysFlag = view.getInt32(position + SYS_FLAG);
    this.#buffer = buffer;
    this.#position = position;
    this.brokerName = brokerName;
    this.storeSize = view.getInt32(position + TOTAL_SIZE);
    this.bodyCRC = view.getInt32(position + BODY_CRC);
    this.queueId = view.getInt32(position + QUEUE_ID);
    this.flag = view.getInt32(position + FLAG);
    this.queueOffset = getInt64(view, position + QUEUE_OFFSET);
    this.commitLogOffset = getInt64(view, position + PHYSICAL_OFFSET);
    this.sysFlag = sysFlag & ~COMPRESSED;
    this.storedSysFlag = sysFlag;
    this.bornTimestamp = getInt64(view, position + BORN_TIMESTAMP);
    const storeTimestampAt = position + BORN_HOST + ((sysFlag & BORN_HOST_IPV6) === 0 ? IPV4_HOST_BYTES : IPV6_HOST_BYTES);
    this.storeTimestamp = getInt64(view, storeTimestampAt);
    this.#storeHostAt = storeTimestampAt + STORE_TIMESTAMP_BYTES;
    const bodyAt = position + bodyPosition(sysFlag);
    this.reconsumeTimes = view.getInt32(bodyAt - 16);
    this.preparedTransactionOffset = getInt64(view, bodyAt - 12);
    this.#bodyAt = bodyAt;
    this.#bodyLength = view.getInt32(bodyAt - 4);
    let at = bodyAt + this.#bodyLength;
    let topicLength: number;
    if (view.getInt32(position + MAGIC_CODE) === MAGIC_V2) {
      topicLength = view.getInt16(at);
      at += 2;
    } else {
      topicLength = view.getInt8(at);
      at += 1;
    }
    this.topic = topics.read(buffer, at, topicLength);
    this.#propertiesAt = at + topicLength + 2;
  }

  get properties(): Readonly<Record<string, string>> {
    this.#properties ??= propertyReader.read(this.#buffer, this.#propertiesAt, this.#position + this.storeSize);
    return this.#properties;
  }

  /** Properties as stored, joined. */
  get propertiesText(): string {
    return readText(this.#buffer, this.#propertiesAt, this.#position + this.storeSize);
  }

  get originTopic(): string | null {
    return this.properties[PROPERTY.RETRY_TOPIC] ?? this.properties[PROPERTY.REAL_TOPIC] ?? null;
  }

  get tags(): string | null {
    return this.properties[PROPERTY.TAGS] ?? null;
  }

  get keys(): readonly string[] {
    const keys = this.properties[PROPERTY.KEYS];
    return keys === undefined ? [] : keys.split(' ').filter((key) => key !== '');
  }

  get msgId(): string {
    return this.properties[PROPERTY.UNIQ_KEY] ?? this.offsetMsgId;
  }

  get offsetMsgId(): string {
    const length = (this.sysFlag & STORE_HOST_IPV6) === 0 ? IPV4_HOST_BYTES : IPV6_HOST_BYTES;
    return offsetMsgIdOf(this.#buffer, this.commitLogOffset, this.#storeHostAt, length);
  }

  get bornHost(): string {
    return formatHost(this.#buffer, this.#position + BORN_HOST, (this.sysFlag & BORN_HOST_IPV6) !== 0);
  }

  /** Address and port as stored: 8 or 20 bytes. */
  get bornHostBytes(): Buffer {
    const at = this.#position + BORN_HOST;
    return this.#buffer.subarray(at, at + ((this.sysFlag & BORN_HOST_IPV6) === 0 ? IPV4_HOST_BYTES : IPV6_HOST_BYTES));
  }

  get storeHost(): string {
    return formatHost(this.#buffer, this.#storeHostAt, (this.sysFlag & STORE_HOST_IPV6) !== 0);
  }

  /** The body as stored, compressed or not. */
  get storedBody(): Buffer {
    return this.#buffer.subarray(this.#bodyAt, this.#bodyAt + this.#bodyLength);
  }

  get body(): Buffer {
    if ((this.storedSysFlag & COMPRESSED) === 0) return this.storedBody;
    this.#body ??= this.#decompress();
    return this.#body;
  }

  /** The record's bytes. */
  get recordBytes(): Buffer {
    return this.#buffer.subarray(this.#position, this.#position + this.storeSize);
  }

  crcOk(): boolean {
    return this.#bodyLength === 0 || crc32Masked(this.#buffer, this.#bodyAt, this.#bodyAt + this.#bodyLength) === this.bodyCRC;
  }

  #decompress(): Buffer {
    const type = compressionTypeOf(this.sysFlag);
    if (type === null) throw new CodecError('DAMAGED', `the record at ${this.commitLogOffset} has an unknown compression type (sysFlag ${this.sysFlag})`);
    return decompressBody(type, this.storedBody);
  }
}

/** The sound record (see `recordProblem`) at `position`. */
export const decodeRecord = (buffer: Buffer, position: number, brokerName: string): StoredMessage => new StoredMessage(buffer, position, brokerName);
