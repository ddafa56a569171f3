import { randomUUID } from 'node:crypto';
import { systemClock } from '../../src/base/clock.ts';
import { javaHashCode } from '../../src/base/java-hash.ts';
import type { Clock } from '../../src/base/clock.ts';
import type { Broker } from '../../src/broker/broker.ts';
import type { ClusterAdmin } from '../../src/broker/cluster-admin.ts';
import { MqliteError } from '../../src/broker/errors.ts';
import type {
  BroadcastProgress, CheckOptions, CommittedOffset, DamageReport, DelayProgress, EndTransactionRequest, Feature, GroupConfig, JoinRequest, KeyQuery,
  LogQuery, LogRecord, MemberInfo, Membership, MessageQueue, OffsetBoundary, OffsetCommit, OutgoingMessage, PullRequest, PullResult,
  QueryResult, SendBackRequest, SendBackResult, SendOptions, SendOutcome, SendResult, TopicConfig, TopicDescription, TopicPatch,
  TransactionChecker,
} from '../../src/broker/types.ts';
import type { Message } from '../../src/record/message.ts';
import * as delays from './fake/delays.ts';
import { FakeMember } from './fake/member.ts';
import { FAKE_BROKER_NAME, FakeStore, filterTest, shardingQueue } from './fake/store.ts';
import { FakeTransactions } from './fake/transactions.ts';
import { checkGroupName, checkMessage, checkTopicName, checkWhole, propertiesSize } from './fake/validate.ts';

export { FakeStore } from './fake/store.ts';

export interface FakeBrokerOptions {
  readonly clock?: Clock | undefined;
  /** What several brokers share, as processes share a directory. A fresh one otherwise. */
  readonly store?: FakeStore | undefined;
  /** read: every write is refused (READ_ONLY). */
  readonly mode?: 'read' | 'write' | undefined;
  readonly kind?: 'local' | 'remote' | undefined;
  readonly target?: string | undefined;
  readonly notices?: readonly string[] | undefined;
  readonly cluster?: ClusterAdmin | undefined;
}

const DEFAULT_GROUP = {
  consumeEnable: true, consumeBroadcastEnable: true, consumeMessageOrderly: false, retryQueueNums: 1, retryMaxTimes: 16, system: false, configured: true,
};
const FAKE_CLUSTER = 'DefaultCluster';
const FAKE_REPLY_TOPIC = `${FAKE_CLUSTER}_REPLY_TOPIC`;
const AUTO_CREATED_QUEUES = 4;
const PERM_READ_WRITE = 6;
const PERM_WRITE = 2;
/** [TopicAttributes] */
const TOPIC_ATTRIBUTES = new Set(['queue.type', 'cleanup.policy', 'message.type', 'reserve.time']);

/**
 * The port in memory: what command and interface tests run over. It passes the same contract suite as the real adapters, and decides
 * everything by plain lists and maps, so that it can be wrong only in ways that the engine is not.
 */
export class FakeBroker implements Broker {
  readonly kind: 'local' | 'remote';
  readonly target: string;
  readonly cluster: ClusterAdmin | null;
  readonly store: FakeStore;
  readonly #mode: 'read' | 'write';
  readonly #notices: readonly string[];
  /** Next queue of the round robin, by topic. */
  readonly #nextQueue = new Map<string, number>();
  readonly #joined = new Set<FakeMember>();
  readonly #transactions: FakeTransactions;

  constructor(options: FakeBrokerOptions = {}) {
    this.store = options.store ?? new FakeStore(options.clock ?? systemClock);
    this.#transactions = new FakeTransactions(this.store);
    this.kind = options.kind ?? 'local';
    this.target = options.target ?? '/fake/store';
    this.cluster = options.cluster ?? null;
    this.#mode = options.mode ?? 'write';
    this.#notices = options.notices ?? [];
  }

  supports(feature: Feature): boolean {
    return feature !== 'store-tools' || this.kind === 'local';
  }

  // -- sending

  async send(message: OutgoingMessage, options: SendOptions = {}): Promise<SendResult> {
    this.#mayWrite();
    checkMessage(message);
    delays.checkDelay(message, this.store.clock.nowMs());
    propertiesSize(message.properties ?? {});
    const config = this.#topicForSend(message.topic, options);
    const queueId = this.#chooseQueue(message, config);
    if (message.transactional === true) return this.#transactions.storeHalf(message, queueId);
    const origin: Record<string, string> = message.origin === undefined ? {} : { RETRY_TOPIC: message.origin.topic, ORIGIN_MESSAGE_ID: message.origin.offsetMsgId };
    return delays.place(this.store, message, queueId, origin);
  }

