import { MqliteError } from '../../broker/errors.ts';
import { isGone } from '../../broker/gone.ts';
import { AUTO_CREATE_TOPIC, validateGroupName } from '../../broker/names.ts';
import { dlqTopicOf, retryTopicOf } from '../../broker/retry-topics.ts';
import type { MessageQueue, SendBackRequest, SendBackResult } from '../../broker/types.ts';
import type { Message } from '../../record/message.ts';
import { joinProperties, PROPERTY } from '../../record/properties.ts';
import { RESPONSE_CODE } from '../../wire/codes.ts';
import type { RemotingCommand } from '../../wire/frame.ts';
import { CONSUMER_SEND_MSG_BACK } from '../../wire/requests/consumer-send-msg-back.ts';
import { SEND_MESSAGE_V2 } from '../../wire/requests/send-message.ts';
import { responseError } from '../../wire/response-error.ts';
import type { Cluster } from '../cluster.ts';
import { writableQueues } from '../routes.ts';
import type { GroupSettings } from './group-settings.ts';

/** [DefaultMQPushConsumerImpl#sendMessageBack] */
const SEND_BACK_TIMEOUT_MS = 5000;
/** Of a message that came back never before: level 3, 10 s. [AbstractSendMessageProcessor#consumerSendMsgBack] */
const FIRST_RETRY_LEVEL = 3;
/** Whose messages these are. [MixAll#CLIENT_INNER_PRODUCER_GROUP] */
const INNER_PRODUCER = 'CLIENT_INNER_PRODUCER';
const DEFAULT_MAX_TIMES = 16;

/** What a broker says of a place in its log where no record begins. */
const isMissing = ({ code, remark }: RemotingCommand): boolean => code === RESPONSE_CODE.SYSTEM_ERROR && (remark ?? '').startsWith('look message by offset failed');

/** A record's own, which another record must not have. */
const OF_THE_RECORD = [PROPERTY.TRAN_MSG, PROPERTY.REAL_TOPIC, PROPERTY.REAL_QID, PROPERTY.CRC32, PROPERTY.TIMER_DELAY_SEC, PROPERTY.TIMER_DELAY_MS, PROPERTY.TIMER_DELIVER_MS, PROPERTY.TIMER_OUT_MS] as const;

/** What becomes of one message that goes back. */
interface Fate {
  readonly message: Message;
  readonly group: string;
  /** 0: by how often it came back; below 0: dead. */
  readonly delayLevel: number;
  readonly maxReconsumeTimes: number;
  readonly isDead: boolean;
}

/**
 * Messages that a group could not consume go back to the broker that has them, which stores a copy for later, or for the dead. When that broker is
 * gone, the message is sent to the group's retries on another one. [DefaultMQPushConsumerImpl#sendMessageBack]
 */
export class SendBackDesk {
  readonly #cluster: Cluster;
  readonly #settings: GroupSettings;
  readonly #random: () => number;

  constructor(cluster: Cluster, settings: GroupSettings, random: () => number = Math.random) {
    this.#cluster = cluster;
    this.#settings = settings;
    this.#random = random;
  }

  /** Errors: INVALID_INPUT, NOT_FOUND when its record is gone, GROUP_NOT_FOUND, PERMISSION_DENIED; UNREACHABLE when no broker can be reached. */
  async sendBack(message: Message, request: SendBackRequest): Promise<SendBackResult> {
    validateGroupName(request.group);
    try {
      return await this.#atOwner(message, request);
    } catch (error) {
      if (!isGone(error) && !isForgotten(error)) throw error;
      return this.#elsewhere(message, request, error);
    }
  }

