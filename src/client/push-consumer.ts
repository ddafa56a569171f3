import type { Clock } from '../base/clock.ts';
import type { Broker } from '../broker/broker.ts';
import type { Message } from '../record/message.ts';
import { queueKey } from '../broker/queue-key.ts';
import type { Membership, OffsetCommit, PullResult } from '../broker/types.ts';
import type { DispatchStats, SendBack } from './dispatcher.ts';
import { Dispatcher } from './dispatcher.ts';
import type { FlowLimits, PauseReason } from './flow-control.ts';
import { FlowControl } from './flow-control.ts';
import type { GroupOptions } from './group-options.ts';
import { AWAIT_QUEUES_MS, join, REBALANCE_MS } from './group-options.ts';
import type { MessageListener } from './listener.ts';
import { ProcessQueue } from './process-queue.ts';
import { correctionText, StartOffsets } from './start-offsets.ts';

/** The Java push consumer's values are its defaults, except `concurrency`. */
export interface PushOptions extends GroupOptions {
  readonly listener: MessageListener;
  readonly concurrency: number;
  readonly limits: FlowLimits;
  readonly pullBatchSize: number;
  readonly pullBatchBytes: number;
  /** ms between two pulls of a queue. */
  readonly pullIntervalMs: number;
  /** How long a queue rests when what is downstream is gone. */
  readonly restMs: number;
  readonly orderlySuspendMs: number;
  readonly maxReconsumeTimes?: number | undefined;
  readonly consumeTimeoutMs: number;
  readonly sendBack?: SendBack | undefined;
}

export interface PushResult extends DispatchStats {
  readonly pauses: Readonly<Record<PauseReason, number>>;
  /** The listener ended it. */
  readonly wasStopped: boolean;
}

/**
 * Consumes as a member of a group through a listener: a loop of long polls for each owned queue feeds its ProcessQueue, and the
 * dispatcher hands messages to the listener. Ends at the signal, at the end or the idle timeout, when the listener says stop; what is
 * being consumed is waited for, then what is consumed is committed. At least once: what was consumed and not committed when a member
 * dies comes again to another. [DefaultMQPushConsumerImpl]
 * Errors: USAGE for `from` on a group that has offsets; those of the broker.
 */
export async function consumePushed(broker: Broker, clock: Clock, options: PushOptions): Promise<PushResult> {
  const membership = await join(broker, options);
  try {
    const starts = await StartOffsets.prepare(broker, options, membership);
    return await new PushConsumer(broker, clock, options, membership, starts).run();
  } finally {
    await membership.leave();
  }
}

/** How often a run that ends at the end looks whether it is there, in ms. */
const END_CHECK_MS = 20;
/** How often reading looks whether less waits in all queues together, in ms. [PULL_TIME_DELAY_MILLS_WHEN_CACHE_FLOW_CONTROL] */
const ALL_CHECK_MS = 50;

class PushConsumer {
  readonly #broker: Broker;
  readonly #clock: Clock;
  readonly #options: PushOptions;
  readonly #membership: Membership;
  readonly #starts: StartOffsets;
  readonly #queues = new Map<string, ProcessQueue>();
  readonly #flow: FlowControl;
  readonly #dispatcher: Dispatcher;
  /** What was last committed, by queue: only changes are committed again. */
  readonly #committed = new Map<string, number>();
  readonly #pullers = new Map<ProcessQueue, Promise<void>>();
  readonly #startedMs: number;
  #committedAtMs: number;
  #failure: Error | null = null;
  /** A listener threw: what became of its messages nobody knows. */
  #isBroken = false;

