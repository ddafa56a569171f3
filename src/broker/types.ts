/** Domain types of the port. Words are RocketMQ's; units are in the names. */
import type { FilterExpression } from '../filter/message-filter.ts';
import type { Message } from '../record/message.ts';

export interface MessageQueue {
  readonly topic: string;
  readonly brokerName: string;
  readonly queueId: number;
}

export type CompressionName = 'zlib' | 'lz4' | 'zstd';

/** A message on its way in. Only `topic` and `body` are needed. */
export interface OutgoingMessage {
  readonly topic: string;
  /** Stored as it is; with `sysFlag` compression bits set it is already compressed. */
  readonly body: Uint8Array;
  readonly tags?: string | undefined;
  readonly keys?: readonly string[] | undefined;
  /** The user's own; RocketMQ's system names are refused here (INVALID_INPUT). */
  readonly properties?: Readonly<Record<string, string>> | undefined;
  readonly flag?: number | undefined;
  /** Fixed queue. Without it and without `shardingKey`: round robin from a random start. */
  readonly queueId?: number | undefined;
  /** Java's SelectMessageQueueByHash over this key; stored as __SHARDINGKEY. */
  readonly shardingKey?: string | undefined;
  /** UNIQ_KEY to keep; made by the client otherwise. */
  readonly msgId?: string | undefined;
  /** Compress the body before storing it. */
  readonly compress?: CompressionName | undefined;
  /** Client time; now otherwise. */
  readonly bornTimestamp?: number | undefined;
  /** A level of `messageDelayLevel`, from 1; above the last level the last counts; 0 or absent: none. Excludes `delayMs` and `deliverAtMs`. */
  readonly delayLevel?: number | undefined;
  /** Deliver so many ms after storing, as a timer message. Excludes `deliverAtMs`. */
  readonly delayMs?: number | undefined;
  /** Deliver at this time, ms since the epoch, as a timer message; a time that has passed: at once. */
  readonly deliverAtMs?: number | undefined;
  /** Stored as a half message, which nobody consumes before `endTransaction`. Excludes every delay. */
  readonly transactional?: boolean | undefined;
  /**
   * Of a message for `%RETRY%group`: which topic it first was in, and its offsetMsgId there, as its consumers shall see it. Stored as
   * RETRY_TOPIC and ORIGIN_MESSAGE_ID.
   */
  readonly origin?: { readonly topic: string; readonly offsetMsgId: string } | undefined;
  /** Stored as PGROUP: who is asked about a half message without a decision. Needed by `transactional`. */
  readonly producerGroup?: string | undefined;
}

/** How a message goes back that its consumer could not handle. */
export interface SendBackRequest {
  readonly group: string;
  /** Of the retry; 0 or absent: 3 + the message's reconsumeTimes; below 0: dead at once. */
  readonly delayLevel?: number | undefined;
  /** Dead once it came back so many times; absent: the group's retryMaxTimes. */
  readonly maxReconsumeTimes?: number | undefined;
}

export interface SendBackResult {
  /** `%RETRY%group`, where it comes after its delay, or `%DLQ%group`; null: the group keeps no retries (retryQueueNums 0), nothing was stored. */
  readonly topic: string | null;
  /** Of what was stored. */
  readonly reconsumeTimes: number;
  readonly isDead: boolean;
}

export type SendStatus = 'SEND_OK' | 'FLUSH_DISK_TIMEOUT' | 'FLUSH_SLAVE_TIMEOUT' | 'SLAVE_NOT_AVAILABLE';

export interface SendResult {
  readonly status: SendStatus;
  readonly topic: string;
  readonly brokerName: string;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly msgId: string;
  readonly offsetMsgId: string;
  /** Of a half message: what `endTransaction` is told. Its queueOffset and offsetMsgId are those of the half record. */
  readonly transactionId?: string | undefined;
  /** Of a timer message: what `recall` is told. */
  readonly recallHandle?: string | undefined;
  /** Of a message that is to come later: when, ms since the epoch. Its queueOffset and offsetMsgId are those of the record that waits. */
  readonly deliverAtMs?: number | undefined;
}

