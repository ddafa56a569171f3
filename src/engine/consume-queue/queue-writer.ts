import path from 'node:path';
import { MqliteError } from '../../broker/errors.ts';
import { segmentFileName } from '../commit-log/log-directory.ts';
import { zeroRange } from '../commit-log/log-writer.ts';
import type { FileSystem } from '../files/file-system.ts';
import type { OpenFiles } from '../files/open-files.ts';
import { createSizedFile, reopenIfReplaced, restoreIfUnlinked, tryUnlink } from '../files/sized-file.ts';
import { ENTRY_SIZE_BYTES, queueFileBase, writeEntry } from './layout.ts';
import { findQueueEnd } from './queue-end.ts';

const INITIAL_PENDING_ENTRIES = 64;

export interface QueueWriterOptions {
  readonly fs: FileSystem;
  /** `<store>/consumequeue/<topic>/<queueId>` */
  readonly directory: string;
  readonly fileSizeBytes: number;
  readonly tempDirectory: string;
  /** Bounds the queues with an open file. */
  readonly openFiles: OpenFiles;
}

/** What a flush wrote, so that a batch that fails later can be taken back. */
interface Written {
  readonly fromOffset: number;
  readonly createdFiles: string[];
}

/**
 * Appends entries to one consume queue. Entry number = queue offset, so the next queue offset of the topic is the number
 * of entries (P12). Entries gather in memory and reach the file at `flush()`, once per batch; a queue file appears with
 * its first entries in it (P9).
 */
export class QueueWriter {
  readonly topic: string;
  readonly queueId: number;
  /** Queue offset that the next appended record gets. */
  nextOffset: number;
  readonly #options: QueueWriterOptions;
  /** First entry not yet written to the file. */
  #flushedOffset: number;
  #pending = Buffer.allocUnsafe(INITIAL_PENDING_ENTRIES * ENTRY_SIZE_BYTES);
  #pendingBytes = 0;
  #fd = -1;
  #filePath = '';
  #fileBase = -1;
  #written: Written | null = null;
  /** Something was written into the current file since the last sync. */
  #isDirty = false;
  /** Files let go of before they were synced. */
  readonly #released = new Set<string>();
  /** The file let go of last, which must be there when it is opened again. */
  #releasedFile = '';
  #unsyncedNames = false;
  #isLast = false;

  /** Opens the queue at its end as the files have it. */
  constructor(topic: string, queueId: number, options: QueueWriterOptions) {
    this.topic = topic;
    this.queueId = queueId;
    this.#options = options;
    this.nextOffset = findQueueEnd(options.fs, options.directory, options.fileSizeBytes).endOffset;
    this.#flushedOffset = this.nextOffset;
  }

  get hasPending(): boolean {
    return this.#pendingBytes > 0;
  }

