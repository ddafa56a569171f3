import type { Clock } from '../base/clock.ts';
import { nextTurn } from '../base/clock.ts';
import { DEFAULT_DELAY_LEVELS, deliverTimestamp, parseDelayLevels } from '../broker/delay-levels.ts';
import { MqliteError } from '../broker/errors.ts';
import { isGone } from '../broker/gone.ts';
import { AUTO_CREATE_TOPIC } from '../broker/names.ts';
import { prepareMessage } from '../broker/prepare-message.ts';
import type { RoutableMessage } from '../broker/prepare-message.ts';
import { queueKey } from '../broker/queue-key.ts';
import { isDlqTopic, isRetryTopic } from '../broker/retry-topics.ts';
import type { OutgoingMessage, SendOptions, SendOutcome, SendResult, SendStatus } from '../broker/types.ts';
import { prepareCompression } from '../record/compress.ts';
import { encodeHost } from '../record/host.ts';
import type { UniqKeyGenerator } from '../record/message-id.ts';
import { joinProperties, PROPERTY, propertyItem, propertyOf } from '../record/properties.ts';
import { TRANSACTION_PREPARED } from '../record/sys-flag.ts';
import { RESPONSE_CODE, VERSION } from '../wire/codes.ts';
import type { RemotingCommand } from '../wire/frame.ts';
import { SEND_BATCH_MESSAGE, SEND_MESSAGE_V2, SEND_REPLY_MESSAGE_V2 } from '../wire/requests/send-message.ts';
import type { SendMessageRequest } from '../wire/requests/send-message.ts';
import { responseError } from '../wire/response-error.ts';
import type { Cluster } from './cluster.ts';
import { toPortError } from './failures.ts';
import { Faults } from './faults.ts';
import { AUTO_CREATE_QUEUES, QueueChoice } from './queue-choice.ts';
import { SendLane } from './send-lane.ts';
import type { LaneJob } from './send-lane.ts';
import type { SentOffsets } from './sent-offsets.ts';
import { BrokerVersions } from './versions.ts';

/** Whose messages these are, where nobody says otherwise. */
export const PRODUCER_GROUP = 'MQLITE_PRODUCER';
/** [DefaultMQProducer#sendMsgTimeout] */
const SEND_TIMEOUT_MS = 3000;
/** A broker that is busy is tried again after this long, doubled each time, in ms. */
const BUSY_MS = 25;
const BUSY_ATTEMPTS = 5;

const STATUS: ReadonlyMap<number, SendStatus> = new Map([
  [RESPONSE_CODE.SUCCESS, 'SEND_OK'], [RESPONSE_CODE.FLUSH_DISK_TIMEOUT, 'FLUSH_DISK_TIMEOUT'],
  [RESPONSE_CODE.FLUSH_SLAVE_TIMEOUT, 'FLUSH_SLAVE_TIMEOUT'], [RESPONSE_CODE.SLAVE_NOT_AVAILABLE, 'SLAVE_NOT_AVAILABLE'],
]);

/** Not stored anywhere by us: the broker sees the address of the connection. */
const BORN_HOST = encodeHost('127.0.0.1:0');

/** Everything that puts messages into the cluster. */
export class SendDesk {
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  readonly #ids: UniqKeyGenerator;
  readonly #onTopicCreated: (topic: string) => void;
  readonly #sent: SentOffsets;
  readonly #faults: Faults;
  readonly #choice: QueueChoice;
  readonly #versions: BrokerVersions;
  readonly #lanes = new Map<string, SendLane>();
  readonly #knownTopics = new Set<string>();
  #enqueuing: Promise<void> = Promise.resolve();
  readonly #delayLevels = parseDelayLevels(DEFAULT_DELAY_LEVELS);

  constructor(cluster: Cluster, ids: UniqKeyGenerator, sent: SentOffsets, onTopicCreated: (topic: string) => void) {
    this.#cluster = cluster;
    this.#clock = cluster.client.options.clock;
    this.#ids = ids;
    this.#onTopicCreated = onTopicCreated;
    this.#sent = sent;
    this.#faults = new Faults(this.#clock);
    this.#choice = new QueueChoice(cluster, this.#faults);
    this.#versions = new BrokerVersions(cluster);
  }

