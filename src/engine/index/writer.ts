import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import type { FileSystem } from '../files/file-system.ts';
import { createSizedFile } from '../files/sized-file.ts';
import { EntryStaging } from './entry-staging.ts';
import { indexGeometry, newIndexHeader, nextEntryNumber, recordKeyHashes, timeDifference, topicHash } from './layout.ts';
import type { IndexGeometry, IndexHeader } from './layout.ts';
import { listIndexFiles, moveToQuarantine, nextIndexName } from './names.ts';
import { isReplaced, openIndexFile, readIndexHeader, restoreIndexFile, writeIndexHeader } from './open-file.ts';
import type { OpenIndexFile } from './open-file.ts';
import { SlotTable } from './slot-table.ts';
import { trailingHashes } from './trailing-hashes.ts';
import { dropUnlistedEntries } from './unlisted-entries.ts';

export interface IndexWriterOptions {
  readonly fs: FileSystem;
  /** `<store>/index`. */
  readonly directory: string;
  /** Where files grow before they get their name; same file system. */
  readonly tempDirectory: string;
  /** Where index files of a broker that was refused are moved. */
  readonly quarantineDirectory: string;
  /** maxHashSlotNum, 5,000,000 by default. */
  readonly slotCount?: number;
  /** maxIndexNum, 20,000,000 by default. */
  readonly maxIndexCount?: number;
  readonly clock: Clock;
}

/**
 * Appends keys to the newest index file, byte for byte as a broker does. One process at a time may use it, by a lock
 * that is not its business. What `put` takes is in memory until `flush`; the files on disk are usable by a concurrent
 * reader at any moment, because entries are written before the slots that lead to them and slots before the header.
 * Errors of the operating system pass through; after one, the same call may be repeated and nothing is lost.
 *
 * A `flush` in a flood writes the whole slot table (20 MB by default), because hashes touch every page of it: it
 * belongs after some 100,000 keys or at the end, not after every batch.
 */
export class IndexWriter {
  readonly #fs: FileSystem;
  readonly #options: IndexWriterOptions;
  readonly #geometry: IndexGeometry;
  readonly #slots: SlotTable;
  readonly #staging = new EntryStaging();
  readonly #hashes: number[] = [];
  #topic: string | null = null;
  #topicHash = 0;

  /** null while the file of `#header` is still to be made. */
  #file: OpenIndexFile | null = null;
  #header: IndexHeader = newIndexHeader(null);
  /** The newest full file, held open so that it can be restored. */
  #fullFile: { readonly file: OpenIndexFile; readonly endCommitLogOffset: number } | null = null;
  /** The newest name that is ours to know; a newer one in the directory was made by somebody else. */
  #newestName: string | null = null;
  #endCommitLogOffset = -1;
  #lastFullEndTimestamp = 0;
  #changed = false;
  /** At first true, and a flush to sync: the owner before may have died between writing and syncing. */
  #directoryUnsynced = true;
  /** Counts the flushes that wrote something; `#syncedFlushes` of them are on the device. */
  #flushes = 1;
  #syncedFlushes = 0;
  /** Syncs in the thread pool per descriptor; closing such a descriptor waits for the last of them. */
  readonly #syncing = new Map<number, number>();
  readonly #closing = new Set<number>();

  private constructor(options: IndexWriterOptions) {
    this.#fs = options.fs;
    this.#options = options;
    this.#geometry = indexGeometry(options.slotCount, options.maxIndexCount);
    this.#slots = new SlotTable(options.fs, this.#geometry);
  }

  /** Takes up the newest file, or none: reads two headers and one entry, whatever the size of the index. */
  static open(options: IndexWriterOptions): IndexWriter {
    const writer = new IndexWriter(options);
    writer.#load();
    return writer;
  }

  /** Commit-log offset of the last record with keys, -1 when there is none. What lies behind it is not indexed. */
  get endCommitLogOffset(): number {
    return this.#endCommitLogOffset;
  }

