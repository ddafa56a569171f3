import { Flags } from '@oclif/core';
import type { Broker } from '../../broker/broker.ts';
import { MqliteError } from '../../broker/errors.ts';
import { dlqTopicOf } from '../../broker/retry-topics.ts';
import type { DeadLetterCount, DeadLetterRequest } from '../../client/dead-letters.ts';
import { countDeadLetters, dlqGroups } from '../../client/dead-letters.ts';
import type { Message } from '../../record/message.ts';
import { PROPERTY } from '../../record/properties.ts';
import { suggestion } from '../did-you-mean.ts';
import { parsePosition, refuseEmptyRange } from '../../client/position-words.ts';
import { grepFilter, messageFilter } from '../read-flags.ts';
import type { TimedEntry } from '../redrive-ledger.ts';
import { formatInteger, formatTime } from '../../text/numbers.ts';
import { renderQueueTable } from '../render/queue-table.ts';
import { renderTable } from '../render/table.ts';
import type { TableStyle } from '../render/table.ts';

/** Flags that choose dead letters. */
export const letterFlags = {
  from: Flags.string({ description: 'first position wanted; those that were purged come back with "first"', helpValue: 'POSITION' }),
  to: Flags.string({ description: 'first position not wanted', helpValue: 'POSITION' }),
  tag: Flags.string({ description: "only messages with these tags: A, 'A || B'", helpValue: 'EXPR' }),
  sql: Flags.string({ description: "only messages for which this SQL92 condition over their properties is true", helpValue: 'EXPR' }),
  key: Flags.string({ description: 'only messages with this key', helpValue: 'KEY' }),
  grep: Flags.string({ description: 'only messages whose body matches the regular expression', helpValue: 'RE' }),
};

export interface LetterFlagValues {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly tag?: string | undefined;
  readonly sql?: string | undefined;
  readonly key?: string | undefined;
  readonly grep?: string | undefined;
}

/** Error: USAGE. */
export function letterFilter(flags: LetterFlagValues, nowMs: number): Pick<DeadLetterRequest, 'from' | 'to' | 'filter' | 'key' | 'grep'> {
  const from = flags.from === undefined ? undefined : parsePosition(flags.from, nowMs, '--from');
  const to = flags.to === undefined ? undefined : parsePosition(flags.to, nowMs, '--to');
  refuseEmptyRange(from, to);
  return { from, to, filter: messageFilter(flags)?.expression, key: flags.key, grep: grepFilter(flags.grep) };
}

/** Error: GROUP_NOT_FOUND with the names that are near, when there is neither such a group nor a dead-letter topic of it. */
export async function requireDlqGroup(broker: Broker, group: string): Promise<void> {
  const known = new Set([...(await broker.listGroups()).map((config) => config.group), ...await dlqGroups(broker)]);
  if (known.has(group)) return;
  throw new MqliteError('GROUP_NOT_FOUND', `there is no group "${group}" in ${broker.target}`, { hint: suggestion(group, known) ?? 'See "mqlite dlq list" and "mqlite groups list".' });
}

export interface DlqGroupsJson {
  readonly groups: readonly DeadLetterCount[];
  readonly truncated: boolean;
}

/** The groups that have dead letters, by name. */
export async function groupsWithDeadLetters(broker: Broker): Promise<DeadLetterCount[]> {
  const counts: DeadLetterCount[] = [];
  for (const group of await dlqGroups(broker)) {
    const count = await countDeadLetters(broker, group);
    if (count !== null) counts.push(count);
  }
  return counts;
}

export async function dlqGroupTable(groups: readonly DeadLetterCount[], style: TableStyle): Promise<string> {
  const columns = [{ title: 'GROUP' }, { title: 'DEAD LETTERS', align: 'right' }, { title: 'OLDEST' }, { title: 'NEWEST' }] as const;
  return renderTable(columns, groups.map(({ group, count, oldestStoreTimestamp, newestStoreTimestamp }) => [group, formatInteger(count), timeOrDash(oldestStoreTimestamp), timeOrDash(newestStoreTimestamp)]), style);
}

const timeOrDash = (timestamp: number | null): string => (timestamp === null ? '-' : formatTime(timestamp));

/** What was done about a dead letter. */
export interface RedriveJson {
  readonly topic: string;
  readonly status: 'sent' | 'failed' | 'unknown';
  /** Of the message that was sent. */
  readonly newOffsetMsgId: string | null;
  readonly reason: string | null;
  readonly timestamp: number;
}

