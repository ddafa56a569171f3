import { MqliteError } from './errors.ts';
import { isRetryTopic } from './retry-topics.ts';
import type { OutgoingMessage } from './types.ts';
import { compressBody } from '../record/compress.ts';
import { MAX_BODY_BYTES, MAX_PROPERTIES_BYTES } from '../record/layout.ts';
import { hasSeparator, NAME_END, PROPERTY, propertyItem, SYSTEM_PROPERTIES, VALUE_END } from '../record/properties.ts';
import { compressionFlags } from '../record/sys-flag.ts';
import { tagsHash } from '../record/tags.ts';
import { isSendAllowed, validateGroupName, validateTopicName } from './names.ts';
import type { PreparedMessage } from './prepared-message.ts';

/** `timerMaxDelaySec`. [MessageStoreConfig] */
const MAX_TIMER_DELAY_MS = 259_200_000;
/** DELAY is a Java int. */
const MAX_DELAY_LEVEL = 0x7fff_ffff;

/** A prepared message whose queue is still to be chosen. */
export interface RoutableMessage extends PreparedMessage {
  /** What the sender asked for: a queue, a sharding key, or neither. */
  readonly wantedQueueId: number | undefined;
  readonly shardingKey: string | undefined;
  readonly mayCreateTopic: boolean;
}

export interface PrepareOptions {
  readonly bornHost: Buffer;
  readonly ids: { next(nowMs: number): string };
  /** Properties a broker adds to what it stores, joined. */
  readonly brokerProperties: string;
  readonly nowMs: number;
  /** Topics that were sent to before: their names need no check. */
  readonly routes: { isKnown(topic: string): boolean };
  readonly mayCreateTopic: boolean;
}

/** What the send path of a client and a broker adds: [DefaultMQProducerImpl#send], [AbstractSendMessageProcessor#buildMsgContext]. */
export const brokerProperties = (clusterName: string): string =>
  propertyItem(PROPERTY.WAIT, 'true') + propertyItem(PROPERTY.CLUSTER, clusterName) + propertyItem(PROPERTY.MSG_REGION, 'DefaultRegion') + propertyItem(PROPERTY.TRACE_ON, 'true');

/** Checks a message as a broker does and joins its properties. Throws MqliteError (MESSAGE_ILLEGAL, INVALID_INPUT, REFUSED). */
export const prepareMessage = (message: OutgoingMessage, options: PrepareOptions): RoutableMessage => {
  if (!options.routes.isKnown(message.topic)) checkTopic(message.topic);
  const { body, sysFlag } = storedBody(message);
  const keys = joinKeys(message.keys);
  const tags = message.tags === undefined || message.tags === '' ? NO_TAGS : tagsOf(message.tags);
  // An id of our own needs no check.
  const uniqKey = message.msgId ?? options.ids.next(options.nowMs);
  const uniqItem = message.msgId === undefined ? UNIQ_KEY_START + uniqKey + VALUE_END : systemItem('UNIQ_KEY', uniqKey);
  const head = keys === null ? uniqItem : systemItem('KEYS', keys) + uniqItem;
  const delayLevel = checkDelayLevel(message.delayLevel);
  const deliverAtMs = deliverAt(message, options.nowMs);
  const isHalf = message.transactional === true;
  const own = ownItems(message) + delayItems(message, delayLevel, deliverAtMs) + (isHalf ? transactionItems(message) : '');
  const properties = own === '' ? head + tailOf(tags, options.brokerProperties) : head + tags.item + own + options.brokerProperties;
  if (properties.length > MAX_PROPERTIES_BYTES) {
    throw new MqliteError('MESSAGE_ILLEGAL', `the properties have ${Buffer.byteLength(properties)} bytes; at most ${MAX_PROPERTIES_BYTES} are allowed`, {
      hint: 'put large values into the body',
    });
  }
  return {
    topic: message.topic,
    queueId: -1,
    body,
    flag: message.flag ?? 0,
    sysFlag,
    bornTimestamp: message.bornTimestamp ?? options.nowMs,
    bornHost: options.bornHost,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    properties,
    uniqKey,
    keys,
    tags: tags.tags,
    tagsHash: tags.hash,
    delayLevel,
    deliverAtMs,
    isHalf,
    queueOffset: -1,
    commitLogOffset: -1,
    storeTimestamp: 0,
    error: null,
    wantedQueueId: message.queueId,
    shardingKey: message.shardingKey,
    mayCreateTopic: options.mayCreateTopic,
  };
};

