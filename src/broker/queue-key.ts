import type { MessageQueue } from './types.ts';

/** One string per queue, for maps. Topics and broker names hold no newline. */
export function queueKey(queue: MessageQueue): string {
  return `${queue.topic}\n${queue.brokerName}\n${queue.queueId}`;
}
