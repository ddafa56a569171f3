import { DLQ_READER_GROUP, isDlqTopic, isRetryTopic } from '../broker/retry-topics.ts';
import type { GroupConfig, TopicConfig } from '../broker/types.ts';

/** RocketMQ's own, and those it keeps for a group: what is tried again, and what was given up. */
const isHidden = ({ topic, system }: TopicConfig): boolean => system || isRetryTopic(topic) || isDlqTopic(topic);

/** `all`: RocketMQ's own topics too; `system`: those alone. In the order of their names. */
export function selectTopics(topics: readonly TopicConfig[], wanted: { readonly all: boolean; readonly system: boolean }): TopicConfig[] {
  const kept = topics.filter((topic) => (wanted.system ? isHidden(topic) : wanted.all || !isHidden(topic)));
  return kept.sort((left, right) => (left.topic < right.topic ? -1 : 1));
}

/** `all`: RocketMQ's own groups too, and the one by which dead letters are known to be dealt with. In the order of their names. */
export function selectGroups(groups: readonly GroupConfig[], all: boolean): GroupConfig[] {
  return groups.filter(({ group, system }) => all || !(system || group === DLQ_READER_GROUP)).sort((left, right) => (left.group < right.group ? -1 : 1));
}
