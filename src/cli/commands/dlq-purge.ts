import type { Broker } from '../../broker/broker.ts';
import { DLQ_READER_GROUP, dlqTopicOf } from '../../broker/retry-topics.ts';
import { purgedOffsets } from '../../client/dead-letters.ts';
import type { PlannedReset, ResetJson } from './offset-reset.ts';
import { applyResets } from './offset-reset.ts';
import { sameQueue } from './offsets.ts';

export interface PurgeJson extends ResetJson {
  readonly group: string;
  /** Dead letters that are purged, or would be. */
  readonly count: number;
}

/** To the end of the dead letters as it is now. A group without a dead-letter topic has nothing to purge. */
export async function planPurge(broker: Broker, group: string): Promise<{ readonly resets: readonly PlannedReset[]; readonly count: number }> {
  const topic = dlqTopicOf(group);
  if (!(await broker.listTopics()).some((config) => config.topic === topic)) return { resets: [], count: 0 };
  const purged = await purgedOffsets(broker, topic);
  const { queues } = await broker.describeTopic(topic);
  const resets = queues.map(({ queue, minOffset, maxOffset }): PlannedReset => ({
    group: DLQ_READER_GROUP, queue, committedOffset: purged.find((row) => sameQueue(row.queue, queue))?.committedOffset ?? null,
    minOffset, maxOffset, targetOffset: maxOffset, clamped: false,
  }));
  return { resets, count: resets.reduce((sum, { committedOffset, minOffset, maxOffset }) => sum + maxOffset - Math.max(minOffset, committedOffset ?? minOffset), 0) };
}

/** Errors: as `applyResets`. */
export async function applyPurge(broker: Broker, resets: readonly PlannedReset[]): Promise<void> {
  if (!(await broker.listGroups()).some(({ group }) => group === DLQ_READER_GROUP)) await broker.createGroup(DLQ_READER_GROUP, {});
  await applyResets(broker, resets);
}
