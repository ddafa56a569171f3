import type { Clock } from '../../base/clock.ts';
import type { LogTail } from './log-tail.ts';

/** How often those who wait look whether something was stored. Changes by another process raise no event (a broker writes through mmap). */
const POLL_MS = 10;
/** After so long without news the looks become rarer, so that an idle process costs next to nothing. */
const IDLE_AFTER_MS = 1000;
const IDLE_POLL_MS = 35;
/** What a timer can tell apart, in ms: less than that before a deadline it has come, or the rest of it would be waited for in vain, several times over. */
const TIMER_MS = 1;
/**
 * Between looks at everything and at who writes. Until then one small read stands for all queues: of the published
 * generation of a writing mqlite, or of the log where it ended when a broker last wrote something.
 */
const FULL_LOOK_MS = 500;
/** So many queues are looked at themselves rather than all queues of the store once, to find where a broker's log ends. */
const FEW_WAITERS = 16;

interface Waiter {
  readonly hasNews: () => boolean;
  readonly deadlineMs: number;
  readonly resolve: (hasNews: boolean) => void;
  readonly reject: (error: Error) => void;
}

interface Attempt {
  readonly value?: boolean;
  readonly error?: Error;
}

const SOME: Attempt = { value: true };
const NONE: Attempt = { value: false };

/** Everybody of one reader who waits for something to be stored: one timer wakes for all of them. */
export class WaitingReaders {
  readonly #clock: Clock;
  readonly #tail: LogTail;
  #waiters: Waiter[] = [];
  /** The earliest of all. */
  #deadlineMs = Infinity;
  #isRunning = false;
  #lastNewsMs: number;
  #fullLookMs = 0;
  #isWrittenByMqlite = false;
  #isEndWatched = false;
  /** At the last look. */
  #generation = -1;
  /** The next look must be one at everything. */
  #mustLook = true;

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
      this.#mustLook = true;
      const waiter: Waiter = {
        hasNews, deadlineMs, reject,
        resolve: (news) => {
          signal?.removeEventListener('abort', onAbort);
          resolve(news);
        },
      };
      this.#waiters.push(waiter);
      this.#deadlineMs = Math.min(this.#deadlineMs, deadlineMs);
      if (this.#isRunning) return;
      this.#isRunning = true;
      this.#clock.repeat(POLL_MS, this.#tick);
    });
  }

  /** While nothing happens it allocates nothing: what an idle process costs is this. Returns when to look next. */
  readonly #tick = (): number => {
    const nowMs = this.#clock.elapsedMs();
    let any: Attempt;
    try {
      any = this.#mayHaveNews(nowMs) ? SOME : NONE;
    } catch (error) {
      any = { error: error as Error };
    }
    if (any !== NONE || nowMs + TIMER_MS > this.#deadlineMs) this.#settle(any, nowMs);
    this.#isRunning = this.#waiters.length > 0;
    if (!this.#isRunning) return -1;
    const pollMs = nowMs - this.#lastNewsMs > IDLE_AFTER_MS ? IDLE_POLL_MS : POLL_MS;
    return nowMs + pollMs <= this.#deadlineMs ? pollMs : Math.max(0, this.#deadlineMs - nowMs);
  };

  #settle(any: Attempt, nowMs: number): void {
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
      if (nowMs + TIMER_MS <= waiter.deadlineMs) return true;
      waiter.resolve(false);
      return false;
    });
    this.#deadlineMs = this.#waiters.reduce((earliest, { deadlineMs }) => Math.min(earliest, deadlineMs), Infinity);
  }

  /** One small read almost always. */
  #mayHaveNews(nowMs: number): boolean {
    if (this.#mustLook || nowMs - this.#fullLookMs >= FULL_LOOK_MS) {
      this.#lookAtWriter(nowMs);
      return true;
    }
    if (this.#isWrittenByMqlite) {
      const generation = this.#tail.generation();
      const isSame = generation === this.#generation;
      this.#generation = generation;
      return !isSame;
    }
    // A broker lists a record in its queue some time after it stored it.
    if (!this.#isEndWatched || nowMs - this.#lastNewsMs <= IDLE_AFTER_MS) return true;
    if (!this.#tail.hasGrown()) return false;
    this.#lastNewsMs = nowMs;
    return true;
  }

  #lookAtWriter(nowMs: number): void {
    this.#mustLook = false;
    this.#fullLookMs = nowMs;
    this.#isWrittenByMqlite = this.#tail.isWrittenByMqlite();
    this.#generation = this.#tail.generation();
    this.#isEndWatched = !this.#isWrittenByMqlite && (this.#tail.isEndKnown || this.#waiters.length > FEW_WAITERS);
    if (this.#isEndWatched && this.#tail.watchEnd()) this.#lastNewsMs = nowMs;
  }
}

const attempt = (action: () => boolean): Attempt => {
  try {
    return { value: action() };
  } catch (error) {
    return { error: error as Error };
  }
};
