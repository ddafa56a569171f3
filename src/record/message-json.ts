import type { Message } from './message.ts';

export interface MessageJson {
  topic: string;
  originTopic: string | null;
  brokerName: string;
  queueId: number;
  queueOffset: number;
  commitLogOffset: number;
  storeSize: number;
  msgId: string;
  offsetMsgId: string;
  tags: string | null;
  keys: readonly string[];
  body: string;
  bodyEncoding: 'utf8' | 'base64';
  properties: Readonly<Record<string, string>>;
  flag: number;
  sysFlag: number;
  bodyCRC: number;
  bornTimestamp: number;
  bornHost: string;
  storeTimestamp: number;
  storeHost: string;
  reconsumeTimes: number;
  preparedTransactionOffset: number;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Text when the bytes are valid UTF-8, base64 otherwise: either form gives the exact bytes back. */
export const encodeBody = (body: Uint8Array): { body: string; bodyEncoding: 'utf8' | 'base64' } => {
  try {
    return { body: decoder.decode(body), bodyEncoding: 'utf8' };
  } catch {
    return { body: Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('base64'), bodyEncoding: 'base64' };
  }
};

/** The one JSON form of a message, the same in every command. */
export const messageToJson = (message: Message): MessageJson => ({
  topic: message.topic,
  originTopic: message.originTopic,
  brokerName: message.brokerName,
  queueId: message.queueId,
  queueOffset: message.queueOffset,
  commitLogOffset: message.commitLogOffset,
  storeSize: message.storeSize,
  msgId: message.msgId,
  offsetMsgId: message.offsetMsgId,
  tags: message.tags,
  keys: message.keys,
  ...encodeBody(message.body),
  properties: message.properties,
  flag: message.flag,
  sysFlag: message.sysFlag,
  bodyCRC: message.bodyCRC,
  bornTimestamp: message.bornTimestamp,
  bornHost: message.bornHost,
  storeTimestamp: message.storeTimestamp,
  storeHost: message.storeHost,
  reconsumeTimes: message.reconsumeTimes,
  preparedTransactionOffset: message.preparedTransactionOffset,
});

/** One line of NDJSON, without its newline. */
export const messageToJsonLine = (message: Message): string => JSON.stringify(messageToJson(message));
