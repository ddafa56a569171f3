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
  repeat(delayMs: number, next: () => number): void;
}

/** `repeat` of a clock that can only sleep. */
export const repeatBySleeping = async (clock: Pick<Clock, 'sleep'>, delayMs: number, next: () => number): Promise<void> => {
  for (let leftMs = delayMs; leftMs >= 0; leftMs = next()) await clock.sleep(leftMs);
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
    const run = (): void => {
      const leftMs = next();
      if (leftMs < 0) return;
      if (leftMs === timerMs) {
        timer.refresh();
        return;
      }
      timerMs = leftMs;
      timer = setTimeout(run, leftMs);
    };
    let timer = setTimeout(run, delayMs);
  },
};

/** Lets timers, signals and I/O have their turn; a chain of microtasks would starve them. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
