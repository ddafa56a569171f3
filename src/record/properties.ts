import { CodecError } from '../base/codec-error.ts';

/** name 0x01 value 0x02, repeated. [MessageDecoder#messageProperties2String] */
export const NAME_END = '\u0001';
export const VALUE_END = '\u0002';

export const PROPERTY = {
  KEYS: 'KEYS',
  TAGS: 'TAGS',
  UNIQ_KEY: 'UNIQ_KEY',
  WAIT: 'WAIT',
  SHARDING_KEY: '__SHARDINGKEY',
  CLUSTER: 'CLUSTER',
  MSG_REGION: 'MSG_REGION',
  TRACE_ON: 'TRACE_ON',
  DELAY: 'DELAY',
  REAL_TOPIC: 'REAL_TOPIC',
  REAL_QID: 'REAL_QID',
  RETRY_TOPIC: 'RETRY_TOPIC',
  INNER_NUM: 'INNER_NUM',
  INNER_BASE: 'INNER_BASE',
  TIMER_DELAY_SEC: 'TIMER_DELAY_SEC',
  TIMER_DELAY_MS: 'TIMER_DELAY_MS',
  TIMER_DELIVER_MS: 'TIMER_DELIVER_MS',
  TIMER_OUT_MS: 'TIMER_OUT_MS',
  TIMER_ENQUEUE_MS: 'TIMER_ENQUEUE_MS',
  TIMER_DEQUEUE_MS: 'TIMER_DEQUEUE_MS',
  TIMER_ROLL_TIMES: 'TIMER_ROLL_TIMES',
  TIMER_DEL_UNIQKEY: 'TIMER_DEL_UNIQKEY',
  BORN_TIMESTAMP: 'BORN_TIMESTAMP',
  TRAN_MSG: 'TRAN_MSG',
  PGROUP: 'PGROUP',
  TRANSACTION_ID: '__transactionId__',
  TRANSACTION_CHECK_TIMES: 'TRANSACTION_CHECK_TIMES',
  TRAN_PREPARED_QUEUE_OFFSET: 'TRAN_PREPARED_QUEUE_OFFSET',
  CHECK_IMMUNITY_TIME: 'CHECK_IMMUNITY_TIME_IN_SECONDS',
  RENEWED: 'MQLITE_RENEWED',
  ORIGIN_MESSAGE_ID: 'ORIGIN_MESSAGE_ID',
  MSG_TYPE: 'MSG_TYPE',
  CORRELATION_ID: 'CORRELATION_ID',
  REPLY_TO_CLIENT: 'REPLY_TO_CLIENT',
  TTL: 'TTL',
  CRC32: '__CRC32#',
  DAMAGED: 'MQLITE_DAMAGED',
} as const;

/** Names that RocketMQ gives a meaning to; users may not set them. [MessageConst#STRING_HASH_SET] */
export const SYSTEM_PROPERTIES: ReadonlySet<string> = new Set([
  'KEYS', 'TAGS', 'UNIQ_KEY', 'EXTEND_UNIQ_INFO', 'WAIT', '__SHARDINGKEY', 'INSTANCE_ID', 'CLUSTER', 'MSG_REGION', 'TRACE_ON', '__BORNHOST',
  'BORN_TIMESTAMP', 'MSG_TYPE', 'BUYER_ID', 'TRANSFER_FLAG', 'CORRECTION_FLAG', 'MQ2_FLAG', 'REDIRECT', 'PROPERTY_FORWARD_QUEUE_ID',
  'TRACE_CONTEXT', 'DELAY', 'REAL_TOPIC', 'REAL_QID', 'TIMER_DELAY_SEC', 'TIMER_DELAY_MS', 'TIMER_DELIVER_MS', 'TIMER_OUT_MS',
  'TIMER_ENQUEUE_MS', 'TIMER_DEQUEUE_MS', 'TIMER_ROLL_TIMES', 'TIMER_DEL_UNIQKEY', 'TIMER_DELAY_LEVEL', 'TRAN_MSG', 'PGROUP',
  '__transactionId__', 'TRAN_PREPARED_QUEUE_OFFSET', 'TRANSACTION_CHECK_TIMES', 'CHECK_IMMUNITY_TIME_IN_SECONDS', 'RETRY_TOPIC',
  'ORIGIN_MESSAGE_ID', 'RECONSUME_TIME', 'MAX_RECONSUME_TIMES', 'CONSUME_START_TIME', 'DLQ_ORIGIN_TOPIC', 'DLQ_ORIGIN_MESSAGE_ID',
  'MIN_OFFSET', 'MAX_OFFSET', 'POP_CK', 'POP_CK_OFFSET', '1ST_POP_TIME', 'CORRELATION_ID', 'REPLY_TO_CLIENT', 'TTL', 'ARRIVE_TIME',
  'PUSH_REPLY_TIME', 'INNER_NUM', 'INNER_BASE', 'INNER_MULTI_DISPATCH', 'INNER_MULTI_QUEUE_OFFSET', 'DUP_INFO', '__CRC32#', 'MQLITE_DAMAGED',
  'MQLITE_RENEWED',
]);

