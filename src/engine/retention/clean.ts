import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { systemClock } from '../../base/clock.ts';
import { listSegments } from '../commit-log/log-directory.ts';
import type { LogSegment } from '../commit-log/log-directory.ts';
import { ENTRY_SIZE_BYTES, isPreBlank, readOffset } from '../consume-queue/layout.ts';
import { inspectQueueFiles, listQueues } from '../consume-queue/queue-directory.ts';
import type { QueueDirectory } from '../consume-queue/queue-directory.ts';
import type { FileLocks } from '../files/file-locks.ts';
import { nativeFileLocks } from '../files/file-locks.ts';
import { decodeIndexHeader, INDEX_HEADER_SIZE, viewOf } from '../index/layout.ts';
import { listIndexFiles } from '../index/names.ts';
import { openStoreView, withStoreErrors } from '../inspect/store-view.ts';
import type { StoreOptions, StoreView } from '../inspect/store-view.ts';
import { withStoreExclusive } from '../locks/attachment.ts';
import { DeletedTopics } from '../state/deleted-topics.ts';
import { lastUnitAt, readUnit, UNIT_SIZE_BYTES } from '../timer/layout.ts';

/** RocketMQ's `fileReservedTime`, ms. */
export const DEFAULT_RETENTION_MS = 72 * 3_600_000;

export interface CleanOptions extends StoreOptions {
  /** Log files last written longer ago than this are expired. Default 72 h. */
  readonly olderThanMs?: number | undefined;
  /** Only say what would be removed. */
  readonly dryRun: boolean;
  readonly clock?: Clock | undefined;
  readonly locks?: FileLocks | undefined;
}

export interface CleanedFile {
  readonly family: 'commitlog' | 'consumequeue' | 'index' | 'timerlog';
  readonly file: string;
  /** Length; a sparse file may occupy less. */
  readonly sizeBytes: number;
  /** Why it goes. */
  readonly reason: string;
}

export interface CleanReport {
  readonly dryRun: boolean;
  readonly files: readonly CleanedFile[];
  readonly sizeBytes: number;
  /** First commit-log offset that is kept. */
  readonly minOffset: number;
  readonly notes: readonly string[];
}

/**
 * Removes what has expired: whole log files from the front, by modification time, never the last; then queue files
 * whose last entry points below what is left; then index files that end below it, never the last; then files of the timer log whose last unit does.
 * In that order, so that a stop in between leaves a store that is merely not tidy. [MappedFileQueue#deleteExpiredFileByTime]
 * [IndexService#deleteExpiredFile] [MappedFileQueue#deleteExpiredFileByOffsetForTimerLog]
 * @throws MqliteError LOCKED while another process writes the store, STORE_NOT_FOUND, WRONG_KIND, STORAGE_FAILED
 */
export const cleanStore = (options: CleanOptions): Promise<CleanReport> =>
  withStoreErrors(`cannot clean ${options.storeDirectory}`, () => {
    const view = openStoreView(options);
    if (options.dryRun) return clean(view, options);
    const clock = options.clock ?? systemClock;
    return withStoreExclusive(
      { fs: view.fs, locks: options.locks ?? nativeFileLocks, clock, paths: view.paths, lockTimeoutMs: options.lockTimeoutMs ?? 5000 },
      // Looked at again: another process may have written while we waited.
      () => clean(openStoreView(options), options),
    );
  });

const clean = (view: StoreView, options: CleanOptions): CleanReport => {
  const nowMs = (options.clock ?? systemClock).nowMs();
  const expired = expiredSegments(view.log.segments, nowMs - (options.olderThanMs ?? DEFAULT_RETENTION_MS));
  const files: CleanedFile[] = expired.map((segment) => ({
    family: 'commitlog', file: segment.path, sizeBytes: segment.sizeBytes, reason: `last written ${new Date(segment.modifiedMs).toISOString()}`,
  }));
  const first = view.log.segments[expired.length];
  const minOffset = first?.baseOffset ?? 0;
  for (const queue of listQueues(view.fs, view.paths.root)) {
    if (queue.family === 'simple') files.push(...expiredQueueFiles(view, queue, minOffset));
  }
  files.push(...expiredIndexFiles(view, minOffset), ...expiredTimerLogFiles(view, minOffset));
  if (!options.dryRun) {
    remove(view, files);
    if (expired.length > 0 && view.deletedTopics.size > 0) new DeletedTopics(view.fs, view.paths.deletedTopics, view.paths.temp).forgetBelow(minOffset);
  }
  return { dryRun: options.dryRun, files, sizeBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0), minOffset, notes: notesOf(view, expired, nowMs) };
};

