import type { SendResult } from '../../broker/types.ts';
import { offsetMsgIdOf } from '../../record/message-id.ts';
import type { RoutableMessage } from './prepare.ts';

/** A send result that spells the ids only when somebody looks: a flood of sends seldom does. */
export class StoredResult implements SendResult {
  readonly status = 'SEND_OK' as const;
  readonly topic: string;
  readonly brokerName: string;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly msgId: string;
  readonly #storeHost: Buffer;
  readonly #commitLogOffset: number;

  constructor(message: RoutableMessage, brokerName: string, storeHost: Buffer) {
    this.topic = message.topic;
    this.brokerName = brokerName;
    this.queueId = message.queueId;
    this.queueOffset = message.queueOffset;
    this.msgId = message.uniqKey!;
    this.#storeHost = storeHost;
    this.#commitLogOffset = message.commitLogOffset;
  }

  get offsetMsgId(): string {
    return offsetMsgIdOf(this.#storeHost, this.#commitLogOffset);
  }
}
