import { MqliteError } from '../../broker/errors.ts';
import { dlqTopicOf, retryTopicOf } from '../../broker/retry-topics.ts';
import type { GroupConfig, SendBackRequest, SendBackResult, TopicConfig } from '../../broker/types.ts';
import type { StoredMessage } from '../../record/decode.ts';
import type { Message } from '../../record/message.ts';
import { changeProperties, PROPERTY, propertyOf } from '../../record/properties.ts';
import { placeMessage, placementRules } from '../dispatch/placement.ts';
import type { PlacementRules } from '../dispatch/placement.ts';
import { toMqliteError } from '../files/storage-errors.ts';
import type { StoreReader } from '../read/store-reader.ts';
import { validateGroupName } from '../../broker/names.ts';
import { copyOf } from '../write/stored-copy.ts';
import type { PreparedMessage } from '../../broker/prepared-message.ts';
import type { StoreWriter } from '../write/store-writer.ts';

/** The level of a first retry: 10 s. [AbstractSendMessageProcessor#consumerSendMsgBack] */
const FIRST_RETRY_LEVEL = 3;
const DLQ_QUEUES = 1;
const PERM_WRITE = 2;

/** What a record sent back becomes. */
export interface SentBack {
  /** Its topic in the end: of a retry, after its delay. */
  readonly topic: string;
  readonly isDead: boolean;
  readonly message: PreparedMessage;
}

/**
 * The copy of a record that its consumer could not handle, before it is placed. docs/format/retry.md
 * @param times how often it came back before: what the record says, or more where it was tried again in place
 * @param retryQueueId the queue that a retry is delivered to
 */
export const sentBack = (record: StoredMessage, times: number, request: SendBackRequest, group: GroupConfig, retryQueueId: number): SentBack => {
  const wantedLevel = request.delayLevel ?? 0;
  const isDead = wantedLevel < 0 || times >= (request.maxReconsumeTimes ?? group.retryMaxTimes);
  const delayLevel = isDead ? 0 : wantedLevel > 0 ? wantedLevel : FIRST_RETRY_LEVEL + times;
  const topic = isDead ? dlqTopicOf(request.group) : retryTopicOf(request.group);
  const text = record.propertiesText;
  const originId = propertyOf(text, PROPERTY.ORIGIN_MESSAGE_ID)?.trim();
  const properties = changeProperties(text, {
    [PROPERTY.RETRY_TOPIC]: propertyOf(text, PROPERTY.RETRY_TOPIC) ?? record.topic,
    [PROPERTY.WAIT]: 'false',
    [PROPERTY.DELAY]: String(delayLevel),
    [PROPERTY.ORIGIN_MESSAGE_ID]: originId === undefined || originId === '' ? record.offsetMsgId : originId,
    // A timer message that was delivered is none any more. [HookUtils#checkIfTimerMessage]
    ...(isDead ? {} : { [PROPERTY.TIMER_DELIVER_MS]: null, [PROPERTY.TIMER_DELAY_SEC]: null, [PROPERTY.TIMER_DELAY_MS]: null }),
  });
  const changes = { topic, queueId: isDead ? 0 : retryQueueId, properties, reconsumeTimes: times + 1, delayLevel };
  return { topic, isDead, message: copyOf(record, changes) };
};

/** Takes back what a group could not consume, as a broker does for CONSUMER_SEND_MSG_BACK. */
export class SendBackDesk {
  readonly #writer: StoreWriter;
  readonly #reader: StoreReader;
  readonly #random: () => number;
  readonly #placement: PlacementRules;

  constructor(writer: StoreWriter, reader: StoreReader, random: () => number) {
    this.#writer = writer;
    this.#reader = reader;
    this.#random = random;
    this.#placement = placementRules(writer.context);
  }

  /** Rejects with INVALID_INPUT, NOT_FOUND when the record is gone, PERMISSION_DENIED, and as every write does. */
  async sendBack(message: Message, request: SendBackRequest, isSync: boolean): Promise<SendBackResult> {
    try {
      const result = await this.#writer.locked(() => this.#store(message, request));
      if (isSync) this.#writer.syncLog();
      return result;
    } catch (error) {
      throw toMqliteError(error, `sending back ${message.offsetMsgId}`);
    }
  }

  #store(message: Message, request: SendBackRequest): SendBackResult {
    const group = this.#group(request.group);
    // Such a group keeps no retries: a broker says yes and stores nothing.
    if (group.retryQueueNums <= 0) return { topic: null, reconsumeTimes: message.reconsumeTimes, isDead: false };
    const record = this.#record(message);
    this.#topic(retryTopicOf(request.group), group.retryQueueNums);
    const back = sentBack(record, Math.max(record.reconsumeTimes, message.reconsumeTimes), request, group, Math.floor(this.#random() * group.retryQueueNums));
    if (back.isDead) this.#topic(back.topic, DLQ_QUEUES);
    placeMessage(back.message, this.#placement);
    this.#writer.append([back.message]);
    if (back.message.error !== null) throw back.message.error;
    return { topic: back.topic, reconsumeTimes: back.message.reconsumeTimes, isDead: back.isDead };
  }

  #group(name: string): GroupConfig {
    validateGroupName(name);
    const { groups } = this.#writer.tables;
    return groups.get(name) ?? groups.create(name);
  }

  /** The message's record as it is stored now. */
  #record({ commitLogOffset, offsetMsgId }: Message): StoredMessage {
    const record = this.#reader.messageAt(commitLogOffset);
    if (record !== null && record.offsetMsgId === offsetMsgId) return record;
    throw new MqliteError('NOT_FOUND', `there is no message ${offsetMsgId} to send back`, { hint: 'its part of the log may have expired' });
  }

  /** [TopicConfigManager#createTopicInSendMessageBackMethod] */
  #topic(name: string, queues: number): TopicConfig {
    const { topics } = this.#writer.tables;
    let config = topics.get(name);
    if (config === null) {
      config = topics.create(name, { readQueueNums: queues, writeQueueNums: queues });
      this.#writer.bumpTopicsGeneration();
    }
    if ((config.perm & PERM_WRITE) !== 0) return config;
    throw new MqliteError('PERMISSION_DENIED', `topic ${name} does not allow writing (perm ${config.perm})`, { hint: `change it with "mqlite topics alter ${name} --perm 6"` });
  }
}
