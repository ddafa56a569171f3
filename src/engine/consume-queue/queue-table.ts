import path from 'node:path';
import type { FileSystem } from '../files/file-system.ts';
import { OpenFiles } from '../files/open-files.ts';
import type { StorePaths } from '../store-paths.ts';
import { QueueWriter } from './queue-writer.ts';

/** Open queue files of a writer: with those of its reader well below 1024, the descriptors that a process may have by custom. */
const MAX_OPEN_FILES = 256;

export interface QueueTableOptions {
  readonly fs: FileSystem;
  readonly paths: StorePaths;
  readonly fileSizeBytes: number;
  readonly maxOpenFiles?: number | undefined;
}

/** The queue writers of this process, opened on first use. */
export class QueueTable {
  readonly #options: QueueTableOptions;
  readonly #openFiles: OpenFiles;
  readonly #topics = new Map<string, (QueueWriter | undefined)[]>();
  /** Touched by the batch under way. */
  readonly #touched: QueueWriter[] = [];
  readonly #unsynced = new Set<QueueWriter>();

  constructor(options: QueueTableOptions) {
    this.#options = options;
    this.#openFiles = new OpenFiles(options.maxOpenFiles ?? MAX_OPEN_FILES);
  }

  get(topic: string, queueId: number): QueueWriter {
    let queues = this.#topics.get(topic);
    if (queues === undefined) this.#topics.set(topic, (queues = []));
    return (queues[queueId] ??= this.#open(topic, queueId));
  }

  /** The writer if it is open already. */
  peek(topic: string, queueId: number): QueueWriter | undefined {
    return this.#topics.get(topic)?.[queueId];
  }

  touch(queue: QueueWriter): void {
    if (!queue.hasPending) this.#touched.push(queue);
  }

  /** Writes what the batch has gathered. */
  flush(): void {
    for (const queue of this.#touched) queue.flush();
  }

  /** Checks, before anything is acknowledged, that the files written to still have their names. */
  restoreUnlinked(): void {
    for (const queue of this.#touched) queue.restoreUnlinked();
  }

  /** The same for every open queue, after others may have had the lock. Lock held. @param isKept false for topics deleted meanwhile */
  reopenReplaced(isKept: (topic: string) => boolean = () => true): void {
    for (const [topic, queues] of this.#topics) {
      if (isKept(topic)) for (const queue of queues) queue?.reopenReplaced();
    }
  }

  commit(): void {
    for (const queue of this.#touched) {
      queue.commit();
      this.#unsynced.add(queue);
    }
    this.#touched.length = 0;
  }

  rollBack(): void {
    const touched = this.#touched.splice(0);
    for (const queue of touched) queue.rollBack();
  }

  /** Queues with entries that were not synced yet; the caller syncs each of them. */
  takeUnsynced(): QueueWriter[] {
    const queues = [...this.#unsynced];
    this.#unsynced.clear();
    return queues;
  }

  markUnsynced(queue: QueueWriter): void {
    this.#unsynced.add(queue);
  }

  /** Forgets a topic's writers: its queues were deleted, or moved by another process beyond catching up. */
  drop(topic: string): void {
    const queues = this.#topics.get(topic) ?? [];
    this.#topics.delete(topic);
    for (const queue of queues) if (queue !== undefined) this.#forget(queue);
  }

  dropAll(): void {
    for (const topic of [...this.#topics.keys()]) this.drop(topic);
  }

  /** Lets go of every file. What is not synced by now stays so. */
  close(): void {
    for (const queue of this.#unsynced) queue.close();
    this.#unsynced.clear();
    this.dropAll();
  }

  /** Its entries are synced when all others are: this happens under the write lock, where a sync of each dirty queue would take seconds. */
  #forget(queue: QueueWriter): void {
    if (this.#unsynced.has(queue)) queue.closeOnceSynced();
    else queue.close();
  }

  #open(topic: string, queueId: number): QueueWriter {
    const { fs, paths, fileSizeBytes } = this.#options;
    const directory = path.join(paths.consumeQueue, topic, String(queueId));
    return new QueueWriter(topic, queueId, { fs, directory, fileSizeBytes, tempDirectory: paths.temp, openFiles: this.#openFiles });
  }
}
