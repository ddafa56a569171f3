import type { LogWriter } from '../commit-log/log-writer.ts';
import type { QueueTable } from '../consume-queue/queue-table.ts';
import type { Indexer } from '../dispatch/indexer.ts';
import { syncQueuesBetween } from '../recovery/sync-queues.ts';
import { CheckpointFile, readCheckpoint } from '../state/checkpoint.ts';
import type { EngineState } from '../state/engine-state.ts';
import type { StoreContext } from '../store-context.ts';
import { checkpointWhenClosed, checkpointWhileOpen } from './checkpoint-rule.ts';

/** What this process knows to be on disk, and the checkpoint that says so. Every failure of a sync passes through: it is final. */
export class SyncProgress {
  /** Log, queues and index below this are on disk; published with the next batch. */
  syncedTail = 0;
  /** End of the log when this process last saw that another one had moved it: those queue entries are not in `queues`. */
  othersTail = 0;
  /** The log alone is on disk up to here. */
  #logSyncedTail = 0;
  /** End timestamp of the newest full index file that the checkpoint knows. */
  #checkpointedFullEnd = 0;
  readonly #context: StoreContext;
  readonly #log: LogWriter;
  readonly #queues: QueueTable;
  readonly #indexer: Indexer;
  readonly #checkpoint: CheckpointFile;

  readonly #requireNoFailedSync: () => void;

  /** @param requireNoFailedSync throws when any writer of the store has had a failed sync: then one that succeeded here says nothing */
  constructor(context: StoreContext, log: LogWriter, queues: QueueTable, indexer: Indexer, requireNoFailedSync: () => void) {
    this.#context = context;
    this.#log = log;
    this.#queues = queues;
    this.#indexer = indexer;
    this.#requireNoFailedSync = requireNoFailedSync;
    this.#checkpoint = new CheckpointFile(context.fs, context.paths.checkpoint, context.paths.temp);
  }

  /** What is not known to be synced was written by others, who may be dead by now. */
  join({ syncedTail, committedTail }: EngineState): void {
    this.syncedTail = syncedTail;
    this.othersTail = committedTail;
  }

  /** The log up to `to`, whoever wrote it. Blocks. */
  syncLog(to: number, publishedTail: number): void {
    const from = Math.max(this.syncedTail, publishedTail, this.#logSyncedTail);
    if (to <= from) return;
    this.#log.sync(from, to);
    this.#requireNoFailedSync();
    this.#logSyncedTail = Math.max(this.#logSyncedTail, to);
  }

  /** Log, queues and index up to `to`, with the waiting for log and index in the thread pool. */
  async syncAll(to: number): Promise<void> {
    if (to <= this.syncedTail) return;
    await this.#log.syncAsync(Math.max(this.syncedTail, this.#logSyncedTail), to);
    for (const queue of this.#queues.takeUnsynced()) queue.sync();
    if (!(await this.#indexer.syncAsync())) return;
    if (this.othersTail > this.syncedTail) syncQueuesBetween(this.#context, this.syncedTail, to);
    this.#requireNoFailedSync();
    this.syncedTail = to;
    this.writeOpenCheckpoint();
  }

  /** After records were indexed: a file that became full by them is in the checkpoint before anything else happens, or a broker would delete it. */
  afterIndexing(to: number, publishedTail: number): void {
    const fullEnd = this.#indexer.writer?.lastFullEndTimestamp ?? 0;
    if (fullEnd === this.#checkpointedFullEnd) return;
    this.syncLog(to, publishedTail);
    for (const queue of this.#queues.takeUnsynced()) queue.sync();
    if (this.othersTail > this.syncedTail) syncQueuesBetween(this.#context, this.syncedTail, to);
    this.#requireNoFailedSync();
    this.syncedTail = Math.max(this.syncedTail, to);
    this.writeOpenCheckpoint();
  }

  /** What this process leaves behind when others go on. Blocks. */
  syncOwn(state: EngineState): void {
    this.#log.sync(state.syncedTail, state.committedTail);
    for (const queue of this.#queues.takeUnsynced()) queue.sync();
    this.#indexer.writer?.sync();
  }

  /** Everything that the last writer leaves behind, up to the end of the log. Blocks. */
  syncForClose(state: EngineState): void {
    const to = state.committedTail;
    this.#indexer.writer?.complete();
    if (to > state.syncedTail) this.#log.sync(state.syncedTail, to);
    for (const queue of this.#queues.takeUnsynced()) queue.sync();
    if (this.othersTail > state.syncedTail) syncQueuesBetween(this.#context, state.syncedTail, to);
  }

  /** `isRenewal`: also when it says the same as before, since what is read may not be what is on disk. */
  writeOpenCheckpoint(isRenewal = false): void {
    this.#checkpointedFullEnd = this.#indexer.writer?.lastFullEndTimestamp ?? 0;
    const before = this.#read();
    const rule = checkpointWhileOpen(this.syncedTail, this.#indexer.writer, before) ?? (isRenewal ? before : null);
    if (rule !== null) this.#checkpoint.write(rule, { sync: true });
  }

  writeClosedCheckpoint(state: EngineState): void {
    this.#checkpoint.write(checkpointWhenClosed(state, this.#indexer.writer, this.#read()), { sync: true });
  }

  close(): void {
    this.#checkpoint.close();
  }

  #read() {
    return readCheckpoint(this.#context.fs, this.#context.paths.checkpoint).checkpoint;
  }
}