  async sendBatch(messages: readonly OutgoingMessage[], options: SendOptions = {}): Promise<SendOutcome[]> {
    this.#mayWrite();
    const outcomes: SendOutcome[] = [];
    for (const message of messages) {
      outcomes.push(await this.send(message, options).catch((error: unknown) => ({ error: error as Error })));
    }
    return outcomes;
  }

  /** The reply is stored in the reply topic, and looked for there among all records. */
  async request(message: OutgoingMessage, timeoutMs: number, signal?: AbortSignal): Promise<Message> {
    this.#mayWrite();
    checkWhole(timeoutMs, 'timeoutMs', 1);
    checkMessage(message);
    const correlationId = randomUUID();
    const config = this.#topicForSend(message.topic, { createTopic: false });
    const deadline = this.store.clock.nowMs() + timeoutMs;
    this.store.append(message, this.#chooseQueue(message, config), { CLUSTER: FAKE_CLUSTER, CORRELATION_ID: correlationId, REPLY_TO_CLIENT: 'fake', TTL: String(timeoutMs) });
    for (;;) {
      const reply = this.store.log.find(({ topic, properties }) => topic === FAKE_REPLY_TOPIC && properties['CORRELATION_ID'] === correlationId);
      if (reply !== undefined) return reply;
      const left = deadline - this.store.clock.nowMs();
      if (left <= 0 || signal?.aborted) throw new MqliteError('TIMED_OUT', `no reply within ${timeoutMs} ms`);
      await this.store.nextAppend(left, signal);
    }
  }

  async reply(to: Message, body: Uint8Array): Promise<SendResult> {
    this.#mayWrite();
    const { CORRELATION_ID, REPLY_TO_CLIENT, TTL } = to.properties;
    if (CORRELATION_ID === undefined || REPLY_TO_CLIENT === undefined) throw new MqliteError('INVALID_INPUT', `message ${to.msgId} is no request`);
    const message = { topic: FAKE_REPLY_TOPIC, body };
    checkMessage(message);
    if (!this.store.topics.has(FAKE_REPLY_TOPIC)) {
      this.store.putTopic({ topic: FAKE_REPLY_TOPIC, readQueueNums: 1, writeQueueNums: 1, perm: PERM_READ_WRITE, order: false, attributes: {} });
    }
    const { topic, brokerName, queueId, queueOffset, msgId, offsetMsgId } = this.store.append(message, 0, { MSG_TYPE: 'reply', CORRELATION_ID, REPLY_TO_CLIENT, TTL: TTL ?? '' });
    return { status: 'SEND_OK', topic, brokerName, queueId, queueOffset, msgId, offsetMsgId };
  }

  async sendBack(message: Message, { group, delayLevel, maxReconsumeTimes }: SendBackRequest): Promise<SendBackResult> {
    this.#mayWrite();
    checkGroupName(group);
    const config = this.store.groups.get(group) ?? { ...DEFAULT_GROUP, group };
    this.store.groups.set(group, config);
    const times = message.reconsumeTimes;
    if (config.retryQueueNums === 0) return { topic: null, reconsumeTimes: times, isDead: false };
    if (!this.store.log.some((record) => record.offsetMsgId === message.offsetMsgId)) throw new MqliteError('NOT_FOUND', `there is no message ${message.offsetMsgId}`);
    const isDead = (delayLevel ?? 0) < 0 || times >= (maxReconsumeTimes ?? config.retryMaxTimes);
    const topic = `${isDead ? '%DLQ%' : '%RETRY%'}${group}`;
    for (const name of new Set([`%RETRY%${group}`, topic])) {
      const queues = name === topic && isDead ? 1 : config.retryQueueNums;
      if (!this.store.topics.has(name)) this.store.putTopic({ topic: name, readQueueNums: queues, writeQueueNums: queues, perm: PERM_READ_WRITE, order: false, attributes: {} });
    }
    if (isDead) this.store.appendBack(message, topic, 0);
    else delays.waitBack(this.store, message, topic, delayLevel || 3 + times);
    return { topic, reconsumeTimes: times + 1, isDead };
  }

  // -- delayed messages

  async recall(topic: string, recallHandle: string): Promise<string> {
    this.#mayWrite();
    return delays.recall(this.store, topic, recallHandle).record.msgId;
  }

  async deliverNow(topic: string, recallHandle: string): Promise<SendResult> {
    this.#mayWrite();
    return delays.deliverNow(this.store, topic, recallHandle);
  }

  async delayProgress(): Promise<DelayProgress> {
    return delays.delayProgress(this.store);
  }

  // -- transactions

  async endTransaction(request: EndTransactionRequest): Promise<SendResult | null> {
    this.#mayWrite();
    return this.#transactions.end(request);
  }

  async endTransactions(requests: readonly EndTransactionRequest[]): Promise<(SendOutcome | null)[]> {
    this.#mayWrite();
    const outcomes: (SendOutcome | null)[] = [];
    for (const request of requests) outcomes.push(await this.endTransaction(request).catch((error: unknown) => ({ error: error as Error })));
    return outcomes;
  }

  async checkTransactions(producerGroup: string, listener: TransactionChecker, signal: AbortSignal, options?: CheckOptions): Promise<void> {
    this.#mayWrite();
    await this.#transactions.check(producerGroup, listener, signal, options);
  }

  // -- reading

  async pull(request: PullRequest): Promise<PullResult<Message>> {
    checkWhole(request.offset, 'offset', 0);
    checkWhole(request.maxMessages, 'maxMessages', 1);
    const deadline = this.store.clock.nowMs() + (request.suspendMs ?? 0);
    for (;;) {
      // Looking never delivers.
      const nextDueMs = this.#mode === 'write' ? delays.deliverDue(this.store) : Infinity;
      const result = this.#pullNow(request);
      const left = deadline - this.store.clock.nowMs();
      if (result.status !== 'NO_NEW_MESSAGE' || left <= 0 || request.signal?.aborted) return result;
      await this.store.nextAppend(Math.min(left, nextDueMs), request.signal);
    }
  }

  #pullNow({ queue, offset, maxMessages, filter }: PullRequest): PullResult<Message> {
    const { records, minOffset, maxOffset } = this.#queue(queue);
    const bounds = { minOffset, maxOffset, damaged: [] };
    if (offset < minOffset) return { status: 'OFFSET_ILLEGAL', messages: [], nextOffset: minOffset, ...bounds };
    if (offset > maxOffset) return { status: 'OFFSET_ILLEGAL', messages: [], nextOffset: maxOffset, ...bounds };
    if (offset === maxOffset) return { status: 'NO_NEW_MESSAGE', messages: [], nextOffset: offset, ...bounds };
    const isWanted = filterTest(filter);
    const messages: Message[] = [];
    let nextOffset = offset;
    while (nextOffset < maxOffset && messages.length < maxMessages) {
      const record = records[nextOffset++ - minOffset]!;
      if (isWanted(record)) messages.push(record);
    }
    return { status: messages.length > 0 ? 'FOUND' : 'NO_MATCHED_MESSAGE', messages, nextOffset, ...bounds };
  }

