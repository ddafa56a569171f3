import { CodecError } from '../base/codec-error.ts';
import type { Broker } from '../broker/broker.ts';
import type { Message } from '../record/message.ts';
import { decodeTrace } from '../record/trace.ts';
import type { ConsumeEndTrace, ConsumeResult, ConsumeStartTrace, EndTransactionTrace, PublishTrace, RecallTrace, TraceRecord } from '../record/trace.ts';

/** What every event has: when, in ms since the epoch (null where an old client does not say), who says it, and of which message. */
interface Told {
  readonly timestamp: number | null;
  readonly group: string | null;
  readonly clientHost: string;
  readonly msgId: string;
}

export interface PublishedEvent extends Told, Pick<PublishTrace, 'topic' | 'tags' | 'keys' | 'storeHost' | 'bodySizeBytes' | 'costMs' | 'messageType' | 'offsetMsgId' | 'success'> {
  readonly event: 'published';
}

export interface ConsumedEvent extends Told {
  readonly event: 'consumed';
  readonly requestId: string;
  /** null: the trace does not say, because its beginning is not there. */
  readonly retryTimes: number | null;
  /** null: no end was told. The listener still runs, or its client has died. */
  readonly result: ConsumeResult | null;
  readonly costMs: number | null;
}

export interface TransactionEndedEvent extends Told, Pick<EndTransactionTrace, 'topic' | 'transactionId' | 'state' | 'fromTransactionCheck'> {
  readonly event: 'transactionEnded';
}

export interface RecalledEvent extends Told, Pick<RecallTrace, 'topic' | 'success'> {
  readonly event: 'recalled';
}

export type TraceEvent = PublishedEvent | ConsumedEvent | TransactionEndedEvent | RecalledEvent;

export interface MessageTrace {
  /** In order of time. */
  readonly events: readonly TraceEvent[];
  /** There are more trace messages than were read. */
  readonly truncated: boolean;
  /** Trace messages whose body cannot be decompressed, a line each. */
  readonly damaged: readonly string[];
}

interface Heard {
  readonly record: TraceRecord;
  readonly clientHost: string;
}

/**
 * What clients told of the message with that unique id, or of the messages with that key: who sent it, who consumed it and how that ended.
 * Errors: those of the broker.
 */
export async function traceOf(broker: Broker, id: string, traceTopic: string, maxMessages: number): Promise<MessageTrace> {
  const { messages, truncated } = await broker.queryByKey({ topic: traceTopic, key: id, maxMessages });
  const damaged: string[] = [];
  const heard = messages.flatMap((message) => {
    try {
      return recordsIn(message).filter(({ record }) => record.msgId === id || ('keys' in record && record.keys.includes(id)));
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      damaged.push(`queue ${message.queueId}, offset ${message.queueOffset}: ${error.message}`);
      return [];
    }
  });
  return { events: eventsOf(heard), truncated, damaged };
}

function recordsIn(message: Message): Heard[] {
  return decodeTrace(message.body.toString('utf8')).map((record) => ({ record, clientHost: message.bornHost }));
}

/** The two records of each consumption become one event. */
export function eventsOf(heard: readonly Heard[]): TraceEvent[] {
  const starts = new Map<string, Heard & { readonly record: ConsumeStartTrace }>();
  const ends = new Map<string, Heard & { readonly record: ConsumeEndTrace }>();
  const events: TraceEvent[] = [];
  for (const { record, clientHost } of heard) {
    switch (record.kind) {
      case 'SubBefore':
        starts.set(`${record.requestId} ${record.msgId}`, { record, clientHost });
        break;
      case 'SubAfter':
        ends.set(`${record.requestId} ${record.msgId}`, { record, clientHost });
        break;
      case 'Pub': {
        const { kind: _kind, ...told } = record;
        events.push({ event: 'published', clientHost, ...told });
        break;
      }
      case 'EndTransaction': {
        const { kind: _kind, ...told } = record;
        events.push({ event: 'transactionEnded', clientHost, ...told });
        break;
      }
      case 'Recall': {
        const { kind: _kind, ...told } = record;
        events.push({ event: 'recalled', clientHost, ...told });
        break;
      }
    }
  }
  for (const key of new Set([...starts.keys(), ...ends.keys()])) events.push(consumption(starts.get(key), ends.get(key)));
  return events.sort((left, right) => (left.timestamp ?? 0) - (right.timestamp ?? 0));
}

/** One of them is there. */
function consumption(start: (Heard & { readonly record: ConsumeStartTrace }) | undefined, end: (Heard & { readonly record: ConsumeEndTrace }) | undefined): ConsumedEvent {
  const { record, clientHost } = (start ?? end)!;
  const endedMs = end?.record.timestamp ?? null;
  return {
    event: 'consumed',
    timestamp: start?.record.timestamp ?? (endedMs === null ? null : endedMs - end!.record.costMs),
    group: start?.record.group ?? end?.record.group ?? null,
    clientHost,
    msgId: record.msgId,
    requestId: record.requestId,
    retryTimes: start?.record.retryTimes ?? null,
    result: end === undefined ? null : (end.record.result ?? (end.record.success ? 'success' : 'failed')),
    costMs: end?.record.costMs ?? null,
  };
}
