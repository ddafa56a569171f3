import { jsonBody, optionalJsonBody } from '../body.ts';
import { CONSUMER_CONNECTION, PRODUCER_CONNECTION } from '../body/connections.ts';
import { SUBSCRIPTION_GROUP_CONFIG, SUBSCRIPTION_GROUP_TABLE } from '../body/group.ts';
import { SUBSCRIPTION_DATA } from '../body/heartbeat.ts';
import { TOPIC_LIST } from '../body/route.ts';
import { REQUEST_CODE } from '../codes.ts';
import { defineRequest } from '../definition.ts';
import { bool, int32, optional, RPC, text, TOPIC_RPC } from '../fields.ts';
import { nullable, object, text as jsonText } from '../json/codec.ts';

/** 200: body SubscriptionGroupConfig, the whole of it. [AdminBrokerProcessor#updateAndCreateSubscriptionGroup] */
export const UPDATE_AND_CREATE_SUBSCRIPTIONGROUP = defineRequest({
  code: REQUEST_CODE.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
  requestBody: jsonBody('the group', SUBSCRIPTION_GROUP_CONFIG),
});

/** 201 → body: every group, paged as topics are (GET_ALL_TOPIC_CONFIG). [GetAllSubscriptionGroupRequestHeader] */
export const GET_ALL_SUBSCRIPTIONGROUP_CONFIG = defineRequest({
  code: REQUEST_CODE.GET_ALL_SUBSCRIPTIONGROUP_CONFIG,
  request: { groupSeq: optional(int32()), dataVersion: optional(text()), maxGroupNum: optional(int32()) },
  response: { totalGroupNum: optional(int32()) },
  responseBody: jsonBody('the table of groups', SUBSCRIPTION_GROUP_TABLE),
});

/** 352 → body SubscriptionGroupConfig. A broker with autoCreateSubscriptionGroup MAKES the group when it is missing; else SUBSCRIPTION_GROUP_NOT_EXIST. [GetSubscriptionGroupConfigRequestHeader] */
export const GET_SUBSCRIPTIONGROUP_CONFIG = defineRequest({
  code: REQUEST_CODE.GET_SUBSCRIPTIONGROUP_CONFIG,
  request: { group: text(), ...RPC },
  responseBody: jsonBody('the group', SUBSCRIPTION_GROUP_CONFIG),
});

/** 207: cleanOffset takes its committed offsets along. [DeleteSubscriptionGroupRequestHeader] */
export const DELETE_SUBSCRIPTIONGROUP = defineRequest({
  code: REQUEST_CODE.DELETE_SUBSCRIPTIONGROUP,
  request: { groupName: text(), cleanOffset: optional(bool()), ...RPC },
});

/** 203 → body ConsumerConnection; CONSUMER_NOT_ONLINE for a group without members. [GetConsumerConnectionListRequestHeader] */
export const GET_CONSUMER_CONNECTION_LIST = defineRequest({
  code: REQUEST_CODE.GET_CONSUMER_CONNECTION_LIST,
  request: { consumerGroup: text(), ...RPC },
  responseBody: jsonBody('the group\'s members', CONSUMER_CONNECTION),
});

/** 204 → body ProducerConnection; SYSTEM_ERROR for a group without producers. [GetProducerConnectionListRequestHeader] */
export const GET_PRODUCER_CONNECTION_LIST = defineRequest({
  code: REQUEST_CODE.GET_PRODUCER_CONNECTION_LIST,
  request: { producerGroup: text(), ...RPC },
  responseBody: jsonBody('the group\'s producers', PRODUCER_CONNECTION),
});

/** 343 → body TopicList: topics the group has offsets on. [QueryTopicsByConsumerRequestHeader] */
export const QUERY_TOPICS_BY_CONSUMER = defineRequest({
  code: REQUEST_CODE.QUERY_TOPICS_BY_CONSUMER,
  request: { group: text(), ...RPC },
  responseBody: jsonBody('the group\'s topics', TOPIC_LIST),
});

/** 345 → body {group, topic, subscriptionData}. [QuerySubscriptionByConsumerRequestHeader] [QuerySubscriptionResponseBody] */
export const QUERY_SUBSCRIPTION_BY_CONSUMER = defineRequest({
  code: REQUEST_CODE.QUERY_SUBSCRIPTION_BY_CONSUMER,
  request: { group: text(), topic: optional(text()), ...TOPIC_RPC },
  responseBody: optionalJsonBody('the subscription', object({ group: nullable(jsonText), subscriptionData: nullable(SUBSCRIPTION_DATA), topic: nullable(jsonText) })),
});
