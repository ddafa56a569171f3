import type { TopicConfig } from '../../broker/types.ts';
import { queueDirectoryPath } from '../consume-queue/queue-directory.ts';
import type { QueueFamily } from '../consume-queue/queue-directory.ts';
import type { FileSystem } from '../files/file-system.ts';

/**
 * Which kind of entries a queue has: what its directory says, and the topic's attribute where there is none yet, or both (a broker
 * refuses such a store, P3).
 */
export const queueFamilyOf = (fs: FileSystem, storeDirectory: string, topic: string, queueId: number, config: () => TopicConfig | null): QueueFamily => {
  const hasBatch = fs.stat(queueDirectoryPath(storeDirectory, topic, queueId, 'batch')) !== null;
  const hasSimple = fs.stat(queueDirectoryPath(storeDirectory, topic, queueId, 'simple')) !== null;
  if (hasBatch !== hasSimple) return hasBatch ? 'batch' : 'simple';
  return config()?.attributes['queue.type'] === 'BatchCQ' ? 'batch' : 'simple';
};