  constructor(broker: Broker, clock: Clock, options: PushOptions, membership: Membership, starts: StartOffsets) {
    this.#broker = broker;
    this.#clock = clock;
    this.#options = options;
    this.#membership = membership;
    this.#starts = starts;
    this.#startedMs = clock.elapsedMs();
    this.#committedAtMs = this.#startedMs;
    this.#flow = new FlowControl(options.limits, options.orderly === true, this.#queues);
    this.#dispatcher = new Dispatcher({
      clock, listener: options.listener, group: options.group, messageModel: options.messageModel ?? 'clustering', orderly: options.orderly ?? false,
      concurrency: options.concurrency, suspendMs: options.restMs, orderlySuspendMs: options.orderlySuspendMs,
      maxReconsumeTimes: options.maxReconsumeTimes, consumeTimeoutMs: options.consumeTimeoutMs, sendBack: options.sendBack,
      byLog: broker.kind === 'local', onNotice: (text) => options.onNotice?.(text),
    }, this.#queues);
  }

  async run(): Promise<PushResult> {
    const stop = (): void => this.#dispatcher.stop();
    this.#options.signal.addEventListener('abort', stop, { once: true });
    if (this.#options.signal.aborted) stop();
    let wasStopped = false;
    try {
      await this.#takeUp();
      const dispatching = this.#dispatcher.run().catch((error: unknown) => {
        this.#isBroken = true;
        this.#fail(error);
      });
      try {
        await this.#supervise();
        wasStopped = this.#dispatcher.isStopped && !this.#options.signal.aborted && this.#failure === null;
      } finally {
        stop();
        for (const queue of this.#queues.values()) queue.drop();
        await Promise.all([dispatching, ...this.#pullers.values()]);
      }
    } finally {
      this.#options.signal.removeEventListener('abort', stop);
      if (this.#options.autoCommit && !this.#isBroken) await this.#commit(this.#changes());
    }
    if (this.#failure !== null) throw this.#failure;
    return { ...this.#dispatcher.stats, pauses: this.#flow.pauses, wasStopped };
  }

  /** Whatever is not the way of a message: commits, resets, members, limits, the end. */
  async #supervise(): Promise<void> {
    const { autoCommit, commitIntervalMs, idleTimeoutMs = Infinity } = this.#options;
    while (!this.#dispatcher.isStopped && !this.#isFinished()) {
      await this.#pause(Math.min(REBALANCE_MS, idleTimeoutMs, commitIntervalMs));
      const nowMs = this.#clock.elapsedMs();
      if (this.#dispatcher.isBusy) this.#dispatcher.busyAtMs = nowMs;
      if (nowMs - this.#dispatcher.busyAtMs >= idleTimeoutMs) return;
      const isCommitDue = autoCommit && nowMs - this.#committedAtMs >= commitIntervalMs;
      if (isCommitDue) this.#committedAtMs = nowMs;
      await this.#commit(isCommitDue ? this.#changes() : []);
      await this.#dispatcher.expire(nowMs);
      await this.#rebalance();
      const news = this.#flow.news(nowMs);
      if (news !== null) this.#options.onNotice?.(news);
    }
  }

  /** A run that ends at the end need not wait for the next look. */
  async #pause(pauseMs: number): Promise<void> {
    const stepMs = this.#isBounded ? END_CHECK_MS : pauseMs;
    for (let leftMs = pauseMs; leftMs > 0 && !this.#dispatcher.isStopped && !this.#isFinished(); leftMs -= stepMs) {
      await this.#clock.sleep(Math.min(stepMs, leftMs), this.#dispatcher.stopSignal);
    }
  }

  get #isBounded(): boolean {
    return this.#options.untilEnd || this.#options.to !== undefined;
  }

  #isFinished(): boolean {
    if (!this.#isBounded) return false;
    if (this.#membership.awaited.length > 0 && this.#clock.elapsedMs() - this.#startedMs < AWAIT_QUEUES_MS) return false;
    return [...this.#queues.values()].every((queue) => queue.isFinished);
  }

  async #rebalance(): Promise<void> {
    const lost = await this.#membership.refresh();
    for (const queue of lost) this.#queues.get(queueKey(queue))?.drop();
    // What is being consumed ends first: until then the queue is not another's. By then it may be this member's again.
    const ended = [...this.#queues.values()].filter((queue) => queue.isDropped && queue.inFlight === 0);
    if (ended.length > 0) {
      const keys = new Set(ended.map(({ key }) => key));
      if (this.#options.autoCommit) await this.#commit(this.#changes().filter(({ queue }) => keys.has(queueKey(queue))));
      for (const key of keys) {
        this.#queues.delete(key);
        this.#committed.delete(key);
      }
    }
    const free = lost.filter((queue) => !this.#queues.has(queueKey(queue)));
    if (free.length > 0) await this.#membership.release(free);
    await this.#takeUp();
  }

  async #takeUp(): Promise<void> {
    const gained = this.#membership.queues.filter((queue) => !this.#queues.has(queueKey(queue)));
    for (const span of await this.#starts.resolve(gained)) {
      const queue = new ProcessQueue(span);
      this.#queues.set(queue.key, queue);
      this.#startPulling(queue);
    }
  }

  #startPulling(queue: ProcessQueue): void {
    if (this.#pullers.has(queue)) return;
    const puller = this.#pull(queue).catch((error: unknown) => this.#fail(error)).finally(() => {
      this.#pullers.delete(queue);
      // Moved back while its loop was ending.
      if (this.#wantsMore(queue) && this.#failure === null) this.#startPulling(queue);
    });
    this.#pullers.set(queue, puller);
  }

  /** The loop of long polls of one queue. */
  async #pull(queue: ProcessQueue): Promise<void> {
    const { pullIntervalMs, onDamage } = this.#options;
    while (this.#wantsMore(queue)) {
      const reason = this.#flow.reason(queue);
      if (reason !== null) {
        this.#flow.pause(queue, reason, this.#clock.elapsedMs());
        // The limit of all queues frees up elsewhere.
        if (reason === 'all') await this.#clock.sleep(ALL_CHECK_MS, queue.pullSignal);
        else await queue.waitForRoom(() => this.#flow.reason(queue) === null);
        continue;
      }
      const { next: offset, pullSignal: signal } = queue;
      const result = await this.#pullOnce(queue, offset, signal);
      if (result === null) continue;
      for (const report of result.damaged) onDamage(report);
      if (result.status === 'OFFSET_ILLEGAL') {
        this.#options.onNotice?.(correctionText(queue.queue, offset, result.nextOffset));
        queue.seek(result.nextOffset);
        continue;
      }
      queue.put(result.messages, result.nextOffset);
      if (result.messages.length > 0) this.#dispatcher.wake();
      if (pullIntervalMs > 0) await this.#clock.sleep(pullIntervalMs, signal);
    }
  }

  #wantsMore(queue: ProcessQueue): boolean {
    return !queue.isDropped && queue.next < queue.end;
  }

  /** null: the queue was dropped or moved meanwhile. */
  async #pullOnce(queue: ProcessQueue, offset: number, signal: AbortSignal): Promise<PullResult<Message> | null> {
    const { pullBatchSize, pullBatchBytes, suspendMs } = this.#options;
    try {
      const result = await this.#broker.pull({
        queue: queue.queue, offset, maxMessages: Math.min(pullBatchSize, queue.end - offset), maxBytes: pullBatchBytes, filter: queue.filter, suspendMs, signal,
      });
      return signal.aborted ? null : result;
    } catch (error) {
      if (signal.aborted) return null;
      throw error;
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
    this.#dispatcher.stop();
  }

  /** Consumed, and not yet committed. The start of a queue counts: it is where the group goes on next time. */
  #changes(): OffsetCommit[] {
    return [...this.#queues.values()].map(({ queue, commitOffset }) => ({ queue, offset: commitOffset }))
      .filter(({ queue, offset }) => this.#committed.get(queueKey(queue)) !== offset);
  }

  /** Obeys the resets that the answer brings. */
  async #commit(commits: readonly OffsetCommit[]): Promise<void> {
    const resets = await this.#membership.commit(commits);
    for (const { queue, offset } of commits) this.#committed.set(queueKey(queue), offset);
    for (const { queue, offset } of resets) {
      this.#committed.set(queueKey(queue), offset);
      const moved = this.#queues.get(queueKey(queue));
      if (moved === undefined) continue;
      moved.seek(offset);
      this.#startPulling(moved);
    }
  }
}
