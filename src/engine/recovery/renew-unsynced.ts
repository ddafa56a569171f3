import { join } from 'node:path';
import { listSegments } from '../commit-log/log-directory.ts';
import { ENTRY_PHYSICAL_OFFSET, ENTRY_RECORD_SIZE, ENTRY_SIZE_BYTES, readOffset } from '../consume-queue/layout.ts';
import type { FileSystem } from '../files/file-system.ts';
import { readIndexHeader } from '../index/open-file.ts';
import { indexNameKind } from '../index/names.ts';
import type { StoreContext } from '../store-context.ts';
import type { RecoveryResult } from './recover.ts';
import { queuesBetween, syncQueue } from './sync-queues.ts';

const CHUNK_BYTES = 1 << 16;

/** What the last writer has left in `mqlite/state` that matters here. */
interface LeftBehind {
  /** See `EngineStateFile`. */
  readonly failedSyncFrom: number | null;
  readonly plannedEnd: number;
}

/**
 * Writes what may not be on disk once more, as the page cache has it, and syncs it: log and queue entries from `syncedTail`
 * on after a process died, and after a failed sync from where that says, with every index file that holds keys from there
 * on. Syncing alone would not do. After a failed fsync the kernel counts the pages as clean, so that the next one, of another
 * process too, succeeds without having written them; and the process that saw the failure may not have lived to tell. Runs
 * alone. false: there was nothing to do.
 */
export const renewUnsynced = (context: StoreContext, result: RecoveryResult, syncedTail: number, { failedSyncFrom, plannedEnd }: LeftBehind): boolean => {
  if (failedSyncFrom === null) {
    if (result.case !== 'dead-writer') return false;
    renewLog(context, syncedTail, result.tail);
  } else {
    const from = Math.min(syncedTail, result.scannedFrom, failedSyncFrom);
    // Zeros of a batch that was taken back lie behind the tail.
    renewLog(context, from, Math.max(result.tail, plannedEnd));
    renewIndex(context, from);
  }
  return true;
};

/** Log and queue entries between two log offsets. */
const renewLog = (context: StoreContext, from: number, to: number): void => {
  const { fs, paths, identity } = context;
  for (const { baseOffset, path, sizeBytes } of listSegments(fs, paths.commitLog, identity.segmentSizeBytes)) {
    renewFile(fs, path, Math.max(0, from - baseOffset), Math.min(sizeBytes, to - baseOffset), 'all');
  }
  fs.syncDirectory(paths.commitLog);
  for (const [directory, { first, end }] of queuesBetween(context, from, to)) {
    for (const { baseOffset, path, sizeBytes } of listSegments(fs, directory, identity.consumeQueueFileSizeBytes)) {
      const start = Math.max(0, first * ENTRY_SIZE_BYTES - baseOffset);
      renewFile(fs, path, startsWithFiller(fs, path) ? 0 : start, Math.min(sizeBytes, end * ENTRY_SIZE_BYTES - baseOffset), 'all');
    }
    syncQueue(context, directory);
  }
};

/** The newest file, and those before it that reach behind `from`. */
const renewIndex = ({ fs, paths }: StoreContext, from: number): void => {
  const names = (fs.list(paths.index) ?? []).filter((name) => indexNameKind(name) === 'index').sort();
  for (const name of names) {
    const path = join(paths.index, name);
    const fd = fs.open(path, 'read');
    let isMeant: boolean;
    let sizeBytes: number;
    try {
      ({ sizeBytes } = fs.fstat(fd));
      isMeant = name === names.at(-1) || readIndexHeader(fs, fd).endCommitLogOffset >= from;
    } finally {
      fs.close(fd);
    }
    // Most of such a file is a hole, and stays one.
    if (isMeant) renewFile(fs, path, 0, sizeBytes, 'non-zero');
  }
  if (names.length > 0) fs.syncDirectory(paths.index);
};

/** As `QueueWriter` begins the file of a queue whose older records have expired: fillers come with the first entries. */
const startsWithFiller = (fs: FileSystem, path: string): boolean => {
  const entry = Buffer.alloc(ENTRY_SIZE_BYTES);
  const fd = fs.open(path, 'read');
  try {
    fs.read(fd, entry, 0, ENTRY_SIZE_BYTES, 0);
  } finally {
    fs.close(fd);
  }
  return entry.readInt32BE(ENTRY_RECORD_SIZE) === 1 && readOffset(entry, ENTRY_PHYSICAL_OFFSET) === 0;
};

const renewFile = (fs: FileSystem, path: string, from: number, to: number, what: 'all' | 'non-zero'): void => {
  if (to <= from) return;
  const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, to - from));
  const zeros = Buffer.alloc(chunk.length);
  const fd = fs.open(path, 'write');
  try {
    for (let position = from; position < to; position += chunk.length) {
      const count = fs.read(fd, chunk, 0, Math.min(chunk.length, to - position), position);
      if (count === 0) break;
      if (what === 'all' || chunk.compare(zeros, 0, count, 0, count) !== 0) fs.write(fd, chunk, 0, count, position);
    }
    fs.dataSync(fd);
  } finally {
    fs.close(fd);
  }
};
