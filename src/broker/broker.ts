import type { Message } from '../record/message.ts';
import type { ClusterAdmin } from './cluster-admin.ts';
import type {
  BroadcastProgress, CheckOptions, CommittedOffset, DamageReport, DelayProgress, EndTransactionRequest, Feature, GroupConfig, JoinRequest, KeyQuery,
  LogQuery, LogRecord, MemberInfo, Membership, MessageQueue, OffsetBoundary, OffsetCommit, OutgoingMessage, PullRequest, PullResult,
  QueryResult, SendBackRequest, SendBackResult, SendOptions, SendOutcome, SendResult, TopicConfig, TopicDescription, TopicPatch,
  TransactionChecker,
} from './types.ts';

/**
 * THE PORT. The embedded engine and the remote client both are this, and so is the in-memory fake of the tests;
 * `test/contract` is the suite that every one of them passes.
 *
 * Every method rejects with MqliteError and with nothing else. Reading methods never write to the target.
 */
export interface Broker {
  readonly kind: 'local' | 'remote';
  /** What a user calls it: the store directory or the name server addresses. */
  readonly target: string;
  /** The brokers of a cluster; null on a store directory. */
  readonly cluster: ClusterAdmin | null;
  supports(feature: Feature): boolean;

  // -- sending
  send(message: OutgoingMessage, options?: SendOptions): Promise<SendResult>;
  /** Stores the messages in order; one outcome each. Rejects only when none was stored. */
  sendBatch(messages: readonly OutgoingMessage[], options?: SendOptions): Promise<SendOutcome[]>;
  /** Sends a request and waits for its reply: TIMED_OUT when none came within `timeoutMs`. */
  request(message: OutgoingMessage, timeoutMs: number, signal?: AbortSignal): Promise<Message>;
  /** Answers a message that was sent as a request; INVALID_INPUT for one that was not. */
  reply(to: Message, body: Uint8Array): Promise<SendResult>;
  /**
   * A message that a group could not consume: it comes again as `%RETRY%group` after a delay, or is dead (`%DLQ%group`) after so many
   * times. An unknown group is made. NOT_FOUND when its record is gone.
   */
  sendBack(message: Message, request: SendBackRequest): Promise<SendBackResult>;

  // -- delayed messages
  /**
   * Takes back a timer message that is not due yet; answers its id. The record that does so is stored by then. Errors: INVALID_INPUT (the
   * handle, or another topic's), NOT_FOUND, REFUSED (due, delivered or taken back already), UNSUPPORTED.
   */
  recall(topic: string, recallHandle: string): Promise<string>;
  /** The same, and delivers it now, in one step. Feature `forced-delivery`. */
  deliverNow(topic: string, recallHandle: string): Promise<SendResult>;
  /** How far delivery is, on one broker where the target has several (on the first by name, when none is named). Reads only. */
  delayProgress(brokerName?: string): Promise<DelayProgress>;

  // -- transactions
  /**
   * Ends one half message. commit: its message is stored where it was meant for, and answered; rollback: null; unknown: nothing is done.
   * Errors: NOT_FOUND (no such half), REFUSED (another group's, or ended before, which is named), TOPIC_NOT_FOUND (deleted since).
   */
  endTransaction(request: EndTransactionRequest): Promise<SendResult | null>;
  /**
   * Ends many half messages of one group with one decision, in order; one outcome each. Locally the decision is durable before the first is
   * ended, and whoever writes next ends what a death has left; remotely each stands for itself. null: rolled back.
   */
  endTransactions(requests: readonly EndTransactionRequest[]): Promise<(SendOutcome | null)[]>;
  /** Asks `listener` about the group's half messages that nobody has ended in time, until the signal aborts. Its answers are stored. */
  checkTransactions(producerGroup: string, listener: TransactionChecker, signal: AbortSignal, options?: CheckOptions): Promise<void>;

  // -- reading
  pull(request: PullRequest): Promise<PullResult<Message>>;
  queues(topic: string): Promise<MessageQueue[]>;
  minOffset(queue: MessageQueue): Promise<number>;
  /** Offset after the newest readable message. */
  maxOffset(queue: MessageQueue): Promise<number>;
  /** lower: first message stored at or after the time; upper: last one stored at or before it. Clamped to the queue. */
  offsetByTime(queue: MessageQueue, timestamp: number, boundary: OffsetBoundary): Promise<number>;
  /** By offsetMsgId (32 or 56 hex digits) or client id. Without `topic` a client id is looked for in every topic. */
  queryByMsgId(msgId: string, topic?: string): Promise<QueryResult<Message>>;
  queryByKey(query: KeyQuery): Promise<QueryResult<Message>>;
  /** The physical log, record by record. */
  readLog(query: LogQuery, signal?: AbortSignal): AsyncIterable<LogRecord<Message>[]>;

  // -- topics and groups
  listTopics(): Promise<TopicConfig[]>;
  describeTopic(topic: string): Promise<TopicDescription>;
  createTopic(topic: string, config: TopicPatch): Promise<TopicConfig>;
  alterTopic(topic: string, patch: TopicPatch): Promise<TopicConfig>;
  deleteTopic(topic: string): Promise<void>;
  listGroups(): Promise<GroupConfig[]>;
  createGroup(group: string, config: Partial<Omit<GroupConfig, 'group' | 'system' | 'configured'>>): Promise<GroupConfig>;
  deleteGroup(group: string): Promise<void>;

  // -- progress of groups
  /** Every queue of every topic the group has offsets on (or of `topic`). */
  committedOffsets(group: string, topic?: string): Promise<CommittedOffset[]>;
  /** Of each instance of a broadcasting group whose offsets are kept here, by name: every queue of the topics that it has offsets on. */
  broadcastOffsets(group: string): Promise<BroadcastProgress[]>;
  /** Sets offsets from outside the group; live members obey within 1 s. Verified by reading them back. */
  resetOffsets(group: string, offsets: readonly OffsetCommit[]): Promise<void>;
  /**
   * Becomes a live member of the group, which is made when it is missing. Errors: REFUSED when a live member reads a topic with another
   * filter (on a cluster that is a notice), shares out queues in another way, keeps order or broadcasts while this one does not; LOCKED for a broadcasting
   * instance that is live already; PERMISSION_DENIED where the group's settings forbid it; GROUP_NOT_FOUND where a cluster makes none by itself;
   * TOPIC_NOT_FOUND; INVALID_INPUT.
   */
  joinGroup(request: JoinRequest): Promise<Membership>;
  listMembers(group: string): Promise<MemberInfo[]>;
  /** Bytes of the stored records of a queue from `offset` on; null where it cannot be known (`lag-bytes`). */
  backlogBytes(queue: MessageQueue, offset: number): Promise<number | null>;

  /** Things a reader should be told once (an uncleanly closed store, …). */
  notices(): readonly string[];
  /** Damage met so far by this session's reads: each place once, and of many the first thousand. Every one is also in the answer of its pull. */
  damage(): readonly DamageReport[];
  close(): Promise<void>;
}
