import type { GroupConfig, MemberInfo, MessageQueue } from '../../broker/types.ts';
import { backlogText } from '../../client/group-backlog.ts';
import type { GroupBacklogJson, InstanceJson } from '../../client/group-backlog.ts';
import { formatBytes, formatDuration, formatTime, plural } from '../../text/numbers.ts';
import { known, lagText, rateText } from '../../text/rates.ts';
import { renderTable } from '../render/table.ts';
import type { TableStyle } from '../render/table.ts';
import { yesNo } from './topics.ts';

export interface GroupListRow extends GroupConfig {
  /** Live ones. */
  readonly members: number;
}

export interface GroupListJson {
  readonly groups: readonly GroupListRow[];
  readonly truncated: boolean;
}

export interface GroupJson extends GroupConfig, GroupBacklogJson {
  readonly members: readonly MemberInfo[];
  /** Of a broadcasting group. */
  readonly instances: readonly InstanceJson[];
}

export async function groupTable(groups: readonly GroupListRow[], style: TableStyle): Promise<string> {
  const columns = [{ title: 'GROUP' }, { title: 'ENABLED' }, { title: 'BROADCAST' }, { title: 'ORDERLY' }, { title: 'RETRY QUEUES', align: 'right' }, { title: 'MAX RETRIES', align: 'right' }, { title: 'CONFIGURED' }, { title: 'MEMBERS', align: 'right' }] as const;
  const rows = groups.map((group) => [
    group.group, yesNo(group.consumeEnable), yesNo(group.consumeBroadcastEnable), yesNo(group.consumeMessageOrderly), group.retryQueueNums, group.retryMaxTimes, yesNo(group.configured), group.members,
  ]);
  return renderTable(columns, rows, style);
}

export async function groupText(group: GroupJson, style: TableStyle): Promise<string> {
  const lines = [
    `group       ${group.group}${group.system ? ' (system)' : ''}${group.configured ? '' : ' (known by its offsets only; the settings are the defaults)'}`,
    `enabled     ${yesNo(group.consumeEnable)}`,
    `broadcast   ${yesNo(group.consumeBroadcastEnable)}`,
    `orderly     ${yesNo(group.consumeMessageOrderly)}`,
    `retries     at most ${group.retryMaxTimes}, through ${plural(group.retryQueueNums, 'queue')}`,
    `lag         ${behindText(group)}`,
    `rate        ${rateText(group.inPerSecond)} in, ${rateText(group.outPerSecond)} out`,
    `backlog     ${backlogText(group)}`,
    `members     ${group.members.length === 0 ? 'none' : ''}`.trimEnd(),
    ...group.members.flatMap(memberLines),
    ...(group.instances.length === 0 ? [] : ['instances', ...group.instances.map(instanceLine)]),
  ];
  if (group.topics.length === 0) return `${lines.join('\n')}\n`;
  const columns = [{ title: 'TOPIC' }, { title: 'QUEUES', align: 'right' }, { title: 'LAG', align: 'right' }, { title: 'BYTES', align: 'right' }, { title: 'BEHIND', align: 'right' }, { title: 'IN', align: 'right' }] as const;
  const rows = group.topics.map((topic) => [topic.topic, topic.queues, lagText(topic.lag), known(topic.lagBytes, formatBytes), known(topic.lagMs, formatDuration), rateText(topic.inPerSecond)]);
  return `${lines.join('\n')}\n\n${await renderTable(columns, rows, style)}`;
}

/** `3 messages, 12 KiB, 5s`. A cluster does not tell bytes: what is unknown is named. */
function behindText({ lag, lagBytes, lagMs }: Pick<GroupBacklogJson, 'lag' | 'lagBytes' | 'lagMs'>, where = ''): string {
  if (lag === null) return 'unknown';
  return `${plural(lag, 'message')}${where}, ${lagBytes === null ? 'size unknown' : formatBytes(lagBytes)}, ${lagMs === null ? 'time unknown' : formatDuration(lagMs)}`;
}

function instanceLine({ instance, clientId, lag, lagBytes, lagMs, topics }: InstanceJson): string {
  const where = topics.length > 1 ? ` (${topics.map((topic) => `${topic.topic} ${lagText(topic.lag)}`).join(', ')})` : '';
  const behind = `${behindText({ lag, lagBytes, lagMs }, where)} behind`;
  return `  ${instance}${clientId === null ? ', nobody consumes as it' : ''}: ${lag === null && topics.length === 0 ? 'has committed nothing yet' : behind}`;
}

function memberLines(member: MemberInfo): string[] {
  const { client } = member;
  const kind = [
    member.messageModel === 'broadcasting' ? `broadcasting as ${member.instance}` : member.allocate ?? 'allocation unknown',
    ...(member.orderly === true ? ['orderly'] : []), ...(member.queueId === null ? [] : [`queue ${member.queueId} only`]),
    ...(client === undefined ? [] : [`${client.language ?? 'client'} ${client.version ?? 'of unknown version'} at ${client.address}`]),
  ];
  return [
    `  ${member.clientId}, pid ${member.pid ?? 'unknown'} on ${member.host}, since ${member.sinceTimestamp === null ? 'unknown' : formatTime(member.sinceTimestamp)} (${kind.join(', ')})`,
    `    reads ${member.subscriptions.map(({ topic, filter }) => (filter === '*' ? topic : `${topic} (${filter})`)).join(', ')}; has ${ownedText(member.queues)}; ${rateText(member.consumedPerSecond)}`,
  ];
}

/** `Orders 0 1, Other 3`. */
function ownedText(queues: readonly MessageQueue[]): string {
  const byTopic = new Map<string, number[]>();
  for (const { topic, queueId } of queues) byTopic.set(topic, [...(byTopic.get(topic) ?? []), queueId]);
  return byTopic.size === 0 ? 'no queues' : [...byTopic].map(([topic, ids]) => `${topic} ${ids.sort((left, right) => left - right).join(' ')}`).join(', ');
}

/** What deleting the group means, a line each, behind the line of the target. */
export function groupDeletionPlan(group: string, topics: readonly string[]): string[] {
  const offsets = topics.length === 0 ? 'it has no committed offsets' : `its offsets on ${plural(topics.length, 'topic')} are forgotten: ${topics.join(', ')}`;
  return [`delete group ${group}`, offsets];
}
