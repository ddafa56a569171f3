import { LogWriter } from '../commit-log/log-writer.ts';
import { QueueTable } from '../consume-queue/queue-table.ts';
import { Indexer } from '../dispatch/indexer.ts';
import { parseDelayLevels } from '../../broker/delay-levels.ts';
import { tellingFailedSyncs } from '../files/fail-stop.ts';
import { Attachment } from '../locks/attachment.ts';
import type { WriteLock } from '../locks/write-lock.ts';
import { finishDeletions } from '../recovery/finish-deletions.ts';
import { recoverStore } from '../recovery/recover.ts';
import { repairBatch } from '../recovery/repair-batch.ts';
import { renewUnsynced } from '../recovery/renew-unsynced.ts';
import { recoverIndexFiles } from '../recovery/recover-index.ts';
import { createAbort, removeAbort } from '../state/abort.ts';
import { makeDirectoryDurably } from '../state/file-io.ts';
import { EngineStateFile, readBootId } from '../state/engine-state.ts';
import type { EngineState } from '../state/engine-state.ts';
import { openTables } from '../store-context.ts';
import type { StoreContext, StoreTables } from '../store-context.ts';
import { BatchAppender } from './batch-appender.ts';
import type { PreparedMessage } from '../../broker/prepared-message.ts';
import { followQueues } from './catch-up.ts';
import { markFailedSync, othersFailed } from './failed-sync.ts';
import { isBeingClosed, isUnreadable, PublishedState, writeLockOf } from './published-state.ts';
import { readStoreMarks, restoreMarks, takeStateOver } from './store-marks.ts';
import { SyncProgress } from './sync-progress.ts';

export interface StoreWriterOptions {
  readonly lockTimeoutMs: number;
  readonly onNotice: (text: string) => void;
}

/**
 * This process as one of the writers of a store: attached from `attach` to `detach`, writing batches under the write
 * lock. What must hold between any two system calls is written at `append`.
 */
export class StoreWriter {
  readonly context: StoreContext;
  readonly tables: StoreTables;
  readonly queues: QueueTable;
  readonly log: LogWriter;
  readonly indexer: Indexer;
  readonly #options: StoreWriterOptions;
  readonly #lock: WriteLock;
  readonly #stateFile: EngineStateFile;
  readonly published: PublishedState;
  readonly #progress: SyncProgress;
  readonly #appender: BatchAppender;
  #attachment: Attachment | undefined;
  /** Another process had a turn since the last one of this process. */
  #othersWrote = false;
  #failure: Error | null = null;
  #isLeaving = false;
  #topicsGeneration = 0;
  #tendedGeneration = -1;