/** One outcome per message of a batch, in order: stored, or the error (a MqliteError) that kept it out. */
export type SendOutcome = SendResult | {
  readonly error: Error;
  /** The broker that was tried, where one was. */
  readonly brokerName?: string | undefined;
};

export type TransactionDecision = 'commit' | 'rollback' | 'unknown';

/** Which half message is ended, and how: what its send answered, and who sent it. */
export interface EndTransactionRequest {
  /** The topic it was sent to. */
  readonly topic: string;
  readonly transactionId: string;
  /** Of the half record (of its newest copy, after a check-back). */
  readonly offsetMsgId: string;
  /** Of the half record, in the half topic. */
  readonly queueOffset: number;
  readonly producerGroup: string;
  readonly decision: TransactionDecision;
}

/** Asked what became of a half message; it shows where it is stored, `originTopic` where it is meant for. */
export type TransactionChecker = (half: Message) => Promise<TransactionDecision>;

/** What a broker is configured with; a remote one keeps to its own. */
export interface CheckOptions {
  /** How old a half is before somebody is asked (`transactionTimeOut`, 6,000 ms). */
  readonly timeoutMs?: number | undefined;
  /** Between two rounds (`transactionCheckInterval`, 30,000 ms). */
  readonly intervalMs?: number | undefined;
  /** After so many answers without a decision it is given up (`transactionCheckMax`, 15). */
  readonly maxChecks?: number | undefined;
  /** One round over what is due, instead of one after the other until the signal aborts. */
  readonly once?: boolean | undefined;
}

export interface SendOptions {
  /** Overrides the target's own flush mode for these messages. */
  readonly flush?: 'async' | 'sync' | undefined;
  /** false: an unknown topic is TOPIC_NOT_FOUND instead of being created with 4 queues. Default true. */
  readonly createTopic?: boolean | undefined;
  /** Another broker than this one where the topic has queues on several; a fixed queue or sharding key stays where it is. */
  readonly avoidBroker?: string | undefined;
}

/** What a pull keeps: a tag expression (`A || B`, `*`) or a SQL92 one. What is not understood is INVALID_INPUT. */
export type MessageFilter = FilterExpression;

