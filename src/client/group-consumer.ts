import type { Clock } from '../base/clock.ts';
import type { Broker } from '../broker/broker.ts';
import { queueKey } from '../broker/queue-key.ts';
import type { Membership, MessageQueue, OffsetCommit } from '../broker/types.ts';
import type { Message } from '../record/message.ts';
import type { GroupOptions } from './group-options.ts';
import { AWAIT_QUEUES_MS, join, REBALANCE_MS } from './group-options.ts';
import { QueueMerger } from './queue-merger.ts';
import { StartOffsets } from './start-offsets.ts';

export interface GroupRequest extends GroupOptions {
  /** Commit each batch as soon as it is written out, instead of at intervals. */
  readonly commitEachBatch?: boolean | undefined;
  /** Most messages of a batch, and of a read. */
  readonly pullBatchSize?: number | undefined;
  /** Most messages wanted in the next batch, asked before each. */
  readonly batchLimit?: () => number;
  /** Writes a batch out; resolves once it is. Only then may its offsets be committed. */
  readonly deliver: (batch: readonly Message[]) => Promise<void>;
}

const BATCH = 4096;

/**
 * Consumes as a member of a group, in batches in the order of the commit log, until the end, the idle timeout or the signal. Commits
 * what was written out, never more: every `commitIntervalMs`, before a queue is given up, and at the end.
 * Errors: USAGE for `from` on a group that has offsets; those of the broker.
 */
export async function consumeAsGroup(broker: Broker, clock: Clock, request: GroupRequest): Promise<void> {
  const membership = await join(broker, request);
  try {
    const starts = await StartOffsets.prepare(broker, request, membership);
    await new GroupConsumer(broker, clock, request, membership, starts).run();
  } finally {
    await membership.leave();
  }
}

class GroupConsumer {
  readonly #clock: Clock;
  readonly #request: GroupRequest;
  readonly #membership: Membership;
  readonly #starts: StartOffsets;
  readonly #merger: QueueMerger;
  /** What was last committed, by queue: only changes are committed again. */
  readonly #committed = new Map<string, number>();
  /** Progress as of the last batch that was written out: what may be committed. */
  #written: readonly OffsetCommit[] = [];
  #committedAtMs: number;
  #checkedAtMs: number;

  constructor(broker: Broker, clock: Clock, request: GroupRequest, membership: Membership, starts: StartOffsets) {
    this.#clock = clock;
    this.#request = request;
    this.#membership = membership;
    this.#starts = starts;
    const { filter, pullBatchSize: pullMessages, suspendMs, onDamage, signal } = request;
    this.#merger = new QueueMerger({ broker, clock, filter, pullMessages, suspendMs, onDamage, signal }, []);
    this.#committedAtMs = clock.elapsedMs();
    this.#checkedAtMs = this.#committedAtMs;
  }

  async run(): Promise<void> {
    await this.#takeUp();
    try {
      await this.#consume();
    } finally {
      this.#merger.close();
      if (this.#request.autoCommit) await this.#commit(this.#changes());
    }
  }

  async #consume(): Promise<void> {
    const { signal, deliver, batchLimit, idleTimeoutMs, pullBatchSize } = this.#request;
    const most = Math.min(BATCH, pullBatchSize ?? BATCH);
    let lastMessageAtMs = this.#clock.elapsedMs();
    const awaitedUntilMs = lastMessageAtMs + AWAIT_QUEUES_MS;
    while (!signal.aborted) {
      const idleMs = idleTimeoutMs === undefined ? Infinity : idleTimeoutMs - (this.#clock.elapsedMs() - lastMessageAtMs);
      const limit = Math.min(most, batchLimit?.() ?? most);
      if (limit <= 0) return;
      const waitMs = Math.max(0, Math.min(idleMs, REBALANCE_MS));
      let batch = await this.#merger.next(limit, waitMs);
      if (batch === null) {
        this.#written = this.#merger.progress();
        if (this.#bounded && (this.#membership.awaited.length === 0 || this.#clock.elapsedMs() >= awaitedUntilMs)) return;
        await this.#clock.sleep(waitMs, signal);
        batch = [];
      }
      if (batch.length > 0) {
        await deliver(batch);
        lastMessageAtMs = this.#clock.elapsedMs();
      } else if (idleMs <= 0) {
        return;
      }
      this.#written = this.#merger.progress();
      await this.#tick(batch.length > 0 && this.#request.commitEachBatch === true);
    }
  }

  get #bounded(): boolean {
    return this.#request.untilEnd || this.#request.to !== undefined;
  }

  /** Commits when it is time to, and asks for resets and changed ownership more often than that. */
  async #tick(commitNow: boolean): Promise<void> {
    const nowMs = this.#clock.elapsedMs();
    const { autoCommit, commitIntervalMs } = this.#request;
    const isCommitDue = autoCommit && (commitNow || nowMs - this.#committedAtMs >= commitIntervalMs);
    const isCheckDue = nowMs - this.#checkedAtMs >= REBALANCE_MS;
    if (isCommitDue) this.#committedAtMs = nowMs;
    if (isCommitDue || isCheckDue) await this.#commit(isCommitDue ? this.#changes() : []);
    if (!isCheckDue) return;
    this.#checkedAtMs = nowMs;
    await this.#giveUp(await this.#membership.refresh());
    await this.#takeUp();
  }

  /** Written out, and not yet committed. The start of a queue counts: it is where `--from last` must go on next time. */
  #changes(): OffsetCommit[] {
    return this.#written.filter(({ queue, offset }) => this.#committed.get(queueKey(queue)) !== offset);
  }

  /** Obeys the resets that the answer brings: the place read from moves, and with it what will be committed. */
  async #commit(commits: readonly OffsetCommit[]): Promise<void> {
    const resets = await this.#membership.commit(commits);
    for (const { queue, offset } of commits) this.#committed.set(queueKey(queue), offset);
    for (const { queue, offset } of resets) {
      this.#merger.seek(queue, offset);
      this.#committed.set(queueKey(queue), offset);
    }
    if (resets.length > 0) this.#written = this.#merger.progress();
  }

  /** Queues that are another's by now: their progress first. */
  async #giveUp(queues: readonly MessageQueue[]): Promise<void> {
    if (queues.length === 0) return;
    const keys = new Set(queues.map(queueKey));
    if (this.#request.autoCommit) await this.#commit(this.#changes().filter(({ queue }) => keys.has(queueKey(queue))));
    for (const queue of queues) {
      this.#merger.remove(queue);
      this.#committed.delete(queueKey(queue));
    }
    await this.#membership.release(queues);
    this.#written = this.#merger.progress();
  }

  async #takeUp(): Promise<void> {
    const held = new Set(this.#merger.queues.map(queueKey));
    const gained = this.#membership.queues.filter((queue) => !held.has(queueKey(queue)));
    if (gained.length === 0) return;
    for (const span of await this.#starts.resolve(gained)) this.#merger.add(span);
    this.#written = this.#merger.progress();
  }
}
