import { isUtf8 } from 'node:buffer';
import type { Message } from './message.ts';

export interface MessageJson {
  readonly topic: string;
  readonly originTopic: string | null;
  readonly brokerName: string;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly commitLogOffset: number;
  readonly storeSize: number;
  readonly msgId: string;
  readonly offsetMsgId: string;
  readonly tags: string | null;
  readonly keys: readonly string[];
  readonly body?: string;
  readonly bodyEncoding?: 'utf8' | 'base64';
  readonly properties: Readonly<Record<string, string>>;
  readonly flag: number;
  readonly sysFlag: number;
  readonly bodyCRC: number;
  readonly bornTimestamp: number;
  readonly bornHost: string;
  readonly storeTimestamp: number;
  readonly storeHost: string;
  readonly reconsumeTimes: number;
  readonly preparedTransactionOffset: number;
}

/**
 * A message as JSON shows it everywhere: body decompressed, base64 only when its bytes are not UTF-8.
 * Error: CodecError DAMAGED when the body cannot be decompressed.
 */
export function messageJson(message: Message, withBody: boolean): MessageJson {
  const body = withBody ? bodyJson(message.body) : {};
  return {
    topic: message.topic, originTopic: message.originTopic, brokerName: message.brokerName, queueId: message.queueId, queueOffset: message.queueOffset,
    commitLogOffset: message.commitLogOffset, storeSize: message.storeSize, msgId: message.msgId, offsetMsgId: message.offsetMsgId,
    tags: message.tags, keys: message.keys, ...body, properties: message.properties, flag: message.flag, sysFlag: message.sysFlag,
    bodyCRC: message.bodyCRC, bornTimestamp: message.bornTimestamp, bornHost: message.bornHost, storeTimestamp: message.storeTimestamp,
    storeHost: message.storeHost, reconsumeTimes: message.reconsumeTimes, preparedTransactionOffset: message.preparedTransactionOffset,
  };
}

function bodyJson(body: Buffer): { readonly body: string; readonly bodyEncoding: 'utf8' | 'base64' } {
  return isUtf8(body) ? { body: body.toString('utf8'), bodyEncoding: 'utf8' } : { body: body.toString('base64'), bodyEncoding: 'base64' };
}
