import type { Broker } from '../../broker/broker.ts';
import { MqliteError } from '../../broker/errors.ts';
import type {
  BroadcastProgress, CheckOptions, CommittedOffset, DamageReport, DelayProgress, EndTransactionRequest, Feature, GroupConfig, JoinRequest, KeyQuery,
  LogQuery, LogRecord, MemberInfo, Membership, MessageQueue, OffsetBoundary, OffsetCommit, OutgoingMessage, PullRequest, PullResult,
  QueryResult, SendBackRequest, SendBackResult, SendOptions, SendOutcome, SendResult, TopicConfig, TopicDescription, TopicPatch,
  TransactionChecker,
} from '../../broker/types.ts';
import type { Message } from '../../record/message.ts';
import { encodeHost } from '../../record/host.ts';
import { UniqKeyGenerator } from '../../record/message-id.ts';
import { toMqliteError } from '../files/storage-errors.ts';
import { queryByKey } from '../read/key-query.ts';
import { readLog } from '../read/log-stream.ts';
import { StoreReader } from '../read/store-reader.ts';
import { ServiceRunner } from '../services/service-runner.ts';
import { createServices } from '../services/services.ts';
import { openTables } from '../store-context.ts';
import type { StoreContext, StoreTables } from '../store-context.ts';
import { TransactionDesk } from '../transaction/desk.ts';
import type { StoreWriter } from '../write/store-writer.ts';
import { GroupDesk, takeQueues } from '../groups/group-desk.ts';
import { DelayDesk } from './delay-desk.ts';
import { queryById } from './id-query.ts';
import { reply, request } from './requests.ts';
import { SendDesk } from './send-desk.ts';
import { tend } from './tending.ts';
import { TopicAdmin } from './topic-admin.ts';

export interface LocalBrokerParts {
  readonly context: StoreContext;
  /** null: opened for reading only. */
  readonly writer: StoreWriter | null;
  readonly flush: 'async' | 'sync';
  readonly notices: string[];
  /** Why the delay levels of the store are not known for sure; absent or undefined when they are. */
  readonly levelsUnknown?: (() => string | undefined) | undefined;
  /** Adds a notice, and says it. */
  readonly onNotice: (text: string) => void;
  readonly onTopicCreated: (topic: string) => void;
}

/** The embedded engine as a Broker. */
export class LocalBroker implements Broker {
  readonly kind = 'local' as const;
  readonly target: string;
  readonly cluster = null;
  readonly #parts: LocalBrokerParts;
  readonly #context: StoreContext;
  readonly #writer: StoreWriter | null;
  readonly #tables: StoreTables;
  readonly #reader: StoreReader;
  readonly #admin: TopicAdmin;
  readonly #groups: GroupDesk;
  readonly #delays: DelayDesk;
  readonly #sending: SendDesk | null;
  readonly #ids: UniqKeyGenerator;
  readonly #closing = new AbortController();
  readonly #services: ServiceRunner | null;
  #transactions: TransactionDesk | null = null;
  #tending: Promise<void> = Promise.resolve();
  #serving: Promise<void> = Promise.resolve();
  #closed: Promise<void> | null = null;

  constructor(parts: LocalBrokerParts) {
    const { context, writer } = parts;
    this.#parts = parts;
    this.#context = context;
    this.#writer = writer;
    this.target = context.paths.root;
    this.#tables = writer?.tables ?? openTables(context);
    this.#reader = new StoreReader(context);
    this.#admin = new TopicAdmin(context, this.#tables, this.#reader);
    this.#groups = new GroupDesk(context, this.#tables, this.#reader, this.#admin);
    const storeHost = encodeHost(context.identity.storeHost);
    this.#delays = new DelayDesk(context, this.#reader, storeHost, parts.flush === 'sync');
    this.#ids = new UniqKeyGenerator({ clock: context.clock, ip: Buffer.from([127, 0, 0, 1]), pid: process.pid, random: Math.floor(Math.random() * 0x1_0000_0000) });
    this.#sending = writer === null ? null : new SendDesk({ ...parts, writer, reader: this.#reader, storeHost, ids: this.#ids });
    if (writer !== null) this.#tending = tend(writer, this.#closing.signal, (notice) => parts.notices.push(notice));
    this.#services = writer === null ? null : this.#makeServices(writer);
  }

