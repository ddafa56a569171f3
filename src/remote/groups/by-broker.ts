import type { MessageQueue } from '../../broker/types.ts';

/** What is asked about several queues is asked of each broker once. */
export const byBroker = (queues: readonly MessageQueue[]): Map<string, MessageQueue[]> => {
  const groups = new Map<string, MessageQueue[]>();
  for (const queue of queues) groups.set(queue.brokerName, [...(groups.get(queue.brokerName) ?? []), queue]);
  return groups;
};