  async queues(topic: string): Promise<MessageQueue[]> {
    return this.#queuesOf(this.#topic(topic).config);
  }

  async minOffset(queue: MessageQueue): Promise<number> {
    return this.#queue(queue).minOffset;
  }

  async maxOffset(queue: MessageQueue): Promise<number> {
    return this.#queue(queue).maxOffset;
  }

  async offsetByTime(queue: MessageQueue, timestamp: number, boundary: OffsetBoundary): Promise<number> {
    const { records, minOffset, maxOffset } = this.#queue(queue);
    if (boundary === 'lower') {
      const first = records.findIndex((record) => record.storeTimestamp >= timestamp);
      return first < 0 ? maxOffset : minOffset + first;
    }
    const count = records.filter((record) => record.storeTimestamp <= timestamp).length;
    return minOffset + Math.max(0, count - 1);
  }

  async queryByMsgId(msgId: string, topic?: string): Promise<QueryResult<Message>> {
    if (topic !== undefined) this.#topic(topic);
    const live = this.#live();
    const byOffset = live.find((record) => record.offsetMsgId === msgId.toUpperCase());
    if (byOffset !== undefined) return { messages: [byOffset], truncated: false };
    return { messages: live.filter((record) => record.msgId === msgId && (topic === undefined || record.topic === topic)), truncated: false };
  }

