import { setMaxListeners } from 'node:events';
import type { Clock } from '../base/clock.ts';
import { nextTurn } from '../base/clock.ts';
import type { MessageModel } from '../broker/types.ts';
import type { Message } from '../record/message.ts';
import type { ConsumeOutcome, MessageListener } from './listener.ts';
import type { Pending, ProcessQueue } from './process-queue.ts';

/** Stores a message for another try, or as dead: the port's `sendBack`. */
export type SendBack = (message: Message, request: {
  readonly group: string;
  /** 0: the broker decides; below 0: dead at once. */
  readonly delayLevel?: number | undefined;
  readonly maxReconsumeTimes?: number | undefined;
}) => Promise<{ readonly isDead: boolean }>;

export interface DispatchOptions {
  readonly clock: Clock;
  readonly listener: MessageListener;
  readonly group: string;
  readonly messageModel: MessageModel;
  readonly orderly: boolean;
  /** Messages being consumed at a time. */
  readonly concurrency: number;
  /** How long a queue rests after `suspend`. */
  readonly suspendMs: number;
  /** How long an ordered queue rests before a bad message is tried again (suspendCurrentQueueTimeMillis). */
  readonly orderlySuspendMs: number;
  /** undefined: the group's setting; ordered: without end. */
  readonly maxReconsumeTimes: number | undefined;
  /** A message that is being consumed for longer is sent back. */
  readonly consumeTimeoutMs: number;
  /** undefined: what fails is tried again in place. */
  readonly sendBack: SendBack | undefined;
  /** Of `commitLogOffset`s of one log, or of different brokers, where only times compare. */
  readonly byLog: boolean;
  readonly onNotice: (text: string) => void;
}

export interface DispatchStats {
  consumed: number;
  sentBack: number;
  dead: number;
  /** Failed in a broadcasting group. */
  dropped: number;
}

/** Where sending back failed, in ms. [ConsumeMessageConcurrentlyService#submitConsumeRequestLater] */
const SEND_BACK_RETRY_MS = 5000;
/** Delay level of a message whose consumption takes too long. [ProcessQueue#cleanExpiredMsg] */
const TIMEOUT_DELAY_LEVEL = 3;
const ORDERLY_SUSPEND_MIN_MS = 10;
const ORDERLY_SUSPEND_MAX_MS = 30_000;
/** Messages between two turns of timers and signals. */
const TURN_MESSAGES = 256;

/** What one of the workers has at this moment. */
interface Slot {
  work: { readonly queue: ProcessQueue; readonly pending: Pending } | null;
  startedMs: number;
}

/**
 * Hands messages to the listener, `concurrency` at a time, and does with each what the listener says became of it. Of all that is at
 * hand the oldest in the log comes first; of an ordered queue one at a time.
 * [ConsumeMessageConcurrentlyService, ConsumeMessageOrderlyService]
 */
export class Dispatcher {
  readonly stats: DispatchStats = { consumed: 0, sentBack: 0, dead: 0, dropped: 0 };
  readonly #options: DispatchOptions;
  readonly #queues: ReadonlyMap<string, ProcessQueue>;
  readonly #stop = new AbortController();
  readonly #slots: readonly Slot[];
  #sleepers: (() => void)[] = [];
  #untilTurn = TURN_MESSAGES;
  #isTold = false;
  /** When something last was consumed, or was being consumed. */
  busyAtMs: number;

