/** The only source of time in mqlite. Tests inject a fake; nothing else calls `Date.now()` or `setTimeout` directly. */
export interface Clock {
  /** Milliseconds since the Unix epoch. May go backwards when the system clock is set. */
  nowMs(): number;
  /** Milliseconds since some moment: never goes back, whoever sets the system clock. What time-outs and intervals are measured by. */
  elapsedMs(): number;
  /** Resolves after `delayMs`, or as soon as `signal` aborts (it never rejects). */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

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
};

/** Lets timers, signals and I/O have their turn; a chain of microtasks would starve them. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
