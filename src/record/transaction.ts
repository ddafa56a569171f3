import type { Message } from './message.ts';
import { PROPERTY, propertyOf } from './properties.ts';

/** Names and codecs of transactions: docs/format/transactions.md. */
export const HALF_TOPIC = 'RMQ_SYS_TRANS_HALF_TOPIC';
export const OP_HALF_TOPIC = 'RMQ_SYS_TRANS_OP_HALF_TOPIC';
/** Keeps the halves about which nobody knew after so many checks. */
export const GIVE_UP_TOPIC = 'TRANS_CHECK_MAX_TIME_TOPIC';
/** Whose committed offsets on the two topics say how far transactions are done with. */
export const TRANSACTION_GROUP = 'CID_RMQ_SYS_TRANS';
/** Halves and their op records: a broker uses this queue alone. [TransactionalMessageBridge#parseHalfMessageInner] */
export const HALF_QUEUE_ID = 0;
/** The tag of an op record that names halves which are done with. [TransactionalMessageUtil#REMOVE_TAG] */
export const OP_TAG = 'd';

/** Halves older than this are given up (`fileReservedTime`). [TransactionalMessageServiceImpl#needSkip] */
export const HALF_MAX_AGE_MS = 72 * 3_600_000;

/** The body of an op record: every half's queue offset, each followed by a comma. */
export const formatOpBody = (halfOffsets: readonly number[]): string => halfOffsets.map((offset) => `${offset},`).join('');

/** The offsets of an op record's body; what is no number is left out, as an empty item is. One number without a comma is an old record. */
export const parseOpBody = (body: string): number[] =>
  body.split(',').filter((item) => /^\d{1,15}$/.test(item)).map(Number);

/** How often a producer was asked about a half. */
export const checkTimesOf = (propertiesText: string): number => wholeNumber(propertyOf(propertiesText, PROPERTY.TRANSACTION_CHECK_TIMES)) ?? 0;

/** A property that is a whole number; null without, and for anything else. */
export const wholeNumber = (text: string | null | undefined): number | null => (text !== null && text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null);

/** For how long after its birth nobody is asked about a half, in ms. [TransactionalMessageServiceImpl#getImmunityTime] */
export const immunityMs = (half: Message, timeoutMs: number): number => {
  const seconds = wholeNumber(half.properties[PROPERTY.CHECK_IMMUNITY_TIME]);
  return seconds === null ? timeoutMs : seconds * 1000;
};

/** Equal for the copies of one half that check-backs leave behind. */
export const transactionKey = ({ properties, bornTimestamp, bodyCRC, msgId }: Message): string =>
  [properties[PROPERTY.TRANSACTION_ID] ?? msgId, properties[PROPERTY.REAL_TOPIC], properties[PROPERTY.REAL_QID], bornTimestamp, bodyCRC].join(' ');

/** Whether a half is a later copy of one: the first has neither property. */
export const isLaterCopy = ({ properties }: Message): boolean =>
  properties[PROPERTY.TRANSACTION_CHECK_TIMES] !== undefined || properties[PROPERTY.TRAN_PREPARED_QUEUE_OFFSET] !== undefined;
