import type { Broker } from '../broker/broker.ts';
import type { ClusterAdmin } from '../broker/cluster-admin.ts';
import { MqliteError } from '../broker/errors.ts';
import type {
  BroadcastProgress, CheckOptions, CommittedOffset, DamageReport, DelayProgress, EndTransactionRequest, Feature, GroupConfig, JoinRequest, KeyQuery,
  LogQuery, LogRecord, MemberInfo, Membership, MessageQueue, OffsetBoundary, OffsetCommit, OutgoingMessage, PullRequest, PullResult,
  QueryResult, SendBackRequest, SendBackResult, SendOptions, SendOutcome, SendResult, TopicConfig, TopicDescription, TopicPatch,
  TransactionChecker,
} from '../broker/types.ts';
import type { Message } from '../record/message.ts';
import { UniqKeyGenerator } from '../record/message-id.ts';
import { clientIdOf, ipBytes } from './client-id.ts';
import { RemoteClusterAdmin } from './cluster-admin.ts';
import type { Cluster } from './cluster.ts';
import { currentRecords } from './current-records.ts';
import { DelayDesk } from './delay-desk.ts';
import { toPortError } from './failures.ts';
import { GroupAdmin } from './group-admin.ts';
import type { BroadcastFiles } from './groups/broadcast-member.ts';
import { GroupDesk } from './groups/group-desk.ts';
import { walkLog } from './log-walk.ts';
import { PullDesk } from './pull-desk.ts';
import { Queries } from './queries.ts';
import { QueueOffsets } from './queue-offsets.ts';
import type { RemotingOptions } from './remoting-client.ts';
import { Replies } from './replies.ts';
import { SentOffsets } from './sent-offsets.ts';
import { SendDesk } from './send-desk.ts';
import { TopicAdmin } from './topic-admin.ts';
import { TransactionChecks } from './transaction-checks.ts';
import { TransactionDesk } from './transaction-desk.ts';

export interface RemoteBrokerParts {
  readonly cluster: Cluster;
  readonly remoting: RemotingOptions;
  readonly mode: 'read' | 'write';
  /** Our own address, plain: part of the ids of messages and clients. */
  readonly localIp: string;
  readonly broadcastFiles: BroadcastFiles | null;
  readonly onNotice: (text: string) => void;
}

const MAX_DAMAGE = 1000;

/** A cluster as a Broker. */
export class RemoteBroker implements Broker {
  readonly kind = 'remote' as const;
  readonly target: string;
  readonly cluster: ClusterAdmin;
  readonly #cluster: Cluster;
  readonly #parts: RemoteBrokerParts;
  readonly #topics: TopicAdmin;
  readonly #offsets: QueueOffsets;
  readonly #pulls: PullDesk;
  readonly #sending: SendDesk;
  readonly #queries: Queries;
  readonly #groups: GroupAdmin;
  readonly #members: GroupDesk;
  readonly #transactions: TransactionDesk;
  readonly #checks: TransactionChecks;
  readonly #delays: DelayDesk;
  readonly #replies: Replies;
  readonly #damage: DamageReport[] = [];
  #closed: Promise<void> | null = null;