  async #atOwner(message: Message, request: SendBackRequest): Promise<SendBackResult> {
    const { brokerName, commitLogOffset, msgId, topic } = message;
    const settings = await this.#settings.at(brokerName, request.group);
    if (settings !== null && settings.retryQueueNums <= 0) return { topic: null, reconsumeTimes: message.reconsumeTimes, isDead: false };
    const fate = fateOf(message, request, settings?.retryMaxTimes);
    const { response, address } = await this.#cluster.ask(brokerName, CONSUMER_SEND_MSG_BACK, {
      offset: commitLogOffset, group: fate.group, delayLevel: fate.delayLevel, originMsgId: msgId, originTopic: topic, unitMode: false,
      maxReconsumeTimes: fate.maxReconsumeTimes, bname: brokerName,
    }, null, { timeoutMs: SEND_BACK_TIMEOUT_MS });
    if (isMissing(response)) throw new MqliteError('NOT_FOUND', `there is no message ${message.offsetMsgId} to send back`, { hint: 'its part of the log may have expired' });
    if (response.code !== RESPONSE_CODE.SUCCESS) throw responseError(`broker ${brokerName} (${address})`, `sending back ${message.offsetMsgId}`, response);
    return resultOf(fate);
  }

  /** [DefaultMQPushConsumerImpl#sendMessageBackAsNormalMessage] */
  async #elsewhere(message: Message, request: SendBackRequest, reason: Error): Promise<SendBackResult> {
    const route = await this.#cluster.findRoute(retryTopicOf(request.group));
    const queues = route === null ? [] : shuffled(writableQueues(route).filter(({ brokerName }) => brokerName !== message.brokerName), this.#random);
    for (const queue of queues) {
      try {
        const settings = await this.#settings.at(queue.brokerName, request.group);
        const fate = fateOf(message, request, settings?.retryMaxTimes);
        await this.#send(queue, fate);
        return resultOf(fate);
      } catch (error) {
        if (!isGone(error)) throw error;
      }
    }
    throw reason;
  }

  async #send(queue: MessageQueue, { message, delayLevel, isDead, maxReconsumeTimes }: Fate): Promise<void> {
    const { topic, brokerName, queueId } = queue;
    const times = message.reconsumeTimes;
    const { response, address } = await this.#cluster.ask(brokerName, SEND_MESSAGE_V2, {
      producerGroup: INNER_PRODUCER, topic, defaultTopic: AUTO_CREATE_TOPIC, defaultTopicQueueNums: 4, queueId, sysFlag: 0, bornTimestamp: message.bornTimestamp, flag: message.flag,
      properties: joinProperties(retryProperties(message, delayLevel > 0 ? delayLevel : FIRST_RETRY_LEVEL + times)), reconsumeTimes: times + 1, unitMode: false,
      // Dead is what came back more often than that. [SendMessageProcessor#handleRetryAndDLQ]
      maxReconsumeTimes: isDead ? Math.min(times, maxReconsumeTimes) : maxReconsumeTimes, batch: false, brokerName,
    }, message.body, { timeoutMs: SEND_BACK_TIMEOUT_MS });
    const isStored = response.code === RESPONSE_CODE.SUCCESS || response.code === RESPONSE_CODE.FLUSH_DISK_TIMEOUT || response.code === RESPONSE_CODE.FLUSH_SLAVE_TIMEOUT || response.code === RESPONSE_CODE.SLAVE_NOT_AVAILABLE;
    if (!isStored) throw responseError(`broker ${brokerName} (${address})`, `a message for ${topic}`, response);
  }
}

/** A message that came back often enough by our count is dead at once: tried again in place it has come back more often than its record knows. */
const fateOf = (message: Message, { group, delayLevel = 0, maxReconsumeTimes }: SendBackRequest, groupMaximum = DEFAULT_MAX_TIMES): Fate => {
  const maximum = maxReconsumeTimes ?? groupMaximum;
  const isDead = delayLevel < 0 || message.reconsumeTimes >= maximum;
  return { message, group, delayLevel: isDead ? -1 : delayLevel, maxReconsumeTimes: maximum, isDead };
};

const resultOf = ({ message, group, isDead }: Fate): SendBackResult => ({
  topic: isDead ? dlqTopicOf(group) : retryTopicOf(group), reconsumeTimes: message.reconsumeTimes + 1, isDead,
});

const retryProperties = (message: Message, delayLevel: number): Record<string, string> => {
  const properties: Record<string, string> = { ...message.properties };
  for (const name of OF_THE_RECORD) delete properties[name];
  const origin = properties[PROPERTY.ORIGIN_MESSAGE_ID]?.trim();
  properties[PROPERTY.RETRY_TOPIC] ??= message.topic;
  properties[PROPERTY.ORIGIN_MESSAGE_ID] = origin === undefined || origin === '' ? message.offsetMsgId : origin;
  properties[PROPERTY.DELAY] = String(delayLevel);
  properties[PROPERTY.WAIT] = 'true';
  return properties;
};

/** A broker that is gone for two minutes is not known any more. */
const isForgotten = (error: unknown): error is MqliteError => error instanceof MqliteError && error.code === 'NOT_FOUND' && / knows no broker /.test(error.message);

const shuffled = <T>(items: readonly T[], random: () => number): T[] => {
  const start = Math.floor(random() * items.length);
  return [...items.slice(start), ...items.slice(0, start)];
};
