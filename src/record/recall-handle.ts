import { CodecError } from '../base/codec-error.ts';

/** What a broker gives back for a timer message, so that it can be recalled. [RecallMessageHandle$HandleV1] */
export interface RecallHandle {
  readonly topic: string;
  readonly brokerName: string;
  /** TIMER_OUT_MS + 1: a time that is floored to the same second. */
  readonly timestamp: number;
  /** UNIQ_KEY. */
  readonly msgId: string;
}

const VERSION = 'v1';

/** `v1 topic brokerName timestamp msgId`, base64url with padding. */
export const encodeRecallHandle = ({ topic, brokerName, timestamp, msgId }: RecallHandle): string =>
  Buffer.from(`${VERSION} ${topic} ${brokerName} ${timestamp} ${msgId}`).toString('base64').replaceAll('+', '-').replaceAll('/', '_');

/** Throws CodecError(INVALID_INPUT) for anything that no broker made. */
export const decodeRecallHandle = (text: string): RecallHandle => {
  const parts = /^[\w-]+={0,2}$/.test(text) ? Buffer.from(text, 'base64url').toString('utf8').split(' ') : [];
  const [version, topic, brokerName, timestamp, msgId] = parts;
  if (version !== VERSION || parts.length < 5 || !/^\d{1,15}$/.test(timestamp!)) throw new CodecError('INVALID_INPUT', `"${text}" is no recall handle`);
  return { topic: topic!, brokerName: brokerName!, timestamp: Number(timestamp), msgId: msgId! };
};

/**
 * TIMER_DEL_UNIQKEY of the records that take a message back: until 5.4 and with `appendTopicForTimerDeleteKey` a broker looks for the second
 * form, from 5.5 on for the first. [TimerMessageStore#buildDeleteKey]
 */
export const deleteKeysOf = (topic: string, msgId: string): readonly [string, string] => [msgId, `${topic}+${msgId}`];