  constructor(parts: RemoteBrokerParts) {
    this.#parts = parts;
    this.#cluster = parts.cluster;
    this.target = parts.cluster.nameServers.addresses.join(';');
    const { cluster, remoting: { clock }, onNotice } = parts;
    const sent = new SentOffsets(clock);
    this.cluster = new RemoteClusterAdmin(cluster, parts.mode);
    this.#topics = new TopicAdmin(cluster, sent);
    this.#offsets = new QueueOffsets(cluster, sent);
    this.#pulls = new PullDesk(cluster, (queue) => this.#members.ownerOf(queue), sent, (report) => this.#note(report));
    const ids = new UniqKeyGenerator({ clock, ip: ipBytes(parts.localIp), pid: process.pid, random: Math.floor(Math.random() * 0x1_0000_0000) });
    this.#sending = new SendDesk(cluster, ids, sent, (topic) => onNotice(`topic ${topic} did not exist; created with 4 queues`));
    this.#queries = new Queries(cluster, this.#topics);
    this.#groups = new GroupAdmin(cluster, this.#topics, this.#pulls);
    this.#members = new GroupDesk({ cluster, remoting: parts.remoting, groups: this.#groups, onReleased: (queue) => this.#pulls.forget(queue), broadcastFiles: parts.broadcastFiles, onNotice });
    const clients = { cluster, newClientId: () => clientIdOf(parts.localIp, null, parts.remoting.settings?.unitName), onNotice };
    this.#transactions = new TransactionDesk(cluster, this.#queries, this);
    this.#checks = new TransactionChecks({ ...clients, desk: this.#transactions, query: this.#queries, reader: this });
    this.#delays = new DelayDesk(cluster, this.#queries);
    this.#replies = new Replies({ ...clients, send: (message, properties, brokerName) => this.#sending.send(message, {}, properties, brokerName) });
  }

  supports(feature: Feature): boolean {
    return feature === 'recall';
  }

  send(message: OutgoingMessage, options: SendOptions = {}): Promise<SendResult> {
    return this.#writing('sending', () => this.#sending.send(message, options));
  }

  sendBatch(messages: readonly OutgoingMessage[], options: SendOptions = {}): Promise<SendOutcome[]> {
    return this.#writing('sending', () => this.#sending.sendBatch(messages, options));
  }

  request(message: OutgoingMessage, timeoutMs: number, signal?: AbortSignal): Promise<Message> {
    return this.#writing('asking for a reply', () => this.#replies.request(message, timeoutMs, signal));
  }

  reply(to: Message, body: Uint8Array): Promise<SendResult> {
    return this.#writing('replying', () => this.#replies.reply(to, body));
  }

  sendBack(message: Message, request: SendBackRequest): Promise<SendBackResult> {
    return this.#writing(`sending back ${message.offsetMsgId}`, () => this.#members.sendBack(message, request));
  }

  recall(topic: string, recallHandle: string): Promise<string> {
    return this.#writing('taking a message back', () => this.#delays.recall(topic, recallHandle));
  }

  async deliverNow(_topic: string, _recallHandle: string): Promise<SendResult> {
    throw new MqliteError('UNSUPPORTED', 'a cluster delivers nothing before its time', { hint: 'Cancel the message ("mqlite delay cancel") and send it again.' });
  }

  delayProgress(brokerName?: string): Promise<DelayProgress> {
    return this.#doing('reading the progress of delivery', () => this.#delays.progress(brokerName));
  }

  endTransaction(request: EndTransactionRequest): Promise<SendResult | null> {
    return this.#writing('ending a transaction', () => this.#transactions.end(request));
  }

  endTransactions(requests: readonly EndTransactionRequest[]): Promise<(SendOutcome | null)[]> {
    return this.#writing('ending transactions', () => this.#transactions.endMany(requests));
  }

  checkTransactions(producerGroup: string, listener: TransactionChecker, signal: AbortSignal, options?: CheckOptions): Promise<void> {
    return this.#writing('checking transactions', () => this.#checks.check(producerGroup, listener, signal, options));
  }

  pull(request: PullRequest): Promise<PullResult<Message>> {
    return this.#doing(`reading ${request.queue.topic}`, () => this.#pulls.pull(request));
  }

  queues(topic: string): Promise<MessageQueue[]> {
    return this.#doing(`reading ${topic}`, () => this.#topics.queues(topic));
  }

  minOffset(queue: MessageQueue): Promise<number> {
    return this.#doing(`reading ${queue.topic}`, () => this.#offsets.min(queue));
  }

  maxOffset(queue: MessageQueue): Promise<number> {
    return this.#doing(`reading ${queue.topic}`, () => this.#offsets.max(queue));
  }

  offsetByTime(queue: MessageQueue, timestamp: number, boundary: OffsetBoundary): Promise<number> {
    return this.#doing(`reading ${queue.topic}`, () => this.#offsets.byTime(queue, timestamp, boundary));
  }

