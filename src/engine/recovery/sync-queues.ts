import path from 'node:path';
import { recordProblem } from '../../record/check.ts';
import { createDispatchView, readDispatchView } from '../../record/dispatch-view.ts';
import { listSegments } from '../commit-log/log-directory.ts';
import { LogScanner } from '../commit-log/log-scanner.ts';
import { queueDirectoryPath } from '../consume-queue/queue-directory.ts';
import type { StoreContext } from '../store-context.ts';

/** Queue files that one sync covers at the end of each queue: the last and the one it was rolled from. */
const FILES_PER_QUEUE = 2;

/**
 * Syncs the queue files of every queue that has a record between two log offsets, whoever wrote the entries: another
 * writer may have died before it synced its own.
 */
export const syncQueuesBetween = (context: StoreContext, from: number, to: number): void => {
  const { fs, paths, identity } = context;
  const segments = listSegments(fs, paths.commitLog, identity.segmentSizeBytes);
  const scanner = new LogScanner(fs, segments, { from, to, check: (buffer, position, size) => recordProblem(buffer, position, size, false) });
  const view = createDispatchView();
  const queues = new Set<string>();
  try {
    for (let kind = scanner.next(); kind !== 'end'; kind = scanner.next()) {
      if (kind === 'damaged' && scanner.resync() < 0) break;
      if (kind !== 'message') continue;
      readDispatchView(scanner.window, scanner.position, view);
      queues.add(queueDirectoryPath(paths.root, view.topic, view.queueId));
    }
  } finally {
    scanner.close();
  }
  for (const directory of queues) syncQueue(context, directory);
};

const syncQueue = ({ fs, identity }: StoreContext, directory: string): void => {
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