  /** @param onlyBroker whose queues the message goes to; absent: any broker's */
  async send(message: OutgoingMessage, options: SendOptions, systemProperties: Readonly<Record<string, string>> = {}, onlyBroker?: string): Promise<SendResult> {
    const outcome = (await this.#sendAll([message], options, systemProperties, onlyBroker))[0]!;
    if ('error' in outcome) throw outcome.error;
    return outcome;
  }

  sendBatch(messages: readonly OutgoingMessage[], options: SendOptions): Promise<SendOutcome[]> {
    return this.#sendAll(messages, options, {});
  }

  /** Waits until everything sent so far is answered. */
  async drain(): Promise<void> {
    while ([...this.#lanes.values()].some((lane) => !lane.isIdle)) await nextTurn();
  }

  async #sendAll(messages: readonly OutgoingMessage[], options: SendOptions, systemProperties: Readonly<Record<string, string>>, onlyBroker?: string): Promise<SendOutcome[]> {
    for (const compress of new Set(messages.map((message) => message.compress))) if (compress !== undefined) await prepareCompression(compress);
    // One call after the other, and each as a whole: that is the order in which queues get their messages.
    const enqueued = this.#enqueuing.then(() => this.#enqueueAll(messages, options, systemProperties, onlyBroker));
    this.#enqueuing = enqueued.then(() => undefined, () => undefined);
    return Promise.all((await enqueued).outcomes);
  }

  async #enqueueAll(messages: readonly OutgoingMessage[], options: SendOptions, systemProperties: Readonly<Record<string, string>>, onlyBroker: string | undefined): Promise<{ readonly outcomes: readonly Promise<SendOutcome>[] }> {
    const jobs: (Omit<LaneJob, 'settle'> | MqliteError)[] = [];
    for (const message of messages) jobs.push(await this.#job(message, options, systemProperties, onlyBroker).catch((error: unknown) => toPortError(error, 'sending')));
    return { outcomes: jobs.map((job) => (job instanceof MqliteError ? Promise.resolve<SendOutcome>({ error: job }) : this.#enqueue(job))) };
  }

  async #job(message: OutgoingMessage, options: SendOptions, systemProperties: Readonly<Record<string, string>>, onlyBroker: string | undefined): Promise<Omit<LaneJob, 'settle'>> {
    const waits = options.flush !== 'async';
    const prepared = prepareMessage(message, {
      bornHost: BORN_HOST, ids: this.#ids, nowMs: this.#clock.nowMs(), routes: { isKnown: (topic) => this.#knownTopics.has(topic) },
      mayCreateTopic: options.createTopic !== false, brokerProperties: joinProperties(systemProperties) + propertyItem(PROPERTY.WAIT, String(waits)),
    });
    const { topic, queueId, shardingKey } = message;
    const { queue, isNewTopic } = await this.#choice.choose({ topic, queueId, shardingKey, avoidBroker: options.avoidBroker, onlyBroker, mayCreateTopic: options.createTopic !== false });
    this.#knownTopics.add(topic);
    if (prepared.deliverAtMs > 0) await this.#versions.require(queue.brokerName, VERSION.V5_0_0, '--delay and --deliver-at need RocketMQ 5: an older broker would deliver at once');
    const isPlain = prepared.sysFlag === 0 && !prepared.isHalf && prepared.delayLevel === 0 && prepared.deliverAtMs === 0;
    // A broker adds its cluster, which replies go by, to messages that come alone.
    const mayJoin = isPlain && message.bornTimestamp === undefined && !isRetryTopic(topic) && !isDlqTopic(topic) && Object.keys(systemProperties).length === 0;
    // The buffer is the caller's again as soon as this returns.
    return { message: { ...prepared, body: Buffer.from(prepared.body) }, queue, isNewTopic, mayJoin, waits };
  }

  #enqueue(job: Omit<LaneJob, 'settle'>): Promise<SendOutcome> {
    const key = queueKey(job.queue);
    let lane = this.#lanes.get(key);
    if (lane === undefined) this.#lanes.set(key, lane = new SendLane((jobs) => this.#deliver(jobs)));
    return new Promise((settle) => lane.add({ ...job, settle }));
  }

  /** Sends the jobs of one queue in one request, and settles each. */
  async #deliver(jobs: readonly LaneJob[]): Promise<void> {
    const { queue, isNewTopic } = jobs[0]!;
    const startMs = this.#clock.elapsedMs();
    try {
      const address = await this.#cluster.masterAddress(queue.brokerName);
      const response = await this.#request(address, jobs);
      const status = STATUS.get(response.code);
      if (status === undefined) throw sendError(`broker ${queue.brokerName} (${address})`, queue.topic, response);
      this.#faults.record(queue.brokerName, this.#clock.elapsedMs() - startMs);
      const results = this.#results(address, jobs, response, status, startMs);
      if (isNewTopic) this.#madeTopic(queue.topic);
      const { message: last } = jobs.at(-1)!;
      if (!last.isHalf && last.delayLevel === 0 && last.deliverAtMs === 0) this.#sent.sent(queue, results.at(-1)!.queueOffset + 1);
      jobs.forEach((job, index) => job.settle(results[index]!));
    } catch (error) {
      const failure = toPortError(error, 'sending');
      if (isGone(failure)) this.#faults.recordFailure(queue.brokerName);
      if (failure.code === 'TOPIC_NOT_FOUND') this.#cluster.forget(queue.topic);
      for (const job of jobs) job.settle({ error: failure, brokerName: queue.brokerName });
    }
  }

  async #request(address: string, jobs: readonly LaneJob[]): Promise<RemotingCommand> {
    const { queue } = jobs[0]!;
    const untilMs = this.#clock.elapsedMs() + SEND_TIMEOUT_MS;
    for (let attempt = 1; ; attempt++) {
      const options = { timeoutMs: Math.max(1, untilMs - this.#clock.elapsedMs()) };
      const response = await this.#askOnce(address, jobs, options);
      const isBusy = response.code === RESPONSE_CODE.SYSTEM_BUSY || response.code === RESPONSE_CODE.SERVICE_NOT_AVAILABLE;
      const waitMs = BUSY_MS * 2 ** attempt;
      if (!isBusy || attempt === BUSY_ATTEMPTS || this.#clock.elapsedMs() + waitMs >= untilMs) return response;
      this.#faults.recordFailure(queue.brokerName);
      await this.#clock.sleep(waitMs);
    }
  }

  #askOnce(address: string, jobs: readonly LaneJob[], options: { readonly timeoutMs: number }): Promise<RemotingCommand> {
    const { brokerName } = jobs[0]!.queue;
    if (jobs.length === 1) {
      const { message } = jobs[0]!;
      const definition = message.properties.includes(REPLY_MARK) ? SEND_REPLY_MESSAGE_V2 : SEND_MESSAGE_V2;
      return this.#cluster.askAt(brokerName, address, definition, header(jobs[0]!, message.properties, false), message.body, options);
    }
    const units = jobs.map(({ message: { flag, body, properties } }) => ({ flag, body: body as Buffer, properties }));
    const properties = propertyItem(PROPERTY.UNIQ_KEY, this.#ids.next()) + propertyItem(PROPERTY.WAIT, String(jobs[0]!.waits));
    return this.#cluster.askAt(brokerName, address, SEND_BATCH_MESSAGE, header(jobs[0]!, properties, true), units, options);
  }

  #results(address: string, jobs: readonly LaneJob[], response: RemotingCommand, status: SendStatus, startMs: number): SendResult[] {
    const { header: answer } = this.#cluster.client.decode(address, SEND_MESSAGE_V2, response);
    const ids = answer.msgId.split(',');
    if (ids.length !== jobs.length) throw new MqliteError('NOT_CONFIRMED', `${address} answered ${ids.length} ids for ${jobs.length} messages`, { hint: 'They are stored, most likely: look for them before sending them again.' });
    const sentAtMs = this.#clock.nowMs() - (this.#clock.elapsedMs() - startMs);
    return jobs.map(({ message, queue }, index): SendResult => {
      const isLater = message.deliverAtMs > this.#clock.nowMs();
      return {
        status, topic: queue.topic, brokerName: queue.brokerName, queueId: answer.queueId, queueOffset: answer.queueOffset + index,
        msgId: message.uniqKey!, offsetMsgId: ids[index]!,
        transactionId: message.isHalf ? message.uniqKey! : undefined,
        recallHandle: isLater ? answer.recallHandle : undefined,
        deliverAtMs: message.delayLevel > 0 ? Math.ceil(deliverTimestamp(this.#delayLevels, message.delayLevel, sentAtMs)) : isLater ? message.deliverAtMs : undefined,
      };
    });
  }

  #madeTopic(topic: string): void {
    this.#cluster.expect(topic);
    if (!isRetryTopic(topic) && !this.#announced.has(topic)) {
      this.#announced.add(topic);
      this.#onTopicCreated(topic);
    }
  }

  readonly #announced = new Set<string>();
}

const REPLY_MARK = propertyItem(PROPERTY.MSG_TYPE, 'reply');

const header = ({ message, queue }: LaneJob, properties: string, batch: boolean): SendMessageRequest => ({
  producerGroup: producerGroupOf(message), topic: queue.topic, defaultTopic: AUTO_CREATE_TOPIC, defaultTopicQueueNums: AUTO_CREATE_QUEUES, queueId: queue.queueId,
  sysFlag: message.sysFlag | (message.isHalf ? TRANSACTION_PREPARED : 0), bornTimestamp: message.bornTimestamp, flag: message.flag, properties,
  reconsumeTimes: 0, unitMode: false, batch, brokerName: queue.brokerName,
});

const producerGroupOf = ({ properties, isHalf }: RoutableMessage): string => (isHalf ? propertyOf(properties, PROPERTY.PGROUP) : null) ?? PRODUCER_GROUP;

/** Also where a broker is at the end of its disk or its patience. */
const sendError = (peer: string, topic: string, response: RemotingCommand): MqliteError => {
  const error = responseError(peer, `a message for ${topic}`, response);
  const isBusy = response.code === RESPONSE_CODE.SYSTEM_BUSY || response.code === RESPONSE_CODE.SERVICE_NOT_AVAILABLE;
  return isBusy ? new MqliteError('REFUSED', error.message, { hint: 'It is overloaded, out of disk, or being shut down: send less at once, or later.' }) : error;
};