export interface DeadLetterJson {
  readonly offsetMsgId: string;
  /** What its producer was told. */
  readonly msgId: string;
  readonly brokerName: string;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly originTopic: string | null;
  /** offsetMsgId of the message that was first consumed. */
  readonly originMessageId: string | null;
  readonly reconsumeTimes: number;
  readonly tags: string | null;
  readonly keys: readonly string[];
  readonly storeSize: number;
  readonly bornTimestamp: number;
  /** When it was given up. */
  readonly storeTimestamp: number;
  readonly redrives: readonly RedriveJson[];
}

export interface DeadLettersJson {
  readonly group: string;
  readonly deadLetters: readonly DeadLetterJson[];
  readonly truncated: boolean;
}

export function deadLetterJson(letter: Message, entries: readonly TimedEntry[]): DeadLetterJson {
  const { offsetMsgId, msgId, brokerName, queueId, queueOffset, originTopic, reconsumeTimes, tags, keys, storeSize, bornTimestamp, storeTimestamp } = letter;
  return {
    offsetMsgId, msgId, brokerName, queueId, queueOffset, originTopic, originMessageId: letter.properties[PROPERTY.ORIGIN_MESSAGE_ID] ?? null, reconsumeTimes, tags, keys,
    storeSize, bornTimestamp, storeTimestamp, redrives: redrivesOf(entries),
  };
}

/** `entries`: those of the dead letter. */
export function redrivesOf(entries: readonly TimedEntry[]): RedriveJson[] {
  return entries.map((entry) => ({
    topic: entry.topic,
    status: entry.event === 'intent' ? 'unknown' : entry.event,
    newOffsetMsgId: entry.event === 'sent' ? entry.newOffsetMsgId : null,
    reason: entry.event === 'failed' ? entry.reason : null,
    timestamp: entry.timestamp,
  }));
}

/** One id: with two of 32 characters the table would be wider than most terminals. */
export async function deadLetterTable(letters: readonly DeadLetterJson[], style: TableStyle): Promise<string> {
  const columns = [
    { title: 'GIVEN UP' }, { title: 'MSGID' }, { title: 'ORIGIN TOPIC' }, { title: 'OFFSET', align: 'right' }, { title: 'TRIED', align: 'right' }, { title: 'TAGS' }, { title: 'KEYS' }, { title: 'REDRIVEN' },
  ] as const;
  const rows = letters.map((letter) => [
    formatTime(letter.storeTimestamp), letter.msgId, letter.originTopic ?? '-', letter.queueOffset, letter.reconsumeTimes,
    letter.tags ?? '-', letter.keys.join(' ') || '-', redriveText(letter.redrives),
  ]);
  return renderQueueTable(columns, rows, letters.map(({ brokerName }) => brokerName), style);
}

export const redriveText = (redrives: readonly RedriveJson[]): string => redrives.map(({ topic, status, timestamp }) => `${status} to ${topic} ${formatTime(timestamp)}`).join(', ') || '-';

/** By place in the queue, offsetMsgId or unique id, the newest first: what was redriven and is dead again has its id twice, and each broker counts from 0. Error: NOT_FOUND. */
export async function findDeadLetters(broker: Broker, group: string, id: string): Promise<readonly [Message, ...Message[]]> {
  const topic = dlqTopicOf(group);
  const notFound = new MqliteError('NOT_FOUND', `group "${group}" has no dead letter ${id}`, { hint: `See "mqlite dlq list ${group}".` });
  if (!(await dlqGroups(broker)).includes(group)) throw notFound;
  const byId = await broker.queryByMsgId(id, topic);
  const found = byId.messages.filter((message) => message.topic === topic);
  if (found.length === 0 && /^\d{1,15}$/.test(id)) found.push(...await atOffset(broker, topic, Number(id)));
  const [newest, ...others] = found.sort((left, right) => right.storeTimestamp - left.storeTimestamp || right.queueOffset - left.queueOffset);
  if (newest === undefined) throw notFound;
  return [newest, ...others];
}

async function atOffset(broker: Broker, topic: string, offset: number): Promise<Message[]> {
  const found: Message[] = [];
  for (const queue of await broker.queues(topic)) {
    if (offset >= await broker.maxOffset(queue)) continue;
    const { messages } = await broker.pull({ queue, offset, maxMessages: 1 });
    if (messages[0]?.queueOffset === offset) found.push(messages[0]);
  }
  return found;
}
