import { bool, exactInt64, int32, int64, intMap, list, nullable, object, record, text, withDefault } from '../json/codec.ts';
import type { JsonOf } from '../json/codec.ts';

/** Addresses of a broker name by broker id: 0 is the master. [BrokerData] */
export const BROKER_DATA = object({
  brokerAddrs: withDefault(intMap(text), new Map<number, string>()),
  brokerName: text,
  cluster: nullable(text),
  enableActingMaster: withDefault(bool, false),
  zoneName: nullable(text),
});
export type BrokerData = JsonOf<typeof BROKER_DATA>;

/** Queues that a topic has on a broker name. `perm`: 4 read, 2 write. [QueueData] */
export const QUEUE_DATA = object({
  brokerName: text,
  perm: int32,
  readQueueNums: int32,
  topicSysFlag: withDefault(int32, 0),
  writeQueueNums: int32,
});
export type QueueData = JsonOf<typeof QUEUE_DATA>;

const none = Object.freeze(Object.create(null) as Record<string, never>);

/** Static topics: which logical queues a broker has. [TopicQueueMappingInfo] */
const TOPIC_QUEUE_MAPPING_INFO = object({
  bname: nullable(text),
  currIdMap: withDefault(intMap(int32), new Map<number, number>()),
  dirty: withDefault(bool, false),
  epoch: withDefault(exactInt64, 0),
  scope: nullable(text),
  topic: nullable(text),
  totalQueues: withDefault(int32, 0),
});

/** [TopicRouteData] */
export const TOPIC_ROUTE_DATA = object({
  brokerDatas: withDefault(list(BROKER_DATA), []),
  filterServerTable: withDefault(record(list(text)), none),
  /** `broker:queues;…` of a topic that the name server keeps in order. */
  orderTopicConf: nullable(text),
  queueDatas: withDefault(list(QUEUE_DATA), []),
  topicQueueMappingByBroker: nullable(record(TOPIC_QUEUE_MAPPING_INFO)),
});
export type TopicRouteData = JsonOf<typeof TOPIC_ROUTE_DATA>;

/** [ClusterInfo] */
export const CLUSTER_INFO = object({
  brokerAddrTable: withDefault(record(BROKER_DATA), none),
  /** Broker names by cluster. */
  clusterAddrTable: withDefault(record(list(text)), none),
});
export type ClusterInfo = JsonOf<typeof CLUSTER_INFO>;

/** [TopicList] */
export const TOPIC_LIST = object({ brokerAddr: nullable(text), topicList: withDefault(list(text), []) });
export type TopicList = JsonOf<typeof TOPIC_LIST>;

/** [KVTable] */
export const KV_TABLE = object({ table: withDefault(record(text), none) });
export type KVTable = JsonOf<typeof KV_TABLE>;

/** How often a table of a broker's was changed. [DataVersion] */
export const DATA_VERSION = object({ counter: withDefault(int64, 0), stateVersion: withDefault(int64, 0), timestamp: withDefault(int64, 0) });
export type DataVersion = JsonOf<typeof DATA_VERSION>;
