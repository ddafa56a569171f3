import type { Clock } from '../base/clock.ts';
import { queueKey } from '../broker/queue-key.ts';
import type { MessageQueue } from '../broker/types.ts';

/** A broker puts what it stored into its queues a moment later: how long that is waited for, and how often it is looked, in ms. */
const WAIT_MS = 1000;
const POLL_MS = 3;

/** Where each queue ends at least, as this process's own sends tell: it reads what it wrote. */
export class SentOffsets {
  readonly #clock: Clock;
  readonly #ends = new Map<string, { readonly queue: MessageQueue; readonly end: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  sent(queue: MessageQueue, end: number): void {
    const key = queueKey(queue);
    if (end > (this.#ends.get(key)?.end ?? 0)) this.#ends.set(key, { queue, end });
  }

  /** A topic that was deleted: one of the same name begins anew. */
  forget(topic: string): void {
    for (const [key, { queue }] of this.#ends) if (queue.topic === topic) this.#ends.delete(key);
  }

  /** `settled` for every queue of a topic on one broker at once. */
  async allSettled<T>(topic: string, brokerName: string, ask: () => Promise<T>, endOf: (answer: T, queueId: number) => number | null): Promise<T> {
    const untilMs = this.#clock.elapsedMs() + WAIT_MS;
    for (;;) {
      const answer = await ask();
      const behind = [...this.#ends].filter(([, { queue, end }]) => queue.topic === topic && queue.brokerName === brokerName && (endOf(answer, queue.queueId) ?? end) < end);
      if (behind.length === 0) return answer;
      if (this.#clock.elapsedMs() >= untilMs) {
        for (const [key] of behind) this.#ends.delete(key);
        return answer;
      }
      await this.#clock.sleep(POLL_MS);
    }
  }

  /** Asks until the answer has everything that was sent, or for a second: then that is gone, or its topic another one. */
  async settled<T>(queue: MessageQueue, ask: () => Promise<T>, endOf: (answer: T) => number | null): Promise<T> {
    const end = this.#ends.get(queueKey(queue))?.end;
    if (end === undefined) return ask();
    const untilMs = this.#clock.elapsedMs() + WAIT_MS;
    for (;;) {
      const answer = await ask();
      const answered = endOf(answer);
      if (answered === null || answered >= end) return answer;
      if (this.#clock.elapsedMs() >= untilMs) {
        this.#ends.delete(queueKey(queue));
        return answer;
      }
      await this.#clock.sleep(POLL_MS);
    }
  }
}