  append(commitLogOffset: number, recordSize: number, tagsHigh: number, tagsLow: number): void {
    if (this.#pendingBytes === this.#pending.length) this.#grow();
    writeEntry(this.#pending, this.#pendingBytes, commitLogOffset, recordSize, tagsHigh, tagsLow);
    this.#pendingBytes += ENTRY_SIZE_BYTES;
    this.nextOffset++;
  }

  /** Writes the gathered entries. On failure `rollBack()` takes all of them back. */
  flush(): void {
    this.#written = { fromOffset: this.#flushedOffset, createdFiles: [] };
    const { fileSizeBytes } = this.#options;
    let done = 0;
    while (done < this.#pendingBytes) {
      const position = this.#flushedOffset * ENTRY_SIZE_BYTES;
      const base = queueFileBase(this.#flushedOffset, fileSizeBytes);
      const inFile = position - base;
      const count = Math.min(this.#pendingBytes - done, fileSizeBytes - inFile);
      this.#writeInto(base, inFile, done, count);
      done += count;
      this.#flushedOffset += count / ENTRY_SIZE_BYTES;
    }
    this.#pendingBytes = 0;
  }

  /** The batch is stored: what was written stays. */
  commit(): void {
    this.#written = null;
  }

  /** Forgets what is pending and zeroes what the batch has written; files it made are removed again. */
  rollBack(): void {
    const written = this.#written;
    const unwritten = this.#pendingBytes / ENTRY_SIZE_BYTES;
    this.#pendingBytes = 0;
    this.#written = null;
    const end = this.#flushedOffset;
    if (written === null) {
      this.nextOffset = end;
      return;
    }
    this.nextOffset = this.#flushedOffset = written.fromOffset;
    const { fs, directory, fileSizeBytes } = this.#options;
    // The newest first: dying in between must not leave a gap. Durable, all of it: what is taken back must not come back.
    for (const file of written.createdFiles.reverse()) fs.unlink(file);
    if (written.createdFiles.length > 0) {
      this.#closeFile();
      this.#releasedFile = '';
      fs.syncDirectory(directory);
    }
    const base = queueFileBase(written.fromOffset, fileSizeBytes);
    const file = path.join(directory, segmentFileName(base));
    const inFile = written.fromOffset * ENTRY_SIZE_BYTES - base;
    // Entries being written when it failed may be there in part: the zeros cover all that were to be written.
    const count = Math.min((end - written.fromOffset + unwritten) * ENTRY_SIZE_BYTES, fileSizeBytes - inFile);
    if (fs.stat(file) !== null) zeroRange(fs, file, inFile, inFile + count);
  }

  /** Puts an entry where its queue offset says, whatever is there: recovery. Entries must come in ascending order. */
  put(queueOffset: number, commitLogOffset: number, recordSize: number, tagsHigh: number, tagsLow: number): void {
    if (queueOffset !== this.nextOffset) {
      this.flush();
      this.commit();
      this.nextOffset = this.#flushedOffset = queueOffset;
    }
    this.append(commitLogOffset, recordSize, tagsHigh, tagsLow);
  }

  /** Another process has appended: the next offset is `nextOffset`. */
  moveTo(nextOffset: number): void {
    this.nextOffset = this.#flushedOffset = nextOffset;
  }

  /** Rewrites the current file if a refused broker has unlinked it. */
  restoreUnlinked(): void {
    if (this.#fd >= 0) this.#fd = restoreIfUnlinked(this.#options.fs, this.#fd, this.#current());
  }

  /**
   * The same where another writer may have done it before: then its copy counts. Without its directory the queue was
   * deleted, and stays so. Lock held.
   */
  reopenReplaced(): void {
    const { fs, directory } = this.#options;
    if (this.#fd < 0 || fs.fstat(this.#fd).linkCount > 0) return;
    if (fs.stat(directory) !== null) this.#fd = reopenIfReplaced(fs, this.#fd, this.#current());
    else this.#closeFile();
  }

  /** fdatasync of the current file and of the names made since the last time. */
  sync(): void {
    const { fs, directory } = this.#options;
    if (this.#fd >= 0) {
      fs.dataSync(this.#fd);
      this.#released.delete(this.#filePath);
    }
    this.#isDirty = false;
    for (const file of this.#released) syncIfThere(fs, file);
    this.#released.clear();
    if (this.#isLast) this.#closeFile();
    if (!this.#unsyncedNames) return;
    for (const level of [directory, path.dirname(directory), path.dirname(path.dirname(directory))]) {
      // A queue that another writer has deleted has no names to keep.
      if (fs.stat(level) !== null) fs.syncDirectory(level);
    }
    this.#unsyncedNames = false;
  }

  /** Nothing more is appended here: the next `sync` is the last thing done with the file. */
  closeOnceSynced(): void {
    this.#isLast = true;
  }

  /** Lets go of the file: others need its descriptor. Opened again when something is written; what is not synced is remembered. */
  release(): void {
    if (this.#fd < 0) return;
    this.restoreUnlinked();
    if (this.#isDirty) this.#released.add(this.#filePath);
    this.#releasedFile = this.#filePath;
    this.#closeFile();
  }

  close(): void {
    this.#closeFile();
  }

  #writeInto(base: number, inFile: number, done: number, count: number): void {
    const { fs, directory, fileSizeBytes, tempDirectory } = this.#options;
    if (base === this.#fileBase) this.reopenReplaced();
    this.#isDirty = true;
    if (base === this.#fileBase) {
      fs.write(this.#fd, this.#pending, done, count, inFile);
      return;
    }
    if (this.#fd >= 0) {
      // The full file is synced before it is let go: later syncs only know the current one.
      fs.dataSync(this.#fd);
      this.#closeFile();
    }
    const file = path.join(directory, segmentFileName(base));
    if (fs.stat(file) === null) {
      // With its descriptor it could be put back; without, what it listed would be lost without a word.
      if (file === this.#releasedFile) throw new MqliteError('DAMAGED', `${file} has vanished`, { hint: 'run "mqlite store verify" once nothing writes the store' });
      this.#fd = createSizedFile(fs, { path: file, sizeBytes: fileSizeBytes, tempDirectory }, (fd) => {
        if (inFile > 0) writeFillers(fs, fd, inFile);
        fs.write(fd, this.#pending, done, count, inFile);
      });
      this.#written?.createdFiles.push(file);
      this.#unsyncedNames = true;
    } else {
      this.#fd = fs.open(file, 'write');
      fs.write(this.#fd, this.#pending, done, count, inFile);
    }
    this.#fileBase = base;
    this.#filePath = file;
    this.#releasedFile = '';
    this.#options.openFiles.opened(this);
  }

  #current(): { path: string; sizeBytes: number; tempDirectory: string } {
    return { path: this.#filePath, sizeBytes: this.#options.fileSizeBytes, tempDirectory: this.#options.tempDirectory };
  }

  #closeFile(): void {
    if (this.#fd < 0) return;
    this.#options.openFiles.closed(this);
    this.#options.fs.close(this.#fd);
    this.#fd = -1;
    this.#fileBase = -1;
  }

  #grow(): void {
    const larger = Buffer.allocUnsafe(this.#pending.length * 4);
    this.#pending.copy(larger, 0, 0, this.#pendingBytes);
    this.#pending = larger;
  }
}

/** One that is gone was deleted with its topic. */
const syncIfThere = (fs: FileSystem, file: string): void => {
  if (fs.stat(file) === null) return;
  const fd = fs.open(file, 'write');
  try {
    fs.dataSync(fd);
  } finally {
    fs.close(fd);
  }
};

/**
 * Entries before the first real one of a queue whose older records have expired. A broker fills them with size 2^31-1,
 * which makes it ignore every later record below 2 GiB when a queue holds nothing else (P11); size 1 at offset 0 is as
 * valid to it, lies below the log's minimum just as well, and has no such effect.
 */
const writeFillers = (fs: FileSystem, fd: number, sizeBytes: number): void => {
  const fillers = Buffer.alloc(sizeBytes);
  for (let position = 0; position < sizeBytes; position += ENTRY_SIZE_BYTES) writeEntry(fillers, position, 0, 1, 0, 0);
  fs.write(fd, fillers, 0, sizeBytes, 0);
};

/** Removes a queue's files and then its directories, as far as they are empty. */
export const removeQueueDirectory = (fs: FileSystem, directory: string): void => {
  for (const name of fs.list(directory) ?? []) tryUnlink(fs, path.join(directory, name));
  try {
    fs.removeDirectory(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
};
