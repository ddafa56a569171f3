import { jsonBody } from '../body.ts';
import { BROKER_STATS_DATA, CONSUME_QUEUE_BODY } from '../body/broker.ts';
import { PROPERTIES_REQUEST_BODY, PROPERTIES_RESPONSE_BODY } from '../body/properties-text.ts';
import { KV_TABLE } from '../body/route.ts';
import { REQUEST_CODE } from '../codes.ts';
import { defineRequest } from '../definition.ts';
import { int32, int64, optional, text, TOPIC_RPC } from '../fields.ts';

/** 26 → version (a DataVersion as JSON), body `name=value` lines: every setting. [GetBrokerConfigResponseHeader] [AdminBrokerProcessor#getBrokerConfig] */
export const GET_BROKER_CONFIG = defineRequest({
  code: REQUEST_CODE.GET_BROKER_CONFIG,
  response: { version: text() },
  responseBody: PROPERTIES_RESPONSE_BODY,
});

/** 25: body `name=value` lines, only what changes. NO_PERMISSION for settings that may not be changed from afar; a name it does not know is dropped silently. [AdminBrokerProcessor#updateBrokerConfig] */
export const UPDATE_BROKER_CONFIG = defineRequest({ code: REQUEST_CODE.UPDATE_BROKER_CONFIG, requestBody: PROPERTIES_REQUEST_BODY });

/** 28 → body KVTable. Three rates in one text are of 10 s, 60 s and 600 s. [AdminBrokerProcessor#prepareRuntimeInfo] */
export const GET_BROKER_RUNTIME_INFO = defineRequest({
  code: REQUEST_CODE.GET_BROKER_RUNTIME_INFO,
  responseBody: jsonBody('the broker\'s state', KV_TABLE),
});

/** 315: statsName such as TOPIC_PUT_NUMS, GROUP_GET_NUMS; statsKey `topic` or `topic@group` → body BrokerStatsData; SYSTEM_ERROR for one it has not counted. [ViewBrokerStatsDataRequestHeader] */
export const VIEW_BROKER_STATS_DATA = defineRequest({
  code: REQUEST_CODE.VIEW_BROKER_STATS_DATA,
  request: { statsName: text(), statsKey: text() },
  responseBody: jsonBody('the statistics', BROKER_STATS_DATA),
});

/** 321: `count` entries of a consume queue from `index` on → body; consumerGroup adds whether its filter takes them. [QueryConsumeQueueRequestHeader] */
export const QUERY_CONSUME_QUEUE = defineRequest({
  code: REQUEST_CODE.QUERY_CONSUME_QUEUE,
  request: { topic: optional(text()), queueId: int32(), index: int64(), count: int32(), consumerGroup: optional(text()), ...TOPIC_RPC },
  responseBody: jsonBody('the queue\'s entries', CONSUME_QUEUE_BODY),
});
