/** The only source of time in mqlite. Tests inject a fake; nothing else calls `Date.now()` or `setTimeout` directly. */
export interface Clock {
  /** Milliseconds since the Unix epoch. May go backwards when the system clock is set. */
  nowMs(): number;
  /** Milliseconds since some moment: never goes back, whoever sets the system clock. What time-outs and intervals are measured by. */
  elapsedMs(): number;
  /** Resolves after `delayMs`, or as soon as `signal` aborts (it never rejects). */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
  /** See `callAfter`, which does with `sleep` where a clock lacks it. */
  after?(delayMs: number, run: () => void): () => void;
  /** Calls `next` after `delayMs`, then after the delay that it returns each time; a negative one ends it. `next` must not throw. Costs less than to sleep as often. */
  repeat(delayMs: number, next: () => number): Repetition;
}

export interface Repetition {
  /** The next call comes within `delayMs`, if it was to come later. Without an effect on one that has ended. */
  within(delayMs: number): void;
}

/** `repeat` of a clock that can only sleep. */
export const repeatBySleeping = (clock: Pick<Clock, 'sleep'>, delayMs: number, next: () => number): Repetition => {
  let cut = new AbortController();
  const run = async (): Promise<void> => {
    for (let leftMs = delayMs; leftMs >= 0; leftMs = next()) {
      cut = new AbortController();
      await clock.sleep(leftMs, cut.signal);
    }
  };
  void run();
  return {
    within: (mostMs) => {
      const current = cut;
      if (mostMs <= 0) current.abort();
      else void clock.sleep(mostMs, current.signal).then(() => current.abort());
    },
  };
};

/**
 * Calls `run` once after `delayMs`, unless the function that this returns is called before. `run` must not throw. With the system's clock it
 * costs a third of a `sleep` that is ended by a signal: an AbortController and its event take 30 µs.
 */
export const callAfter = (clock: Pick<Clock, 'after' | 'sleep'>, delayMs: number, run: () => void): (() => void) => {
  if (clock.after !== undefined) return clock.after(delayMs, run);
  const cancelled = new AbortController();
  void clock.sleep(delayMs, cancelled.signal).then(() => {
    if (!cancelled.signal.aborted) run();
  });
  return () => cancelled.abort();
};

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  elapsedMs: () => performance.now(),
  sleep: (delayMs, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const finish = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', finish);
        resolve();
      };
      const timer = setTimeout(finish, delayMs);
      signal?.addEventListener('abort', finish, { once: true });
    }),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
  repeat: (delayMs, next) => {
    let timerMs = delayMs;
    let dueMs = 0;
    let timer: NodeJS.Timeout;
    const start = (leftMs: number): void => {
      timerMs = leftMs;
      dueMs = performance.now() + leftMs;
      timer = setTimeout(run, leftMs);
    };
    const run = (): void => {
      const leftMs = next();
      if (leftMs < 0) {
        dueMs = -Infinity;
      } else if (leftMs === timerMs) {
        dueMs = performance.now() + leftMs;
        timer.refresh();
      } else {
        start(leftMs);
      }
    };
    start(delayMs);
    return {
      within: (mostMs) => {
        if (dueMs <= performance.now() + mostMs) return;
        clearTimeout(timer);
        start(mostMs);
      },
    };
  },
};

/** Lets timers, signals and I/O have their turn; a chain of microtasks would starve them. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
