import type { Clock } from '../../base/clock.ts';
import type { LogTail } from './log-tail.ts';

/** How often those who wait look whether something was stored. Changes by another process raise no event (a broker writes through mmap). */
const POLL_MS = 10;
/** After so long without news the looks become rarer, so that an idle process costs next to nothing. */
const IDLE_AFTER_MS = 1000;
const IDLE_POLL_MS = 35;
/** Between looks at everything and at who writes: until then the published generation of a writing mqlite stands for all queues. */
const FULL_LOOK_MS = 500;

interface Waiter {
  readonly hasNews: () => boolean;
  readonly deadlineMs: number;
  readonly resolve: (hasNews: boolean) => void;
  readonly reject: (error: Error) => void;
}

/** Everybody of one reader who waits for something to be stored: one timer wakes for all of them. */
export class WaitingReaders {
  readonly #clock: Clock;
  readonly #tail: LogTail;
  #waiters: Waiter[] = [];
  #isRunning = false;
  #lastNewsMs: number;
  #fullLookMs = 0;
  #isWrittenByMqlite = false;
  /** At the last look; -1 when the next one must be a look at everything. */
  #generation = -1;

  constructor(clock: Clock, tail: LogTail) {
    this.#clock = clock;
    this.#tail = tail;
    this.#lastNewsMs = clock.elapsedMs();
  }

  /** true as soon as `hasNews` says so; false when the deadline has passed or the signal aborts. Rejects with what `hasNews` throws. */
  until(hasNews: () => boolean, deadlineMs: number, signal: AbortSignal | undefined): Promise<boolean> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true || this.#clock.elapsedMs() >= deadlineMs) return resolve(false);
      const onAbort = (): void => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        resolve(false);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      // What was stored since the caller last looked may be known to the others already.
      this.#generation = -1;
      const waiter: Waiter = {
        hasNews, deadlineMs, reject,
        resolve: (news) => {
          signal?.removeEventListener('abort', onAbort);
          resolve(news);
        },
      };
      this.#waiters.push(waiter);
      if (!this.#isRunning) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiters.length > 0) {
      const nowMs = this.#clock.elapsedMs();
      const pollMs = nowMs - this.#lastNewsMs > IDLE_AFTER_MS ? IDLE_POLL_MS : POLL_MS;
      let leftMs = pollMs;
      for (const { deadlineMs } of this.#waiters) leftMs = Math.min(leftMs, deadlineMs - nowMs);
      await this.#clock.sleep(Math.max(0, leftMs));
      this.#look();
    }
    this.#isRunning = false;
  }

  #look(): void {
    const nowMs = this.#clock.elapsedMs();
    const any = attempt(() => this.#mayHaveNews(nowMs));
    this.#waiters = this.#waiters.filter((waiter) => {
      const news = any.value === true ? attempt(waiter.hasNews) : any;
      if (news.error !== undefined) {
        waiter.reject(news.error);
        return false;
      }
      if (news.value === true) {
        this.#lastNewsMs = nowMs;
        waiter.resolve(true);
        return false;
      }
      if (nowMs < waiter.deadlineMs) return true;
      waiter.resolve(false);
      return false;
    });
  }

  /** One small read, as long as an mqlite is the one who writes. */
  #mayHaveNews(nowMs: number): boolean {
    // A clock that was set back must not put off the next full look for long.
    if (this.#generation < 0 || nowMs < this.#fullLookMs || nowMs - this.#fullLookMs >= FULL_LOOK_MS) {
      this.#fullLookMs = nowMs;
      this.#isWrittenByMqlite = this.#tail.isWrittenByMqlite();
      this.#generation = this.#tail.generation();
      return true;
    }
    if (!this.#isWrittenByMqlite) return true;
    const generation = this.#tail.generation();
    const isSame = generation === this.#generation;
    this.#generation = generation;
    return !isSame;
  }
}

const attempt = (action: () => boolean): { readonly value?: boolean; readonly error?: Error } => {
  try {
    return { value: action() };
  } catch (error) {
    return { error: error as Error };
  }
};
