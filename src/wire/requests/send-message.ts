import { decodeBatch, encodeBatch } from '../../record/batch.ts';
import type { BatchUnit } from '../../record/batch.ts';
import { RAW_BODY } from '../body.ts';
import type { BodyCodec } from '../body.ts';
import { REQUEST_CODE } from '../codes.ts';
import { defineRequest } from '../definition.ts';
import { bool, int32, int64, optional, text, TOPIC_RPC } from '../fields.ts';
import type { HeaderOf } from '../fields.ts';

/*
 * What a producer sends. The body is the message's, compressed where sysFlag says so; `properties` is the joined form of src/record/properties.ts.
 * Codes SUCCESS, FLUSH_DISK_TIMEOUT, SLAVE_NOT_AVAILABLE and FLUSH_SLAVE_TIMEOUT all mean "stored", and have the answer's fields.
 */

/**
 * Answer to each of them. `msgId` is the offsetMsgId, of a batch one per message joined by commas; `queueOffset` that of the first.
 * `transactionId` is the UNIQ_KEY, `recallHandle` that of a timer message. [SendMessageResponseHeader] [SendMessageProcessor#handlePutMessageResult]
 */
export const SEND_MESSAGE_RESPONSE = {
  msgId: text(),
  queueId: int32(),
  queueOffset: int64(),
  transactionId: optional(text()),
  batchUniqId: optional(text()),
  recallHandle: optional(text()),
  /** Put in beside the header. [AbstractSendMessageProcessor] */
  region: optional(text('MSG_REGION')),
  traceOn: optional(bool('TRACE_ON')),
} as const;
export type SendMessageResponse = HeaderOf<typeof SEND_MESSAGE_RESPONSE>;

/**
 * The short form: one letter a field. `defaultTopic` is the template for a topic that is missing (TBW102), queueId −1 lets the broker choose,
 * brokerName is the one that the route named. [SendMessageRequestHeaderV2]
 */
export const SEND_MESSAGE_REQUEST_V2 = {
  producerGroup: text('a'),
  topic: text('b'),
  defaultTopic: text('c'),
  defaultTopicQueueNums: int32('d'),
  queueId: int32('e'),
  sysFlag: int32('f'),
  bornTimestamp: int64('g'),
  flag: int32('h'),
  properties: optional(text('i')),
  reconsumeTimes: optional(int32('j')),
  unitMode: optional(bool('k')),
  maxReconsumeTimes: optional(int32('l')),
  batch: optional(bool('m')),
  brokerName: optional(text('n')),
  ...TOPIC_RPC,
} as const;
export type SendMessageRequest = HeaderOf<typeof SEND_MESSAGE_REQUEST_V2>;

/** The long form, which clients in Go and C++ still use. [SendMessageRequestHeader] */
const SEND_MESSAGE_REQUEST = {
  producerGroup: text(),
  topic: text(),
  defaultTopic: text(),
  defaultTopicQueueNums: int32(),
  queueId: int32(),
  sysFlag: int32(),
  bornTimestamp: int64(),
  flag: int32(),
  properties: optional(text()),
  reconsumeTimes: optional(int32()),
  unitMode: optional(bool()),
  batch: optional(bool()),
  maxReconsumeTimes: optional(int32()),
  ...TOPIC_RPC,
} as const;

/** The messages of a batch: see src/record/batch.ts. */
const BATCH_BODY: BodyCodec<readonly BatchUnit[]> = { encode: encodeBatch, decode: (body) => (body === null ? [] : decodeBatch(body)) };

/** 10 */
export const SEND_MESSAGE = defineRequest({ code: REQUEST_CODE.SEND_MESSAGE, request: SEND_MESSAGE_REQUEST, requestBody: RAW_BODY, response: SEND_MESSAGE_RESPONSE });

/** 310 */
export const SEND_MESSAGE_V2 = defineRequest({
  code: REQUEST_CODE.SEND_MESSAGE_V2, request: SEND_MESSAGE_REQUEST_V2, requestBody: RAW_BODY, response: SEND_MESSAGE_RESPONSE,
});

/** 320: with `batch` true, all messages of one topic and queue, none delayed, none compressed. [MessageBatch] */
export const SEND_BATCH_MESSAGE = defineRequest({
  code: REQUEST_CODE.SEND_BATCH_MESSAGE, request: SEND_MESSAGE_REQUEST_V2, requestBody: BATCH_BODY, response: SEND_MESSAGE_RESPONSE,
});

/** 324: a reply to a request; the broker pushes it to the client in REPLY_TO_CLIENT (326) and answers when that has taken it. [ReplyMessageProcessor] */
export const SEND_REPLY_MESSAGE = defineRequest({
  code: REQUEST_CODE.SEND_REPLY_MESSAGE, request: SEND_MESSAGE_REQUEST, requestBody: RAW_BODY, response: SEND_MESSAGE_RESPONSE,
});

/** 325 */
export const SEND_REPLY_MESSAGE_V2 = defineRequest({
  code: REQUEST_CODE.SEND_REPLY_MESSAGE_V2, request: SEND_MESSAGE_REQUEST_V2, requestBody: RAW_BODY, response: SEND_MESSAGE_RESPONSE,
});

/**
 * 326, broker → client: the reply. The client answers SUCCESS always: who replied waits for it. [ReplyMessageRequestHeader]
 * [ClientRemotingProcessor#receiveReplyMessage]
 */
export const PUSH_REPLY_MESSAGE_TO_CLIENT = defineRequest({
  code: REQUEST_CODE.PUSH_REPLY_MESSAGE_TO_CLIENT,
  request: {
    producerGroup: text(),
    topic: text(),
    defaultTopic: text(),
    defaultTopicQueueNums: int32(),
    queueId: int32(),
    sysFlag: int32(),
    bornTimestamp: int64(),
    flag: int32(),
    properties: optional(text()),
    reconsumeTimes: optional(int32()),
    unitMode: optional(bool()),
    bornHost: text(),
    storeHost: text(),
    storeTimestamp: int64(),
    ...TOPIC_RPC,
  },
  requestBody: RAW_BODY,
});

/** 370: takes back a timer message. ILLEGAL_OPERATION for a handle that is none, NO_PERMISSION where the broker does not allow it. [RecallMessageRequestHeader] */
export const RECALL_MESSAGE = defineRequest({
  code: REQUEST_CODE.RECALL_MESSAGE,
  request: { producerGroup: optional(text()), topic: text(), recallHandle: text(), ...TOPIC_RPC },
  response: { msgId: text() },
});
