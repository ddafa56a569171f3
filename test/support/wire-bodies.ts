import { REQUEST_CODE } from '../../src/wire/codes.ts';
import { allDefinitions } from '../../src/wire/requests/all.ts';

/** A body that Java wrote, and what the object held (BeanSamples.java). */
export interface BodyRow {
  name: string;
  expect: unknown;
  hex: string;
}

interface Bodies {
  readonly requestBody: BodyCodecOf;
  readonly responseBody: BodyCodecOf;
}
export interface BodyCodecOf {
  encode(value: unknown): Buffer | null;
  decode(body: Buffer | null): unknown;
}

const definitions = allDefinitions() as unknown as ReadonlyMap<number, Bodies>;
const request = (code: number): BodyCodecOf => definitions.get(code)!.requestBody;
const response = (code: number): BodyCodecOf => definitions.get(code)!.responseBody;

/** By the name of the class, where it travels. */
export const BODY_CODECS: Readonly<Record<string, BodyCodecOf>> = {
  TopicRouteData: response(REQUEST_CODE.GET_ROUTEINFO_BY_TOPIC),
  ClusterInfo: response(REQUEST_CODE.GET_BROKER_CLUSTER_INFO),
  TopicList: response(REQUEST_CODE.GET_ALL_TOPIC_LIST_FROM_NAMESERVER),
  KVTable: response(REQUEST_CODE.GET_BROKER_RUNTIME_INFO),
  HeartbeatData: request(REQUEST_CODE.HEART_BEAT),
  CheckClientRequestBody: request(REQUEST_CODE.CHECK_CLIENT_CONFIG),
  GetConsumerListByGroupResponseBody: response(REQUEST_CODE.GET_CONSUMER_LIST_BY_GROUP),
  LockBatchRequestBody: request(REQUEST_CODE.LOCK_BATCH_MQ),
  LockBatchResponseBody: response(REQUEST_CODE.LOCK_BATCH_MQ),
  UnlockBatchRequestBody: request(REQUEST_CODE.UNLOCK_BATCH_MQ),
  TopicConfigAndMappingSerializeWrapper: response(REQUEST_CODE.GET_ALL_TOPIC_CONFIG),
  TopicConfigAndQueueMapping: response(REQUEST_CODE.GET_TOPIC_CONFIG),
  TopicStatsTable: response(REQUEST_CODE.GET_TOPIC_STATS_INFO),
  GroupList: response(REQUEST_CODE.QUERY_TOPIC_CONSUME_BY_WHO),
  SubscriptionGroupConfig: request(REQUEST_CODE.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP),
  SubscriptionGroupWrapper: response(REQUEST_CODE.GET_ALL_SUBSCRIPTIONGROUP_CONFIG),
  ConsumerConnection: response(REQUEST_CODE.GET_CONSUMER_CONNECTION_LIST),
  ProducerConnection: response(REQUEST_CODE.GET_PRODUCER_CONNECTION_LIST),
  QuerySubscriptionResponseBody: response(REQUEST_CODE.QUERY_SUBSCRIPTION_BY_CONSUMER),
  ConsumeStats: response(REQUEST_CODE.GET_CONSUME_STATS),
  ConsumerOffsetSerializeWrapper: response(REQUEST_CODE.GET_ALL_CONSUMER_OFFSET),
  DelayOffsetSerializeWrapper: response(REQUEST_CODE.GET_ALL_DELAY_OFFSET),
  QueryConsumeTimeSpanBody: response(REQUEST_CODE.QUERY_CONSUME_TIME_SPAN),
  ResetOffsetBody: request(REQUEST_CODE.RESET_CONSUMER_CLIENT_OFFSET),
  ResetOffsetBodyForC: request(REQUEST_CODE.RESET_CONSUMER_CLIENT_OFFSET),
  GetConsumerStatusBody: response(REQUEST_CODE.GET_CONSUMER_STATUS_FROM_CLIENT),
  ConsumerRunningInfo: response(REQUEST_CODE.GET_CONSUMER_RUNNING_INFO),
  ConsumeMessageDirectlyResult: response(REQUEST_CODE.CONSUME_MESSAGE_DIRECTLY),
  BrokerStatsData: response(REQUEST_CODE.VIEW_BROKER_STATS_DATA),
  QueryConsumeQueueResponseBody: response(REQUEST_CODE.QUERY_CONSUME_QUEUE),
};

/** Fields of Java's that mean nothing to a client of ours. */
export const IGNORED_FIELDS = new Set(['topicQueueMappingInfoMap', 'topicQueueMappingDetailMap', 'mappingDataVersion', 'mappingDetail', 'filterClassSource']);

/** A decoded value in the shape of `expect`: maps by number as {$map}, bigint as the number JSON.parse makes of it. */
export const plain = (value: unknown): unknown => {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return { $map: [...(value as Map<unknown, unknown>)].map(plain) };
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item)]));
};

/** What Java had, in the shape and with the fields of what was decoded: a set has no order, ignored fields go. */
export const comparable = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(comparable).sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([name]) => !IGNORED_FIELDS.has(name)).map(([name, item]) => [name, comparable(item)] as const);
  return Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
};

/** A decoded value without the fields that `expected` has not: those of a newer release, which must say nothing. */
export const onlyFieldsOf = (decoded: unknown, expected: unknown): unknown => {
  if (Array.isArray(decoded)) return decoded.map((item, index) => onlyFieldsOf(item, (expected as unknown[])[index]));
  if (typeof decoded !== 'object' || decoded === null || typeof expected !== 'object' || expected === null) return decoded;
  const kept = Object.entries(decoded).filter(([name, item]) => {
    if (name in expected) return true;
    if (item !== null && (typeof item !== 'object' || Object.keys(item as object).length > 0)) throw new Error(`${name} is not known to that release, and yet not empty`);
    return false;
  });
  return Object.fromEntries(kept.map(([name, item]) => [name, onlyFieldsOf(item, (expected as Record<string, unknown>)[name])]));
};
