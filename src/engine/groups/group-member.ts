import { allocateQueues } from '../../broker/allocate.ts';
import { checkOffset } from '../../broker/check-offset.ts';
import { MqliteError } from '../../broker/errors.ts';
import type { Membership, MessageQueue, OffsetCommit } from '../../broker/types.ts';
import { toMqliteError } from '../files/storage-errors.ts';
import type { TopicAdmin } from '../local/topic-admin.ts';
import type { QueueOffset } from '../state/consumer-offsets.ts';
import { retryTopicOf } from '../../broker/retry-topics.ts';
import type { StoreWriter } from '../write/store-writer.ts';
import { CommitRate } from '../../broker/commit-rate.ts';
import type { MemberCard, MemberDirectory } from './member-directory.ts';
import { QueueLocks } from './queue-locks.ts';

/** How often a member says how fast it commits, in ms. */
const RATE_INTERVAL_MS = 1000;
/** Queues may appear without anything being said of it (messages beyond the queues to read): how often they are looked for, in ms. */
const SHARE_OUT_MS = 1000;

export interface GroupMemberParts {
  readonly writer: StoreWriter;
  readonly admin: TopicAdmin;
  readonly directory: MemberDirectory;
  readonly info: MemberCard;
  readonly onLeave: (member: GroupMember) => void;
}

/**
 * Membership of this process in a clustering group. Every member shares out the queues on its own, from the same list of the living;
 * while two of them see different lists the queues' locks keep each queue one member's.
 */
export class GroupMember implements Membership {
  readonly info: MemberCard;
  readonly #parts: GroupMemberParts;
  readonly #locks: QueueLocks;
  readonly #rate: CommitRate;
  /** What this member knows to be committed, by queue: the difference is what it consumed. */
  readonly #committed = new Map<string, number>();
  #awaited: readonly MessageQueue[] = [];
  #ratePublishedMs = 0;
  #fd: number;
  /** Of the resets file: those up to here are obeyed. The shared state's number only says that there are new ones, and may lag after a crash. */
  #resetGeneration: number;
  #announced = -1;
  /** What the queues were last shared out by: the topics' generation and the members. */
  #basis = '';
  #sharedOutMs = -Infinity;
  #wanted: ReadonlySet<string> = new Set();

  /** Enters; `refresh` takes what is free. Called under the write lock. */
  constructor(parts: GroupMemberParts) {
    const { writer, info, directory } = parts;
    this.info = info;
    this.#parts = parts;
    this.#locks = new QueueLocks(writer.context, info.group, info.clientId);
    this.#rate = new CommitRate(info.sinceTimestamp);
    this.#resetGeneration = writer.tables.resets.generation();
    this.#fd = directory.enter(info);
  }

  get queues(): readonly MessageQueue[] {
    return this.#locks.queues;
  }

  get awaited(): readonly MessageQueue[] {
    return this.#awaited;
  }

  async refresh(): Promise<readonly MessageQueue[]> {
    this.#requireMember();
    try {
      return this.#rebalance();
    } catch (error) {
      throw toMqliteError(error, `sharing out the queues of ${this.info.group}`);
    }
  }

