import type { Broker } from '../../broker/broker.ts';
import { MqliteError } from '../../broker/errors.ts';
import type { GroupConfig, TopicConfig } from '../../broker/types.ts';
import { suggestion } from '../did-you-mean.ts';

/** The topic's configuration. Error: TOPIC_NOT_FOUND with the names that are near. */
export async function requireTopic(broker: Broker, topic: string, otherHint = 'See "mqlite topics list --all".'): Promise<TopicConfig> {
  const topics = await broker.listTopics();
  const found = topics.find((candidate) => candidate.topic === topic);
  if (found !== undefined) return found;
  throw new MqliteError('TOPIC_NOT_FOUND', `there is no topic "${topic}" in ${broker.target}`, {
    hint: suggestion(topic, topics.map((candidate) => candidate.topic)) ?? otherHint,
  });
}

/** The group's configuration. Error: GROUP_NOT_FOUND with the names that are near. */
export async function requireGroup(broker: Broker, group: string): Promise<GroupConfig> {
  const groups = await broker.listGroups();
  const found = groups.find((candidate) => candidate.group === group);
  if (found !== undefined) return found;
  throw new MqliteError('GROUP_NOT_FOUND', `there is no group "${group}" in ${broker.target}`, {
    hint: suggestion(group, groups.map((candidate) => candidate.group)) ?? 'See "mqlite groups list --all".',
  });
}
