import type { Broker } from '../broker/broker.ts';
import { MqliteError } from '../broker/errors.ts';
import { queueKey } from '../broker/queue-key.ts';
import type { CommittedOffset, Membership, MessageQueue, OffsetCommit } from '../broker/types.ts';
import { queuesOf } from './browse.ts';
import type { GroupOptions } from './group-options.ts';
import { retryTopicOf } from '../broker/retry-topics.ts';
import type { Position } from './positions.ts';
import { resolvePosition } from './positions.ts';
import type { QueueSpan } from './queue-merger.ts';

const FIRST: Position = { at: 'first' };

/**
 * Where a member begins and ends each queue that it takes up. [RebalancePushImpl#computePullFromWhereWithException]
 *
 * A start that is neither committed nor the first message is committed at once: should this member die before its first commit,
 * the next owner must not work it out anew, and skip what came in between. A queue that came to be after the start is read whole.
 */
export class StartOffsets {
  readonly #broker: Broker;
  readonly #options: GroupOptions;
  readonly #membership: Membership;
  readonly #from: Position;
  #initial = new Set<string>();

  private constructor(broker: Broker, options: GroupOptions, membership: Membership) {
    this.#broker = broker;
    this.#options = options;
    this.#membership = membership;
    const from = options.from ?? options.fallbackFrom ?? FIRST;
    this.#from = from.at === 'committed' ? FIRST : from;
  }

  /** Errors: USAGE for `from` on a group that has offsets; NOT_FOUND when no topic has the queue. */
  static async prepare(broker: Broker, options: GroupOptions, membership: Membership): Promise<StartOffsets> {
    const starts = new StartOffsets(broker, options, membership);
    await starts.#refuseFromOnKnownGroup();
    starts.#initial = new Set((await queuesOf(broker, options.topics, options.queueId)).map(queueKey));
    return starts;
  }

  /** The spans of queues that this member owns by now. */
  async resolve(queues: readonly MessageQueue[]): Promise<QueueSpan[]> {
    if (queues.length === 0) return [];
    const committed = new Map((await this.#membership.committed()).map(({ queue, offset }) => [queueKey(queue), offset]));
    const starts = await this.#starts(queues, committed);
    const ends = await this.#ends(queues, committed);
    return queues.map((queue, index) => ({
      queue, start: starts[index]!, end: ends[index]!, filter: queue.topic === retryTopicOf(this.#options.group) ? null : this.#options.filter,
    }));
  }

  async #starts(queues: readonly MessageQueue[], committed: ReadonlyMap<string, number>): Promise<number[]> {
    const fresh = queues.filter((queue) => !committed.has(queueKey(queue)) && this.#initial.has(queueKey(queue)));
    const places = new Map<string, number>();
    if (this.#from.at !== 'first') {
      const found = await resolvePosition(this.#broker, fresh, this.#from);
      fresh.forEach((queue, index) => places.set(queueKey(queue), found[index]!));
      const commits = fresh.map((queue, index): OffsetCommit => ({ queue, offset: found[index]! }));
      if (this.#options.autoCommit && commits.length > 0) await this.#membership.commit(commits);
    }
    return Promise.all(queues.map(async (queue) => {
      const key = queueKey(queue);
      const known = committed.get(key);
      return known === undefined ? places.get(key) ?? this.#broker.minOffset(queue) : this.#corrected(queue, known);
    }));
  }

  /** An offset that the queue no longer has, or not yet: to where RocketMQ goes on, and said. [PullStatus.OFFSET_ILLEGAL] */
  async #corrected(queue: MessageQueue, offset: number): Promise<number> {
    const [minOffset, maxOffset] = await Promise.all([this.#broker.minOffset(queue), this.#broker.maxOffset(queue)]);
    const corrected = Math.min(Math.max(offset, minOffset), maxOffset);
    if (corrected !== offset) this.#options.onNotice?.(correctionText(queue, offset, corrected));
    return corrected;
  }

  async #ends(queues: readonly MessageQueue[], committed: ReadonlyMap<string, number>): Promise<number[]> {
    const { to, untilEnd } = this.#options;
    const rows = queues.map((queue): CommittedOffset => ({
      queue, committedOffset: committed.get(queueKey(queue)) ?? null, minOffset: 0, maxOffset: 0, lag: null, nextStoreTimestamp: null,
    }));
    const stops = to === undefined ? undefined : await resolvePosition(this.#broker, queues, to, rows);
    const now = untilEnd ? await resolvePosition(this.#broker, queues, { at: 'last' }) : undefined;
    return queues.map((_, index) => Math.min(stops?.[index] ?? Infinity, now?.[index] ?? Infinity));
  }

  async #refuseFromOnKnownGroup(): Promise<void> {
    const { from, group, topics } = this.#options;
    if (from === undefined || from.at === 'committed') return;
    const isInstance = this.#membership.info.instance !== null;
    const known = isInstance ? (await this.#membership.committed()).map(({ queue }) => queue) : await this.#committedQueues(topics);
    const topic = topics.find((name) => known.some((queue) => queue.topic === name));
    if (topic === undefined) return;
    throw new MqliteError('USAGE', `--from: ${isInstance ? `instance ${this.#membership.info.instance} of ` : ''}group ${group} has committed offsets on ${topic} and goes on from them`, {
      hint: isInstance ? 'To start elsewhere, give it another --instance.' : `To start elsewhere: mqlite offsets reset ${group} ${topic} --to first --execute`,
    });
  }

  async #committedQueues(topics: readonly string[]): Promise<MessageQueue[]> {
    const rows = await Promise.all(topics.map((topic) => this.#broker.committedOffsets(this.#options.group, topic)));
    return rows.flat().filter(({ committedOffset }) => committedOffset !== null).map(({ queue }) => queue);
  }
}

export function correctionText({ topic, queueId }: MessageQueue, offset: number, corrected: number): string {
  return offset < corrected
    ? `${topic} queue ${queueId}: offset ${offset} is no longer stored; going on at the first message, ${corrected}`
    : `${topic} queue ${queueId}: offset ${offset} is beyond the end; going on at the end, ${corrected}`;
}
