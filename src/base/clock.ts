/** The only source of time in mqlite. Tests inject a fake; nothing else calls `Date.now()` or `setTimeout` directly. */
export interface Clock {
  /** Milliseconds since the Unix epoch. May go backwards when the system clock is set. */
  nowMs(): number;
  /** Resolves after `delayMs`, or as soon as `signal` aborts (it never rejects). */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
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
