import type { Clock } from '../../base/clock.ts';

/** How often those who wait look whether a queue has grown. Changes by another process raise no event (a broker writes through mmap). */
const POLL_MS = 10;
/** After so long without news the looks become rarer, so that an idle process costs next to nothing. */
const IDLE_AFTER_MS = 1000;
const IDLE_POLL_MS = 20;

interface Waiter {
  readonly hasNews: () => boolean;
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (hasNews: boolean) => void;
  readonly reject: (error: Error) => void;
}

/** Everybody of one reader who waits for something to be stored: one timer wakes for all of them. */
export class WaitingReaders {
  readonly #clock: Clock;
  #waiters: Waiter[] = [];
  #wake: AbortController | null = null;
  #lastNewsMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lastNewsMs = clock.nowMs();
  }

  /** true as soon as `hasNews` says so; false when the deadline has passed or the signal aborts. Rejects with what `hasNews` throws. */
  until(hasNews: () => boolean, deadlineMs: number, signal: AbortSignal | undefined): Promise<boolean> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true || this.#clock.nowMs() >= deadlineMs) return resolve(false);
      const onAbort = (): void => this.#wake?.abort();
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiters.push({
        hasNews, deadlineMs, signal, reject,
        resolve: (news) => {
          signal?.removeEventListener('abort', onAbort);
          resolve(news);
        },
      });
      if (this.#wake === null) void this.#run();
    });
  }

  async #run(): Promise<void> {
    while (this.#waiters.length > 0) {
      this.#wake = new AbortController();
      const nowMs = this.#clock.nowMs();
      const pollMs = nowMs - this.#lastNewsMs > IDLE_AFTER_MS ? IDLE_POLL_MS : POLL_MS;
      const leftMs = Math.min(...this.#waiters.map((waiter) => waiter.deadlineMs)) - nowMs;
      await this.#clock.sleep(Math.max(0, Math.min(pollMs, leftMs)), this.#wake.signal);
      this.#look();
    }
    this.#wake = null;
  }

  #look(): void {
    const nowMs = this.#clock.nowMs();
    this.#waiters = this.#waiters.filter((waiter) => {
      try {
        if (waiter.hasNews()) {
          this.#lastNewsMs = nowMs;
          waiter.resolve(true);
          return false;
        }
      } catch (error) {
        waiter.reject(error as Error);
        return false;
      }
      if (nowMs < waiter.deadlineMs && waiter.signal?.aborted !== true) return true;
      waiter.resolve(false);
      return false;
    });
  }
}
