import type { CommittedOffset, GroupConfig, MemberInfo } from '../../broker/types.ts';
import { formatTime, plural } from '../render/numbers.ts';
import { renderTable } from '../render/table.ts';
import type { TableStyle } from '../render/table.ts';
import { lagText, totalLag } from './offsets.ts';
import { yesNo } from './topics.ts';

export interface GroupListJson {
  readonly groups: readonly GroupConfig[];
  readonly truncated: boolean;
}

export interface GroupTopicJson {
  readonly topic: string;
  readonly queues: number;
  /** null when it cannot be known. */
  readonly lag: number | null;
}

export interface GroupJson extends GroupConfig {
  readonly members: readonly MemberInfo[];
  readonly topics: readonly GroupTopicJson[];
}

export function selectGroups(groups: readonly GroupConfig[], all: boolean): GroupConfig[] {
  return groups.filter((group) => all || !group.system).sort((left, right) => (left.group < right.group ? -1 : 1));
}

export async function groupTable(groups: readonly GroupConfig[], style: TableStyle): Promise<string> {
  const columns = [{ title: 'GROUP' }, { title: 'ENABLED' }, { title: 'BROADCAST' }, { title: 'ORDERLY' }, { title: 'RETRY QUEUES', align: 'right' }, { title: 'MAX RETRIES', align: 'right' }, { title: 'CONFIGURED' }] as const;
  const rows = groups.map((group) => [
    group.group, yesNo(group.consumeEnable), yesNo(group.consumeBroadcastEnable), yesNo(group.consumeMessageOrderly), group.retryQueueNums, group.retryMaxTimes, yesNo(group.configured),
  ]);
  return renderTable(columns, rows, style);
}

export function describeGroup(group: GroupConfig, members: readonly MemberInfo[], offsets: readonly CommittedOffset[]): GroupJson {
  const byTopic = new Map<string, CommittedOffset[]>();
  for (const offset of offsets) byTopic.set(offset.queue.topic, [...(byTopic.get(offset.queue.topic) ?? []), offset]);
  return { ...group, members, topics: [...byTopic].map(([topic, queues]) => ({ topic, queues: queues.length, lag: totalLag(queues) })) };
}

export async function groupText(group: GroupJson, style: TableStyle): Promise<string> {
  const lines = [
    `group       ${group.group}${group.system ? ' (system)' : ''}${group.configured ? '' : ' (known by its offsets only; the settings are the defaults)'}`,
    `enabled     ${yesNo(group.consumeEnable)}`,
    `broadcast   ${yesNo(group.consumeBroadcastEnable)}`,
    `orderly     ${yesNo(group.consumeMessageOrderly)}`,
    `retries     at most ${group.retryMaxTimes}, through ${plural(group.retryQueueNums, 'queue')}`,
    `members     ${group.members.length === 0 ? 'none' : ''}`.trimEnd(),
    ...group.members.map((member) => `  ${member.clientId}, pid ${member.pid} on ${member.host}, since ${formatTime(member.sinceMs)}: ${member.topics.join(', ')}`),
  ];
  if (group.topics.length === 0) return `${lines.join('\n')}\n`;
  const columns = [{ title: 'TOPIC' }, { title: 'QUEUES', align: 'right' }, { title: 'LAG', align: 'right' }] as const;
  return `${lines.join('\n')}\n\n${await renderTable(columns, group.topics.map((topic) => [topic.topic, topic.queues, lagText(topic.lag)]), style)}`;
}

/** What deleting the group means, a line each, behind the line of the target. */
export function groupDeletionPlan(group: GroupJson): string[] {
  const offsets = group.topics.length === 0 ? 'it has no committed offsets' : `its offsets on ${plural(group.topics.length, 'topic')} are forgotten: ${group.topics.map(({ topic }) => topic).join(', ')}`;
  return [`delete group ${group.group}`, offsets];
}
