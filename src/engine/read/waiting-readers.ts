import type { Clock, Repetition } from '../../base/clock.ts';
import type { LogTail } from './log-tail.ts';

/** How often those who wait look whether something was stored. What a broker writes raises no event: it writes through mmap. */
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
/** A batch is told of when it begins: so soon after that its end is looked for, in ms. */
const BATCH_MS = 50;
/** So often in a row a batch of an mqlite was seen and not told, and events are not relied on any more. */
const MAX_MISSED = 3;
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

/**
 * Everybody of one reader who waits for something to be stored: one timer wakes for all of them. Where an mqlite writes and nothing has
 * been stored for a while, an event of its state file does, and the timer is for what raises none.
 */
export class WaitingReaders {
  readonly #clock: Clock;
  readonly #tail: LogTail;
  #waiters: Waiter[] = [];
  /** The earliest of all. */
  #deadlineMs = Infinity;
  #isRunning = false;
  #timer: Repetition | null = null;
  #lastNewsMs: number;
  /** When the generation was last seen to change: on a busy store there would be too many events. */
  #lastBatchMs = -Infinity;
  #toldMs = -Infinity;
  #fullLookMs = 0;
  #isWrittenByMqlite = false;
  #isEndWatched = false;
  /** At the last look. */
  #generation = -1;
  /** The next look must be one at everything. */
  #mustLook = true;
  /** Ends the watch for an event. */
  #unwatch: (() => void) | null = null;
  #missed = 0;

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
      if (this.#isRunning) {
        if (this.#unwatch !== null) this.#timer?.within(POLL_MS);
        return;
      }
      this.#isRunning = true;
      this.#timer = this.#clock.repeat(POLL_MS, this.#tick);
    });
  }

  close(): void {
    this.#stopWatching();
    for (const { resolve } of this.#waiters.splice(0)) resolve(false);
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
    if (!this.#isRunning) {
      this.#stopWatching();
      return -1;
    }
    const pollMs = this.#pollMs(nowMs);
    return nowMs + pollMs <= this.#deadlineMs ? pollMs : Math.max(0, this.#deadlineMs - nowMs);
  };

  /** Watches for an event when it is worth it. */
  #pollMs(nowMs: number): number {
    if (nowMs - this.#lastNewsMs <= IDLE_AFTER_MS || nowMs - this.#toldMs <= BATCH_MS) return POLL_MS;
    if (!this.#isWrittenByMqlite || nowMs - this.#lastBatchMs <= IDLE_AFTER_MS || this.#missed >= MAX_MISSED) return IDLE_POLL_MS;
    if (this.#unwatch !== null) return FULL_LOOK_MS;
    this.#unwatch = this.#tail.watchGeneration(this.#onBatch);
    if (this.#unwatch === null) this.#missed = MAX_MISSED;
    // What was stored up to now is not told.
    return POLL_MS;
  }

  readonly #onBatch = (): void => {
    this.#unwatch = null;
    this.#missed = 0;
    this.#lastBatchMs = this.#toldMs = this.#clock.elapsedMs();
    this.#timer?.within(0);
  };

  #stopWatching(): void {
    this.#unwatch?.();
    this.#unwatch = null;
  }

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
    if (this.#isWrittenByMqlite) return this.#isNewGeneration(nowMs);
    // A broker lists a record in its queue some time after it stored it.
    if (!this.#isEndWatched || nowMs - this.#lastNewsMs <= IDLE_AFTER_MS) return true;
    if (!this.#tail.hasGrown()) return false;
    this.#lastNewsMs = nowMs;
    return true;
  }

  #isNewGeneration(nowMs: number): boolean {
    const generation = this.#tail.generation();
    if (generation === this.#generation) return false;
    this.#generation = generation;
    this.#lastBatchMs = nowMs;
    if (this.#unwatch !== null) {
      this.#missed++;
      this.#stopWatching();
    }
    return true;
  }

  #lookAtWriter(nowMs: number): void {
    this.#mustLook = false;
    this.#fullLookMs = nowMs;
    this.#isWrittenByMqlite = this.#tail.isWrittenByMqlite();
    this.#isNewGeneration(nowMs);
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
