import type { Clock } from '../../base/clock.ts';
import { CommitRate, commitsPerSecond } from '../../broker/commit-rate.ts';
import type { CommitWindow } from '../../broker/commit-rate.ts';
import { checkOffset } from '../../broker/check-offset.ts';
import { MqliteError } from '../../broker/errors.ts';
import { isGone } from '../../broker/gone.ts';
import { queueKey } from '../../broker/queue-key.ts';
import type { MemberCard, Membership, MessageQueue, OffsetCommit } from '../../broker/types.ts';
import { retryTopicOf } from '../../broker/retry-topics.ts';
import type { Cluster } from '../cluster.ts';
import type { RemotingClient } from '../remoting-client.ts';
import { MASTER_ID, readableQueues } from '../routes.ts';
import type { TopicRoute } from '../routes.ts';
import { memberIds } from './member-list.ts';

import type { OffsetStore } from './offset-store.ts';
import type { Presence } from './presence.ts';
import type { QueueLocks } from './queue-locks.ts';
import { RENEW_LOCKS_MS } from './queue-locks.ts';
import { QueueProgress } from './queue-progress.ts';
import { handedOver, shareOut } from './share-out.ts';
import type { TopicShare } from './share-out.ts';

/** How often queues are shared out when nothing is said of a change, in ms. [RebalanceService#waitInterval] */
const REBALANCE_MS = 20_000;
/** The same while a queue is awaited. [RebalanceService#minInterval] */
const REBALANCE_AWAITED_MS = 1000;
/** How long the former owner of a queue has to finish and commit, in ms, before another goes on from where it is committed. */
const HANDOVER_MS = 1000;
/** How often it is looked whether there are retries by now, in ms. */
const RETRIES_MS = 1000;

/** What members of one process know of each other without asking a broker. */
export interface Neighbours {
  /** Takes the queue unless another member of this process has it. */
  tryHold(member: ClusterMember, queue: MessageQueue): boolean;
  letGo(queue: MessageQueue): void;
  /** Nobody reads the queue any more. */
  onReleased(queue: MessageQueue): void;
  isNeighbour(clientId: string): boolean;
  onLeave(member: ClusterMember): void;
}

export interface ClusterMemberParts {
  readonly cluster: Cluster;
  /** Its own. */
  readonly client: RemotingClient;
  readonly info: MemberCard;
  readonly presence: Presence;
  readonly offsets: OffsetStore;
  /** null: its queues are not locked. */
  readonly locks: QueueLocks | null;
  readonly neighbours: Neighbours;
}

/**
 * Membership of this process in a clustering group of a cluster. Every member, whatever its language, shares out the queues on its own, from the
 * broker's list of members; only the queues of ordered consumers are locked. [RebalanceImpl]
 */
export class ClusterMember implements Membership {
  readonly info: MemberCard;
  readonly #parts: ClusterMemberParts;
  readonly #clock: Clock;
  readonly #owned = new Map<string, QueueProgress>();
  readonly #shares = new Map<string, TopicShare>();
  /** When queues that are handed over may be taken, by key. */
  readonly #availableMs = new Map<string, number>();
  /** Keys of owned queues whose locks were another's at the last renewal. */
  readonly #unlocked = new Set<string>();
  #awaited: readonly MessageQueue[] = [];
  #routes = '';
  #sharedOutMs = -Infinity;
  #isDue = true;
  /** Keys of retry queues that were written to: the others hold nothing to wait for. */
  readonly #retries = new Set<string>();
  #retriesMs = -Infinity;
  #renewedMs: number;
  readonly #rate: CommitRate;
  #window: CommitWindow | null = null;
  #hasLeft = false;

  constructor(parts: ClusterMemberParts) {
    this.#parts = parts;
    this.info = parts.info;
    this.#clock = parts.client.options.clock;
    this.#renewedMs = this.#clock.elapsedMs();
    this.#rate = new CommitRate(this.#clock.nowMs());
  }

