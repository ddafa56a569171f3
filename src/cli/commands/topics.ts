import { MqliteError } from '../../broker/errors.ts';
import type { QueueStats, TopicConfig, TopicDescription, TopicPatch } from '../../broker/types.ts';
import { formatInteger, formatTime, plural } from '../../text/numbers.ts';
import { renderQueueTable } from '../render/queue-table.ts';
import { renderTable } from '../render/table.ts';
import type { TableStyle } from '../render/table.ts';

export const PERM_READ = 4;
export const PERM_WRITE = 2;
export const PERM_INHERIT = 1;
export const PERM_PRIORITY = 8;
/** Queues of a topic made by hand: as many as one made by a first message has. */
export const DEFAULT_QUEUE_NUMS = 4;

export interface TopicListJson {
  readonly topics: readonly TopicConfig[];
  readonly truncated: boolean;
}

/** `RW`, `R`, `W`, with `X` for inherit and `P` for priority; `-` for nothing. [PermName] */
export function permText(perm: number): string {
  const letters = [[PERM_READ, 'R'], [PERM_WRITE, 'W'], [PERM_INHERIT, 'X'], [PERM_PRIORITY, 'P']] as const;
  return letters.filter(([bit]) => (perm & bit) !== 0).map(([, letter]) => letter).join('') || '-';
}

/** `rw`, `r`, `w` or RocketMQ's number (6, 4, 2). Error: USAGE. */
export function parsePerm(text: string): number {
  const named: Readonly<Record<string, number>> = { r: PERM_READ, w: PERM_WRITE, rw: PERM_READ | PERM_WRITE, wr: PERM_READ | PERM_WRITE };
  const perm = /^\d{1,2}$/.test(text) ? Number(text) : named[text.toLowerCase()];
  if (perm === undefined || perm > 15 || perm < 1) {
    throw new MqliteError('USAGE', `--perm: "${text}" is not a permission`, { hint: 'Write rw, r or w (or 6, 4, 2, as RocketMQ numbers them).' });
  }
  return perm;
}

/** `name=value` pairs of --attribute and names of --remove-attribute. Error: USAGE. */
export function parseAttributes(pairs: readonly string[], removed: readonly string[]): Record<string, string | null> | undefined {
  if (pairs.length + removed.length === 0) return undefined;
  const attributes: Record<string, string | null> = {};
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    if (equals < 1) throw new MqliteError('USAGE', `--attribute ${pair}: NAME=VALUE expected`, { hint: 'For example --attribute message.type=NORMAL.' });
    attributes[pair.slice(0, equals)] = pair.slice(equals + 1);
  }
  for (const name of removed) attributes[name] = null;
  return attributes;
}

export interface TopicFlags {
  readonly queues: number | undefined;
  readonly readQueues: number | undefined;
  readonly writeQueues: number | undefined;
  readonly perm: string | undefined;
  readonly order: boolean | undefined;
  readonly attributes: Record<string, string | null> | undefined;
}

/** The flags as a patch of the port: only what was given. */
export function topicPatch(flags: TopicFlags): TopicPatch {
  const patch: Record<string, unknown> = {
    readQueueNums: flags.readQueues ?? flags.queues,
    writeQueueNums: flags.writeQueues ?? flags.queues,
    perm: flags.perm === undefined ? undefined : parsePerm(flags.perm),
    order: flags.order,
    attributes: flags.attributes,
  };
  return Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined));
}

export async function topicTable(topics: readonly TopicConfig[], style: TableStyle): Promise<string> {
  const columns = [{ title: 'TOPIC' }, { title: 'READ', align: 'right' }, { title: 'WRITE', align: 'right' }, { title: 'PERM' }, { title: 'ORDER' }, { title: 'ATTRIBUTES' }] as const;
  return renderTable(columns, topics.map((topic) => [topic.topic, topic.readQueueNums, topic.writeQueueNums, permText(topic.perm), yesNo(topic.order), attributesText(topic.attributes)]), style);
}

/** `4 queues to read, 4 to write, RW`. */
export function topicShape({ readQueueNums, writeQueueNums, perm }: TopicConfig): string {
  return `${plural(readQueueNums, 'queue')} to read, ${formatInteger(writeQueueNums)} to write, ${permText(perm)}`;
}

/** Messages that lie in the queues now. */
export function messageCount(queues: readonly QueueStats[]): number {
  return queues.reduce((total, queue) => total + queue.maxOffset - queue.minOffset, 0);
}

export async function topicText(topic: TopicDescription, style: TableStyle): Promise<string> {
  const lines = [
    `topic       ${topic.topic}${topic.system ? ' (system)' : ''}`,
    `queues      ${topic.readQueueNums} to read, ${topic.writeQueueNums} to write`,
    `permission  ${permText(topic.perm)}`,
    `order       ${yesNo(topic.order)}`,
    `attributes  ${attributesText(topic.attributes) || '-'}`,
    `messages    ${formatInteger(messageCount(topic.queues))}`,
    `groups      ${topic.groups.join(', ') || '-'}`,
  ];
  const columns = [{ title: 'QUEUE', align: 'right' }, { title: 'MIN OFFSET', align: 'right' }, { title: 'MAX OFFSET', align: 'right' }, { title: 'MESSAGES', align: 'right' }, { title: 'LAST STORED' }] as const;
  const rows = topic.queues.map(({ queue, minOffset, maxOffset, lastStoreTimestamp }) => [queue.queueId, minOffset, maxOffset, maxOffset - minOffset, formatTime(lastStoreTimestamp)]);
  return `${lines.join('\n')}\n\n${await renderQueueTable(columns, rows, topic.queues.map(({ queue }) => queue.brokerName), style)}`;
}

/** What deleting the topic means, a line each; the target's own line comes first and is not among them. */
export function deletionPlan(topic: TopicDescription, kind: 'local' | 'remote'): string[] {
  const groups = topic.groups.length === 0 ? 'no group has offsets on it' : `the offsets of ${plural(topic.groups.length, 'group')} on it go too: ${topic.groups.join(', ')}`;
  const plan = [`delete topic ${topic.topic}: ${plural(topic.queues.length, 'queue')}, ${plural(messageCount(topic.queues), 'message')}`, groups];
  if (kind === 'local') {
    plan.push('its records stay in the commit log until "store clean" removes their segments; a real broker that rebuilds its queues from the log would bring them back, mqlite does not');
  }
  return plan;
}

/** Messages in queues beyond a smaller number, which a broker's clients would not read; undefined when there are none. */
export function hiddenByShrinking(topic: TopicDescription, patch: TopicPatch): string | undefined {
  const { readQueueNums } = patch;
  if (readQueueNums === undefined) return undefined;
  const hidden = topic.queues.filter(({ queue }) => queue.queueId >= readQueueNums);
  const count = messageCount(hidden);
  return count === 0 ? undefined : `${plural(count, 'message')} in queues ${hidden.map(({ queue }) => queue.queueId).join(', ')} lie beyond what the clients of a broker read; mqlite still shows them`;
}

function attributesText(attributes: Readonly<Record<string, string>>): string {
  return Object.entries(attributes).map(([name, value]) => `${name}=${value}`).join(' ');
}

export function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}