const UNIQ_KEY_START = PROPERTY.UNIQ_KEY + NAME_END;

/** Tags as a message has them, as a property, and as a queue entry has them. */
interface Tags {
  readonly tags: string | null;
  readonly item: string;
  readonly hash: number;
}

const NO_TAGS: Tags = { tags: null, item: '', hash: 0 };
let lastTags = NO_TAGS;

/** Neighbours mostly have the same tags: they are checked and hashed once. */
const tagsOf = (tags: string): Tags => {
  if (tags !== lastTags.tags) lastTags = { tags, item: systemItem('TAGS', tags), hash: tagsHash(tags) };
  return lastTags;
};

let lastTail = { tags: NO_TAGS, brokerProperties: '', text: '' };

/** What follows the id in a message without properties of its own, in one piece: one string less to join for each. */
const tailOf = (tags: Tags, brokerProperties: string): string => {
  if (lastTail.tags !== tags || lastTail.brokerProperties !== brokerProperties) lastTail = { tags, brokerProperties, text: tags.item + brokerProperties };
  return lastTail.text;
};

const ownItems = (message: OutgoingMessage): string =>
  (message.shardingKey === undefined ? '' : propertyItem(PROPERTY.SHARDING_KEY, message.shardingKey)) +
  (message.properties === undefined ? '' : joinUserProperties(message.properties)) +
  (message.origin === undefined ? '' : originItems(message.topic, message.origin));

const checkTopic = (topic: string): void => {
  validateTopicName(topic);
  if (!isSendAllowed(topic)) throw new MqliteError('REFUSED', `${topic} is one of RocketMQ's own topics: nothing may be sent to it`);
};

const storedBody = (message: OutgoingMessage): { body: Uint8Array; sysFlag: number } => {
  const { body } = message;
  if (body.length === 0) throw new MqliteError('MESSAGE_ILLEGAL', 'the body is empty', { hint: 'RocketMQ refuses empty bodies; --skip-empty leaves empty lines out' });
  const stored = message.compress === undefined ? body : compressBody(message.compress, body);
  if (stored.length > MAX_BODY_BYTES) {
    throw new MqliteError('MESSAGE_ILLEGAL', `the body has ${stored.length} bytes; at most ${MAX_BODY_BYTES} are allowed`, { hint: 'compress it (--compress) or split it' });
  }
  return { body: stored, sysFlag: message.compress === undefined ? 0 : compressionFlags(message.compress) };
};

const originItems = (topic: string, origin: { readonly topic: string; readonly offsetMsgId: string }): string => {
  if (!isRetryTopic(topic)) throw new MqliteError('INVALID_INPUT', `only a message for a retry topic has an origin; ${topic} is none`);
  return systemItem(PROPERTY.RETRY_TOPIC, origin.topic) + systemItem(PROPERTY.ORIGIN_MESSAGE_ID, origin.offsetMsgId);
};

const checkDelayLevel = (level: number | undefined): number => {
  if (level === undefined) return 0;
  if (Number.isSafeInteger(level) && level >= 0 && level <= MAX_DELAY_LEVEL) return level;
  throw new MqliteError('INVALID_INPUT', `delay level ${level} is not a whole number from 0 to ${MAX_DELAY_LEVEL}`, { hint: 'see "mqlite delay levels"' });
};

