import type { ProcessQueue } from './process-queue.ts';

/** How much may wait to be consumed. [DefaultMQPushConsumer: pullThresholdForQueue, pullThresholdSizeForQueue, consumeConcurrentlyMaxSpan, …ForTopic] */
export interface FlowLimits {
  readonly queueMessages: number;
  readonly queueBytes: number;
  /** Largest distance of offsets; not for ordered consumption. */
  readonly span: number;
  /** Shared by a topic's queues here; null: no limit. Where it is set it replaces that of the queue. */
  readonly topicMessages: number | null;
  readonly topicBytes: number | null;
  /** Of all queues together; null: no limit. */
  readonly allMessages: number | null;
}

export const DEFAULT_LIMITS: FlowLimits = {
  queueMessages: 1000, queueBytes: 100 << 20, span: 2000, topicMessages: null, topicBytes: null, allMessages: null,
};

export type PauseReason = 'messages' | 'bytes' | 'span' | 'all';

/** A pause that is over sooner is how reading keeps pace with consuming; one that lasts is told, in ms. */
const TOLD_AFTER_MS = 1000;

interface QueueLimits {
  readonly messages: number;
  readonly bytes: number;
}

interface Pause {
  readonly sinceTimestamp: number;
  readonly text: string;
}

/** Decides when reading must rest, counts how often it did, and tells when it does for longer, once per change. */
export class FlowControl {
  /** Pauses so far by reason. */
  readonly pauses: Record<PauseReason, number> = { messages: 0, bytes: 0, span: 0, all: 0 };
  readonly #limits: FlowLimits;
  /** What holds for every queue, where no limit of a topic is shared. Asked for with every message: made once. */
  readonly #ofQueue: QueueLimits | null;
  readonly #isOrderly: boolean;
  readonly #queues: ReadonlyMap<string, ProcessQueue>;
  readonly #paused = new Map<string, Pause>();
  #isTold = false;

  constructor(limits: FlowLimits, isOrderly: boolean, queues: ReadonlyMap<string, ProcessQueue>) {
    this.#limits = limits;
    this.#ofQueue = limits.topicMessages === null && limits.topicBytes === null ? { messages: limits.queueMessages, bytes: limits.queueBytes } : null;
    this.#isOrderly = isOrderly;
    this.#queues = queues;
  }

  /** Why no more of the queue may be read now; null when it may. [DefaultMQPushConsumerImpl#pullMessage] */
  reason(queue: ProcessQueue): PauseReason | null {
    const { span, allMessages } = this.#limits;
    const { messages, bytes } = this.#limitsOf(queue);
    if (queue.cached > messages) return 'messages';
    if (queue.cachedBytes > bytes) return 'bytes';
    if (!this.#isOrderly && queue.span > span) return 'span';
    if (allMessages !== null && this.#cachedInAll() > allMessages) return 'all';
    return null;
  }

  pause(queue: ProcessQueue, reason: PauseReason, nowMs: number): void {
    this.pauses[reason]++;
    if (!this.#paused.has(queue.key)) this.#paused.set(queue.key, { sinceTimestamp: nowMs, text: this.#text(queue, reason) });
  }

  /** Whether so little waits that a pause is really over, and not only for the next message. */
  #isLow(queue: ProcessQueue): boolean {
    const { messages, bytes } = this.#limitsOf(queue);
    return queue.cached * 2 <= messages && queue.cachedBytes * 2 <= bytes && (this.#isOrderly || queue.span * 2 <= this.#limits.span);
  }

  /** What there is to tell now; null: nothing has changed. */
  news(nowMs: number): string | null {
    for (const [key] of this.#paused) {
      const queue = this.#queues.get(key);
      if (queue === undefined || this.#isLow(queue)) this.#paused.delete(key);
    }
    const lasting = [...this.#paused.values()].filter(({ sinceTimestamp }) => nowMs - sinceTimestamp >= TOLD_AFTER_MS);
    if (lasting.length > 0 === this.#isTold || (this.#isTold && this.#paused.size > 0)) return null;
    this.#isTold = !this.#isTold;
    if (!this.#isTold) return 'reading goes on: what waits to be consumed has become less';
    return `reading pauses, consuming does not keep pace: ${lasting[0]!.text}${lasting.length > 1 ? `, and ${lasting.length - 1} more` : ''}`;
  }

  #limitsOf(queue: ProcessQueue): QueueLimits {
    if (this.#ofQueue !== null) return this.#ofQueue;
    const { queueMessages, queueBytes, topicMessages, topicBytes } = this.#limits;
    let count = 0;
    for (const other of this.#queues.values()) if (other.queue.topic === queue.queue.topic) count++;
    const share = (limit: number): number => Math.max(1, Math.floor(limit / Math.max(1, count)));
    return { messages: topicMessages === null ? queueMessages : share(topicMessages), bytes: topicBytes === null ? queueBytes : share(topicBytes) };
  }

  #cachedInAll(): number {
    let sum = 0;
    for (const queue of this.#queues.values()) sum += queue.cached;
    return sum;
  }

  #text({ queue, cached, cachedBytes, span }: ProcessQueue, reason: PauseReason): string {
    const name = `${queue.topic} queue ${queue.queueId}`;
    switch (reason) {
      case 'messages': return `${cached} messages of ${name} wait`;
      case 'bytes': return `${(cachedBytes / 2 ** 20).toFixed(1)} MiB of ${name} wait`;
      case 'span': return `offsets of ${name} that wait lie ${span} apart`;
      case 'all': return `${this.#cachedInAll()} messages of all queues wait`;
    }
  }
}
