import path from 'node:path';
import { recordProblem } from '../../record/check.ts';
import { TRANSACTION_MASK, TRANSACTION_PREPARED, TRANSACTION_ROLLBACK } from '../../record/sys-flag.ts';
import { createDispatchView, readDispatchView } from '../../record/dispatch-view.ts';
import { listSegments } from '../commit-log/log-directory.ts';
import { LogScanner } from '../commit-log/log-scanner.ts';
import { queueDirectoryPath } from '../consume-queue/queue-directory.ts';
import type { StoreContext } from '../store-context.ts';

/** Queue files that one sync covers at the end of each queue: the last and the one it was rolled from. */
const FILES_PER_QUEUE = 2;

/** Queue offsets: of the first entry, and behind the last. */
export interface EntryRange {
  first: number;
  end: number;
}

/**
 * Syncs the queue files of every queue that has a record between two log offsets, whoever wrote the entries: another
 * writer may have died before it synced its own.
 */
export const syncQueuesBetween = (context: StoreContext, from: number, to: number): void => {
  for (const directory of queuesBetween(context, from, to).keys()) syncQueue(context, directory);
};

/** The directories of all queues that have a record between two log offsets, with the entries of these records. */
export const queuesBetween = (context: StoreContext, from: number, to: number): ReadonlyMap<string, EntryRange> => {
  const { fs, paths, identity } = context;
  const segments = listSegments(fs, paths.commitLog, identity.segmentSizeBytes);
  const scanner = new LogScanner(fs, segments, { from, to, check: (buffer, position, size) => recordProblem(buffer, position, size, false) });
  const view = createDispatchView();
  const queues = new Map<string, EntryRange>();
  try {
    for (let kind = scanner.next(); kind !== 'end'; kind = scanner.next()) {
      if (kind === 'damaged' && scanner.resync() < 0) break;
      if (kind !== 'message') continue;
      readDispatchView(scanner.window, scanner.position, view);
      const transaction = view.sysFlag & TRANSACTION_MASK;
      if (transaction === TRANSACTION_PREPARED || transaction === TRANSACTION_ROLLBACK) continue;
      const directory = queueDirectoryPath(paths.root, view.topic, view.queueId);
      const range = queues.get(directory);
      if (range === undefined) queues.set(directory, { first: view.queueOffset, end: view.queueOffset + 1 });
      else {
        // A topic that was deleted meanwhile begins at 0 again.
        range.first = Math.min(range.first, view.queueOffset);
        range.end = Math.max(range.end, view.queueOffset + 1);
      }
    }
  } finally {
    scanner.close();
  }
  return queues;
};

/** The end of one queue, names included. */
export const syncQueue = ({ fs, identity }: StoreContext, directory: string): void => {
  const files = listSegments(fs, directory, identity.consumeQueueFileSizeBytes).slice(-FILES_PER_QUEUE);
  for (const file of files) {
    const fd = fs.open(file.path, 'write');
    try {
      fs.dataSync(fd);
    } finally {
      fs.close(fd);
    }
  }
  if (files.length === 0) return;
  for (const level of [directory, path.dirname(directory), path.dirname(path.dirname(directory))]) fs.syncDirectory(level);
};
