import { double, int32, int64, intMap, list, nullable, object, pairs, record, text, withDefault } from '../json/codec.ts';
import type { JsonCodec, JsonOf } from '../json/codec.ts';
import { MESSAGE_QUEUE } from './queue.ts';
import type { MessageQueueBody } from './queue.ts';
import { DATA_VERSION } from './route.ts';

/** consumerOffset −1: nothing committed. lastTimestamp: storeTimestamp of the message before consumerOffset. [OffsetWrapper] [AdminBrokerProcessor#getConsumeStats] */
export const OFFSET_WRAPPER = object({ brokerOffset: int64, consumerOffset: int64, lastTimestamp: withDefault(int64, 0), pullOffset: withDefault(int64, 0) });
export type OffsetWrapper = JsonOf<typeof OFFSET_WRAPPER>;

/** [ConsumeStats] */
export const CONSUME_STATS = object({ consumeTps: withDefault(double, 0), offsetTable: withDefault(pairs(MESSAGE_QUEUE, OFFSET_WRAPPER), []) });
export type ConsumeStats = JsonOf<typeof CONSUME_STATS>;

/** By `topic@group`, then by queue. Field names of the broker's own file. [ConsumerOffsetManager#encode] [ConsumerOffsetSerializeWrapper] */
export const CONSUMER_OFFSET_TABLE = object({ dataVersion: nullable(DATA_VERSION), offsetTable: record(intMap(int64)) });
export type ConsumerOffsetTable = JsonOf<typeof CONSUMER_OFFSET_TABLE>;

/** By delay level. [ScheduleMessageService#encode] [DelayOffsetSerializeWrapper] */
export const DELAY_OFFSET_TABLE = object({ dataVersion: nullable(DATA_VERSION), offsetTable: withDefault(intMap(int64), new Map<number, number>()) });
export type DelayOffsetTable = JsonOf<typeof DELAY_OFFSET_TABLE>;

export type QueueOffsets = readonly (readonly [MessageQueueBody, number])[];

const OFFSETS_BY_QUEUE = pairs(MESSAGE_QUEUE, int64);
const OFFSETS_IN_LIST = list(object({ brokerName: text, offset: int64, queueId: int32, topic: text }));

/** Java's form; a C++ admin makes brokers send a list of {topic, brokerName, queueId, offset} instead. [ResetOffsetBody] [ResetOffsetBodyForC] */
const RESET_OFFSET_TABLE: JsonCodec<QueueOffsets> = {
  read: (value, name) => {
    if (!Array.isArray(value)) return OFFSETS_BY_QUEUE.read(value, name);
    return OFFSETS_IN_LIST.read(value, name).map(({ offset, ...queue }) => [queue, offset] as const);
  },
  write: OFFSETS_BY_QUEUE.write,
};

export const RESET_OFFSET_BODY = object({ offsetTable: withDefault(RESET_OFFSET_TABLE, []) });

const nobody = Object.freeze(Object.create(null) as Record<string, QueueOffsets>);

/** Of a client: its own offsets; of a broker: those by client id. [GetConsumerStatusBody] */
export const CONSUMER_STATUS_BODY = object({
  consumerTable: withDefault(record(OFFSETS_BY_QUEUE), nobody),
  messageQueueTable: withDefault(OFFSETS_BY_QUEUE, []),
});

/** Times of the first, the newest and the last consumed message of a queue, ms; delayTime between now and the last. [QueueTimeSpan] */
const QUEUE_TIME_SPAN = object({
  consumeTimeStamp: int64, delayTime: withDefault(int64, 0), maxTimeStamp: int64, messageQueue: MESSAGE_QUEUE, minTimeStamp: int64,
});
export const CONSUME_TIME_SPAN_BODY = object({ consumeTimeSpanSet: withDefault(list(QUEUE_TIME_SPAN), []) });