  async queryByKey(query: KeyQuery): Promise<QueryResult<Message>> {
    this.#topic(query.topic);
    checkWhole(query.maxMessages, 'maxMessages', 1);
    const hash = javaHashCode(query.key);
    const found = this.#live().filter((record) => record.topic === query.topic
      && record.keys.some((key) => javaHashCode(key) === hash && key === query.key)
      && record.storeTimestamp >= (query.beginTimestamp ?? 0)
      && record.storeTimestamp <= (query.endTimestamp ?? Number.MAX_SAFE_INTEGER));
    return { messages: found.slice(0, query.maxMessages), truncated: found.length > query.maxMessages };
  }

  async *readLog({ from, follow }: LogQuery, signal?: AbortSignal): AsyncIterable<LogRecord<Message>[]> {
    const { log } = this.store;
    let next = this.#logStart(from);
    while (!signal?.aborted) {
      if (next < log.length) {
        const records = log.slice(next, next + 100);
        next += records.length;
        yield records.map((message) => ({
          recordType: 'message', commitLogOffset: message.commitLogOffset, sizeBytes: message.storeSize,
          tagsCode: BigInt(message.tags === null ? 0 : javaHashCode(message.tags)), crcOk: true, message,
        }));
      } else if (follow) await this.store.nextAppend(1000, signal);
      else return;
    }
  }

  #logStart(from: LogQuery['from']): number {
    const { log, endOffset } = this.store;
    switch (from.at) {
      case 'first': return 0;
      case 'last': return log.length;
      case 'lastN': return Math.max(0, log.length - from.count);
      case 'time': {
        const index = log.findIndex((record) => record.storeTimestamp >= from.timestamp);
        return index < 0 ? log.length : index;
      }
      case 'offset': {
        if (from.commitLogOffset === endOffset) return log.length;
        const index = log.findIndex((record) => record.commitLogOffset === from.commitLogOffset);
        if (index < 0) throw new MqliteError('INVALID_INPUT', `no record starts at commit-log offset ${from.commitLogOffset}`);
        return index;
      }
    }
  }

  // -- topics and groups

  async listTopics(): Promise<TopicConfig[]> {
    return [...this.store.topics.values()].map(({ config }) => config).sort((left, right) => (left.topic < right.topic ? -1 : 1));
  }

  async describeTopic(topic: string): Promise<TopicDescription> {
    const { config } = this.#topic(topic);
    const queues = this.#queuesOf(config).map((queue) => {
      const { records, minOffset, maxOffset } = this.#queue(queue);
      return { queue, minOffset, maxOffset, lastStoreTimestamp: records.at(-1)?.storeTimestamp ?? null };
    });
    const groups = [...this.store.offsets].filter(([, topics]) => topics.has(topic)).map(([group]) => group).sort();
    return { ...config, queues, groups };
  }

  async createTopic(topic: string, patch: TopicPatch): Promise<TopicConfig> {
    this.#mayWrite();
    checkTopicName(topic);
    if (this.store.topics.has(topic)) throw new MqliteError('REFUSED', `topic ${topic} exists already`, { hint: 'Change it with topics alter.' });
    const queueNums = { readQueueNums: AUTO_CREATED_QUEUES, writeQueueNums: AUTO_CREATED_QUEUES };
    const both = { ...patch, readQueueNums: patch.readQueueNums ?? patch.writeQueueNums, writeQueueNums: patch.writeQueueNums ?? patch.readQueueNums };
    return this.store.putTopic(patched({ topic, ...queueNums, perm: PERM_READ_WRITE, order: false, attributes: {} }, both));
  }

  async alterTopic(topic: string, patch: TopicPatch): Promise<TopicConfig> {
    this.#mayWrite();
    return this.store.putTopic(patched(this.#topic(topic).config, patch));
  }

  async deleteTopic(topic: string): Promise<void> {
    this.#mayWrite();
    const { config } = this.#topic(topic);
    if (config.system) throw new MqliteError('REFUSED', `topic ${topic} is RocketMQ's own and cannot be deleted`);
    this.store.topics.delete(topic);
    for (const topics of this.store.offsets.values()) topics.delete(topic);
  }

  async listGroups(): Promise<GroupConfig[]> {
    const known = [...this.store.offsets.keys()].filter((group) => !this.store.groups.has(group)).map((group) => ({ ...DEFAULT_GROUP, group, configured: false }));
    return [...this.store.groups.values(), ...known].sort((left, right) => (left.group < right.group ? -1 : 1));
  }

  async createGroup(group: string, config: Partial<Omit<GroupConfig, 'group' | 'system' | 'configured'>>): Promise<GroupConfig> {
    this.#mayWrite();
    checkGroupName(group);
    if (this.store.groups.has(group)) throw new MqliteError('REFUSED', `group ${group} exists already`);
    const full = { ...DEFAULT_GROUP, ...defined(config), group };
    this.store.groups.set(group, full);
    return full;
  }

  async deleteGroup(group: string): Promise<void> {
    this.#mayWrite();
    this.#group(group);
    if (this.store.members.has(group)) throw new MqliteError('LOCKED', `group ${group} has a live member`);
    this.store.groups.delete(group);
    this.store.offsets.delete(group);
  }

  // -- progress of groups

  async committedOffsets(group: string, topic?: string): Promise<CommittedOffset[]> {
    this.#group(group);
    const topics = topic === undefined ? [...(this.store.offsets.get(group)?.keys() ?? [])].sort() : [topic];
    return topics.filter((name) => topic !== undefined || this.store.topics.has(name)).flatMap((name) => this.#queuesOf(this.#topic(name).config))
      .map((queue) => this.#progress(queue, this.store.offsetOf(group, queue)));
  }

  async broadcastOffsets(group: string): Promise<BroadcastProgress[]> {
    this.#group(group);
    return this.store.instancesOf(group).map(({ instance, offsets }) => {
      const topics = [...new Set([...offsets.keys()].map((key) => key.split(' ')[0]!))].sort().filter((topic) => this.store.topics.has(topic));
      const queues = topics.flatMap((topic) => this.#queuesOf(this.#topic(topic).config));
      return { instance, offsets: queues.map((queue) => this.#progress(queue, offsets.get(`${queue.topic} ${queue.queueId}`) ?? null)) };
    });
  }

  #progress(queue: MessageQueue, committedOffset: number | null): CommittedOffset {
    const { records, minOffset, maxOffset } = this.#queue(queue);
    const next = committedOffset === null ? null : Math.max(committedOffset, minOffset);
    return {
      queue, committedOffset, minOffset, maxOffset,
      lag: next === null ? null : Math.max(0, maxOffset - next),
      nextStoreTimestamp: next === null ? null : records[next - minOffset]?.storeTimestamp ?? null,
    };
  }

  async resetOffsets(group: string, offsets: readonly OffsetCommit[]): Promise<void> {
    this.#mayWrite();
    this.#group(group);
    for (const { queue, offset } of offsets) {
      this.#queue(queue);
      checkWhole(offset, 'offset', 0);
    }
    for (const { queue, offset } of offsets) {
      this.store.setOffset(group, queue, offset);
      for (const member of this.store.members.get(group) ?? []) member.reset(queue, offset);
    }
  }

  async joinGroup(request: JoinRequest): Promise<Membership> {
    this.#mayWrite();
    const { group } = request;
    checkGroupName(group);
    for (const { topic } of request.subscriptions) this.#topic(topic);
    const config = this.store.groups.get(group);
    if (config?.consumeEnable === false || (request.messageModel === 'broadcasting' && config?.consumeBroadcastEnable === false)) throw new MqliteError('PERMISSION_DENIED', `group ${group} may not do that`);
    const member = new FakeMember(this.store, request, (topic) => (this.store.topics.has(topic) ? this.#queuesOf(this.#topic(topic).config) : []));
    if (config === undefined) this.store.groups.set(group, { ...DEFAULT_GROUP, group });
    this.#joined.add(member);
    return member;
  }

  async listMembers(group: string): Promise<MemberInfo[]> {
    this.#group(group);
    return (this.store.members.get(group) ?? []).map((member) => ({ ...member.info, queues: member.queues, consumedPerSecond: null }));
  }

  async backlogBytes(queue: MessageQueue, offset: number): Promise<number | null> {
    return this.#queue(queue).records.filter(({ queueOffset }) => queueOffset >= offset).reduce((sum, { storeSize }) => sum + storeSize, 0);
  }

  notices(): readonly string[] {
    return this.#notices;
  }

  damage(): readonly DamageReport[] {
    return [];
  }

  async close(): Promise<void> {
    for (const member of this.#joined) await member.leave();
  }

  // -- what all of them need

  #mayWrite(): void {
    if (this.#mode === 'read') throw new MqliteError('READ_ONLY', `${this.target} is open for reading only`);
  }

  #topic(topic: string): { readonly config: TopicConfig } {
    checkTopicName(topic);
    const found = this.store.topics.get(topic);
    if (found === undefined) throw new MqliteError('TOPIC_NOT_FOUND', `topic ${topic} does not exist`);
    return found;
  }

  #group(group: string): void {
    checkGroupName(group);
    if (!this.store.groups.has(group) && !this.store.offsets.has(group)) throw new MqliteError('GROUP_NOT_FOUND', `group ${group} does not exist`);
  }

  #queue(queue: MessageQueue): { readonly records: readonly Message[]; readonly minOffset: number; readonly maxOffset: number } {
    this.#topic(queue.topic);
    const topic = this.store.topics.get(queue.topic)!;
    const records = topic.queues[queue.queueId];
    const minOffset = topic.minOffsets[queue.queueId];
    if (records === undefined || minOffset === undefined) throw new MqliteError('NOT_FOUND', `topic ${queue.topic} has no queue ${queue.queueId}`);
    return { records, minOffset, maxOffset: minOffset + records.length };
  }

  /** The queues to read, and those that still hold messages after the topic was made smaller. */
  #queuesOf({ topic, readQueueNums }: TopicConfig): MessageQueue[] {
    const all = this.store.topics.get(topic)!.queues.map((records, queueId) => ({ queue: { topic, brokerName: FAKE_BROKER_NAME, queueId }, records }));
    return all.filter(({ queue, records }) => queue.queueId < readQueueNums || records.length > 0).map(({ queue }) => queue);
  }

  #topicForSend(topic: string, options: SendOptions): TopicConfig {
    const known = this.store.topics.get(topic)?.config;
    if (known === undefined && options.createTopic === false) throw new MqliteError('TOPIC_NOT_FOUND', `topic ${topic} does not exist`);
    const config = known ?? this.store.putTopic({
      topic, readQueueNums: AUTO_CREATED_QUEUES, writeQueueNums: AUTO_CREATED_QUEUES, perm: PERM_READ_WRITE, order: false, attributes: {},
    });
    if ((config.perm & PERM_WRITE) === 0) throw new MqliteError('PERMISSION_DENIED', `topic ${topic} does not allow writing`);
    return config;
  }

  #chooseQueue(message: OutgoingMessage, config: TopicConfig): number {
    const count = config.writeQueueNums;
    if (message.queueId !== undefined) {
      if (!Number.isSafeInteger(message.queueId) || message.queueId < 0 || message.queueId >= count) {
        throw new MqliteError(message.queueId < 0 ? 'INVALID_INPUT' : 'NOT_FOUND', `topic ${message.topic} has no queue ${message.queueId} to write to`, { hint: `It has queues 0 to ${count - 1}.` });
      }
      return message.queueId;
    }
    if (message.shardingKey !== undefined) return shardingQueue(message.shardingKey, count);
    const next = this.#nextQueue.get(message.topic) ?? Math.floor(Math.random() * count);
    this.#nextQueue.set(message.topic, next + 1);
    return next % count;
  }

  /** Records of topics that are still there: a deleted topic takes its messages along. */
  #live(): Message[] {
    return this.store.log.filter((record) => {
      const topic = this.store.topics.get(record.topic);
      return topic?.queues[record.queueId]?.includes(record) === true;
    });
  }
}

function defined<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as Partial<T>;
}

function patched(config: Omit<TopicConfig, 'system'>, patch: TopicPatch): Omit<TopicConfig, 'system'> {
  const { attributes, ...rest } = patch;
  const merged = { ...config, ...defined(rest), attributes: { ...config.attributes } };
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (!TOPIC_ATTRIBUTES.has(name)) throw new MqliteError('INVALID_INPUT', `unknown topic attribute "${name}"`);
    if (value === null) delete merged.attributes[name];
    else merged.attributes[name] = value;
  }
  checkWhole(merged.readQueueNums, 'readQueueNums', 1);
  checkWhole(merged.writeQueueNums, 'writeQueueNums', 1);
  if (!Number.isInteger(merged.perm) || merged.perm < 0 || merged.perm > 15) throw new MqliteError('INVALID_INPUT', `perm ${merged.perm} is not a permission`);
  return merged;
}