  /** The file that takes the next key; `path` is null until its first flush, `count` counts keys. null when it has no key. */
  get current(): { path: string | null; beginTimestamp: number; beginCommitLogOffset: number; count: number } | null {
    const { beginTimestamp, beginCommitLogOffset, indexCount } = this.#header;
    if (indexCount <= 1) return null;
    return { path: this.#file?.path ?? null, beginTimestamp, beginCommitLogOffset, count: indexCount - 1 };
  }

  /** Last store timestamp in the newest file that is full and synced, 0 if none: the checkpoint's indexMsgTimestamp. */
  get lastFullEndTimestamp(): number {
    return this.#lastFullEndTimestamp;
  }

  /** Whether there is something in memory that a reader can't see yet. */
  get hasUnflushed(): boolean {
    return this.#changed;
  }

  /**
   * Indexes a record. Records must come in log order; those up to the last one indexed are ignored, and if of that one
   * only some keys made it (a crash between two files), the others are added. Not for transaction rollbacks, which a
   * broker does not index.
   * @param keys the property KEYS: separated by spaces.
   * @param tags the property TAGS, which broker 5.5.0 indexes as well
   */
  put(
    topic: string, uniqKey: string | null, keys: string | null, commitLogOffset: number, storeTimestamp: number, tags: string | null,
  ): void {
    if (commitLogOffset < this.#endCommitLogOffset) return;
    if (topic !== this.#topic) {
      this.#topic = topic;
      this.#topicHash = topicHash(topic);
    }
    const hashes = this.#hashes;
    const count = recordKeyHashes(this.#topicHash, uniqKey, keys, tags, hashes);
    if (commitLogOffset === this.#endCommitLogOffset) {
      for (const hash of this.#missingHashes(hashes.slice(0, count), commitLogOffset)) this.#putHash(hash, commitLogOffset, storeTimestamp);
      return;
    }
    for (let index = 0; index < count; index++) this.#putHash(hashes[index]!, commitLogOffset, storeTimestamp);
  }

  /**
   * Makes everything visible to readers and to the next owner. Not durable: see `sync`. A file that is to be made waits
   * in memory until its newest key is younger than the full file before it: the checkpoint tells a broker by that time
   * which files to keep, and one that is kept but not full a refused broker goes on with, beside this writer.
   */
  flush(): void {
    if (this.#changed && !this.#isWaiting) this.#write();
  }

  #write(): void {
    if (this.#file === null) {
      this.#createFile();
    } else {
      this.#writeStaged();
      this.#slots.writeDirty(this.#file.fd);
      writeIndexHeader(this.#fs, this.#file.fd, this.#header);
      this.#slots.markClean();
    }
    this.#changed = false;
    this.#flushes++;
  }

  /** As `sync`, and makes a file that waits: for a store that is being closed. */
  complete(): void {
    if (this.#changed) this.#write();
    this.sync();
  }

  /** Flushes and makes it durable. */
  sync(): void {
    this.flush();
    if (this.#file !== null && this.#syncedFlushes < this.#flushes) this.#fs.dataSync(this.#file.fd);
    this.#syncedFlushes = this.#flushes;
    this.#syncDirectory();
  }

  /** As `sync`, with the waiting in the thread pool; more may be put meanwhile. */
  async syncAsync(): Promise<void> {
    this.flush();
    const flushes = this.#flushes;
    const fd = this.#file?.fd;
    if (fd !== undefined && this.#syncedFlushes < flushes) {
      this.#syncing.set(fd, (this.#syncing.get(fd) ?? 0) + 1);
      try {
        await this.#fs.dataSyncAsync(fd);
        this.#syncedFlushes = Math.max(this.#syncedFlushes, flushes);
      } finally {
        const others = this.#syncing.get(fd)! - 1;
        if (others > 0) this.#syncing.set(fd, others);
        else this.#syncing.delete(fd);
        if (others === 0 && this.#closing.delete(fd)) this.#fs.close(fd);
      }
    }
    this.#syncDirectory();
  }

  /** Flushes, without syncing, and gives the descriptors back. */
  close(): void {
    try {
      this.flush();
    } finally {
      this.#release();
    }
  }

  /**
   * A broker that was refused the lock deletes the index files that are newer than its checkpoint and starts one of its
   * own [IndexService#load]. This moves that one to quarantine and writes ours back from the open descriptors. Returns
   * whether there was anything to restore; then the caller indexes the log from `endCommitLogOffset` once more, since
   * another process may have gone on with the broker's file meanwhile.
   * @param logMinOffset a full file that ends below it was expired, not torn away, and stays deleted
   */
  restoreUnlinked(logMinOffset = 0): boolean {
    const full = this.#fullFile;
    const restoreFull = full !== null && full.endCommitLogOffset >= logMinOffset && isReplaced(this.#fs, full.file);
    const restoreCurrent = this.#file !== null && isReplaced(this.#fs, this.#file);
    if (!restoreFull && !restoreCurrent) return false;
    if (this.#file !== null) this.flush();
    const keep = new Set<string>();
    if (full !== null && !restoreFull) keep.add(full.file.name);
    if (this.#file !== null && !restoreCurrent) keep.add(this.#file.name);
    const oldest = restoreFull ? full.file.name : this.#file!.name;
    this.#quarantine((name) => name >= oldest && !keep.has(name));
    if (restoreFull) this.#fullFile = { ...full, file: this.#restore(full.file) };
    if (restoreCurrent) {
      this.#file = this.#restore(this.#file!);
      this.#slots.rebind(this.#file.fd);
    }
    return true;
  }

  get #isWaiting(): boolean {
    return this.#file === null && this.#fullFile !== null && this.#header.endTimestamp <= this.#lastFullEndTimestamp;
  }

  #putHash(hash: number, commitLogOffset: number, storeTimestamp: number): void {
    if (this.#header.indexCount >= this.#geometry.maxIndexCount) this.#roll();
    if (this.#staging.isFull) this.#makeRoom();
    const header = this.#header;
    const number = header.indexCount;
    const slot = hash % this.#geometry.slotCount;
    const newest = this.#slots.get(slot);
    const previous = newest > 0 && newest < number ? newest : 0;
    this.#staging.add(hash, commitLogOffset, timeDifference(header.beginTimestamp, storeTimestamp), previous);
    this.#slots.set(slot, number);
    if (number <= 1) {
      header.beginCommitLogOffset = commitLogOffset;
      header.beginTimestamp = storeTimestamp;
    }
    if (previous === 0) header.usedSlotCount++;
    header.indexCount = number + 1;
    header.endCommitLogOffset = commitLogOffset;
    header.endTimestamp = storeTimestamp;
    this.#endCommitLogOffset = commitLogOffset;
    this.#changed = true;
  }

  /** Those of a record's hashes that are not yet there for it, the later ones of equal hashes first to miss. */
  #missingHashes(hashes: readonly number[], commitLogOffset: number): number[] {
    this.flush();
    const { hashes: present, isAll } = this.#staging.trailingHashes(commitLogOffset);
    if (isAll) present.push(...trailingHashes(this.#fs, this.#options.directory, this.#geometry, commitLogOffset));
    return hashes.filter((hash) => {
      const index = present.indexOf(hash);
      if (index >= 0) present.splice(index, 1);
      return index < 0;
    });
  }

  #makeRoom(): void {
    if (this.#file === null) this.#write();
    else this.#writeStaged();
  }

  #writeStaged(): void {
    this.#staging.writeTo(this.#fs, this.#file!.fd, this.#geometry, this.#header.indexCount);
    this.#staging.clear();
  }

  /** Starts the next file in memory; it appears in the directory with its first flush. */
  #roll(): void {
    this.complete();
    const full = this.#file!;
    if (this.#fullFile !== null) this.#closeDescriptor(this.#fullFile.file.fd);
    this.#fullFile = { file: full, endCommitLogOffset: this.#header.endCommitLogOffset };
    this.#lastFullEndTimestamp = this.#header.endTimestamp;
    this.#file = null;
    this.#header = newIndexHeader(this.#header);
    this.#slots.reset();
  }

  #createFile(): void {
    const { directory, tempDirectory, clock } = this.#options;
    const known = this.#newestName;
    this.#quarantine((name) => known === null || name > known);
    const name = nextIndexName(clock.nowMs(), known);
    const path = join(directory, name);
    this.#fs.makeDirectory(tempDirectory);
    const fd = createSizedFile(this.#fs, { path, sizeBytes: this.#geometry.sizeBytes, tempDirectory }, (temp) => {
      this.#staging.writeTo(this.#fs, temp, this.#geometry, this.#header.indexCount);
      this.#slots.writeDirty(temp);
      writeIndexHeader(this.#fs, temp, this.#header);
    });
    this.#slots.markClean();
    this.#slots.rebind(fd);
    this.#staging.clear();
    this.#file = { fd, name, path };
    this.#newestName = name;
    this.#directoryUnsynced = true;
  }

  #load(): void {
    const { directory } = this.#options;
    const names = listIndexFiles(this.#fs, directory);
    this.#newestName = names.at(-1) ?? null;
    this.#header = newIndexHeader(null);
    this.#endCommitLogOffset = -1;
    this.#lastFullEndTimestamp = 0;
    let newest: { readonly file: OpenIndexFile; readonly header: IndexHeader } | null = null;
    for (let index = names.length - 1; index >= 0 && this.#fullFile === null; index--) {
      const file = openIndexFile(this.#fs, directory, names[index]!);
      const header = readIndexHeader(this.#fs, file.fd);
      if (header.indexCount >= this.#geometry.maxIndexCount) {
        this.#fullFile = { file, endCommitLogOffset: header.endCommitLogOffset };
        this.#lastFullEndTimestamp = header.endTimestamp;
        if (newest !== null && index === names.length - 2 && newest.header.endTimestamp <= header.endTimestamp) {
          this.#takeBack(newest.file);
          newest = null;
        }
        if (newest === null) {
          this.#header = newIndexHeader(header);
          this.#endCommitLogOffset = header.endCommitLogOffset;
          // Whoever filled it may have died before its sync, and from here on only the next file is synced.
          this.#fs.dataSync(file.fd);
        }
      } else if (index === names.length - 1) {
        newest = { file, header };
      } else {
        this.#fs.close(file.fd);
      }
      if (this.#endCommitLogOffset < 0 && (header.indexCount > 1 || header.endCommitLogOffset > 0)) {
        this.#endCommitLogOffset = header.endCommitLogOffset;
      }
    }
    if (newest === null) this.#slots.reset();
    else this.#resume(newest.file, newest.header);
  }

  /** A file that should have waited (see `flush`) is made again later; the caller indexes its few keys once more. */
  #takeBack(file: OpenIndexFile): void {
    this.#fs.close(file.fd);
    this.#fs.unlink(file.path);
    this.#directoryUnsynced = true;
  }

  #resume(file: OpenIndexFile, header: IndexHeader): void {
    this.#file = file;
    this.#header = { ...header, indexCount: nextEntryNumber(header, this.#geometry) };
    if (this.#fs.fstat(file.fd).sizeBytes < this.#geometry.sizeBytes) this.#fs.truncate(file.fd, this.#geometry.sizeBytes);
    this.#slots.attach(file.fd);
    dropUnlistedEntries(this.#fs, file.fd, this.#geometry, this.#slots, this.#header.indexCount);
  }

  #restore(file: OpenIndexFile): OpenIndexFile {
    const restored = restoreIndexFile(this.#fs, file, this.#geometry, this.#options.tempDirectory);
    this.#closeDescriptor(file.fd);
    return restored;
  }

  #quarantine(isForeign: (name: string) => boolean): void {
    const { directory, quarantineDirectory } = this.#options;
    for (const name of listIndexFiles(this.#fs, directory)) {
      if (isForeign(name)) moveToQuarantine(this.#fs, directory, name, quarantineDirectory);
    }
  }

  #syncDirectory(): void {
    if (!this.#directoryUnsynced) return;
    this.#fs.syncDirectory(this.#options.directory);
    this.#directoryUnsynced = false;
  }

  #release(): void {
    if (this.#file !== null) this.#closeDescriptor(this.#file.fd);
    if (this.#fullFile !== null) this.#closeDescriptor(this.#fullFile.file.fd);
    this.#file = null;
    this.#fullFile = null;
  }

  #closeDescriptor(fd: number): void {
    if (this.#syncing.has(fd)) this.#closing.add(fd);
    else this.#fs.close(fd);
  }
}