/** From the front, up to the first file that is younger; the last one always stays. */
const expiredSegments = (segments: readonly LogSegment[], beforeMs: number): LogSegment[] => {
  const candidates = segments.slice(0, -1);
  const firstKept = candidates.findIndex((segment) => segment.modifiedMs >= beforeMs);
  return firstKept < 0 ? candidates : candidates.slice(0, firstKept);
};

/** P15: the only clock of a log file is its modification time, which copying a store sets to now, or restores. */
const notesOf = (view: StoreView, expired: readonly LogSegment[], nowMs: number): string[] => {
  const notes: string[] = [];
  if (view.log.segments.some((segment) => segment.modifiedMs > nowMs + 1000)) {
    notes.push('log files carry modification times in the future: they expire late');
  }
  if (expired.length === 0 && view.log.segments.length > 1) {
    notes.push('age is the modification time of a log file: a copy that did not preserve times counts as new');
  }
  return notes;
};

const readAt = (view: StoreView, path: string, position: number, length: number): Buffer | null => {
  const bytes = Buffer.alloc(length);
  const fd = view.fs.open(path, 'read');
  try {
    return view.fs.read(fd, bytes, 0, length, position) === length ? bytes : null;
  } finally {
    view.fs.close(fd);
  }
};

/** Full files before the last whose last entry's record is gone: the numbering of the queue goes on in those that stay. */
const expiredQueueFiles = (view: StoreView, queue: QueueDirectory, minOffset: number): CleanedFile[] => {
  const expired: CleanedFile[] = [];
  for (const file of inspectQueueFiles(view.fs, queue).segments.slice(0, -1)) {
    const entry = readAt(view, file.path, file.sizeBytes - ENTRY_SIZE_BYTES, ENTRY_SIZE_BYTES);
    if (entry === null || entry.readInt32BE(8) <= 0 || (readOffset(entry, 0) >= minOffset && !isPreBlank(entry, 0))) break;
    expired.push({ family: 'consumequeue', file: file.path, sizeBytes: file.sizeBytes, reason: `all its records lie below ${minOffset}` });
  }
  return expired;
};

const expiredIndexFiles = (view: StoreView, minOffset: number): CleanedFile[] => {
  const expired: CleanedFile[] = [];
  for (const name of listIndexFiles(view.fs, view.paths.index).slice(0, -1)) {
    const file = join(view.paths.index, name);
    const header = readAt(view, file, 0, INDEX_HEADER_SIZE);
    const end = header === null ? Infinity : decodeIndexHeader(viewOf(header)).endCommitLogOffset;
    if (end >= minOffset) break;
    expired.push({ family: 'index', file, sizeBytes: view.fs.stat(file)?.sizeBytes ?? 0, reason: `all its keys are of records below ${minOffset}` });
  }
  return expired;
};

/** Full files before the last whose last unit's record is gone: units come in the order of their records. */
const expiredTimerLogFiles = (view: StoreView, minOffset: number): CleanedFile[] => {
  const expired: CleanedFile[] = [];
  for (const { path: file, sizeBytes } of listSegments(view.fs, view.paths.timerLog).slice(0, -1)) {
    const bytes = readAt(view, file, lastUnitAt(sizeBytes), UNIT_SIZE_BYTES);
    const unit = bytes === null ? null : readUnit(bytes, 0);
    if (unit === null || unit.commitLogOffset >= minOffset) break;
    expired.push({ family: 'timerlog', file, sizeBytes, reason: `all its units are of records below ${minOffset}` });
  }
  return expired;
};

/** Log files first, oldest first, each made durable before the next: a crash leaves no hole in the log. */
const remove = (view: StoreView, files: readonly CleanedFile[]): void => {
  for (const { file } of files) {
    view.fs.unlink(file);
    view.fs.syncDirectory(join(file, '..'));
  }
};