  /** [RebalanceImpl#updateProcessQueueTableInRebalance] */
  #rebalance(): MessageQueue[] {
    const { directory, writer } = this.#parts;
    const members = directory.tidy().filter(({ messageModel }) => messageModel === 'clustering');
    const nowMs = writer.context.clock.elapsedMs();
    // Asked several times a second by members that have nothing to do: the same members share out the same queues in the same way.
    const basis = [writer.published.topicsGeneration(), ...members.map(({ clientId }) => clientId)].join();
    if (basis !== this.#basis || this.#awaited.length > 0 || nowMs - this.#sharedOutMs >= SHARE_OUT_MS) {
      this.#shareOut(members);
      this.#basis = basis;
      this.#sharedOutMs = nowMs;
    }
    return this.#locks.queues.filter((queue) => !this.#wanted.has(keyOf(queue)));
  }

  #shareOut(members: readonly MemberCard[]): void {
    const { info, admin } = this.#parts;
    const wanted = new Set<string>();
    const awaited: MessageQueue[] = [];
    for (const topic of this.#topics()) {
      const subscribers = members.filter((member) => topic === retryTopicOf(info.group) || member.subscriptions.some((subscription) => subscription.topic === topic));
      const queues = admin.queues(topic).filter(({ queueId }) => info.queueId === null || topic === retryTopicOf(info.group) || queueId === info.queueId);
      for (const queue of allocateQueues(info.allocate, info.clientId, subscribers.map(({ clientId }) => clientId), queues)) {
        wanted.add(keyOf(queue));
        if (!this.#locks.tryTake(queue)) awaited.push(queue);
      }
    }
    this.#awaited = awaited;
    this.#wanted = wanted;
  }

  /** The group's retries come back through a topic of their own, as soon as there are any. */
  #topics(): string[] {
    const { info, admin } = this.#parts;
    const retryTopic = retryTopicOf(info.group);
    const topics = info.subscriptions.map(({ topic }) => topic).filter((topic) => topic !== retryTopic);
    return admin.find(retryTopic) === null ? topics : [...topics, retryTopic];
  }

  async release(queues: readonly MessageQueue[]): Promise<void> {
    for (const queue of queues) {
      this.#locks.release(queue);
      this.#committed.delete(keyOf(queue));
    }
  }

  async committed(): Promise<readonly OffsetCommit[]> {
    const { offsets } = this.#parts.writer.tables;
    return this.queues.flatMap((queue) => {
      const offset = offsets.committed(this.info.group, queue.topic, queue.queueId);
      if (offset !== null) this.#committed.set(keyOf(queue), offset);
      return offset === null ? [] : [{ queue, offset }];
    });
  }

  async commit(commits: readonly OffsetCommit[]): Promise<readonly OffsetCommit[]> {
    this.#requireMember();
    const { writer } = this.#parts;
    // Asked several times a second by a consumer that has nothing to do.
    if (commits.length === 0 && writer.failure === null && writer.published.resetGeneration() === this.#announced) return [];
    for (const commit of commits) this.#check(commit);
    try {
      return await writer.locked(() => this.#commit(commits));
    } catch (error) {
      throw toMqliteError(error, `committing offsets of ${this.info.group}`);
    }
  }

  #commit(commits: readonly OffsetCommit[]): OffsetCommit[] {
    // Left while waiting for the lock: another member may own the queues, and their offsets, by now.
    this.#requireMember();
    const { writer } = this.#parts;
    const { offsets, resets } = writer.tables;
    const obeyed = this.#newResets();
    const isObeyed = ({ queue }: OffsetCommit): boolean => obeyed.some((reset) => reset.topic === queue.topic && reset.queueId === queue.queueId);
    const kept = commits.filter((commit) => !isObeyed(commit)).map(toQueueOffset);
    // Backwards (the queue is shorter than the offset, its topic made anew) is a reset: other processes must not put back what they remember.
    const back = kept.filter(({ topic, queueId, offset }) => offset < (offsets.committed(this.info.group, topic, queueId) ?? 0));
    if (back.length > 0) writer.setResetGeneration(resets.record(this.info.group, back));
    // Durably: an unsynced file under a new name may be empty after a power cut, and its .bak, written the same way, no better.
    if (kept.length > 0) offsets.commit(this.info.group, kept);
    this.#announced = writer.state.resetGeneration;
    if (obeyed.length > 0 || back.length > 0) this.#resetGeneration = resets.generation();
    this.#count(kept);
    return this.#owned(obeyed);
  }

  async leave(): Promise<void> {
    if (this.#fd < 0) return;
    // First the card: who takes the queues over counts without this member.
    this.#parts.directory.leave(this.info.clientId, this.#fd);
    this.#fd = -1;
    this.#locks.releaseAll();
    this.#parts.onLeave(this);
  }

  #requireMember(): void {
    if (this.#fd < 0) throw new MqliteError('REFUSED', `this member has left group ${this.info.group}`);
  }

  /** Resets of this group since the last successful commit. Only a change of what is announced costs a file. */
  #newResets(): QueueOffset[] {
    const { state, tables } = this.#parts.writer;
    return state.resetGeneration === this.#announced ? [] : tables.resets.since(this.info.group, this.#resetGeneration);
  }

  #owned(resets: readonly QueueOffset[]): OffsetCommit[] {
    return this.queues.flatMap((queue) => {
      const reset = resets.find(({ topic, queueId }) => topic === queue.topic && queueId === queue.queueId);
      return reset === undefined ? [] : [{ queue, offset: reset.offset }];
    });
  }

  #count(commits: readonly QueueOffset[]): void {
    let consumed = 0;
    for (const { topic, queueId, offset } of commits) {
      const key = `${topic}/${queueId}`;
      consumed += Math.max(0, offset - (this.#committed.get(key) ?? offset));
      this.#committed.set(key, offset);
    }
    const nowMs = this.#parts.writer.context.clock.nowMs();
    const window = commits.length === 0 ? null : this.#rate.add(consumed, nowMs);
    if (window === null || Math.abs(nowMs - this.#ratePublishedMs) < RATE_INTERVAL_MS) return;
    this.#ratePublishedMs = nowMs;
    this.#parts.directory.publishRate(this.info.clientId, window);
  }

  #check({ queue, offset }: OffsetCommit): void {
    checkOffset(offset);
    if (!this.#locks.has(queue)) throw new MqliteError('REFUSED', `queue ${queue.queueId} of ${queue.topic} is not consumed by this member`);
  }
}

const keyOf = ({ topic, queueId }: MessageQueue): string => `${topic}/${queueId}`;

export const toQueueOffset = ({ queue, offset }: OffsetCommit): QueueOffset => ({ topic: queue.topic, queueId: queue.queueId, offset });