  constructor(options: DispatchOptions, queues: ReadonlyMap<string, ProcessQueue>) {
    this.#options = options;
    this.#queues = queues;
    this.busyAtMs = options.clock.elapsedMs();
    // One listener a worker and a resting queue is no leak.
    setMaxListeners(0, this.#stop.signal);
    this.#slots = Array.from({ length: options.concurrency }, () => ({ work: null, startedMs: 0 }));
  }

  get isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  get stopSignal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Resolves when it was stopped and nothing is being consumed any more. Rejects with what a listener throws. */
  async run(): Promise<void> {
    // Every queue's first messages are at hand by then: the oldest of all comes first.
    await nextTurn();
    await Promise.all(this.#slots.map((slot) => this.#work(slot)));
  }

  stop(): void {
    this.#stop.abort();
    this.wake();
  }

  /** Something may be at hand. */
  wake(): void {
    if (this.#sleepers.length === 0) return;
    const sleepers = this.#sleepers;
    this.#sleepers = [];
    for (const wake of sleepers) wake();
  }

  get isBusy(): boolean {
    return this.#slots.some(({ work }) => work !== null);
  }

  async #work(slot: Slot): Promise<void> {
    const { listener, clock } = this.#options;
    try {
      while (!this.isStopped) {
        const nowMs = clock.elapsedMs();
        const queue = this.#pick(nowMs);
        if (queue === null) {
          await new Promise<void>((resolve) => this.#sleepers.push(resolve));
          continue;
        }
        const pending = queue.take()!;
        slot.work = { queue, pending };
        slot.startedMs = this.busyAtMs = nowMs;
        const outcome = await listener.consume(pending.message, this.#stop.signal);
        // What took too long was sent back meanwhile.
        if (pending.state === 'inFlight') {
          if (outcome === 'consumed') this.#consumed(queue, pending);
          else await this.#react(outcome, queue, pending);
        }
        slot.work = null;
        if (--this.#untilTurn <= 0) {
          this.#untilTurn = TURN_MESSAGES;
          await nextTurn();
        }
      }
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  #pick(nowMs: number): ProcessQueue | null {
    const { orderly, byLog } = this.#options;
    let best: ProcessQueue | null = null;
    let bestPlace = Infinity;
    for (const queue of this.#queues.values()) {
      if (queue.isDropped || (orderly && queue.inFlight > 0) || queue.restsUntilMs > nowMs) continue;
      const pending = queue.peek();
      if (pending === null) continue;
      const place = byLog ? pending.message.commitLogOffset : pending.message.storeTimestamp;
      if (place < bestPlace) {
        best = queue;
        bestPlace = place;
      }
    }
    return best;
  }

  #consumed(queue: ProcessQueue, pending: Pending): void {
    this.stats.consumed++;
    queue.done(pending);
    if (this.#options.orderly) this.wake();
  }

  async #react(outcome: ConsumeOutcome, queue: ProcessQueue, pending: Pending): Promise<void> {
    const { messageModel, orderly, suspendMs } = this.#options;
    if (outcome === 'stop') {
      this.#comeAgain(queue, pending);
      this.stop();
    } else if (outcome === 'suspend') {
      this.#comeAgain(queue, pending);
      this.#rest(queue, suspendMs);
    } else if (messageModel === 'broadcasting') {
      this.stats.dropped++;
      this.#tellOnce(`${nameOf(pending.message)} failed and is dropped: a broadcasting group tries nothing again`);
      queue.done(pending);
      if (orderly) this.wake();
    } else if (orderly) {
      await this.#retryInPlace(queue, pending);
    } else {
      await this.#sendBack(queue, pending, 0);
    }
  }

  /** [ConsumeMessageOrderlyService#checkReconsumeTimes] */
  async #retryInPlace(queue: ProcessQueue, pending: Pending): Promise<void> {
    const { maxReconsumeTimes = Infinity, orderlySuspendMs } = this.#options;
    const { message } = pending;
    if (message.reconsumeTimes >= maxReconsumeTimes && this.#options.sendBack !== undefined) {
      try {
        await this.#store(queue, pending, -1);
        this.wake();
        return;
      } catch (error) {
        this.#tellOnce(`${nameOf(message)} cannot be stored as dead, and is tried again: ${(error as Error).message}`);
      }
    }
    pending.message = withReconsumeTimes(message, message.reconsumeTimes + 1);
    this.#comeAgain(queue, pending);
    this.#rest(queue, Math.min(Math.max(orderlySuspendMs, ORDERLY_SUSPEND_MIN_MS), ORDERLY_SUSPEND_MAX_MS));
  }

  async #sendBack(queue: ProcessQueue, pending: Pending, delayLevel: number): Promise<void> {
    try {
      await this.#store(queue, pending, delayLevel);
    } catch (error) {
      this.#tellOnce(`${nameOf(pending.message)} cannot be sent back, and is tried again here: ${(error as Error).message}`);
      pending.message = withReconsumeTimes(pending.message, pending.message.reconsumeTimes + 1);
      queue.landed(pending);
      void this.#options.clock.sleep(SEND_BACK_RETRY_MS, this.#stop.signal).then(() => {
        queue.again(pending);
        this.wake();
      });
    }
  }

  async #store(queue: ProcessQueue, pending: Pending, delayLevel: number): Promise<void> {
    const { sendBack, group, maxReconsumeTimes } = this.#options;
    if (sendBack === undefined) throw new Error('this target keeps no retries');
    const { isDead } = await sendBack(pending.message, { group, delayLevel, maxReconsumeTimes });
    this.stats[isDead ? 'dead' : 'sentBack']++;
    queue.done(pending);
  }

  /** Messages that a listener has had for too long are sent back, and what it says of them later does not count. [ProcessQueue#cleanExpiredMsg] */
  async expire(nowMs: number): Promise<void> {
    const { orderly, messageModel, consumeTimeoutMs, sendBack } = this.#options;
    if (orderly || messageModel === 'broadcasting' || sendBack === undefined) return;
    for (const slot of this.#slots) {
      const { work } = slot;
      if (work === null || nowMs - slot.startedMs <= consumeTimeoutMs || work.pending.state !== 'inFlight') continue;
      slot.startedMs = nowMs;
      this.#options.onNotice(`${nameOf(work.pending.message)} is being consumed for longer than ${consumeTimeoutMs / 60_000} min (consumeTimeout): it is sent back`);
      try {
        await this.#store(work.queue, work.pending, TIMEOUT_DELAY_LEVEL);
      } catch (error) {
        this.#tellOnce(`${nameOf(work.pending.message)} cannot be sent back: ${(error as Error).message}`);
      }
    }
  }

  #comeAgain(queue: ProcessQueue, pending: Pending): void {
    queue.landed(pending);
    queue.again(pending);
  }

  #rest(queue: ProcessQueue, restMs: number): void {
    const { clock } = this.#options;
    queue.restsUntilMs = clock.elapsedMs() + restMs;
    void clock.sleep(restMs, this.#stop.signal).then(() => {
      // The timer's word counts: it may end a fraction of a millisecond before the clock says so.
      queue.restsUntilMs = 0;
      this.wake();
    });
  }

  /** One line stands for what would be as many as there are messages. */
  #tellOnce(text: string): void {
    if (!this.#isTold) this.#options.onNotice(text);
    this.#isTold = true;
  }
}

const nameOf = ({ topic, queueId, queueOffset }: Message): string => `${topic} queue ${queueId}, offset ${queueOffset}`;

/** The same message, as it is the next time. A proxy: the fields of a stored message are made on first use. */
function withReconsumeTimes(message: Message, reconsumeTimes: number): Message {
  return new Proxy(message, {
    get: (target, name) => (name === 'reconsumeTimes' ? reconsumeTimes : Reflect.get(target, name, target)),
  });
}
