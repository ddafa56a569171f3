import { jsonBody, NO_BODY } from '../body.ts';
import { CONSUMER_ID_LIST } from '../body/connections.ts';
import { CHECK_CLIENT_REQUEST, HEARTBEAT_DATA } from '../body/heartbeat.ts';
import { REQUEST_CODE } from '../codes.ts';
import { defineRequest } from '../definition.ts';
import { bool, optional, RPC, text } from '../fields.ts';

/**
 * 34: body HeartbeatData. The broker has made the groups and their `%RETRY%` topics, and told the other members, before it answers.
 * → IS_SUPPORT_HEART_BEAT_V2, IS_SUB_CHANGE. [ClientManageProcessor#heartBeat]
 */
export const HEART_BEAT = defineRequest({
  code: REQUEST_CODE.HEART_BEAT,
  request: { ...RPC },
  requestBody: jsonBody('the heartbeat', HEARTBEAT_DATA),
  response: { isSupportHeartBeatV2: optional(bool('IS_SUPPORT_HEART_BEAT_V2')), isSubChange: optional(bool('IS_SUB_CHANGE')) },
});

/** 35: the client leaves one group. Never fails. [UnregisterClientRequestHeader] */
export const UNREGISTER_CLIENT = defineRequest({
  code: REQUEST_CODE.UNREGISTER_CLIENT,
  request: { clientID: text(), producerGroup: optional(text()), consumerGroup: optional(text()), ...RPC },
});

/** 46: SUBSCRIPTION_PARSE_FAILED for a SQL92 expression that does not compile, SYSTEM_ERROR where the broker filters by tags alone. [ClientManageProcessor#checkClientConfig] */
export const CHECK_CLIENT_CONFIG = defineRequest({ code: REQUEST_CODE.CHECK_CLIENT_CONFIG, requestBody: jsonBody('the client check', CHECK_CLIENT_REQUEST) });

/** 38 → body {consumerIdList}. SYSTEM_ERROR for a group without members. [GetConsumerListByGroupRequestHeader] [ConsumerManageProcessor#getConsumerListByGroup] */
export const GET_CONSUMER_LIST_BY_GROUP = defineRequest({
  code: REQUEST_CODE.GET_CONSUMER_LIST_BY_GROUP,
  request: { consumerGroup: text(), ...RPC },
  responseBody: jsonBody('the list of members', CONSUMER_ID_LIST),
});

/** 40, broker → client, one-way: share out the queues anew. [NotifyConsumerIdsChangedRequestHeader] */
export const NOTIFY_CONSUMER_IDS_CHANGED = defineRequest({
  code: REQUEST_CODE.NOTIFY_CONSUMER_IDS_CHANGED,
  request: { consumerGroup: text(), ...RPC },
  requestBody: NO_BODY,
});