  /** Delivers what is due, and goes on doing so until the close. */
  async startServices(): Promise<void> {
    if (this.#services === null) return;
    await this.#services.runOnce();
    this.#serving = this.#services.run(this.#closing.signal);
  }

  #makeServices(writer: StoreWriter): ServiceRunner {
    const context = { writer, reader: this.#reader, onNotice: this.#parts.onNotice };
    return new ServiceRunner(context, createServices(context));
  }

  supports(feature: Feature): boolean {
    return feature === 'store-tools' || feature === 'forced-delivery' || feature === 'recall' || feature === 'lag-bytes';
  }

  // -- sending

  async send(message: OutgoingMessage, options: SendOptions = {}): Promise<SendResult> {
    return this.#forWriting().sending.send(message, options);
  }

  async sendBatch(messages: readonly OutgoingMessage[], options: SendOptions = {}): Promise<SendOutcome[]> {
    return this.#forWriting().sending.sendBatch(messages, options);
  }

  request(message: OutgoingMessage, timeoutMs: number, signal?: AbortSignal): Promise<Message> {
    return this.#reading(`asking ${message.topic}`, () => request(this.#forWriting().sending.requestPort(this), message, timeoutMs, signal));
  }

  reply(to: Message, body: Uint8Array): Promise<SendResult> {
    return this.#reading(`replying to ${to.msgId}`, () => reply(this.#forWriting().sending.requestPort(this), to, body));
  }

  async sendBack(message: Message, request: SendBackRequest): Promise<SendBackResult> {
    return this.#forWriting().sending.sendBack(message, request);
  }

  // -- delayed messages

  recall(topic: string, recallHandle: string): Promise<string> {
    return this.#writing(`taking back a message of ${topic}`, (writer) => this.#delays.recall(writer, topic, recallHandle));
  }

  async deliverNow(topic: string, recallHandle: string): Promise<SendResult> {
    const delivered = await this.#writing(`delivering a message of ${topic}`, (writer) => this.#delays.deliverNow(writer, topic, recallHandle));
    return this.#forWriting().sending.result(delivered);
  }

  delayProgress(): Promise<DelayProgress> {
    const { levelsUnknown, notices, onNotice } = this.#parts;
    const reason = levelsUnknown?.();
    const notice = `messageDelayLevel of this store is not known: ${reason}`;
    if (reason !== undefined && !notices.includes(notice)) onNotice(notice);
    return this.#reading('reading how far delivery is', () => this.#delays.progress());
  }

  // -- transactions

  endTransaction(request: EndTransactionRequest): Promise<SendResult | null> {
    return this.#reading(`ending transaction ${request.transactionId}`, () => this.#transactionDesk().end(request));
  }

  endTransactions(requests: readonly EndTransactionRequest[]): Promise<(SendOutcome | null)[]> {
    return this.#reading('ending transactions', () => this.#transactionDesk().endMany(requests));
  }

  checkTransactions(producerGroup: string, listener: TransactionChecker, signal: AbortSignal, options?: CheckOptions): Promise<void> {
    return this.#reading(`checking transactions of ${producerGroup}`, () => this.#transactionDesk().check(producerGroup, listener, signal, options));
  }

  // -- reading

  pull(request: PullRequest): Promise<PullResult<Message>> {
    return this.#reading(`reading ${request.queue.topic}`, () => {
      this.#checkQueue(request.queue);
      if (!Number.isSafeInteger(request.offset) || request.offset < 0) throw new MqliteError('INVALID_INPUT', `offset ${request.offset} is not a whole number of at least 0`);
      return this.#reader.pull(request);
    });
  }

  queues(topic: string): Promise<MessageQueue[]> {
    return this.#reading(`reading ${topic}`, () => this.#admin.queues(topic));
  }

  minOffset(queue: MessageQueue): Promise<number> {
    return this.#reading(`reading ${queue.topic}`, () => {
      this.#checkQueue(queue);
      return this.#reader.queue(queue.topic, queue.queueId).minOffset(this.#reader.tail.minOffset());
    });
  }

  maxOffset(queue: MessageQueue): Promise<number> {
    return this.#reading(`reading ${queue.topic}`, () => {
      this.#checkQueue(queue);
      return this.#reader.queue(queue.topic, queue.queueId).maxOffset();
    });
  }

  offsetByTime(queue: MessageQueue, timestamp: number, boundary: OffsetBoundary): Promise<number> {
    return this.#reading(`reading ${queue.topic}`, () => {
      this.#checkQueue(queue);
      return this.#reader.offsetByTime(this.#reader.queue(queue.topic, queue.queueId), timestamp, boundary);
    });
  }

  queryByMsgId(msgId: string, topic?: string): Promise<QueryResult<Message>> {
    return this.#reading(`looking for ${msgId}`, () => queryById(this.#reader, this.#admin, (query) => this.#byKey(query), msgId, topic));
  }

  queryByKey(query: KeyQuery): Promise<QueryResult<Message>> {
    return this.#reading(`looking for key ${query.key}`, () => {
      this.#admin.require(query.topic);
      if (!Number.isSafeInteger(query.maxMessages) || query.maxMessages < 1) throw new MqliteError('INVALID_INPUT', `maxMessages ${query.maxMessages} is not a whole number of at least 1`);
      return this.#byKey(query);
    });
  }

  async *readLog(query: LogQuery, signal?: AbortSignal): AsyncIterable<LogRecord<Message>[]> {
    try {
      yield* readLog(this.#context, this.#reader, query, signal);
    } catch (error) {
      throw toMqliteError(error, `reading the commit log of ${this.target}`);
    }
  }

  // -- topics and groups

  listTopics(): Promise<TopicConfig[]> {
    return this.#reading('listing topics', () => this.#admin.list());
  }

  describeTopic(topic: string): Promise<TopicDescription> {
    return this.#reading(`reading ${topic}`, () => this.#admin.describe(topic));
  }

  createTopic(topic: string, config: TopicPatch): Promise<TopicConfig> {
    return this.#writing(`creating topic ${topic}`, (writer) => this.#admin.create(writer, topic, config));
  }

  alterTopic(topic: string, patch: TopicPatch): Promise<TopicConfig> {
    return this.#writing(`changing topic ${topic}`, (writer) => this.#admin.alter(writer, topic, patch));
  }

  deleteTopic(topic: string): Promise<void> {
    return this.#writing(`deleting topic ${topic}`, (writer) => this.#admin.remove(writer, topic));
  }

  listGroups(): Promise<GroupConfig[]> {
    return this.#reading('listing groups', () => this.#admin.listGroups());
  }

  createGroup(group: string, config: Partial<Omit<GroupConfig, 'group' | 'system' | 'configured'>>): Promise<GroupConfig> {
    return this.#writing(`creating group ${group}`, () => this.#tables.groups.create(group, config));
  }

  deleteGroup(group: string): Promise<void> {
    return this.#writing(`deleting group ${group}`, (writer) => this.#groups.remove(writer, group));
  }

  // -- progress of groups

  committedOffsets(group: string, topic?: string): Promise<CommittedOffset[]> {
    return this.#reading(`reading offsets of ${group}`, () => this.#groups.committedOffsets(group, topic));
  }

  broadcastOffsets(group: string): Promise<BroadcastProgress[]> {
    return this.#reading(`reading offsets of the instances of ${group}`, () => this.#groups.broadcastOffsets(group));
  }

  resetOffsets(group: string, offsets: readonly OffsetCommit[]): Promise<void> {
    return this.#writing(`resetting offsets of ${group}`, (writer) => this.#groups.reset(writer, group, offsets));
  }

  async joinGroup(request: JoinRequest): Promise<Membership> {
    return takeQueues(await this.#writing(`joining group ${request.group}`, (writer) => this.#groups.join(writer, request, this.#ids.next().slice(-12))));
  }

  listMembers(group: string): Promise<MemberInfo[]> {
    return this.#reading(`listing members of ${group}`, () => this.#groups.members(group));
  }

  backlogBytes(queue: MessageQueue, offset: number): Promise<number | null> {
    return this.#reading(`measuring the backlog of ${queue.topic}`, () => this.#groups.backlogBytes(queue, offset));
  }

  notices(): readonly string[] {
    return this.#parts.notices;
  }

  damage(): readonly DamageReport[] {
    return this.#reader.damage.first;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    await this.#tending;
    await this.#serving;
    await this.#services?.close();
    await this.#sending?.drain();
    await this.#groups.leaveAll();
    this.#reader.close();
    try {
      await this.#writer?.detach();
    } catch (error) {
      throw toMqliteError(error, `closing ${this.target}`);
    }
  }

  #forWriting(): { writer: StoreWriter; sending: SendDesk } {
    if (this.#writer === null) throw new MqliteError('READ_ONLY', `${this.target} is open for reading only`);
    if (this.#closed !== null) throw new MqliteError('REFUSED', `${this.target} is closed`);
    return { writer: this.#writer, sending: this.#sending! };
  }

  #transactionDesk(): TransactionDesk {
    const { writer } = this.#forWriting();
    this.#transactions ??= new TransactionDesk(writer, this.#reader, { newName: () => this.#ids.next(), isSync: this.#parts.flush === 'sync' });
    return this.#transactions;
  }

  async #writing<T>(doing: string, action: (writer: StoreWriter) => T): Promise<T> {
    const { writer } = this.#forWriting();
    try {
      return await writer.locked(() => action(writer));
    } catch (error) {
      throw toMqliteError(error, doing);
    }
  }

  async #reading<T>(doing: string, action: () => T | Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      throw toMqliteError(error, doing);
    }
  }

  #byKey(query: KeyQuery): QueryResult<Message> {
    return queryByKey(this.#context, this.#reader, query, this.#admin.deletedBelow(query.topic));
  }

  #checkQueue(queue: MessageQueue): void {
    this.#admin.requireQueue(queue.topic, queue.queueId);
  }
}