  /** Only while this process is alone with the attach lock: `mqlite/state` is made here when it is missing. */
  private constructor(given: StoreContext, options: StoreWriterOptions) {
    const context = { ...given, fs: tellingFailedSyncs(given.fs, (error) => markFailedSync(this.#stateFile, this.#progress, this.#fail(error))) };
    const { fs, clock, paths, identity } = context;
    this.context = context;
    this.#options = options;
    this.#stateFile = EngineStateFile.open(fs, paths.state, 'write', paths.temp)!;
    this.tables = openTables(context);
    this.published = new PublishedState(context);
    this.#lock = writeLockOf(context, options.lockTimeoutMs, this.published);
    this.queues = new QueueTable({ fs, paths, fileSizeBytes: identity.consumeQueueFileSizeBytes });
    this.log = new LogWriter({ fs, directory: paths.commitLog, tempDirectory: paths.commitLogTemp, segmentSizeBytes: identity.segmentSizeBytes });
    this.indexer = new Indexer(context);
    this.#progress = new SyncProgress(context, this.log, this.queues, this.indexer, () => this.#requireNoFailedSync(this.#stateFile.readFailedSync()));
    this.#appender = new BatchAppender(this.log, this.queues, clock, identity, parseDelayLevels(identity.messageDelayLevel));
  }

  /** Joins the writers of the store; as the first one it recovers what the last left and marks the store as open. */
  static async attach(context: StoreContext, options: StoreWriterOptions): Promise<StoreWriter> {
    const { fs, paths } = context;
    for (const directory of [paths.mqlite, paths.temp, paths.commitLog, paths.commitLogTemp, paths.consumeQueue, paths.index, paths.config]) makeDirectoryDurably(fs, directory);
    let writer: StoreWriter | undefined;
    const join = (isFirst: boolean): void => {
      writer = new StoreWriter(context, options);
      if (isFirst) writer.#takeOver();
      writer.#join();
    };
    try {
      const attachment = await Attachment.attach({ ...context, lockTimeoutMs: options.lockTimeoutMs }, () => join(true), () => join(false));
      writer!.#attachment = attachment;
      return writer!;
    } catch (error) {
      if (writer !== undefined) writer.#closeFiles();
      throw error;
    }
  }

  /** The shared state as last read or written. */
  get state(): EngineState {
    return this.#stateFile.state;
  }

  /** Whether nobody has written anything since the last housekeeping, and all of it is synced. */
  isQuiet(): boolean {
    return this.state.committedTail <= this.#progress.syncedTail && this.published.isAt(this.#tendedGeneration);
  }

  /** Why nothing more is written by this process; null while all is well. */
  get failure(): Error | null {
    return this.#failure;
  }

  tryLock(): boolean {
    if (this.#isLeaving) throw isBeingClosed(this.context);
    return this.#lock.tryAcquire();
  }

  lock(): Promise<void> {
    return this.#lock.acquire();
  }

  unlock(): void {
    this.#lock.release(this.state.generation, this.#othersWrote);
    this.#othersWrote = false;
  }

  /** Runs `action` under the write lock, caught up with the other writers. `action` must not be asynchronous. */
  async locked<T>(action: () => T): Promise<T> {
    if (!this.tryLock()) await this.lock();
    return this.#whileHeld(() => this.refresh(), action);
  }

  #whileHeld<T>(refresh: () => void, action: () => T): T {
    try {
      refresh();
      return action();
    } finally {
      this.unlock();
    }
  }

  /** Called with the lock held: learns what other writers did, and repairs after one that died inside a batch. */
  refresh(): void {
    if (this.#isLeaving) throw isBeingClosed(this.context);
    this.#refresh();
  }

  #refresh(): void {
    if (this.#failure !== null) throw this.#failure;
    const known = this.state.committedTail;
    const outcome = this.#readState();
    this.#othersWrote = outcome !== 'unchanged';
    if (outcome === 'unchanged' && !this.state.batchOpen) return;
    try {
      if (this.state.batchOpen) this.#repair();
      if (this.state.topicsGeneration !== this.#topicsGeneration) {
        this.#topicsGeneration = this.state.topicsGeneration;
        // Once let go of, a file that a refused broker unlinked is lost; one of a topic deleted since `known` shall be.
        const deleted = this.tables.deletedTopics.load();
        this.queues.reopenReplaced((topic) => (deleted.get(topic) ?? -1) < known);
        this.queues.dropAll();
      }
      if (this.state.committedTail > known) {
        this.#progress.othersTail = this.state.committedTail;
        this.indexer.catchUp(this.state.committedTail);
        if (!followQueues(this.context, this.queues, known, this.state.committedTail)) this.queues.dropAll();
      }
    } catch (error) {
      // Half caught up, the writers of the queues may be behind their files: they are opened anew, at the files' ends.
      this.queues.dropAll();
      throw error;
    }
  }

  /**
   * Stores messages. With the lock held and `refresh` done. The order on disk: batch-open mark, records, queue entries,
   * committed tail. A process that dies in between leaves the mark, and the next one repairs from the committed tail.
   * When it throws, nothing of the batch is left behind (or the mark is, if even taking it back failed).
   */
  append(messages: readonly PreparedMessage[]): void {
    const { state } = this;
    const start = state.committedTail;
    state.plannedEnd = this.#appender.plannedEnd(start, messages);
    state.batchOpen = true;
    state.syncedTail = Math.max(state.syncedTail, this.#progress.syncedTail);
    const timestampBefore = state.lastStoreTimestamp;
    try {
      this.#stateFile.write();
      state.committedTail = this.#appender.append(state, messages);
      state.batchOpen = false;
      this.#stateFile.write();
    } catch (error) {
      state.committedTail = start;
      state.lastStoreTimestamp = timestampBefore;
      this.#rollBack(start, state.plannedEnd);
      throw error;
    }
    this.log.commit();
    this.queues.commit();
    if (this.indexer.isOwner) this.#index(messages, start);
    if (this.#failure !== null) throw this.#failure;
  }

  /** Makes the log durable up to the committed tail, and everything before it. A failure is final: what was acknowledged before may be lost. */
  syncLog(): void {
    if (this.#failure !== null) throw this.#failure;
    this.#final(() => this.#progress.syncLog(this.state.committedTail, this.state.syncedTail));
  }

  /** Everything up to the committed tail to disk, without holding up the event loop for the log. Publishes the synced tail. */
  async syncAll(): Promise<void> {
    try {
      await this.#progress.syncAll(this.state.committedTail);
    } catch (error) {
      throw this.#fail(error as Error);
    }
  }

  /** Housekeeping of a long-running writer: takes over the index when its owner has left, puts back what a refused broker took. */
  async tend(): Promise<void> {
    await this.locked(() => {
      this.indexer.tryOwn(this.state.committedTail);
      this.#restoreUnlinked();
      restoreMarks(this.context, this.state, this.tables);
      this.#progress.writeOpenCheckpoint();
      this.#tendedGeneration = this.state.generation;
    });
  }

  /** A change of several files begins: should this process die inside it, the next one completes it. `bumpTopicsGeneration` ends it. Lock held. */
  beginChange(): void {
    this.state.plannedEnd = this.state.committedTail;
    this.state.batchOpen = true;
    this.#stateFile.write();
  }

  /** Topics, groups or queues changed: the other writers drop what they know of them. Lock held. */
  bumpTopicsGeneration(): void {
    this.#topicsGeneration = ++this.state.topicsGeneration;
    this.state.batchOpen = false;
    this.#stateFile.write();
  }

  /** Committed offsets were set from outside their group. Lock held. */
  setResetGeneration(generation: number): void {
    this.state.resetGeneration = generation;
    this.#stateFile.write();
  }

  /** Leaves the writers. The last one completes and syncs everything and removes `abort`. */
  async detach(): Promise<void> {
    this.#isLeaving = true;
    try {
      if (this.#failure !== null) return this.#attachment?.abandon();
      await this.#syncOwn().catch((error: unknown) => {
        this.#attachment?.abandon();
        throw error;
      });
      // The index is free before the next one can find that it is the last: it could not complete it otherwise.
      await this.#attachment?.detach(() => this.#finish(), () => this.indexer.release());
    } finally {
      this.#closeFiles();
    }
  }

  /**
   * As the first writer: recovery, the checkpoint of an open store, the state, `abort`, in this order. With the checkpoint
   * of a closed store beside `abort` a broker would rebuild too little of the index (P13); with an `abort` that the state
   * does not know, this store would be taken for a broker's.
   */
  #takeOver(): void {
    const { fs, paths } = this.context;
    const bootId = readBootId(fs);
    const { abort, recovery } = readStoreMarks(this.context, this.#stateFile, bootId);
    const left = { failedSyncFrom: this.#stateFile.failedSyncFrom, plannedEnd: this.state.plannedEnd };
    // Where a broker was, recovery finds out for itself from where on it must look.
    this.#progress.syncedTail = recovery === 'dead-broker' || recovery === 'clean-foreign' ? Number.MAX_SAFE_INTEGER : this.state.syncedTail;
    finishDeletions(this.context, this.tables);
    const result = recoverStore(this.context, recovery, this.state, this.queues, this.tables.deletedTopics.load());
    for (const notice of result.notices) this.#options.onNotice(notice);
    const reindexFrom = result.case === 'clean-own' ? result.tail : recoverIndexFiles(this.context, result, this.#options.onNotice);
    const { state } = this;
    // An `abort` of a live store of ours stays as it is, and so does the process that both name: two files do not change as one.
    const keepsAbort = abort === 'ours' && recovery !== 'dead-broker';
    takeStateOver(this.context, state, result, { bootId, writerPid: keepsAbort ? state.writerPid : process.pid });
    const isRenewal = renewUnsynced(this.context, result, state.syncedTail, left);
    this.#progress.syncedTail = state.syncedTail;
    // A closed store without any index file: a broker can be run with its index off. `store recover` builds one.
    this.indexer.tryOwn(result.tail, result.tail);
    this.indexer.rewindTo(Math.min(reindexFrom, result.scannedFrom));
    this.indexer.catchUp(result.tail);
    this.#progress.writeOpenCheckpoint(isRenewal);
    this.#stateFile.write();
    this.#stateFile.clearFailedSync();
    this.#stateFile.sync();
    if (keepsAbort) fs.syncDirectory(paths.root);
    else createAbort(fs, paths.abort, process.pid, paths.temp);
  }

  /** Among the writers, the first one or another: what was written up to now is known. */
  #join(): void {
    this.#readState();
    this.#progress.join(this.state);
    this.#topicsGeneration = this.state.topicsGeneration;
  }

  #readState(): 'changed' | 'unchanged' {
    const outcome = this.#stateFile.read();
    if (outcome === 'invalid') throw this.#fail(isUnreadable(this.context));
    this.#requireNoFailedSync(this.#stateFile.failedSyncFrom);
    return outcome;
  }

  /** As the last writer: the store is left exactly as a broker leaves it. */
  #finish(): void {
    const { state, context: { fs, paths } } = this;
    const known = state.committedTail;
    this.#readState();
    if (state.batchOpen) this.#repair();
    const tail = state.committedTail;
    if (tail > known) this.#progress.othersTail = tail;
    this.indexer.tryOwn(tail);
    this.#restoreUnlinked();
    this.#progress.syncForClose(state);
    for (const file of this.tables.files) if (file.needsRepair) file.update(() => {});
    state.syncedTail = tail;
    this.#stateFile.write();
    this.#stateFile.sync();
    removeAbort(fs, paths.abort);
    // Not before: a broker that found it beside `abort` would rebuild too little of the index (P13).
    this.#progress.writeClosedCheckpoint(state);
    state.status = 'closed';
    this.#stateFile.write();
  }

  async #syncOwn(): Promise<void> {
    if (!this.#lock.tryAcquire()) await this.lock();
    this.#whileHeld(() => this.#refresh(), () => {
      this.#restoreUnlinked();
      this.#progress.syncOwn(this.state);
    });
  }

  /** Puts back what a refused broker took: files that only this process has open may be among it. Lock held. */
  #restoreUnlinked(): void {
    this.indexer.restoreUnlinked(this.state.committedTail);
    this.log.reopenReplaced();
    this.queues.reopenReplaced();
  }

  /** The messages are stored and visible; only a device that fails may still refuse them. */
  #index(messages: readonly PreparedMessage[], start: number): void {
    this.#final(() => {
      if (this.indexer.putStored(messages, start, this.state.committedTail)) this.#progress.afterIndexing(this.state.committedTail, this.state.syncedTail);
    });
  }

  #rollBack(start: number, end: number): void {
    try {
      // The mark first, again: what failed may be the write that took it away, and that may be on disk after all.
      this.state.batchOpen = true;
      this.#stateFile.write();
      this.log.rollBack(start, end);
      this.queues.rollBack();
      this.state.batchOpen = false;
      this.#stateFile.write();
    } catch (error) {
      // The mark stays: whoever writes next, another process or a later one, repairs from the committed tail.
      this.state.batchOpen = true;
      this.#fail(error as Error);
    }
  }

  /** Another writer died inside a batch: complete records are kept, the rest is cleared. */
  #repair(): void {
    this.queues.dropAll();
    for (const notice of repairBatch(this.context, this.state, this.queues, this.tables)) this.#options.onNotice(notice);
    this.#stateFile.write();
  }

  /** After a failed fsync nothing more may be acknowledged: the kernel may have dropped the pages it could not write. */
  #fail(error: Error): Error {
    this.#failure ??= error;
    return error;
  }

  /** Called after every read of the state and every sync: see `write/failed-sync.ts`. */
  #requireNoFailedSync(failedSyncFrom: number | null): void {
    if (failedSyncFrom !== null) throw this.#fail(othersFailed(this.context.paths));
  }

  /** Runs what may not fail twice. */
  #final(action: () => void): void {
    try {
      action();
    } catch (error) {
      throw this.#fail(error as Error);
    }
  }

  #closeFiles(): void {
    for (const part of [this.queues, this.log, this.indexer, this.#progress, this.#lock, this.#stateFile, this.published]) part.close();
  }
}
