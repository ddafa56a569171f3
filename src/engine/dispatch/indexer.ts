import { createDispatchView, readDispatchView } from '../../record/dispatch-view.ts';
import { recordProblem } from '../../record/check.ts';
import { TRANSACTION_MASK, TRANSACTION_ROLLBACK } from '../../record/sys-flag.ts';
import { listSegments } from '../commit-log/log-directory.ts';
import { LogScanner } from '../commit-log/log-scanner.ts';
import { IndexWriter } from '../index/writer.ts';
import { openLockFile } from '../locks/write-lock.ts';
import type { StoreContext } from '../store-context.ts';

const OWNER_BYTE = 0;

/** What the index needs of a message that was tried to store; `error` is null if it was. */
export interface StoredKeys {
  readonly topic: string;
  readonly uniqKey: string | null;
  readonly keys: string | null;
  readonly tags: string | null;
  readonly commitLogOffset: number;
  readonly storeTimestamp: number;
  readonly error: Error | null;
}

/**
 * Keeps the hash index, if this process is the one that owns it: `mqlite/index.lock`, held while attached. The index may
 * lag behind the log; whoever looks for a key scans the rest (`read/key-query.ts`), and the last writer to leave
 * completes it.
 */
export class Indexer {
  readonly #context: StoreContext;
  readonly #lockFd: number;
  #writer: IndexWriter | null = null;
  /** Log offset up to which everything is indexed. */
  #indexedTail = 0;

  constructor(context: StoreContext) {
    this.#context = context;
    this.#lockFd = openLockFile(context.fs, context.paths.indexLock);
  }

  get isOwner(): boolean {
    return this.#writer !== null;
  }

  get writer(): IndexWriter | null {
    return this.#writer;
  }

  get indexedTail(): number {
    return this.#indexedTail;
  }

  /**
   * Becomes the owner if nobody else is; as the owner, catches up to `tail`. @param withoutFiles where to begin when there is no index
   * file yet: an owner who died may not have written its first one
   */
  tryOwn(tail: number, withoutFiles = 0): boolean {
    if (this.#writer === null) {
      const { fs, locks, clock, paths, identity } = this.#context;
      if (!locks.tryLock(this.#lockFd, OWNER_BYTE, 'exclusive')) return false;
      this.#writer = IndexWriter.open({
        fs,
        clock,
        directory: paths.index,
        tempDirectory: paths.temp,
        quarantineDirectory: paths.quarantine,
        slotCount: identity.indexSlotCount,
        maxIndexCount: identity.indexMaxCount,
      });
      this.#indexedTail = this.#writer.endCommitLogOffset < 0 ? withoutFiles : this.#writer.endCommitLogOffset;
    }
    this.catchUp(tail);
    return true;
  }

  /** Starts over at `offset`: recovery found that what lies behind must be indexed (again). */
  rewindTo(offset: number): void {
    this.#indexedTail = Math.min(this.#indexedTail, offset);
  }

  /**
   * Indexes messages that this process has just stored between `start` and `tail`; false when the index is behind anyway.
   * They are stored and visible: a full disk that stops the index now must not make them look refused. It falls behind
   * instead, which readers bridge; housekeeping, and at the latest the close, catches up or says why not. EIO is thrown.
   */
  putStored(messages: readonly StoredKeys[], start: number, tail: number): boolean {
    const writer = this.#writer;
    if (writer === null || this.#indexedTail < start) return false;
    try {
      for (const { error, topic, uniqKey, keys, commitLogOffset, storeTimestamp, tags } of messages) {
        if (error === null) writer.put(topic, uniqKey, keys, commitLogOffset, storeTimestamp, tags);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EIO') throw error;
      return false;
    }
    this.#indexedTail = tail;
    return true;
  }

  /** Makes what was indexed durable; false when a full disk keeps it from being written, which a later try may mend. Other errors are thrown. */
  async syncAsync(): Promise<boolean> {
    try {
      await this.#writer?.syncAsync();
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
      throw error;
    }
  }

  /** Indexes what others stored between the indexed tail and `tail`. */
  catchUp(tail: number): void {
    const writer = this.#writer;
    if (writer === null || this.#indexedTail >= tail) return;
    const { fs, paths, identity } = this.#context;
    const segments = listSegments(fs, paths.commitLog, identity.segmentSizeBytes);
    // What lies before the newest key is ignored by `put`: after a rewind it need not be read either.
    const from = Math.max(this.#indexedTail, writer.endCommitLogOffset, segments[0]?.baseOffset ?? 0);
    const scanner = new LogScanner(fs, segments, { from, to: tail, check: (buffer, position, size) => recordProblem(buffer, position, size, false) });
    const view = createDispatchView();
    try {
      for (let kind = scanner.next(); kind !== 'end'; kind = scanner.next()) {
        if (kind === 'message') {
          readDispatchView(scanner.window, scanner.position, view);
          if ((view.sysFlag & TRANSACTION_MASK) !== TRANSACTION_ROLLBACK) {
            writer.put(view.topic, view.uniqKey, view.keys, view.commitLogOffset, view.storeTimestamp, view.tags);
          }
        } else if (kind === 'damaged' && scanner.resync() < 0) {
          break;
        }
      }
    } finally {
      scanner.close();
    }
    this.#indexedTail = tail;
  }

  /** Puts back what a refused broker took, and indexes again what that broker's own file covered. */
  restoreUnlinked(tail: number): void {
    const writer = this.#writer;
    if (writer === null || !writer.restoreUnlinked()) return;
    this.rewindTo(Math.max(writer.endCommitLogOffset, 0));
    this.catchUp(tail);
  }

  /** Lets another process become the owner. What is in memory is on disk before. */
  release(): void {
    const writer = this.#writer;
    if (writer === null) return;
    this.#writer = null;
    try {
      writer.sync();
    } finally {
      writer.close();
      this.#context.locks.unlock(this.#lockFd, OWNER_BYTE);
    }
  }

  close(): void {
    try {
      this.#writer?.close();
    } finally {
      this.#writer = null;
      this.#context.fs.close(this.#lockFd);
    }
  }
}
