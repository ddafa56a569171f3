import { REQUEST_CODE } from '../codes.ts';
import { defineRequest } from '../definition.ts';
import { bool, boundary, exactInt64, int32, int64, optional, text, TOPIC_RPC } from '../fields.ts';

const QUEUE = { topic: text(), queueId: int32() } as const;

/**
 * 14 → offset, the next to consume. QUERY_NOT_FOUND: never committed; but a young queue whose first message is in memory answers 0 unless
 * setZeroIfNotFound is false. [QueryConsumerOffsetRequestHeader] [ConsumerManageProcessor#queryConsumerOffset]
 */
export const QUERY_CONSUMER_OFFSET = defineRequest({
  code: REQUEST_CODE.QUERY_CONSUMER_OFFSET,
  request: { consumerGroup: text(), ...QUEUE, setZeroIfNotFound: optional(bool()), ...TOPIC_RPC },
  response: { offset: int64() },
});

/** 15, often one-way. Ignored with SUCCESS while a reset waits to be noticed. [UpdateConsumerOffsetRequestHeader] [ConsumerManageProcessor#updateConsumerOffset] */
export const UPDATE_CONSUMER_OFFSET = defineRequest({
  code: REQUEST_CODE.UPDATE_CONSUMER_OFFSET,
  request: { consumerGroup: text(), ...QUEUE, commitOffset: int64(), ...TOPIC_RPC },
});

/** 30 → offset behind the newest message; 0 for a topic it does not know. committed: true (Java's default) counts what is readable. [GetMaxOffsetRequestHeader] */
export const GET_MAX_OFFSET = defineRequest({
  code: REQUEST_CODE.GET_MAX_OFFSET,
  request: { ...QUEUE, committed: optional(bool()), ...TOPIC_RPC },
  response: { offset: int64() },
});

/** 31 [GetMinOffsetRequestHeader] */
export const GET_MIN_OFFSET = defineRequest({ code: REQUEST_CODE.GET_MIN_OFFSET, request: { ...QUEUE, ...TOPIC_RPC }, response: { offset: int64() } });

/** 29: boundaryType LOWER (also when absent): first message at or after the time; UPPER: last one at or before it. [SearchOffsetRequestHeader] */
export const SEARCH_OFFSET_BY_TIMESTAMP = defineRequest({
  code: REQUEST_CODE.SEARCH_OFFSET_BY_TIMESTAMP,
  request: { ...QUEUE, timestamp: exactInt64(), boundaryType: optional(boundary()), liteTopic: optional(text()), ...TOPIC_RPC },
  response: { offset: int64() },
});

/** 32 → timestamp, ms; −1 for an empty queue. [GetEarliestMsgStoretimeRequestHeader] */
export const GET_EARLIEST_MSG_STORETIME = defineRequest({
  code: REQUEST_CODE.GET_EARLIEST_MSG_STORETIME,
  request: { ...QUEUE, ...TOPIC_RPC },
  response: { timestamp: int64() },
});
