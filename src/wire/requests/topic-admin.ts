import { jsonBody } from '../body.ts';
import { TOPIC_LIST } from '../body/route.ts';
import { GROUP_LIST, TOPIC_CONFIG, TOPIC_CONFIG_TABLE, TOPIC_STATS_TABLE } from '../body/topic.ts';
import { REQUEST_CODE } from '../codes.ts';
import { defineRequest } from '../definition.ts';
import { bool, int32, optional, text, TOPIC_RPC } from '../fields.ts';

/**
 * 17: topicFilterType SINGLE_TAG; attributes `+name=value,-name`, only those that change; defaultTopic has no effect. INVALID_PARAMETER for bad names and
 * system topics. [CreateTopicRequestHeader] [AdminBrokerProcessor#updateAndCreateTopic]
 */
export const UPDATE_AND_CREATE_TOPIC = defineRequest({
  code: REQUEST_CODE.UPDATE_AND_CREATE_TOPIC,
  request: {
    topic: text(),
    defaultTopic: text(),
    readQueueNums: int32(),
    writeQueueNums: int32(),
    perm: int32(),
    topicFilterType: text(),
    topicSysFlag: optional(int32()),
    order: bool(),
    attributes: optional(text()),
    force: optional(bool()),
    ...TOPIC_RPC,
  },
});

/** 17's `attributes`: null takes one away. [AttributeParser#parseToMap] */
export const attributesText = (changes: Readonly<Record<string, string | null>>): string =>
  Object.entries(changes).map(([name, value]) => (value === null ? `-${name}` : `+${name}=${value}`)).join(',');

/**
 * 21 → body: every topic, with none of the fields; from `topicSeq` on at most maxTopicNum of them where the broker has enableSplitMetadata.
 * [GetAllTopicConfigRequestHeader] [AdminBrokerProcessor#getAllTopicConfig]
 */
export const GET_ALL_TOPIC_CONFIG = defineRequest({
  code: REQUEST_CODE.GET_ALL_TOPIC_CONFIG,
  request: { topicSeq: optional(int32()), dataVersion: optional(text()), maxTopicNum: optional(int32()) },
  response: { totalTopicNum: optional(int32()) },
  responseBody: jsonBody('the table of topics', TOPIC_CONFIG_TABLE),
});

/** 351 → body TopicConfig; TOPIC_NOT_EXIST. [GetTopicConfigRequestHeader] */
export const GET_TOPIC_CONFIG = defineRequest({
  code: REQUEST_CODE.GET_TOPIC_CONFIG,
  request: { topic: text(), ...TOPIC_RPC },
  responseBody: jsonBody('the topic', TOPIC_CONFIG),
});

/** 215: SUCCESS also for a topic that is not there. [DeleteTopicRequestHeader] */
export const DELETE_TOPIC_IN_BROKER = defineRequest({ code: REQUEST_CODE.DELETE_TOPIC_IN_BROKER, request: { topic: text(), ...TOPIC_RPC } });

/** 202 → body TopicStatsTable: offsets of each queue of this broker; TOPIC_NOT_EXIST. [GetTopicStatsInfoRequestHeader] */
export const GET_TOPIC_STATS_INFO = defineRequest({
  code: REQUEST_CODE.GET_TOPIC_STATS_INFO,
  request: { topic: text(), ...TOPIC_RPC },
  responseBody: jsonBody('the topic\'s queues', TOPIC_STATS_TABLE),
});

/** 300 → body GroupList: groups with members that read the topic, or with offsets on it. [QueryTopicConsumeByWhoRequestHeader] */
export const QUERY_TOPIC_CONSUME_BY_WHO = defineRequest({
  code: REQUEST_CODE.QUERY_TOPIC_CONSUME_BY_WHO,
  request: { topic: text(), ...TOPIC_RPC },
  responseBody: jsonBody('the topic\'s groups', GROUP_LIST),
});

/** 305 → body TopicList. [AdminBrokerProcessor#getSystemTopicListFromBroker] */
export const GET_SYSTEM_TOPIC_LIST_FROM_BROKER = defineRequest({
  code: REQUEST_CODE.GET_SYSTEM_TOPIC_LIST_FROM_BROKER,
  responseBody: jsonBody('the list of system topics', TOPIC_LIST),
});
