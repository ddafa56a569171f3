import path from 'node:path';
import { inspectSegmentDirectory, parseSegmentFileName } from '../commit-log/log-directory.ts';
import { listQueues } from '../consume-queue/queue-directory.ts';
import type { StoreContext } from '../store-context.ts';
import { moveToQuarantine } from './move-aside.ts';

/**
 * Gives every queue file its length, without which a broker refuses to start (P1). A short one has lost the end of its
 * length with the power: zeros are put there, and the log fills them. A longer one is nobody's: it is moved aside, and
 * its entries come from the log.
 */
export const mendQueueFiles = (context: StoreContext, notices: string[]): void => {
  const { fs, paths, identity } = context;
  for (const queue of listQueues(fs, paths.root)) {
    if (queue.family !== 'simple') continue;
    const { oddities } = inspectSegmentDirectory(fs, queue.path, identity.consumeQueueFileSizeBytes);
    for (const { kind, path: file, sizeBytes } of oddities) {
      if (kind === 'empty-last') {
        fs.unlink(file);
        fs.syncDirectory(queue.path);
      } else if (kind === 'wrong-size' && parseSegmentFileName(path.basename(file)) !== null) {
        if (sizeBytes < identity.consumeQueueFileSizeBytes) extend(context, file);
        else notices.push(`${file}: ${sizeBytes} bytes long instead of ${identity.consumeQueueFileSizeBytes}; it is kept in ${moveToQuarantine(context, file)} and its entries are taken from the log`);
      }
    }
  }
};

const extend = ({ fs, identity }: StoreContext, file: string): void => {
  const fd = fs.open(file, 'write');
  try {
    fs.truncate(fd, identity.consumeQueueFileSizeBytes);
    fs.dataSync(fd);
  } finally {
    fs.close(fd);
  }
};
