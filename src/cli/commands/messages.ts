import { CodecError } from '../../base/codec-error.ts';
import type { Broker } from '../../broker/broker.ts';
import { MqliteError } from '../../broker/errors.ts';
import type { QueryResult } from '../../broker/types.ts';
import type { Message } from '../../record/message.ts';
import { messageJson } from '../../record/message-json.ts';
import type { MessageJson as AnyMessageJson } from '../../record/message-json.ts';
import { escapeControl, escapeControlKeepLines } from '../../text/escape.ts';
import { formatTime } from '../../text/numbers.ts';
import { renderQueueTable } from '../render/queue-table.ts';
import type { TableStyle } from '../render/table.ts';
import { parseTime } from '../../text/time.ts';

/** A message with its body. */
export type MessageJson = Required<AnyMessageJson>;

export interface MessageListJson {
  readonly messages: readonly MessageJson[];
  readonly truncated: boolean;
}

/** How much of a body a table shows. */
const PREVIEW_CHARACTERS = 60;
const PULL_MESSAGES = 64;

export interface FoundMessages extends QueryResult<Message> {
  /** What could not be read and is missing, a line each. */
  readonly damaged: readonly string[];
}

export interface TimeRange {
  readonly beginTimestamp: number;
  readonly endTimestamp: number;
}

/** Times with or without the `@` of a position; both ends included. Error: USAGE. */
export function parseTimeRange(from: string | undefined, to: string | undefined, nowMs: number): TimeRange {
  const time = (text: string, flag: string): number => parseTime(text.startsWith('@') ? text.slice(1) : text, nowMs, flag);
  const range = { beginTimestamp: from === undefined ? 0 : time(from, '--from'), endTimestamp: to === undefined ? Number.MAX_SAFE_INTEGER : time(to, '--to') };
  if (range.beginTimestamp > range.endTimestamp) throw new MqliteError('USAGE', `--from ${from} is later than --to ${to}`, { hint: 'Exchange them.' });
  return range;
}

/**
 * Messages of a topic stored in a range of time, in the order of the log, at most `maxMessages`. Every queue is read from the first
 * offset of that time on; store times do not fall within a queue, so reading ends at the first later one.
 */
export async function findByTime(broker: Broker, topic: string, range: TimeRange, maxMessages: number, signal: AbortSignal): Promise<FoundMessages> {
  const found: Message[] = [];
  const unreadable: string[] = [];
  for (const queue of await broker.queues(topic)) {
    let offset = await broker.offsetByTime(queue, range.beginTimestamp, 'lower');
    const end = await broker.maxOffset(queue);
    let kept = 0;
    // One more than wanted per queue is enough to know that there are more.
    while (offset < end && kept <= maxMessages && !signal.aborted) {
      const { messages, nextOffset, damaged } = await broker.pull({ queue, offset, maxMessages: Math.min(PULL_MESSAGES, maxMessages + 1 - kept) });
      const inRange = messages.filter(({ storeTimestamp }) => storeTimestamp >= range.beginTimestamp && storeTimestamp <= range.endTimestamp);
      found.push(...inRange);
      kept += inRange.length;
      unreadable.push(...damaged.map(({ file, position, reason }) => `${file} at ${position}: ${reason}`));
      if (nextOffset <= offset || messages.some(({ storeTimestamp }) => storeTimestamp > range.endTimestamp)) break;
      offset = nextOffset;
    }
  }
  const order = broker.kind === 'local' ? byLogOffset : byStoreTime;
  found.sort(order);
  return { messages: found.slice(0, maxMessages), truncated: found.length > maxMessages, damaged: unreadable };
}

function byLogOffset(left: Message, right: Message): number {
  return left.commitLogOffset - right.commitLogOffset;
}

function byStoreTime(left: Message, right: Message): number {
  return left.storeTimestamp - right.storeTimestamp || left.queueId - right.queueId || left.queueOffset - right.queueOffset;
}

/** Error: CodecError DAMAGED when the body cannot be decompressed. */
export function fullJson(message: Message): MessageJson {
  return messageJson(message, true) as MessageJson;
}

/** The messages whose bodies can be shown, and a line for each of the others. */
export function readableJson({ messages, truncated }: QueryResult<Message>): { readonly data: MessageListJson; readonly damaged: readonly string[] } {
  const damaged: string[] = [];
  const shown = messages.flatMap((message) => {
    try {
      return [fullJson(message)];
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      damaged.push(`queue ${message.queueId}, offset ${message.queueOffset}: ${error.message}`);
      return [];
    }
  });
  return { data: { messages: shown, truncated }, damaged };
}

/** Every field of a message on a line of its own, then its body. On a terminal nothing in it can be obeyed. */
export function messageText(message: MessageJson, terminal: boolean): string {
  const shown = terminal ? escapeControl : (text: string): string => text;
  const fields: [string, string][] = [
    ['topic', message.topic],
    ['originTopic', message.originTopic ?? '-'],
    ['queue', `${message.brokerName} ${message.queueId}, offset ${message.queueOffset}`],
    ['msgId', message.msgId],
    ['offsetMsgId', message.offsetMsgId],
    ['tags', message.tags ?? '-'],
    ['keys', message.keys.join(' ') || '-'],
    ['stored', `${formatTime(message.storeTimestamp)} at ${message.storeHost}, ${message.storeSize} bytes at ${message.commitLogOffset}`],
    ['born', `${formatTime(message.bornTimestamp)} at ${message.bornHost}`],
    ['flag', String(message.flag)],
    ['sysFlag', String(message.sysFlag)],
    ['bodyCRC', String(message.bodyCRC)],
    ['reconsumeTimes', String(message.reconsumeTimes)],
    ['preparedTransactionOffset', String(message.preparedTransactionOffset)],
    ...Object.entries(message.properties).map(([name, value]): [string, string] => [`property ${name}`, value]),
  ];
  const width = Math.min(26, Math.max(...fields.map(([name]) => name.length)));
  const lines = fields.map(([name, value]) => `${shown(name).padEnd(width)}  ${shown(value)}`);
  const body = message.bodyEncoding === 'base64' ? `(base64) ${message.body}` : terminal ? escapeControlKeepLines(message.body) : message.body;
  return `${lines.join('\n')}\n\n${body}\n`;
}

export async function messageTable(messages: readonly MessageJson[], style: TableStyle): Promise<string> {
  const columns = [{ title: 'STORED' }, { title: 'QUEUE', align: 'right' }, { title: 'OFFSET', align: 'right' }, { title: 'MSGID' }, { title: 'TAGS' }, { title: 'KEYS' }, { title: 'BODY' }] as const;
  const rows = messages.map((message) => [
    formatTime(message.storeTimestamp), message.queueId, message.queueOffset, message.msgId, message.tags ?? '-', message.keys.join(' ') || '-', preview(message),
  ]);
  return renderQueueTable(columns, rows, messages.map(({ brokerName }) => brokerName), style);
}

export function preview({ body, bodyEncoding }: MessageJson): string {
  const characters = [...body.slice(0, PREVIEW_CHARACTERS * 2)];
  const text = characters.length > PREVIEW_CHARACTERS || body.length > PREVIEW_CHARACTERS * 2 ? `${characters.slice(0, PREVIEW_CHARACTERS).join('')}…` : body;
  return bodyEncoding === 'base64' ? `(base64) ${text}` : text;
}
