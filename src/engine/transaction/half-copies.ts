import type { StoredMessage } from '../../record/decode.ts';
import { MAX_PROPERTIES_BYTES, PROPERTY_CRC_BYTES } from '../../record/layout.ts';
import { changeProperties, PROPERTY, propertyItem, propertyOf } from '../../record/properties.ts';
import { TRANSACTION_COMMIT, TRANSACTION_MASK } from '../../record/sys-flag.ts';
import { tagsHash } from '../../record/tags.ts';
import { checkTimesOf, formatOpBody, GIVE_UP_TOPIC, HALF_QUEUE_ID, HALF_TOPIC, OP_HALF_TOPIC, OP_TAG, wholeNumber } from '../../record/transaction.ts';
import type { PreparedMessage } from '../../broker/prepared-message.ts';
import { copyOf } from '../write/stored-copy.ts';

/** Diverts a transactional send: once its own queue is chosen. [TransactionalMessageBridge#parseHalfMessageInner] */
export const placeHalf = (message: PreparedMessage): void => {
  message.properties = changeProperties(message.properties, {
    [PROPERTY.TRANSACTION_ID]: message.uniqKey, [PROPERTY.REAL_TOPIC]: message.topic, [PROPERTY.REAL_QID]: String(message.queueId),
  });
  message.topic = HALF_TOPIC;
  message.queueId = HALF_QUEUE_ID;
};

/** Where a half is meant for; null for a record of the half topic that says nothing of the kind. */
export const realQueueOf = (half: StoredMessage): { readonly topic: string; readonly queueId: number } | null => {
  const text = half.propertiesText;
  const topic = propertyOf(text, PROPERTY.REAL_TOPIC);
  const queueId = wholeNumber(propertyOf(text, PROPERTY.REAL_QID));
  return topic === null || queueId === null ? null : { topic, queueId };
};

/**
 * The message that a commit makes visible. [EndTransactionProcessor#endMessageTransaction]
 * @param isAnswer of a check: it is counted in the message instead of in a copy of the half
 */
export const committedCopy = (half: StoredMessage, queue: { readonly topic: string; readonly queueId: number }, isAnswer: boolean): PreparedMessage => {
  const copy = copyOf(half, {
    ...queue,
    properties: changeProperties(isAnswer ? askedOnceMore(half) : half.propertiesText, { [PROPERTY.REAL_TOPIC]: null, [PROPERTY.REAL_QID]: null }),
    sysFlag: (half.storedSysFlag & ~TRANSACTION_MASK) | TRANSACTION_COMMIT,
    preparedTransactionOffset: half.commitLogOffset,
    delayLevel: wholeNumber(propertyOf(half.propertiesText, PROPERTY.DELAY)) ?? 0,
  });
  copy.deliverAtMs = wholeNumber(propertyOf(half.propertiesText, PROPERTY.TIMER_DELIVER_MS)) ?? 0;
  return copy;
};

/** The half once more, for the next check; null when its properties have no room for the number. [TransactionalMessageBridge#renewHalfMessageInner] */
export const renewedCopy = (half: StoredMessage): PreparedMessage | null => {
  const properties = askedOnceMore(half);
  return properties === half.propertiesText ? null : copyOf(half, { topic: HALF_TOPIC, queueId: HALF_QUEUE_ID, properties });
};

/** [DefaultTransactionalMessageCheckListener#resolveDiscardMsg] */
export const givenUpCopy = (half: StoredMessage): PreparedMessage => copyOf(half, { topic: GIVE_UP_TOPIC, queueId: 0 });

/** As they are when one more number would make them longer than a record can hold: an op record must not follow a message that was left out. */
const askedOnceMore = (half: StoredMessage): string => {
  const properties = changeProperties(half.propertiesText, { [PROPERTY.TRANSACTION_CHECK_TIMES]: String(checkTimesOf(half.propertiesText) + 1) });
  return Buffer.byteLength(properties) > MAX_PROPERTIES_BYTES - PROPERTY_CRC_BYTES ? half.propertiesText : properties;
};

/** The record that says of halves that they are done with. [TransactionalMessageBridge#makeOpMessageInner] */
export const opRecord = (halfOffsets: readonly number[], storeHost: Buffer, nowMs: number, renewedAt?: number): PreparedMessage => ({
  topic: OP_HALF_TOPIC,
  queueId: HALF_QUEUE_ID,
  body: Buffer.from(formatOpBody(halfOffsets)),
  flag: 0,
  sysFlag: 0,
  bornTimestamp: nowMs,
  bornHost: storeHost,
  reconsumeTimes: 0,
  preparedTransactionOffset: 0,
  properties: propertyItem(PROPERTY.WAIT, 'true') + propertyItem(PROPERTY.TAGS, OP_TAG) + (renewedAt === undefined ? '' : propertyItem(PROPERTY.RENEWED, String(renewedAt))),
  uniqKey: null,
  keys: null,
  tags: OP_TAG,
  tagsHash: tagsHash(OP_TAG),
  delayLevel: 0,
  deliverAtMs: 0,
  isHalf: false,
  queueOffset: -1,
  commitLogOffset: -1,
  storeTimestamp: 0,
  error: null,
});
