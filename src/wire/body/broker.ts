import { bool, double, exactInt64, int32, int64, list, nullable, object, text, withDefault } from '../json/codec.ts';
import type { JsonOf } from '../json/codec.ts';
import { SUBSCRIPTION_DATA } from './heartbeat.ts';

/** Sum, rate per second and average per call. [BrokerStatsItem] */
const BROKER_STATS_ITEM = object({ avgpt: withDefault(double, 0), sum: withDefault(int64, 0), tps: withDefault(double, 0) });

/** [BrokerStatsData] */
export const BROKER_STATS_DATA = object({ statsDay: nullable(BROKER_STATS_ITEM), statsHour: nullable(BROKER_STATS_ITEM), statsMinute: nullable(BROKER_STATS_ITEM) });
export type BrokerStatsData = JsonOf<typeof BROKER_STATS_DATA>;

/** An entry of a consume queue; tagsCode has all 64 bits. [ConsumeQueueData] */
const CONSUME_QUEUE_DATA = object({
  bitMap: nullable(text),
  eval: withDefault(bool, false),
  extendDataJson: nullable(text),
  msg: nullable(text),
  physicOffset: int64,
  physicSize: int32,
  tagsCode: exactInt64,
});

/** [QueryConsumeQueueResponseBody] */
export const CONSUME_QUEUE_BODY = object({
  filterData: nullable(text),
  maxQueueIndex: int64,
  minQueueIndex: int64,
  queueData: withDefault(list(CONSUME_QUEUE_DATA), []),
  subscriptionData: nullable(SUBSCRIPTION_DATA),
});
export type ConsumeQueueBody = JsonOf<typeof CONSUME_QUEUE_BODY>;
