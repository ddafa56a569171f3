import { bool, enumeration, int32, int64, list, nullable, object, record, text, withDefault } from '../json/codec.ts';
import type { JsonOf } from '../json/codec.ts';
import { DATA_VERSION } from './route.ts';

/** Of POP consumers: delays of retries, ms. [GroupRetryPolicy] [ExponentialRetryPolicy] [CustomizedRetryPolicy] */
const GROUP_RETRY_POLICY = object({
  customizedRetryPolicy: nullable(object({ next: withDefault(list(int64), []) })),
  exponentialRetryPolicy: nullable(object({ initial: int64, max: int64, multiplier: int64 })),
  type: withDefault(enumeration(['EXPONENTIAL', 'CUSTOMIZED']), 'CUSTOMIZED'),
});

const SIMPLE_SUBSCRIPTION_DATA = object({
  expression: nullable(text), expressionType: nullable(text), topic: text, version: withDefault(int64, 0),
});

const noAttributes = Object.freeze(Object.create(null) as Record<string, string>);

/** Defaults are Java's, where a sender leaves a field out. [SubscriptionGroupConfig] */
export const SUBSCRIPTION_GROUP_CONFIG = object({
  attributes: withDefault(record(text), noAttributes),
  brokerId: withDefault(int64, 0),
  consumeBroadcastEnable: withDefault(bool, true),
  consumeEnable: withDefault(bool, true),
  consumeFromMinEnable: withDefault(bool, true),
  consumeMessageOrderly: withDefault(bool, false),
  consumeTimeoutMinute: withDefault(int32, 15),
  groupName: text,
  groupRetryPolicy: nullable(GROUP_RETRY_POLICY),
  groupSysFlag: withDefault(int32, 0),
  notifyConsumerIdsChangedEnable: withDefault(bool, true),
  retryMaxTimes: withDefault(int32, 16),
  retryQueueNums: withDefault(int32, 1),
  /** Of an ordered group that is bound to its topics. */
  subscriptionDataSet: nullable(list(SIMPLE_SUBSCRIPTION_DATA)),
  whichBrokerWhenConsumeSlowly: withDefault(int64, 1),
});
export type SubscriptionGroupConfig = JsonOf<typeof SUBSCRIPTION_GROUP_CONFIG>;

const nothingForbidden = Object.freeze(Object.create(null) as Record<string, Readonly<Record<string, number>>>);

/** [SubscriptionGroupWrapper] */
export const SUBSCRIPTION_GROUP_TABLE = object({
  dataVersion: nullable(DATA_VERSION),
  /** Bits by group and topic: 2 reading is forbidden. */
  forbiddenTable: withDefault(record(record(int32)), nothingForbidden),
  subscriptionGroupTable: record(SUBSCRIPTION_GROUP_CONFIG),
});
export type SubscriptionGroupTable = JsonOf<typeof SUBSCRIPTION_GROUP_TABLE>;
