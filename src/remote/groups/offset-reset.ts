import { checkOffset } from '../../broker/check-offset.ts';
import { MqliteError } from '../../broker/errors.ts';
import { isGone } from '../../broker/gone.ts';
import type { MessageQueue, OffsetCommit } from '../../broker/types.ts';
import { GET_BROKER_CONFIG } from '../../wire/requests/broker-admin.ts';
import { INVOKE_BROKER_TO_RESET_OFFSET } from '../../wire/requests/progress.ts';
import type { Cluster } from '../cluster.ts';
import { requireQueue } from '../queue-offsets.ts';
import { byBroker } from './by-broker.ts';
import type { GroupSettings } from './group-settings.ts';
import { memberIds } from './member-list.ts';
import { OffsetStore } from './offset-store.ts';

/**
 * Sets offsets from outside of a group. Nobody is there: they are simply written. Members are there: the broker is told to reset, so that what the
 * members commit from where they are does not count. Read back, every one.
 */
export const resetOffsets = async (cluster: Cluster, settings: GroupSettings, group: string, commits: readonly OffsetCommit[]): Promise<void> => {
  for (const { queue, offset } of commits) {
    await requireQueue(cluster, queue);
    checkOffset(offset);
  }
  const store = new OffsetStore(cluster, cluster.client, group);
  const byQueue = new Map(commits.map((commit) => [commit.queue, commit.offset]));
  for (const [brokerName, queues] of byBroker(commits.map(({ queue }) => queue))) {
    // A broker that has not heard of the group refuses its offsets.
    await settings.at(brokerName, group);
    const isAtBroker = await hasMembers(cluster, brokerName, group) && await requireServerSide(cluster, brokerName, group);
    for (const queue of queues) {
      // A reset that nobody has noticed yet stands in the way of a mere commit.
      if (isAtBroker || !(await store.commit(queue, byQueue.get(queue)!))) await resetAtBroker(cluster, group, queue, byQueue.get(queue)!);
    }
  }
  for (const { queue, offset } of commits) {
    const stored = await store.query(queue);
    if (stored === offset) continue;
    throw new MqliteError('NOT_CONFIRMED', `${queue.topic} queue ${queue.queueId} of ${queue.brokerName}: the offset is ${stored ?? 'none'} after the reset to ${offset}`, {
      hint: 'A member that came meanwhile may have committed in between: try again.',
    });
  }
};

const hasMembers = async (cluster: Cluster, brokerName: string, group: string): Promise<boolean> => {
  const list = await memberIds(cluster.client, group, [await cluster.masterAddress(brokerName)]);
  return list === null || list.ids.length > 0;
};

/**
 * Whether the broker resets by itself. One that only passes the word on to the members looks at a time, not at an offset, and would set all queues:
 * it is not asked. Errors: UNSUPPORTED. [BrokerConfig#useServerSideResetOffset]
 */
const requireServerSide = async (cluster: Cluster, brokerName: string, group: string): Promise<true> => {
  const isOn = await cluster.call(brokerName, GET_BROKER_CONFIG, {}, null).then(({ body }) => body['useServerSideResetOffset'] === 'true', (error: unknown) => {
    if (isGone(error)) throw error;
    // Whoever may not read the settings: it is what brokers have by default.
    return true;
  });
  if (isOn) return true;
  throw new MqliteError('UNSUPPORTED', `group ${group} has live members, and broker ${brokerName} cannot set their offsets (useServerSideResetOffset is off)`, {
    hint: 'Stop the members and reset then; or switch useServerSideResetOffset on.',
  });
};

const resetAtBroker = async (cluster: Cluster, group: string, { topic, brokerName, queueId }: MessageQueue, offset: number): Promise<void> => {
  await cluster.call(brokerName, INVOKE_BROKER_TO_RESET_OFFSET, { group, topic, queueId, offset, timestamp: 0, isForce: true, bname: brokerName }, null);
};
