import type { Clock } from '../../base/clock.ts';
import { MqliteError } from '../../broker/errors.ts';
import type { FileLocks } from '../files/file-locks.ts';
import type { FileSystem } from '../files/file-system.ts';

const MAIN_BYTE = 0;
/** Whoever waits holds this byte: a writer that has just let go must pass it before it may have the lock again. */
const TURNSTILE_BYTE = 1;
const RETRY_MS = 1;
/** Busy tries before the first sleep: another writer's batch is often over within some tens of microseconds. */
const SPIN_TRIES = 40;

/**
 * The per-batch lock of `<store>/mqlite/write.lock`. The turnstile byte makes two flooding writers alternate instead of
 * one starving the other. Never hold it across an `await`.
 */
export class WriteLock {
  readonly #fs: FileSystem;
  readonly #locks: FileLocks;
  readonly #clock: Clock;
  readonly #path: string;
  readonly #timeoutMs: number;
  #fd: number;
  #held = false;

  constructor(fs: FileSystem, locks: FileLocks, clock: Clock, path: string, timeoutMs: number) {
    this.#fs = fs;
    this.#locks = locks;
    this.#clock = clock;
    this.#path = path;
    this.#timeoutMs = timeoutMs;
    this.#fd = openLockFile(fs, path);
  }

  get held(): boolean {
    return this.#held;
  }

  /** Takes the lock if nobody else has it or waits for it. */
  tryAcquire(): boolean {
    if (!this.#locks.tryLock(this.#fd, TURNSTILE_BYTE, 'exclusive')) return false;
    try {
      this.#held = this.#locks.tryLock(this.#fd, MAIN_BYTE, 'exclusive');
    } finally {
      this.#locks.unlock(this.#fd, TURNSTILE_BYTE);
    }
    return this.#held;
  }

  /** Waits for the lock. Rejects with LOCKED after the lock time-out. */
  async acquire(): Promise<void> {
    const deadlineMs = this.#clock.nowMs() + this.#timeoutMs;
    await this.#waitFor(TURNSTILE_BYTE, deadlineMs);
    try {
      await this.#waitFor(MAIN_BYTE, deadlineMs);
      this.#held = true;
    } finally {
      this.#locks.unlock(this.#fd, TURNSTILE_BYTE);
    }
  }

  release(): void {
    this.#held = false;
    this.#locks.unlock(this.#fd, MAIN_BYTE);
  }

  close(): void {
    this.#fs.close(this.#fd);
    this.#fd = -1;
  }

  async #waitFor(byte: number, deadlineMs: number): Promise<void> {
    for (let tries = 0; ; tries++) {
      if (this.#locks.tryLock(this.#fd, byte, 'exclusive')) return;
      if (tries < SPIN_TRIES) continue;
      if (this.#clock.nowMs() >= deadlineMs) {
        throw new MqliteError('LOCKED', `another process holds ${this.#path} for more than ${this.#timeoutMs} ms`, {
          hint: 'wait for it to finish, or give --lock-timeout a longer time',
        });
      }
      await this.#clock.sleep(RETRY_MS);
    }
  }
}

/** Opens a lock file, making it when it is missing. It is never removed: a lock must not move to another inode. */
export const openLockFile = (fs: FileSystem, path: string): number => {
  for (;;) {
    try {
      return fs.open(path, 'write');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    try {
      return fs.open(path, 'create');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
};