/**
 * Makes objects that inherit nothing and yet keep V8's fast layout, which `Object.create(null)` gives up: twice as fast
 * to fill. `__proto__` is a name like any other here.
 */
export const PropertyMap = function () {} as unknown as new () => Record<string, string>;
PropertyMap.prototype = Object.create(null);

/**
 * Every property of a record. Items without a name or with an empty value do not count; of duplicates the last wins.
 * [MessageDecoder#string2messageProperties] The object inherits no names.
 */
export const parseProperties = (text: string): Record<string, string> => {
  const properties = new PropertyMap();
  let start = 0;
  while (start < text.length) {
    let end = text.indexOf(VALUE_END, start);
    if (end < 0) end = text.length;
    const middle = text.indexOf(NAME_END, start);
    if (middle > start && middle < end - 1) properties[text.slice(start, middle)] = text.slice(middle + 1, end);
    start = end + 1;
  }
  return properties;
};

/** One property's value without parsing the others; null when it is absent. */
export const propertyOf = (text: string, name: string): string | null => {
  let found: string | null = null;
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    const middle = at + name.length;
    if (text.charCodeAt(middle) !== 1 || (at > 0 && text.charCodeAt(at - 1) !== 2)) continue;
    let end = text.indexOf(VALUE_END, middle);
    if (end < 0) end = text.length;
    if (end > middle + 1) found = text.slice(middle + 1, end);
  }
  return found;
};

/** The stored form. Throws CodecError(INVALID_INPUT) where a separator in a name or value would corrupt it. */
export const joinProperties = (properties: Readonly<Record<string, string>>): string => {
  let text = '';
  for (const name of Object.keys(properties)) text += propertyItem(name, properties[name]!);
  return text;
};

/** One property in its stored form. */
export const propertyItem = (name: string, value: string): string => {
  if (name === '' || hasSeparator(name)) throw new CodecError('INVALID_INPUT', `property name ${JSON.stringify(name)} is empty or holds a separator (0x01, 0x02)`);
  if (value === '') throw new CodecError('INVALID_INPUT', `property ${JSON.stringify(name)} has an empty value, which RocketMQ drops`);
  if (hasSeparator(value)) throw new CodecError('INVALID_INPUT', `property ${JSON.stringify(name)} has a value that holds a separator (0x01, 0x02)`);
  return name + NAME_END + value + VALUE_END;
};

export const hasSeparator = (text: string): boolean => text.includes(NAME_END) || text.includes(VALUE_END);

/** The stored form with some properties set (at the end, in the order given) and others taken out (null). */
export const changeProperties = (text: string, changes: Readonly<Record<string, string | null>>): string => {
  const names = Object.keys(changes);
  let kept = '';
  for (const item of text.split(VALUE_END)) {
    if (item !== '' && !names.includes(item.slice(0, Math.max(0, item.indexOf(NAME_END))))) kept += item + VALUE_END;
  }
  for (const name of names) if (changes[name] !== null) kept += propertyItem(name, changes[name]!);
  return kept;
};
