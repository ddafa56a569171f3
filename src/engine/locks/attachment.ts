import type { Clock } from '../../base/clock.ts';
import { MqliteError } from '../../broker/errors.ts';
import type { FileLocks } from '../files/file-locks.ts';
import type { FileSystem } from '../files/file-system.ts';
import type { StorePaths } from '../store-paths.ts';
import { posixLockHolder } from './lock-holder.ts';
import { openLockFile } from './write-lock.ts';

/** The byte of `<store>/lock` that a broker locks exclusively [DefaultMessageStore#start]. */
const STORE_BYTE = 0;
const ATTACH_BYTE = 0;
const RETRY_MS = 5;

export interface AttachmentOptions {
  readonly fs: FileSystem;
  readonly locks: FileLocks;
  readonly clock: Clock;
  readonly paths: StorePaths;
  readonly lockTimeoutMs: number;
}

/**
 * Membership of the set of processes that write this store.
 *
 * Every writer holds `<store>/lock` shared; a real broker wants it exclusive, so each keeps the other out. Whoever gets
 * it exclusive for a moment knows that nobody else is attached. Arriving and leaving are serialised by
 * `mqlite/attach.lock`: without it, a process could take the shared lock between the death of another one in the middle
 * of recovery and the next exclusive try, and go on with a store that nobody recovered.
 */
export class Attachment {
  readonly #options: AttachmentOptions;
  readonly #storeFd: number;

  private constructor(options: AttachmentOptions, storeFd: number) {
    this.#options = options;
    this.#storeFd = storeFd;
  }

  /**
   * Joins. Both run alone, before anybody else can attach or leave: `onFirst` when nobody else is attached (recovery and
   * whatever a store is made of belong there, `abort` too), `onOther` when the first one has done that.
   */
  static async attach(options: AttachmentOptions, onFirst: () => void, onOther: () => void): Promise<Attachment> {
    const { fs, locks, clock, paths, lockTimeoutMs } = options;
    const deadlineMs = clock.elapsedMs() + lockTimeoutMs;
    for (;;) {
      const storeFd = await withAttachLock(options, () => {
        const fd = openLockFile(fs, paths.lock);
        try {
          if (locks.tryLock(fd, STORE_BYTE, 'exclusive')) {
            onFirst();
            locks.tryLock(fd, STORE_BYTE, 'shared');
            return fd;
          }
          if (locks.tryLock(fd, STORE_BYTE, 'shared')) {
            onOther();
            return fd;
          }
          const pid = brokerPid(options);
          if (pid !== null) throw heldByBroker(options, pid);
        } catch (error) {
          fs.close(fd);
          throw error;
        }
        fs.close(fd);
        return null;
      });
      if (storeFd !== null) return new Attachment(options, storeFd);
      // A tool of ours has the store to itself (`withStoreExclusive`), or a broker that is about to be refused tries the lock.
      if (clock.elapsedMs() >= deadlineMs) {
        throw new MqliteError('LOCKED', `another process has ${paths.root} to itself`, { hint: 'wait for it to finish, or give --lock-timeout a longer time' });
      }
      await clock.sleep(RETRY_MS);
    }
  }

  /** Leaves. `onLast` runs alone when nobody else is attached: completing the store and removing `abort` belong there; `onOther` otherwise. */
  async detach(onLast: () => void, onOther: () => void): Promise<void> {
    const { fs, locks } = this.#options;
    let isOpen = true;
    try {
      await withAttachLock(this.#options, () => {
        try {
          if (locks.tryLock(this.#storeFd, STORE_BYTE, 'exclusive')) onLast();
          else onOther();
        } finally {
          // Before the attach lock: whoever has that next must see that this process has gone, or none of them is the last.
          isOpen = false;
          fs.close(this.#storeFd);
        }
      });
    } finally {
      if (isOpen) fs.close(this.#storeFd);
    }
  }

  /** Lets go without a word, as a crash would: the store stays marked as unclean. */
  abandon(): void {
    this.#options.fs.close(this.#storeFd);
  }
}

/** Runs `action` with the store to itself: no other mqlite attached, no broker. LOCKED otherwise. For `store recover|clean`. */
export const withStoreExclusive = async <T>(options: AttachmentOptions, action: () => T): Promise<Awaited<T>> => {
  const { fs, locks, paths, clock, lockTimeoutMs } = options;
  const storeFd = openLockFile(fs, paths.lock);
  try {
    const deadlineMs = clock.elapsedMs() + lockTimeoutMs;
    while (!locks.tryLock(storeFd, STORE_BYTE, 'exclusive')) {
      const pid = brokerPid(options);
      if (pid !== null) throw heldByBroker(options, pid);
      if (clock.elapsedMs() >= deadlineMs) {
        throw new MqliteError('LOCKED', `other processes write ${paths.root}`, { hint: 'stop them, or give --lock-timeout a longer time' });
      }
      await clock.sleep(RETRY_MS);
    }
    return await action();
  } finally {
    fs.close(storeFd);
  }
};

/** Runs `action` while nobody arrives, leaves, or makes the store. Error: LOCKED. */
export const withAttachLock = async <T>(options: AttachmentOptions, action: () => T): Promise<T> => {
  const { fs, locks, clock, paths, lockTimeoutMs } = options;
  const fd = openLockFile(fs, paths.attachLock);
  try {
    const deadlineMs = clock.elapsedMs() + lockTimeoutMs;
    while (!locks.tryLock(fd, ATTACH_BYTE, 'exclusive')) {
      if (clock.elapsedMs() >= deadlineMs) {
        throw new MqliteError('LOCKED', `another process is opening, recovering or closing ${paths.root}`, {
          hint: 'wait for it, or give --lock-timeout a longer time',
        });
      }
      await clock.sleep(RETRY_MS);
    }
    return action();
  } finally {
    fs.close(fd);
  }
};

const brokerPid = ({ fs, paths }: AttachmentOptions): number | null => posixLockHolder(fs, paths.lock);

const heldByBroker = (options: AttachmentOptions, pid: number): MqliteError =>
  new MqliteError('LOCKED', `a RocketMQ broker (pid ${pid}) has ${options.paths.root} open`, {
    hint: 'stop the broker first, or talk to it with --namesrv; reading commands work beside it',
  });