export interface PullRequest {
  readonly queue: MessageQueue;
  /** First queue offset wanted. */
  readonly offset: number;
  readonly maxMessages: number;
  /** Stop once the records together exceed this many bytes; a first message always comes. Absent: the adapter's own limit. */
  readonly maxBytes?: number | undefined;
  readonly filter?: MessageFilter | undefined;
  /** Long polling: how long to wait for a first message, in ms. 0 or absent: answer at once. */
  readonly suspendMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** FOUND and NO_MATCHED_MESSAGE move on; the others say where a reader should go. */
export type PullStatus = 'FOUND' | 'NO_NEW_MESSAGE' | 'NO_MATCHED_MESSAGE' | 'OFFSET_ILLEGAL';

export interface PullResult<M> {
  readonly status: PullStatus;
  readonly messages: readonly M[];
  /** Where to pull next (past filtered and damaged records). */
  readonly nextOffset: number;
  readonly minOffset: number;
  readonly maxOffset: number;
  /** Records that could not be read, each named by file and offset. They are skipped, never silently. */
  readonly damaged: readonly DamageReport[];
}

export interface DamageReport {
  readonly queue: MessageQueue | null;
  readonly queueOffset: number | null;
  readonly commitLogOffset: number;
  readonly file: string;
  /** Byte position in `file`. */
  readonly position: number;
  readonly reason: string;
}

export interface TopicConfig {
  readonly topic: string;
  readonly readQueueNums: number;
  readonly writeQueueNums: number;
  /** 4 read, 2 write, 1 inherit, 8 priority. */
  readonly perm: number;
  readonly order: boolean;
  readonly attributes: Readonly<Record<string, string>>;
  /** RocketMQ's own topic (schedule, half, retry trace, …): hidden from plain listings. */
  readonly system: boolean;
}

export interface QueueStats {
  readonly queue: MessageQueue;
  readonly minOffset: number;
  readonly maxOffset: number;
  /** storeTimestamp of the newest message; null for an empty queue. */
  readonly lastStoreTimestamp: number | null;
}

export interface TopicDescription extends TopicConfig {
  readonly queues: readonly QueueStats[];
  /** Groups with committed offsets on the topic. */
  readonly groups: readonly string[];
}

export interface TopicPatch {
  readonly readQueueNums?: number | undefined;
  readonly writeQueueNums?: number | undefined;
  readonly perm?: number | undefined;
  readonly order?: boolean | undefined;
  /** null removes the attribute. */
  readonly attributes?: Readonly<Record<string, string | null>> | undefined;
}

export interface GroupConfig {
  readonly group: string;
  readonly consumeEnable: boolean;
  readonly consumeBroadcastEnable: boolean;
  readonly consumeMessageOrderly: boolean;
  readonly retryQueueNums: number;
  readonly retryMaxTimes: number;
  readonly system: boolean;
  /** false: known only by its committed offsets. */
  readonly configured: boolean;
}

export interface CommittedOffset {
  readonly queue: MessageQueue;
  /** Next offset to consume; null when nothing was ever committed. */
  readonly committedOffset: number | null;
  readonly minOffset: number;
  readonly maxOffset: number;
  /** maxOffset - committedOffset (from minOffset when below it); null when it cannot be known. */
  readonly lag: number | null;
  /** storeTimestamp of the next message to consume; null at the end or unknown. */
  readonly nextStoreTimestamp: number | null;
}

/** How far an instance of a broadcasting group has read, live or not. */
export interface BroadcastProgress {
  readonly instance: string;
  readonly offsets: readonly CommittedOffset[];
}

export interface OffsetCommit {
  readonly queue: MessageQueue;
  readonly offset: number;
}

export type MessageModel = 'clustering' | 'broadcasting';

/** AllocateMessageQueueAveragely, …AveragelyByCircle, …ConsistentHash. */
export type AllocateStrategy = 'average' | 'circle' | 'consistent-hash';

export interface GroupSubscription {
  readonly topic: string;
  readonly filter?: MessageFilter | undefined;
}

export interface JoinRequest {
  readonly group: string;
  readonly subscriptions: readonly GroupSubscription[];
  /** Default clustering. */
  readonly messageModel?: MessageModel | undefined;
  /** Default average. All live members of a group must have the same. */
  readonly allocate?: AllocateStrategy | undefined;
  /** broadcasting: whose offsets these are. Default DEFAULT. */
  readonly instance?: string | undefined;
  readonly orderly?: boolean | undefined;
  /** Only the queues of this number are consumed by the group's live members; all of them must agree on it. */
  readonly queueId?: number | undefined;
}

/** A member as its broker sees it. */
export interface MemberClient {
  /** `ip:port` it is connected from. */
  readonly address: string;
  /** JAVA, GO, CPP, NODE_JS, …; null: not told. */
  readonly language: string | null;
  /** Of the client: `5.3.3`. */
  readonly version: string | null;
}

/** null: a member of another kind than this one's does not tell. */
export interface MemberInfo {
  readonly group: string;
  readonly clientId: string;
  readonly pid: number | null;
  readonly host: string;
  readonly sinceTimestamp: number | null;
  /** `filter` as a user reads it; `*` for all. */
  readonly subscriptions: readonly { readonly topic: string; readonly filter: string }[];
  readonly messageModel: MessageModel;
  readonly allocate: AllocateStrategy | null;
  readonly instance: string | null;
  readonly orderly: boolean | null;
  readonly queueId: number | null;
  /** What it owns at this moment. */
  readonly queues: readonly MessageQueue[];
  /** Messages it commits in a second, of late; null when nobody knows. */
  readonly consumedPerSecond: number | null;
  /** Of members of a cluster's groups that are not this process's. */
  readonly client?: MemberClient | undefined;
}

/** What a member says of itself once. It knows all of it. */
export interface MemberCard extends Omit<MemberInfo, 'queues' | 'consumedPerSecond' | 'client'> {
  readonly pid: number;
  readonly sinceTimestamp: number;
  readonly allocate: AllocateStrategy;
  readonly orderly: boolean;
}

/**
 * A live membership of a group: queues are consumed only while it holds their locks, so that no two live members have one at once.
 * Whoever dies loses them at once. On a cluster only queues that are consumed in order are locked (and a dead member's locks last 60 s); of others
 * two members may have one for a moment while they are shared out anew, as Java's have.
 */
export interface Membership {
  readonly info: MemberCard;
  /** Owned now: the group's `%RETRY%` queues among them (clustering). */
  readonly queues: readonly MessageQueue[];
  /** This member's as of the last look, and still another's. */
  readonly awaited: readonly MessageQueue[];
  /**
   * Looks who is alive, shares out the queues anew and takes those that are this member's and free. Answers the owned queues that
   * are another's by now: finish what is under way, `commit`, then `release` them. Call it every 500 ms at least.
   */
  refresh(): Promise<readonly MessageQueue[]>;
  /** Lets others have these queues. */
  release(queues: readonly MessageQueue[]): Promise<void>;
  /** Next offsets of the owned queues, where something was ever committed. */
  committed(): Promise<readonly OffsetCommit[]>;
  /**
   * Commits next offsets for owned queues only, by read-merge-write.
   * Returns the queues that were reset by somebody since, with the offset to go on from.
   */
  commit(commits: readonly OffsetCommit[]): Promise<readonly OffsetCommit[]>;
  leave(): Promise<void>;
}

export interface KeyQuery {
  readonly topic: string;
  readonly key: string;
  readonly maxMessages: number;
  readonly beginTimestamp?: number | undefined;
  readonly endTimestamp?: number | undefined;
}

export interface QueryResult<M> {
  readonly messages: readonly M[];
  readonly truncated: boolean;
}

/** One step of the physical log, whatever lies there. `brokerName`: of a cluster, where it is not the only one or the record does not tell. */
export type LogRecord<M> = { readonly brokerName?: string } & (
  | { readonly recordType: 'message'; readonly commitLogOffset: number; readonly sizeBytes: number; readonly tagsCode: bigint; readonly crcOk: boolean; readonly message: M }
  | { readonly recordType: 'blank'; readonly commitLogOffset: number; readonly sizeBytes: number }
  | { readonly recordType: 'damaged'; readonly commitLogOffset: number; readonly sizeBytes: number; readonly reason: string });

export interface LogQuery {
  /** First record: a commit-log offset on a record boundary, the start or the end of the log, the last N, or a store time. */
  readonly from: { readonly at: 'first' } | { readonly at: 'last' } | { readonly at: 'offset'; readonly commitLogOffset: number } | { readonly at: 'lastN'; readonly count: number } | { readonly at: 'time'; readonly timestamp: number };
  /** Keep waiting for new records. */
  readonly follow: boolean;
}

/** How far the delivery of delayed messages is. What waits beyond it lies in SCHEDULE_TOPIC_XXXX and rmq_sys_wheel_timer. */
export interface DelayProgress {
  readonly levels: readonly DelayLevelProgress[];
  /** null: the target keeps no timer messages, or does not tell. */
  readonly timer: TimerProgress | null;
}

export interface DelayLevelProgress {
  /** From 1. */
  readonly level: number;
  readonly delayMs: number;
  /** In SCHEDULE_TOPIC_XXXX. */
  readonly queueId: number;
  /** First queue offset that was not delivered. */
  readonly nextOffset: number;
}

export interface TimerProgress {
  /** First queue offset of rmq_sys_wheel_timer that is not in the wheel; below it, seconds before `lastReadTimeMs` are done with. */
  readonly nextQueueOffset: number;
  readonly lastReadTimeMs: number;
  /** Commit-log offsets of records of the second `lastReadTimeMs` that are done with already. */
  readonly doneInSecond: readonly number[];
}

export type OffsetBoundary = 'lower' | 'upper';

export type Feature = 'forced-delivery' | 'recall' | 'lag-bytes' | 'store-tools';
