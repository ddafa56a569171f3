import { createHash } from 'node:crypto';
import type { AllocateStrategy, MessageQueue } from './types.ts';

/** Points of each member on the ring of the consistent hash. [AllocateMessageQueueConsistentHash] */
const VIRTUAL_NODES = 10;

/**
 * The queues of `member`, of all queues of one topic and all members that subscribe to it, as RocketMQ's clients share them out:
 * every member comes to the same result on its own. Both lists are sorted here (`sortQueues`, UTF-16 order of the ids).
 * [RebalanceImpl#rebalanceByTopic, AllocateMessageQueueAveragely, AllocateMessageQueueAveragelyByCircle, AllocateMessageQueueConsistentHash]
 */
export function allocateQueues(strategy: AllocateStrategy, member: string, members: readonly string[], queues: readonly MessageQueue[]): MessageQueue[] {
  const ids = [...members].sort();
  const all = sortQueues(queues);
  const index = ids.indexOf(member);
  if (index < 0) return [];
  switch (strategy) {
    case 'average': return averagely(index, ids.length, all);
    case 'circle': return all.filter((_, place) => place % ids.length === index);
    case 'consistent-hash': return byHash(member, ids, all);
  }
}

/** By topic, broker name and queue id. [MessageQueue#compareTo] */
export function sortQueues(queues: readonly MessageQueue[]): MessageQueue[] {
  return [...queues].sort((left, right) => order(left.topic, right.topic) || order(left.brokerName, right.brokerName) || left.queueId - right.queueId);
}

const order = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);

/** Runs of neighbours; the first members get one more each when the numbers do not divide. */
function averagely(index: number, memberCount: number, queues: readonly MessageQueue[]): MessageQueue[] {
  const remainder = queues.length % memberCount;
  const size = Math.floor(queues.length / memberCount) + (index < remainder ? 1 : 0);
  const start = index < remainder ? index * size : index * size + remainder;
  return queues.slice(start, start + size);
}

function byHash(member: string, ids: readonly string[], queues: readonly MessageQueue[]): MessageQueue[] {
  const owners = new Map<number, string>();
  for (const id of ids) for (let node = 0; node < VIRTUAL_NODES; node++) owners.set(ringHash(`${id}-${node}`), id);
  const ring = [...owners.keys()].sort((left, right) => left - right);
  return queues.filter(({ topic, brokerName, queueId }) => {
    const hash = ringHash(`MessageQueue [topic=${topic}, brokerName=${brokerName}, queueId=${queueId}]`);
    return owners.get(ring.find((point) => point >= hash) ?? ring[0]!) === member;
  });
}

/** First four bytes of MD5. [ConsistentHashRouter.MD5Hash] */
function ringHash(key: string): number {
  return createHash('md5').update(key, 'utf8').digest().readUInt32BE(0);
}
