import { jsonBody, optionalJsonBody } from '../body.ts';
import { CONSUME_STATS, CONSUME_TIME_SPAN_BODY, CONSUMER_OFFSET_TABLE, CONSUMER_STATUS_BODY, DELAY_OFFSET_TABLE, RESET_OFFSET_BODY } from '../body/progress.ts';
import { TIMER_CHECKPOINT } from '../body/timer-checkpoint.ts';
import { REQUEST_CODE } from '../codes.ts';
import { defineRequest } from '../definition.ts';
import { bool, exactInt64, int32, int64, optional, text, TOPIC_RPC } from '../fields.ts';

/** 208: topicList joined by `;` → body ConsumeStats, of all topics with none named; an empty table for a group it does not know. [GetConsumeStatsRequestHeader] */
export const GET_CONSUME_STATS = defineRequest({
  code: REQUEST_CODE.GET_CONSUME_STATS,
  request: { consumerGroup: text(), topic: optional(text()), topicList: optional(text()), ...TOPIC_RPC },
  responseBody: jsonBody('the group\'s progress', CONSUME_STATS),
});

/** 43 → body: every committed offset. [AdminBrokerProcessor#getAllConsumerOffset] */
export const GET_ALL_CONSUMER_OFFSET = defineRequest({
  code: REQUEST_CODE.GET_ALL_CONSUMER_OFFSET,
  responseBody: jsonBody('the table of offsets', CONSUMER_OFFSET_TABLE),
});

/** 45 → body: how far delivery of each delay level is; SYSTEM_ERROR for none. [AdminBrokerProcessor#getAllDelayOffset] */
export const GET_ALL_DELAY_OFFSET = defineRequest({
  code: REQUEST_CODE.GET_ALL_DELAY_OFFSET,
  responseBody: jsonBody('the table of delay offsets', DELAY_OFFSET_TABLE),
});

/** 60 → body: how far delivery of timer messages is, a second old at most. SYSTEM_ERROR where the broker keeps none. [AdminBrokerProcessor#getTimerCheckPoint] */
export const GET_TIMER_CHECK_POINT = defineRequest({ code: REQUEST_CODE.GET_TIMER_CHECK_POINT, responseBody: TIMER_CHECKPOINT });

/** 303 → body {consumeTimeSpanSet}. [QueryConsumeTimeSpanRequestHeader] */
export const QUERY_CONSUME_TIME_SPAN = defineRequest({
  code: REQUEST_CODE.QUERY_CONSUME_TIME_SPAN,
  request: { topic: text(), group: text(), ...TOPIC_RPC },
  responseBody: jsonBody('the time spans', CONSUME_TIME_SPAN_BODY),
});

/** queueId −1: all; offset −1: by timestamp; timestamp −1: to the end. [ResetOffsetRequestHeader] */
const RESET_OFFSET_REQUEST = {
  group: text(), topic: text(), queueId: optional(int32()), offset: optional(int64()), timestamp: exactInt64(), isForce: bool(), ...TOPIC_RPC,
} as const;

/**
 * 222 → body ResetOffsetBody: what was set. By default the broker itself sets them, and the group's next pull of each queue is answered with
 * PULL_OFFSET_MOVED; with useServerSideResetOffset=false it tells the members (220), CONSUMER_NOT_ONLINE without any. [AdminBrokerProcessor#resetOffset]
 */
export const INVOKE_BROKER_TO_RESET_OFFSET = defineRequest({
  code: REQUEST_CODE.INVOKE_BROKER_TO_RESET_OFFSET,
  request: RESET_OFFSET_REQUEST,
  responseBody: optionalJsonBody('the offsets that were set', RESET_OFFSET_BODY),
});

/** 220, broker → client, one-way: go on from these offsets. [Broker2Client#resetOffset] [ClientRemotingProcessor#resetOffset] */
export const RESET_CONSUMER_CLIENT_OFFSET = defineRequest({
  code: REQUEST_CODE.RESET_CONSUMER_CLIENT_OFFSET,
  request: RESET_OFFSET_REQUEST,
  requestBody: optionalJsonBody('the offsets to go on from', RESET_OFFSET_BODY),
});

const STATUS_REQUEST = { topic: text(), group: text(), clientAddr: optional(text()), ...TOPIC_RPC } as const;

/** 221, broker → client → body {messageQueueTable}: how far it is. [GetConsumerStatusRequestHeader] [ClientRemotingProcessor#getConsumeStatus] */
export const GET_CONSUMER_STATUS_FROM_CLIENT = defineRequest({
  code: REQUEST_CODE.GET_CONSUMER_STATUS_FROM_CLIENT,
  request: STATUS_REQUEST,
  responseBody: jsonBody('the client\'s offsets', CONSUMER_STATUS_BODY),
});

/** 223 → body {consumerTable}: the answers to 221 of all members, or of the client id in clientAddr. [Broker2Client#getConsumeStatus] */
export const INVOKE_BROKER_TO_GET_CONSUMER_STATUS = defineRequest({
  code: REQUEST_CODE.INVOKE_BROKER_TO_GET_CONSUMER_STATUS,
  request: STATUS_REQUEST,
  responseBody: jsonBody('the members\' offsets', CONSUMER_STATUS_BODY),
});