  get queues(): readonly MessageQueue[] {
    return [...this.#owned.values()].map(({ queue }) => queue);
  }

  get awaited(): readonly MessageQueue[] {
    return this.#awaited;
  }

  /** What is owned, with its committed offsets. */
  get progress(): readonly QueueProgress[] {
    return [...this.#owned.values()];
  }

  /** Messages it commits, of late; null: it is too new to say. */
  get consumedPerSecond(): number | null {
    return this.#window === null ? null : commitsPerSecond(this.#window, this.#clock.nowMs());
  }

  owns(queue: MessageQueue): boolean {
    return this.#owned.has(queueKey(queue));
  }

  /** Somebody came or went, or a broker is there again: queues are shared out at the next refresh. */
  rebalanceSoon(): void {
    this.#isDue = true;
  }

  /** The queue was reset, and the broker has put that behind it: the next commit says so. */
  onReset(queue: MessageQueue, offset: number): void {
    this.#owned.get(queueKey(queue))?.resetTo(offset);
  }

  async refresh(): Promise<readonly MessageQueue[]> {
    this.#requireMember();
    const nowMs = this.#clock.elapsedMs();
    const isRetryDue = nowMs - this.#retriesMs >= RETRIES_MS;
    if (isRetryDue) this.#retriesMs = nowMs;
    const routes = await this.#knownRoutes(isRetryDue);
    const text = JSON.stringify(routes.map(({ topic, queues }) => [topic, queues]));
    const isChanged = text !== this.#routes;
    if (isChanged) this.#parts.presence.nudge();
    if (isChanged || this.#isDue || nowMs - this.#sharedOutMs >= (this.#awaited.length > 0 ? REBALANCE_AWAITED_MS : REBALANCE_MS)) {
      this.#routes = text;
      this.#isDue = false;
      this.#sharedOutMs = nowMs;
      for (const route of routes) await this.#shareOut(route);
    }
    if (isRetryDue) await this.#lookForRetries();
    if (this.#parts.locks !== null && nowMs - this.#renewedMs >= RENEW_LOCKS_MS) await this.#renewLocks();
    await this.#take();
    const wanted = this.#wanted();
    return this.queues.filter((queue) => !wanted.has(queueKey(queue)) || this.#unlocked.has(queueKey(queue)));
  }

  async release(queues: readonly MessageQueue[]): Promise<void> {
    const owned = queues.filter((queue) => this.owns(queue));
    if (owned.length === 0) return;
    await this.#parts.locks?.unlock(owned.filter((queue) => !this.#unlocked.has(queueKey(queue))));
    for (const queue of owned) this.#forget(queue);
  }

  async committed(): Promise<readonly OffsetCommit[]> {
    return this.progress.flatMap(({ queue, committedOffset: offset }) => (offset === null ? [] : [{ queue, offset }]));
  }

  /** A broker that cannot be reached is told with the next commit. */
  async commit(commits: readonly OffsetCommit[]): Promise<readonly OffsetCommit[]> {
    this.#requireMember();
    for (const { queue, offset } of commits) {
      checkOffset(offset);
      if (!this.owns(queue)) throw new MqliteError('REFUSED', `queue ${queue.queueId} of ${queue.topic} on ${queue.brokerName} is not consumed by this member`);
    }
    for (const { queue, offset } of commits) this.#owned.get(queueKey(queue))!.want(offset);
    const before = this.#consumed();
    const resets = await Promise.all(this.progress.map(async (progress): Promise<OffsetCommit[]> => {
      const offset = await progress.settle(this.#parts.offsets, this.#clock.elapsedMs());
      return offset === null ? [] : [{ queue: progress.queue, offset }];
    }));
    if (commits.length > 0) this.#window = this.#rate.add(this.#consumed() - before, this.#clock.nowMs());
    return resets.flat();
  }

  async leave(): Promise<void> {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    const { presence, locks, client, neighbours } = this.#parts;
    // Commits that a broker has not heard of; what it does not take now comes again to another member.
    await Promise.allSettled(this.progress.map((progress) => progress.finish(this.#parts.offsets)));
    await locks?.unlock(this.queues);
    await presence.end(this.info.clientId);
    for (const queue of this.queues) this.#forget(queue);
    await client.close();
    neighbours.onLeave(this);
  }

  /** Routes of the topics that the name server knows, and can be asked for, at the moment. */
  async #knownRoutes(isRetryDue: boolean): Promise<TopicRoute[]> {
    const { cluster } = this.#parts;
    const retryTopic = retryTopicOf(this.info.group);
    const topics = this.info.subscriptions.map(({ topic }) => topic).filter((topic) => topic !== retryTopic);
    if (isRetryDue || this.#shares.has(retryTopic)) topics.push(retryTopic);
    const routes = await Promise.all(topics.map((topic) => cluster.findRoute(topic).catch(orGone)));
    return routes.filter((route) => route !== null && route !== undefined);
  }

  /** Looks into this member's retry queues, where never was anything so far. */
  async #lookForRetries(): Promise<void> {
    const queues = this.#shares.get(retryTopicOf(this.info.group))?.mine.filter((queue) => !this.#retries.has(queueKey(queue))) ?? [];
    await Promise.all(queues.map(async (queue) => {
      const end = await this.#parts.offsets.end(queue).catch(orGone);
      if (end !== undefined && end > 0) this.#retries.add(queueKey(queue));
    }));
  }

  async #shareOut(route: TopicRoute): Promise<void> {
    const { info } = this;
    const { client, presence, neighbours } = this.#parts;
    const addresses = addressesOf(route);
    let list = await memberIds(client, info.group, addresses);
    // The broker was started anew, or has not heard of this member for too long.
    if (list !== null && !list.ids.includes(info.clientId)) {
      if (await presence.renew(list.address) !== null) return;
      list = await memberIds(client, info.group, [list.address]);
    }
    // Of a broker that does not answer nothing is concluded: everybody keeps what he has.
    if (list === null || list.ids.length === 0) return;
    const isRetry = route.topic === retryTopicOf(info.group);
    const all = readableQueues(route).filter(({ queueId }) => isRetry || info.queueId === null || queueId === info.queueId);
    const before = this.#shares.get(route.topic) ?? null;
    const now = shareOut(info.allocate, info.clientId, list.ids, all);
    this.#shares.set(route.topic, now);
    const untilMs = this.#clock.elapsedMs() + HANDOVER_MS;
    // Neighbours say themselves when they are done, and locks keep others out.
    if (info.orderly) return;
    for (const [key, from] of handedOver(info.allocate, info.clientId, before, now)) if (!neighbours.isNeighbour(from) && !this.#availableMs.has(key)) this.#availableMs.set(key, untilMs);
  }

  #wanted(): Set<string> {
    return new Set([...this.#shares.values()].flatMap(({ mine }) => mine.map(queueKey)));
  }

  /** Takes those of this member's queues that are free, with their committed offsets: one whose offset cannot be read now is taken later. */
  async #take(): Promise<void> {
    const { neighbours, locks, offsets } = this.#parts;
    const nowMs = this.#clock.elapsedMs();
    const retryTopic = retryTopicOf(this.info.group);
    const wanted = [...this.#shares.values()].flatMap(({ mine }) => mine).filter((queue) => !this.owns(queue) && (queue.topic !== retryTopic || this.#retries.has(queueKey(queue))));
    const free = wanted.filter((queue) => (this.#availableMs.get(queueKey(queue)) ?? 0) <= nowMs && neighbours.tryHold(this, queue));
    const locked = locks === null || free.length === 0 ? null : (await locks.lock(free)).locked;
    await Promise.all(free.map(async (queue) => {
      const key = queueKey(queue);
      let committedOffset: number | null | undefined;
      if (locked === null || locked.has(key)) committedOffset = await offsets.query(queue).catch(orGone);
      if (committedOffset === undefined) return neighbours.letGo(queue);
      this.#availableMs.delete(key);
      this.#owned.set(key, new QueueProgress(queue, committedOffset, this.#clock.elapsedMs()));
    }));
    const keys = new Set(wanted.map(queueKey));
    for (const key of this.#availableMs.keys()) if (!keys.has(key)) this.#availableMs.delete(key);
    this.#awaited = wanted.filter((queue) => !this.owns(queue));
  }

  async #renewLocks(): Promise<void> {
    this.#renewedMs = this.#clock.elapsedMs();
    const { refused } = await this.#parts.locks!.lock(this.queues);
    for (const key of refused) this.#unlocked.add(key);
  }

  #consumed(): number {
    return this.progress.reduce((sum, { consumed }) => sum + consumed, 0);
  }

  #forget(queue: MessageQueue): void {
    this.#owned.delete(queueKey(queue));
    this.#unlocked.delete(queueKey(queue));
    this.#parts.neighbours.letGo(queue);
    this.#parts.neighbours.onReleased(queue);
  }

  #requireMember(): void {
    if (this.#hasLeft) throw new MqliteError('REFUSED', `this member has left group ${this.info.group}`);
  }
}

/** Masters first: they are there most of the time. */
const addressesOf = ({ brokers }: TopicRoute): string[] => {
  const all = [...brokers.values()].flatMap(({ brokerAddrs }) => [...brokerAddrs]);
  return all.sort(([left], [right]) => Number(left !== MASTER_ID) - Number(right !== MASTER_ID)).map(([, address]) => address);
};

const orGone = (error: unknown): undefined => {
  if (isGone(error)) return undefined;
  throw error;
};
