import { enumeration, int32, list, nullable, object, record, text, withDefault } from '../json/codec.ts';
import type { JsonOf } from '../json/codec.ts';
import { LANGUAGES } from '../codes.ts';
import { CONSUME_FROM_WHERE, CONSUME_TYPES, MESSAGE_MODELS, SUBSCRIPTION_DATA } from './heartbeat.ts';
import type { SubscriptionData } from './heartbeat.ts';

/** A client as the broker sees it; clientAddr is `ip:port`. [Connection] */
export const CONNECTION = object({ clientAddr: withDefault(text, ''), clientId: text, language: nullable(enumeration(LANGUAGES)), version: withDefault(int32, 0) });
export type Connection = JsonOf<typeof CONNECTION>;

const noSubscriptions = Object.freeze(Object.create(null) as Record<string, SubscriptionData>);

/** [ConsumerConnection] */
export const CONSUMER_CONNECTION = object({
  connectionSet: withDefault(list(CONNECTION), []),
  consumeFromWhere: nullable(enumeration(CONSUME_FROM_WHERE)),
  consumeType: nullable(enumeration(CONSUME_TYPES)),
  messageModel: nullable(enumeration(MESSAGE_MODELS)),
  /** By topic. */
  subscriptionTable: withDefault(record(SUBSCRIPTION_DATA), noSubscriptions),
});
export type ConsumerConnection = JsonOf<typeof CONSUMER_CONNECTION>;

/** [ProducerConnection] */
export const PRODUCER_CONNECTION = object({ connectionSet: withDefault(list(CONNECTION), []) });
export type ProducerConnection = JsonOf<typeof PRODUCER_CONNECTION>;

/** Client ids of a group's members. [GetConsumerListByGroupResponseBody] */
export const CONSUMER_ID_LIST = object({ consumerIdList: withDefault(list(text), []) });
