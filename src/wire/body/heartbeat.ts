import { bool, enumeration, exactInt64, int32, list, nullable, object, text, withDefault } from '../json/codec.ts';
import type { JsonOf } from '../json/codec.ts';

/** [ConsumeType]: pulls as it likes, is pushed to, pops. */
export const CONSUME_TYPES = ['CONSUME_ACTIVELY', 'CONSUME_PASSIVELY', 'CONSUME_POP'] as const;
/** [MessageModel] */
export const MESSAGE_MODELS = ['BROADCASTING', 'CLUSTERING', 'LITE_SELECTIVE'] as const;
/** [ConsumeFromWhere] */
export const CONSUME_FROM_WHERE = [
  'CONSUME_FROM_LAST_OFFSET', 'CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST', 'CONSUME_FROM_MIN_OFFSET', 'CONSUME_FROM_MAX_OFFSET',
  'CONSUME_FROM_FIRST_OFFSET', 'CONSUME_FROM_TIMESTAMP',
] as const;

/**
 * What a group's member reads of a topic: `subString` as the user wrote it, its tags, and Java's hash of each; expressionType TAG or SQL92; subVersion
 * grows when it changes (ms in Java, ns in Go, whose codeSet holds texts). [SubscriptionData] [FilterAPI#buildSubscriptionData]
 */
export const SUBSCRIPTION_DATA = object({
  classFilterMode: withDefault(bool, false),
  codeSet: withDefault(list(int32), []),
  expressionType: withDefault(text, 'TAG'),
  subString: withDefault(text, '*'),
  subVersion: withDefault(exactInt64, 0),
  tagsSet: withDefault(list(text), []),
  topic: text,
});
export type SubscriptionData = JsonOf<typeof SUBSCRIPTION_DATA>;

/** [ConsumerData] */
export const CONSUMER_DATA = object({
  consumeFromWhere: withDefault(enumeration(CONSUME_FROM_WHERE), 'CONSUME_FROM_LAST_OFFSET'),
  consumeType: enumeration(CONSUME_TYPES),
  groupName: text,
  messageModel: enumeration(MESSAGE_MODELS),
  subscriptionDataSet: withDefault(list(SUBSCRIPTION_DATA), []),
  unitMode: withDefault(bool, false),
});
export type ConsumerData = JsonOf<typeof CONSUMER_DATA>;

export const PRODUCER_DATA = object({ groupName: text });

/** All that a client is: every 30 s to each broker. C++ leaves empty sets out. [HeartbeatData] [MQClientInstance#prepareHeartbeatData] */
export const HEARTBEAT_DATA = object({
  clientID: text,
  consumerDataSet: withDefault(list(CONSUMER_DATA), []),
  /** Not 0: heartbeat v2, which may leave subscriptions out (`withoutSub`) while nothing changed. */
  heartbeatFingerprint: withDefault(int32, 0),
  producerDataSet: withDefault(list(PRODUCER_DATA), []),
  withoutSub: withDefault(bool, false),
});
export type HeartbeatData = JsonOf<typeof HEARTBEAT_DATA>;

/** [CheckClientRequestBody] */
export const CHECK_CLIENT_REQUEST = object({ clientId: text, group: text, namespace: nullable(text), subscriptionData: SUBSCRIPTION_DATA });
