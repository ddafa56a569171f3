import { CodecError } from '../../base/codec-error.ts';
import type { Broker } from '../../broker/broker.ts';
import { MqliteError } from '../../broker/errors.ts';
import { SCHEDULE_TOPIC, TIMER_TOPIC } from '../../broker/names.ts';
import { askedText, findDelayed } from '../../client/delayed.ts';
import type { Delayed } from '../../client/delayed.ts';
import type { Message } from '../../record/message.ts';
import { decodeRecallHandle } from '../../record/recall-handle.ts';
import { formatDuration, formatTime } from '../../text/numbers.ts';
import { renderQueueTable } from '../render/queue-table.ts';
import type { TableStyle } from '../render/table.ts';
import { fullJson, preview } from './messages.ts';
import type { MessageJson } from './messages.ts';

export interface DelayedJson extends Omit<Delayed, 'message'> {
  /** Due, and not delivered yet: nobody writes the store. */
  readonly overdue: boolean;
  readonly message: MessageJson;
}

export interface DelayListJson {
  readonly delayed: readonly DelayedJson[];
  readonly truncated: boolean;
}

export interface DelayFilters {
  readonly topic: string | undefined;
  readonly overdue: boolean;
  readonly limit: number;
}

/** What of everything that waits is asked for. Messages whose bodies cannot be shown are named in `damaged`. */
export function selectDelayed(all: readonly Delayed[], filters: DelayFilters, nowMs: number): { readonly data: DelayListJson; readonly damaged: readonly string[] } {
  const wanted = all.filter(({ topic, deliverTimestamp }) => (filters.topic === undefined || topic === filters.topic) && (!filters.overdue || deliverTimestamp <= nowMs));
  const damaged: string[] = [];
  const delayed = wanted.slice(0, filters.limit).flatMap(({ message, ...rest }) => {
    try {
      return [{ ...rest, overdue: rest.deliverTimestamp <= nowMs, message: fullJson(message) }];
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      damaged.push(`${message.msgId}: ${error.message}`);
      return [];
    }
  });
  return { data: { delayed, truncated: wanted.length > filters.limit }, damaged };
}

export function delayTable(delayed: readonly DelayedJson[], nowMs: number, style: TableStyle): Promise<string> {
  const columns = [{ title: 'DUE' }, { title: 'IN', align: 'right' }, { title: 'TOPIC' }, { title: 'QUEUE', align: 'right' }, { title: 'ASKED BY' }, { title: 'MSGID' }, { title: 'BODY' }] as const;
  const rows = delayed.map(({ deliverTimestamp, overdue, topic, queueId, asked, message }) => [
    formatTime(deliverTimestamp), overdue ? 'overdue' : formatDuration(deliverTimestamp - nowMs), topic, queueId, askedText(asked), message.msgId, preview(message),
  ]);
  return renderQueueTable(columns, rows, delayed.map(({ message }) => message.brokerName), style);
}

/** A timer message as a user names it, ready to be taken back. */
export interface NamedDelayed {
  readonly id: string;
  readonly msgId: string;
  readonly topic: string;
  readonly recallHandle: string;
}

/**
 * Finds what ids (client ids, offset ids or recall handles) name. Errors: NOT_FOUND; REFUSED for messages at levels, and for what does
 * not wait any more.
 */
export async function findNamed(broker: Broker, ids: readonly string[], signal: AbortSignal): Promise<NamedDelayed[]> {
  const named: NamedDelayed[] = [];
  let waiting: Delayed[] | undefined;
  for (const id of ids) {
    const handle = handleOrUndefined(id);
    if (handle !== undefined) {
      named.push({ id, msgId: handle.msgId, topic: handle.topic, recallHandle: id });
      continue;
    }
    waiting ??= (await findDelayed(broker, signal)).delayed;
    const found = waiting.find(({ message }) => message.msgId === id || message.offsetMsgId === id.toUpperCase());
    if (found === undefined) throw await whyNot(broker, id);
    if (found.recallHandle === null) throw levelRefusal(id, found);
    named.push({ id, msgId: found.message.msgId, topic: found.topic, recallHandle: found.recallHandle });
  }
  return named;
}

function handleOrUndefined(id: string): { readonly topic: string; readonly msgId: string } | undefined {
  try {
    return decodeRecallHandle(id);
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}

/** One offset a level is all that says what was delivered. */
function levelRefusal(id: string, { asked }: Delayed): MqliteError {
  return new MqliteError('REFUSED', `message ${id} waits at a delay level (${askedText(asked)}): such messages cannot be taken back or delivered early`, {
    hint: 'A level has one offset only, which says nothing of single messages: a broker would deliver it all the same. Messages with --delay or --deliver-at can be.',
  });
}

async function whyNot(broker: Broker, id: string): Promise<MqliteError> {
  for (const topic of [TIMER_TOPIC, SCHEDULE_TOPIC]) {
    const messages = await byId(broker, id, topic);
    if (messages.length > 0) return new MqliteError('REFUSED', `message ${id} does not wait any more: it was delivered, or taken back`, { hint: `Look for it with "mqlite message get ${id}".` });
  }
  return new MqliteError('NOT_FOUND', `no delayed message has the id ${id}`, { hint: 'List them with "mqlite delay list".' });
}

async function byId(broker: Broker, id: string, topic: string): Promise<readonly Message[]> {
  try {
    return (await broker.queryByMsgId(id, topic)).messages;
  } catch (error) {
    if (error instanceof MqliteError && error.code === 'TOPIC_NOT_FOUND') return [];
    throw error;
  }
}
