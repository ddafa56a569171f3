import { jsonBody } from '../body.ts';
import { CLUSTER_INFO, KV_TABLE, TOPIC_LIST, TOPIC_ROUTE_DATA } from '../body/route.ts';
import { REQUEST_CODE } from '../codes.ts';
import { defineRequest } from '../definition.ts';
import { bool, optional, text, TOPIC_RPC } from '../fields.ts';

/*
 * What a name server is asked. None of these exists on a broker.
 */

/**
 * 105: topic, acceptStandardJsonOnly? → body TopicRouteData; TOPIC_NOT_EXIST for a topic that no broker has. A sender of version 401 or later
 * gets quoted keys, others get numbers as keys unless they ask. [GetRouteInfoRequestHeader] [ClientRequestProcessor#getRouteInfoByTopic]
 */
export const GET_ROUTEINFO_BY_TOPIC = defineRequest({
  code: REQUEST_CODE.GET_ROUTEINFO_BY_TOPIC,
  request: { topic: text(), acceptStandardJsonOnly: optional(bool()), ...TOPIC_RPC },
  responseBody: jsonBody('the route', TOPIC_ROUTE_DATA),
});

/** 106: → body ClusterInfo, numbers as keys whatever the sender's version. [DefaultRequestProcessor#getBrokerClusterInfo] */
export const GET_BROKER_CLUSTER_INFO = defineRequest({
  code: REQUEST_CODE.GET_BROKER_CLUSTER_INFO,
  responseBody: jsonBody('the cluster info', CLUSTER_INFO),
});

/** 206: → body TopicList, system topics among them. [DefaultRequestProcessor#getAllTopicListFromNameserver] */
export const GET_ALL_TOPIC_LIST_FROM_NAMESERVER = defineRequest({
  code: REQUEST_CODE.GET_ALL_TOPIC_LIST_FROM_NAMESERVER,
  responseBody: jsonBody('the topic list', TOPIC_LIST),
});

/** 224: cluster → body TopicList. [GetTopicsByClusterRequestHeader] */
export const GET_TOPICS_BY_CLUSTER = defineRequest({
  code: REQUEST_CODE.GET_TOPICS_BY_CLUSTER,
  request: { cluster: text() },
  responseBody: jsonBody('the topic list', TOPIC_LIST),
});

/** 304: → body TopicList of names that are no user's topics: clusters and brokers. [DefaultRequestProcessor#getSystemTopicListFromNs] */
export const GET_SYSTEM_TOPIC_LIST_FROM_NS = defineRequest({
  code: REQUEST_CODE.GET_SYSTEM_TOPIC_LIST_FROM_NS,
  responseBody: jsonBody('the list of system topics', TOPIC_LIST),
});

/** 216: topic, clusterName? (only that cluster's brokers). [DeleteTopicFromNamesrvRequestHeader] */
export const DELETE_TOPIC_IN_NAMESRV = defineRequest({
  code: REQUEST_CODE.DELETE_TOPIC_IN_NAMESRV,
  request: { topic: text(), clusterName: optional(text()), ...TOPIC_RPC },
});

/** 100: namespace, key, value. [PutKVConfigRequestHeader] */
export const PUT_KV_CONFIG = defineRequest({ code: REQUEST_CODE.PUT_KV_CONFIG, request: { namespace: text(), key: text(), value: text() } });

/** 101: namespace, key → value; QUERY_NOT_FOUND. [GetKVConfigRequestHeader] */
export const GET_KV_CONFIG = defineRequest({
  code: REQUEST_CODE.GET_KV_CONFIG,
  request: { namespace: text(), key: text() },
  response: { value: optional(text()) },
});

/** 102: namespace, key. [DeleteKVConfigRequestHeader] */
export const DELETE_KV_CONFIG = defineRequest({ code: REQUEST_CODE.DELETE_KV_CONFIG, request: { namespace: text(), key: text() } });

/** 219: namespace → body KVTable; QUERY_NOT_FOUND. [GetKVListByNamespaceRequestHeader] */
export const GET_KVLIST_BY_NAMESPACE = defineRequest({
  code: REQUEST_CODE.GET_KVLIST_BY_NAMESPACE,
  request: { namespace: text() },
  responseBody: jsonBody('the key-value list', KV_TABLE),
});
