import { recordProblem } from '../../record/check.ts';
import { createDispatchView, readDispatchView } from '../../record/dispatch-view.ts';
import { listSegments } from '../commit-log/log-directory.ts';
import { LogScanner } from '../commit-log/log-scanner.ts';
import type { QueueTable } from '../consume-queue/queue-table.ts';
import type { StoreContext } from '../store-context.ts';

/** A larger gap that other writers left is not read record by record: the queues are opened anew instead. */
const MAX_FOLLOWED_BYTES = 64 * 1024 * 1024;
const WINDOW_BYTES = 1 << 18;

/**
 * Moves the open queue writers behind the records that other processes stored in [from, to). false when the gap is too
 * large or not readable: then the queues' files tell.
 */
export const followQueues = (context: StoreContext, queues: QueueTable, from: number, to: number): boolean => {
  if (to - from > MAX_FOLLOWED_BYTES) return false;
  const { fs, paths, identity } = context;
  const segments = listSegments(fs, paths.commitLog, identity.segmentSizeBytes);
  const scanner = new LogScanner(fs, segments, {
    from, to, windowBytes: WINDOW_BYTES, check: (buffer, position, size) => recordProblem(buffer, position, size, false),
  });
  const view = createDispatchView();
  try {
    for (let kind = scanner.next(); kind !== 'end'; kind = scanner.next()) {
      if (kind === 'damaged') return false;
      if (kind !== 'message') continue;
      readDispatchView(scanner.window, scanner.position, view);
      const queue = queues.peek(view.topic, view.queueId);
      if (queue !== undefined && queue.nextOffset <= view.queueOffset) queue.moveTo(view.queueOffset + 1);
    }
    return true;
  } finally {
    scanner.close();
  }
};
