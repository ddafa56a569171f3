import { bool, double, enumeration, int32, int64, list, nullable, object, pairs, record, text, withDefault } from '../json/codec.ts';
import type { JsonCodec, JsonOf } from '../json/codec.ts';
import type { JsonValue } from '../json/value.ts';
import { isJsonObject } from '../json/value.ts';
import { SUBSCRIPTION_DATA } from './heartbeat.ts';
import { MESSAGE_QUEUE } from './queue.ts';

const zero = withDefault(int64, 0);

const PROCESS_QUEUE_FIELDS = object({
  cachedMsgCount: withDefault(int32, 0),
  cachedMsgMaxOffset: zero,
  cachedMsgMinOffset: zero,
  cachedMsgSizeInMiB: withDefault(int32, 0),
  commitOffset: zero,
  /** Spelled so in Java; Go says `dropped`. */
  droped: withDefault(bool, false),
  lastConsumeTimestamp: zero,
  lastLockTimestamp: zero,
  lastPullTimestamp: zero,
  locked: withDefault(bool, false),
  transactionMsgCount: withDefault(int32, 0),
  transactionMsgMaxOffset: zero,
  transactionMsgMinOffset: zero,
  tryUnlockTimes: zero,
});

/** What a member holds of one queue. [ProcessQueueInfo] */
const PROCESS_QUEUE_INFO: JsonCodec<JsonOf<typeof PROCESS_QUEUE_FIELDS>> = {
  read: (value, name) => PROCESS_QUEUE_FIELDS.read(withJavaSpelling(value), name),
  write: PROCESS_QUEUE_FIELDS.write,
};
export type ProcessQueueInfo = JsonOf<typeof PROCESS_QUEUE_INFO>;

const withJavaSpelling = (value: JsonValue | undefined): JsonValue | undefined =>
  (isJsonObject(value) && value['droped'] === undefined && value['dropped'] !== undefined ? { ...value, droped: value['dropped'] } : value);

/** Rates per second and times in ms, of late. [ConsumeStatus] */
const CONSUME_STATUS = object({
  consumeFailedMsgs: zero,
  consumeFailedTPS: withDefault(double, 0),
  consumeOKTPS: withDefault(double, 0),
  consumeRT: withDefault(double, 0),
  pullRT: withDefault(double, 0),
  pullTPS: withDefault(double, 0),
});

const POP_PROCESS_QUEUE_INFO = object({ droped: withDefault(bool, false), lastPopTimestamp: zero, waitAckCount: withDefault(int32, 0) });

const empty = <T>(): Readonly<Record<string, T>> => Object.freeze(Object.create(null) as Record<string, T>);

/** A member about itself. Names in `properties` are PROP_… of ConsumerRunningInfo and the consumer's settings. [ConsumerRunningInfo] */
export const CONSUMER_RUNNING_INFO = object({
  jstack: nullable(text),
  mqPopTable: withDefault(pairs(MESSAGE_QUEUE, POP_PROCESS_QUEUE_INFO), []),
  mqTable: withDefault(pairs(MESSAGE_QUEUE, PROCESS_QUEUE_INFO), []),
  properties: withDefault(record(text), empty<string>()),
  /** By topic. */
  statusTable: withDefault(record(CONSUME_STATUS), empty<JsonOf<typeof CONSUME_STATUS>>()),
  subscriptionSet: withDefault(list(SUBSCRIPTION_DATA), []),
  userConsumerInfo: withDefault(record(text), empty<string>()),
});
export type ConsumerRunningInfo = JsonOf<typeof CONSUMER_RUNNING_INFO>;

/** [CMResult]; Go sends the ordinal. */
export const CM_RESULTS = ['CR_SUCCESS', 'CR_LATER', 'CR_ROLLBACK', 'CR_COMMIT', 'CR_THROW_EXCEPTION', 'CR_RETURN_NULL'] as const;

/** [ConsumeMessageDirectlyResult] */
export const CONSUME_MESSAGE_DIRECTLY_RESULT = object({
  autoCommit: withDefault(bool, true),
  consumeResult: nullable(enumeration(CM_RESULTS)),
  order: withDefault(bool, false),
  remark: nullable(text),
  spentTimeMills: zero,
});
export type ConsumeMessageDirectlyResult = JsonOf<typeof CONSUME_MESSAGE_DIRECTLY_RESULT>;
