import { bool, double, enumeration, int32, int64, list, nullable, object, pairs, record, text, withDefault } from '../json/codec.ts';
import type { JsonOf } from '../json/codec.ts';
import { MESSAGE_QUEUE } from './queue.ts';
import { DATA_VERSION } from './route.ts';

const noAttributes = Object.freeze(Object.create(null) as Record<string, string>);

/** perm: 4 read, 2 write, 1 inherit, 8 priority. topicSysFlag: 1 unit, 2 unit with subscriptions. [TopicConfig] */
export const TOPIC_CONFIG = object({
  attributes: withDefault(record(text), noAttributes),
  order: withDefault(bool, false),
  perm: int32,
  readQueueNums: int32,
  topicFilterType: withDefault(enumeration(['SINGLE_TAG', 'MULTI_TAG']), 'SINGLE_TAG'),
  topicName: text,
  topicSysFlag: withDefault(int32, 0),
  writeQueueNums: int32,
});
export type TopicConfigBody = JsonOf<typeof TOPIC_CONFIG>;

/** Mappings of static topics, which it holds too, are left out here. [TopicConfigAndMappingSerializeWrapper] */
export const TOPIC_CONFIG_TABLE = object({ dataVersion: nullable(DATA_VERSION), topicConfigTable: record(TOPIC_CONFIG) });
export type TopicConfigTable = JsonOf<typeof TOPIC_CONFIG_TABLE>;

/** lastUpdateTimestamp: storeTimestamp of the newest message, 0 for none. [TopicOffset] */
export const TOPIC_OFFSET = object({ lastUpdateTimestamp: withDefault(int64, 0), maxOffset: int64, minOffset: int64 });
export type TopicOffset = JsonOf<typeof TOPIC_OFFSET>;

/** [TopicStatsTable] */
export const TOPIC_STATS_TABLE = object({ offsetTable: withDefault(pairs(MESSAGE_QUEUE, TOPIC_OFFSET), []), topicPutTps: withDefault(double, 0) });
export type TopicStatsTable = JsonOf<typeof TOPIC_STATS_TABLE>;

/** [GroupList] */
export const GROUP_LIST = object({ groupList: withDefault(list(text), []) });
