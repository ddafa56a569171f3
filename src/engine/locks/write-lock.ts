import type { Clock } from '../../base/clock.ts';
import { MqliteError } from '../../broker/errors.ts';
import type { FileLocks } from '../files/file-locks.ts';
import type { FileSystem } from '../files/file-system.ts';

const MAIN_BYTE = 0;
/** Whoever waits holds this byte, shared: a writer that has just had the lock sees it, and lets the other have its turn. */
const WAITING_BYTE = 1;
const RETRY_MS = 1;
/** Busy tries before the first nap: another writer's batch is often over within some tens of microseconds. */
const SPIN_TRIES = 20;
/** Naps block the event loop, but end ten times as precisely as a timer: passing the lock to and fro takes naps, not timers. */
const NAP_MS = 0.1;
const MAX_NAPS = 15;
/**
 * How long a turn is offered to those who wait, or who had one of late: a writer that also keeps the index needs longer
 * between its batches, and would get far less than its share. Whoever does not take it in time is no rival any more.
 */
const PATIENCE_MS = 8;

const napping = new Int32Array(new SharedArrayBuffer(4));

export interface WriteLockOptions {
  readonly fs: FileSystem;
  readonly locks: FileLocks;
  readonly clock: Clock;
  readonly path: string;
  readonly timeoutMs: number;
  /** A number that every batch of every process changes: the published generation. */
  readonly turn: () => number;
}

/**
 * The per-batch lock of `<store>/mqlite/write.lock`. Writers that flood take turns, batch by batch: the one that had the
 * last turn lets another one go first. Never hold it across an `await`.
 */
export class WriteLock {
  readonly #options: WriteLockOptions;
  #fd: number;
  #held = false;
  /** What `turn` was when this process let go; it is the same as long as nobody else has had a turn. */
  #turnAtRelease = -1;
  /** Somebody else had a turn before the last one of this process, and may be preparing the next. */
  #hasRival = false;
  /** Parts of this process that wait, and the end of the last one's turn. The lock itself would let them all in: it knows descriptors only. */
  #waiting = 0;
  #lastTurn: Promise<void> = Promise.resolve();
  #endTurn = (): void => {};

  constructor(options: WriteLockOptions) {
    this.#options = options;
    this.#fd = openLockFile(options.fs, options.path);
  }

  get held(): boolean {
    return this.#held;
  }

  /** Takes the lock if nobody else has it, waits for it or is next. */
  tryAcquire(): boolean {
    if (this.#held || this.#waiting > 0) return false;
    const { locks, turn } = this.#options;
    if (this.#hasRival && turn() === this.#turnAtRelease) return false;
    if (!locks.tryLock(this.#fd, WAITING_BYTE, 'exclusive')) return false;
    try {
      this.#held = locks.tryLock(this.#fd, MAIN_BYTE, 'exclusive');
    } finally {
      locks.unlock(this.#fd, WAITING_BYTE);
    }
    return this.#held;
  }

  /** Waits for the lock. Rejects with LOCKED after the lock time-out. */
  async acquire(): Promise<void> {
    const startMs = this.#options.clock.elapsedMs();
    const before = this.#lastTurn;
    let endTurn = (): void => {};
    this.#lastTurn = new Promise<void>((resolve) => (endTurn = resolve));
    this.#waiting++;
    try {
      await before;
      await this.#acquireFile(startMs);
      this.#endTurn = endTurn;
    } catch (error) {
      endTurn();
      throw error;
    } finally {
      this.#waiting--;
    }
  }

  async #acquireFile(startMs: number): Promise<void> {
    const { locks, clock, turn } = this.#options;
    // Somebody in the middle of `tryAcquire` has it for a moment.
    await this.#until(startMs, () => locks.tryLock(this.#fd, WAITING_BYTE, 'shared'));
    try {
      let mayTake = false;
      await this.#until(startMs, () => {
        if (!mayTake && clock.elapsedMs() - startMs >= PATIENCE_MS) {
          mayTake = true;
          this.#hasRival = false;
        }
        mayTake ||= turn() !== this.#turnAtRelease || (!this.#hasRival && !this.#othersWait());
        return mayTake && locks.tryLock(this.#fd, MAIN_BYTE, 'exclusive');
      });
      this.#held = true;
    } finally {
      locks.unlock(this.#fd, WAITING_BYTE);
    }
  }

  /** @param turn what `turn` is now, as the holder knows it  @param hasRival whether the holder found that others had stored something */
  release(turn: number, hasRival: boolean): void {
    this.#turnAtRelease = turn;
    this.#hasRival ||= hasRival;
    this.#held = false;
    this.#options.locks.unlock(this.#fd, MAIN_BYTE);
    this.#endTurn();
  }

  close(): void {
    this.#options.fs.close(this.#fd);
    this.#fd = -1;
  }

  /** Tried by making the shared lock exclusive, and back. */
  #othersWait(): boolean {
    const { locks } = this.#options;
    if (!locks.tryLock(this.#fd, WAITING_BYTE, 'exclusive')) return true;
    locks.tryLock(this.#fd, WAITING_BYTE, 'shared');
    return false;
  }

  async #until(startMs: number, isDone: () => boolean): Promise<void> {
    const { clock, path, timeoutMs } = this.#options;
    for (let tries = 0; !isDone(); tries++) {
      if (tries < SPIN_TRIES) continue;
      if (tries < SPIN_TRIES + MAX_NAPS) {
        Atomics.wait(napping, 0, 0, NAP_MS);
        continue;
      }
      if (clock.elapsedMs() - startMs >= timeoutMs) {
        throw new MqliteError('LOCKED', `another process holds ${path} for more than ${timeoutMs} ms`, {
          hint: 'wait for it to finish, or give --lock-timeout a longer time',
        });
      }
      await clock.sleep(RETRY_MS);
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
