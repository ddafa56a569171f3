import { allocateQueues } from '../../broker/allocate.ts';
import { queueKey } from '../../broker/queue-key.ts';
import type { AllocateStrategy, MessageQueue } from '../../broker/types.ts';

/** One topic, as it was last shared out. */
export interface TopicShare {
  /** Every queue of it. */
  readonly all: readonly MessageQueue[];
  /** Members, whatever they read: brokers tell no more. */
  readonly ids: readonly string[];
  /** This member's. */
  readonly mine: readonly MessageQueue[];
}

export const shareOut = (strategy: AllocateStrategy, member: string, ids: readonly string[], all: readonly MessageQueue[]): TopicShare => ({
  all, ids, mine: allocateQueues(strategy, member, ids, all),
});

/**
 * Queues that become this member's while their former owner lives, and who that is: it has yet to commit what it consumed of them.
 * @param before how they were shared out before; null for a member that has just come: among all others.
 */
export const handedOver = (strategy: AllocateStrategy, member: string, before: TopicShare | null, now: TopicShare): Map<string, string> => {
  const others = (before?.ids ?? now.ids).filter((id) => before !== null || id !== member);
  const had = new Set(before?.mine.map(queueKey));
  const gained = now.mine.filter((queue) => !had.has(queueKey(queue)));
  const owners = new Map<string, string>();
  if (gained.length === 0) return owners;
  const wanted = new Set(gained.map(queueKey));
  for (const id of others) {
    if (id === member || !now.ids.includes(id)) continue;
    for (const queue of allocateQueues(strategy, id, others, before?.all ?? now.all)) if (wanted.has(queueKey(queue))) owners.set(queueKey(queue), id);
  }
  return owners;
};
