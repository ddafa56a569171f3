import type { Broker } from '../../broker/broker.ts';
import { MqliteError } from '../../broker/errors.ts';
import type { TraceEvent } from '../../client/message-trace.ts';
import { formatTime } from '../../text/numbers.ts';
import { renderTable } from '../render/table.ts';
import type { TableStyle } from '../render/table.ts';

export interface MessageTraceJson {
  /** The unique id or key that was looked for. */
  readonly id: string;
  readonly traceTopic: string;
  readonly events: readonly TraceEvent[];
  readonly truncated: boolean;
}

const OFFSET_ID = /^([0-9A-F]{32}|[0-9A-F]{56})$/i;

/** Clients know a message by its unique id: that of the message which an offset id leads to. Anything else is looked for as it is. */
export async function clientIdOf(broker: Broker, id: string): Promise<string> {
  if (!OFFSET_ID.test(id)) return id;
  try {
    const { messages } = await broker.queryByMsgId(id);
    return messages.find(({ offsetMsgId }) => offsetMsgId === id.toUpperCase())?.msgId ?? id;
  } catch (error) {
    // Gone, or of a broker that is no longer there: it may be a unique id all the same, and its trace may still be there.
    if (error instanceof MqliteError && (error.code === 'NOT_FOUND' || error.code === 'INVALID_INPUT')) return id;
    throw error;
  }
}

export function traceTable(events: readonly TraceEvent[], style: TableStyle): Promise<string> {
  const columns = [{ title: 'TIME' }, { title: 'EVENT' }, { title: 'GROUP' }, { title: 'CLIENT' }, { title: 'COST', align: 'right' }, { title: 'RESULT' }] as const;
  const rows = events.map((event) => [
    event.timestamp === null ? 'unknown' : formatTime(event.timestamp), event.event, event.group ?? 'unknown', event.clientHost,
    'costMs' in event && event.costMs !== null ? `${event.costMs} ms` : '-', resultOf(event),
  ]);
  return renderTable(columns, rows, style);
}

function resultOf(event: TraceEvent): string {
  switch (event.event) {
    case 'published':
      return event.success ? `${event.messageType ?? 'stored'} message of ${event.topic} at ${event.storeHost}` : `failed, to ${event.topic}`;
    case 'consumed':
      return `${event.result ?? 'no end told'}${event.retryTimes === null || event.retryTimes === 0 ? '' : `, retry ${event.retryTimes}`}`;
    case 'transactionEnded':
      return `${event.state}${event.fromTransactionCheck ? ', asked by the broker' : ''}`;
    case 'recalled':
      return event.success ? `from ${event.topic}` : `failed, from ${event.topic}`;
  }
}