/** Which of the two it was asked by is told by TIMER_DELAY_MS; when it is due, by TIMER_DELIVER_MS alone. */
const delayItems = ({ delayMs }: OutgoingMessage, delayLevel: number, deliverAtMs: number): string => {
  if (delayLevel > 0) return propertyItem(PROPERTY.DELAY, String(delayLevel));
  if (deliverAtMs === 0) return '';
  const asked = delayMs === undefined ? '' : propertyItem(PROPERTY.TIMER_DELAY_MS, String(delayMs));
  return asked + propertyItem(PROPERTY.TIMER_DELIVER_MS, String(deliverAtMs));
};

/** When a timer message is to be delivered; 0 when it is none. */
const deliverAt = ({ delayLevel, delayMs, deliverAtMs }: OutgoingMessage, nowMs: number): number => {
  const asked = [delayLevel === undefined || delayLevel === 0 ? undefined : 'delayLevel', delayMs === undefined ? undefined : 'delayMs', deliverAtMs === undefined ? undefined : 'deliverAtMs'];
  const given = asked.filter((name) => name !== undefined);
  if (given.length > 1) throw new MqliteError('INVALID_INPUT', `${given.join(' and ')} exclude each other`, { hint: 'a message is delayed in one way' });
  if (delayMs === undefined && deliverAtMs === undefined) return 0;
  const asksFor = delayMs ?? deliverAtMs!;
  if (!Number.isSafeInteger(asksFor) || asksFor < 0) throw new MqliteError('INVALID_INPUT', `${given[0]} ${asksFor} is not a whole number of at least 0`, { hint: 'give milliseconds' });
  const dueMs = delayMs === undefined ? deliverAtMs! : nowMs + delayMs;
  if (dueMs - nowMs > MAX_TIMER_DELAY_MS) {
    throw new MqliteError('MESSAGE_ILLEGAL', `a message can be delayed by at most 3 days (timerMaxDelaySec, 259,200 s), not by ${Math.ceil((dueMs - nowMs) / 1000)} s`, {
      hint: 'choose an earlier time',
    });
  }
  return Math.max(dueMs, 1);
};

const transactionItems = ({ producerGroup, delayLevel, delayMs, deliverAtMs }: OutgoingMessage): string => {
  if (producerGroup === undefined) throw new MqliteError('INVALID_INPUT', 'a transactional message needs a producer group: it is asked when no decision comes');
  validateGroupName(producerGroup);
  if ((delayLevel ?? 0) > 0 || delayMs !== undefined || deliverAtMs !== undefined) {
    throw new MqliteError('INVALID_INPUT', 'a transactional message cannot be delayed', { hint: 'RocketMQ has no such messages: leave the delay out' });
  }
  return propertyItem(PROPERTY.TRAN_MSG, 'true') + propertyItem(PROPERTY.PGROUP, producerGroup);
};

const joinKeys = (keys: readonly string[] | undefined): string | null => {
  if (keys === undefined || keys.length === 0) return null;
  const joined = keys.length === 1 ? keys[0]! : keys.join(' ');
  return joined === '' ? null : joined;
};

/** A property whose name is ours: only its value can be wrong. */
const systemItem = (name: string, value: string): string => {
  if (value === '' || hasSeparator(value)) throw new MqliteError('INVALID_INPUT', `${name} is empty or holds a separator of properties (0x01, 0x02): ${JSON.stringify(value)}`);
  return name + NAME_END + value + VALUE_END;
};

const joinUserProperties = (properties: Readonly<Record<string, string>>): string => {
  let text = '';
  for (const name of Object.keys(properties)) {
    if (SYSTEM_PROPERTIES.has(name)) {
      throw new MqliteError('INVALID_INPUT', `property ${name} is one of RocketMQ's own names`, { hint: 'choose another name; tags and keys have their own options' });
    }
    text += propertyItem(name, properties[name]!);
  }
  return text;
};