  queryByMsgId(msgId: string, topic?: string): Promise<QueryResult<Message>> {
    return this.#doing(`looking for ${msgId}`, async () => currentRecords(this.#cluster, await this.#queries.byMsgId(msgId, topic)));
  }

  queryByKey(query: KeyQuery): Promise<QueryResult<Message>> {
    return this.#doing(`looking for key ${query.key}`, async () => currentRecords(this.#cluster, await this.#queries.byKey(query)));
  }

  async *readLog(query: LogQuery, signal?: AbortSignal): AsyncIterable<LogRecord<Message>[]> {
    try {
      yield* walkLog(this.#cluster, query, this.#parts.onNotice, signal);
    } catch (error) {
      throw toPortError(error, `reading the commit log of ${this.target}`);
    }
  }

  listTopics(): Promise<TopicConfig[]> {
    return this.#doing('listing topics', () => this.#topics.list());
  }

  describeTopic(topic: string): Promise<TopicDescription> {
    return this.#doing(`reading ${topic}`, () => this.#topics.describe(topic));
  }

  createTopic(topic: string, config: TopicPatch): Promise<TopicConfig> {
    return this.#writing(`creating topic ${topic}`, () => this.#topics.create(topic, config));
  }

  alterTopic(topic: string, patch: TopicPatch): Promise<TopicConfig> {
    return this.#writing(`changing topic ${topic}`, () => this.#topics.alter(topic, patch));
  }

  deleteTopic(topic: string): Promise<void> {
    return this.#writing(`deleting topic ${topic}`, () => this.#topics.remove(topic));
  }

  listGroups(): Promise<GroupConfig[]> {
    return this.#doing('listing groups', () => this.#groups.list());
  }

  createGroup(group: string, config: Partial<Omit<GroupConfig, 'group' | 'system' | 'configured'>>): Promise<GroupConfig> {
    return this.#writing(`creating group ${group}`, () => this.#groups.create(group, config));
  }

  deleteGroup(group: string): Promise<void> {
    return this.#writing(`deleting group ${group}`, () => this.#groups.remove(group));
  }

  committedOffsets(group: string, topic?: string): Promise<CommittedOffset[]> {
    return this.#doing(`reading offsets of ${group}`, () => this.#groups.committedOffsets(group, topic));
  }

  broadcastOffsets(group: string): Promise<BroadcastProgress[]> {
    return this.#doing(`reading offsets of the instances of ${group}`, () => this.#groups.broadcastOffsets(group, this.#parts.broadcastFiles?.list(group) ?? []));
  }

  resetOffsets(group: string, offsets: readonly OffsetCommit[]): Promise<void> {
    return this.#writing(`resetting offsets of ${group}`, () => this.#members.reset(group, offsets));
  }

  joinGroup(request: JoinRequest): Promise<Membership> {
    return this.#writing(`joining group ${request.group}`, () => this.#members.join(request));
  }

  listMembers(group: string): Promise<MemberInfo[]> {
    return this.#doing(`listing members of ${group}`, () => this.#members.members(group));
  }

  /** Brokers tell no sizes. */
  async backlogBytes(_queue: MessageQueue, _offset: number): Promise<number | null> {
    return null;
  }

  notices(): readonly string[] {
    return [];
  }

  damage(): readonly DamageReport[] {
    return this.#damage;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#members.close();
    await this.#sending.drain();
    await this.#replies.close();
    await this.#cluster.client.close();
  }

  #note(report: DamageReport): void {
    if (this.#damage.length < MAX_DAMAGE) this.#damage.push(report);
  }

  #writing<T>(doing: string, action: () => Promise<T>): Promise<T> {
    return this.#doing(doing, () => {
      if (this.#parts.mode === 'read') throw new MqliteError('READ_ONLY', `the cluster of ${this.target} is open for reading only`);
      return action();
    });
  }

  async #doing<T>(doing: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      throw toPortError(error, doing);
    }
  }
}
