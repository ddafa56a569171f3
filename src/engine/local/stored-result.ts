import type { SendResult } from '../../broker/types.ts';
import { offsetMsgIdOf } from '../../record/message-id.ts';
import { PROPERTY, propertyOf } from '../../record/properties.ts';
import { encodeRecallHandle } from '../../record/recall-handle.ts';
import { deliverTimestamp } from '../../broker/delay-levels.ts';
import { HALF_TOPIC } from '../../record/transaction.ts';
import { SCHEDULE_TOPIC, TIMER_TOPIC } from '../../broker/names.ts';
import type { PreparedMessage } from '../../broker/prepared-message.ts';

export interface ResultContext {
  readonly brokerName: string;
  readonly storeHost: Buffer;
  readonly delayLevels: readonly number[];
}

/**
 * A send result that spells the ids only when somebody looks: a flood of sends seldom does. Of a message that waits in a system topic
 * `topic` and `queueId` are those it is meant for, as the Java client has them.
 */
export class StoredResult implements SendResult {
  readonly status = 'SEND_OK' as const;
  readonly topic: string;
  readonly brokerName: string;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly msgId: string;
  readonly transactionId: string | undefined;
  readonly recallHandle: string | undefined;
  readonly deliverAtMs: number | undefined;
  readonly #storeHost: Buffer;
  readonly #commitLogOffset: number;

  constructor(message: PreparedMessage, { brokerName, storeHost, delayLevels }: ResultContext) {
    const isLevel = message.topic === SCHEDULE_TOPIC;
    // A record that somebody sent there by hand is none.
    const isTimer = message.topic === TIMER_TOPIC && message.deliverAtMs > 0;
    const isHalf = message.topic === HALF_TOPIC;
    const waits = isLevel || isTimer || isHalf;
    this.topic = waits ? propertyOf(message.properties, PROPERTY.REAL_TOPIC)! : message.topic;
    this.brokerName = brokerName;
    this.queueId = waits ? Number(propertyOf(message.properties, PROPERTY.REAL_QID)) : message.queueId;
    this.transactionId = isHalf ? message.uniqKey! : undefined;
    this.queueOffset = message.queueOffset;
    this.msgId = message.uniqKey!;
    this.deliverAtMs = isLevel ? deliverTimestamp(delayLevels, message.delayLevel, message.storeTimestamp) : isTimer ? message.deliverAtMs : undefined;
    // [SendMessageProcessor#attachRecallHandle]
    this.recallHandle = isTimer
      ? encodeRecallHandle({ topic: this.topic, brokerName, timestamp: Number(propertyOf(message.properties, PROPERTY.TIMER_OUT_MS)) + 1, msgId: this.msgId })
      : undefined;
    this.#storeHost = storeHost;
    this.#commitLogOffset = message.commitLogOffset;
  }

  get offsetMsgId(): string {
    return offsetMsgIdOf(this.#storeHost, this.#commitLogOffset);
  }
}
