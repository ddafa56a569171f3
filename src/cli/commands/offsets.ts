import type { Broker } from '../../broker/broker.ts';
import type { CommittedOffset, MessageQueue } from '../../broker/types.ts';
import { totalLag } from '../../client/group-backlog.ts';
import { formatTime } from '../../text/numbers.ts';
import { lagText } from '../../text/rates.ts';
import { renderQueueTable } from '../render/queue-table.ts';
import { renderTable } from '../render/table.ts';
import type { TableStyle } from '../render/table.ts';

export interface OffsetSummary {
  readonly group: string;
  readonly topic: string;
  readonly queues: number;
  /** null when it cannot be known. */
  readonly lag: number | null;
  /** storeTimestamp of the oldest message not yet consumed; null when there is none or it is unknown. */
  readonly oldestStoreTimestamp: number | null;
}

export interface OffsetListJson {
  readonly offsets: readonly OffsetSummary[];
  readonly truncated: boolean;
}

export interface GroupOffsetsJson {
  readonly group: string;
  readonly offsets: readonly CommittedOffset[];
  readonly totalLag: number | null;
  readonly truncated: boolean;
}

/** A line per group and topic. */
export function summarize(group: string, offsets: readonly CommittedOffset[]): OffsetSummary[] {
  const byTopic = new Map<string, CommittedOffset[]>();
  for (const offset of offsets) {
    const known = byTopic.get(offset.queue.topic);
    if (known === undefined) byTopic.set(offset.queue.topic, [offset]);
    else known.push(offset);
  }
  return [...byTopic].map(([topic, queues]) => {
    const waiting = queues.flatMap(({ nextStoreTimestamp }) => (nextStoreTimestamp === null ? [] : [nextStoreTimestamp]));
    return { group, topic, queues: queues.length, lag: totalLag(queues), oldestStoreTimestamp: waiting.length === 0 ? null : Math.min(...waiting) };
  });
}

export async function listOffsets(broker: Broker, groups: readonly string[], topic: string | undefined): Promise<OffsetSummary[]> {
  const summaries: OffsetSummary[] = [];
  for (const group of groups) {
    const offsets = await broker.committedOffsets(group);
    summaries.push(...summarize(group, topic === undefined ? offsets : offsets.filter(({ queue }) => queue.topic === topic)));
  }
  return summaries;
}

export async function summaryTable(summaries: readonly OffsetSummary[], style: TableStyle): Promise<string> {
  const columns = [{ title: 'GROUP' }, { title: 'TOPIC' }, { title: 'QUEUES', align: 'right' }, { title: 'LAG', align: 'right' }, { title: 'OLDEST WAITING' }] as const;
  return renderTable(columns, summaries.map((row) => [row.group, row.topic, row.queues, lagText(row.lag), formatTime(row.oldestStoreTimestamp)]), style);
}

export async function offsetTable({ offsets }: GroupOffsetsJson, style: TableStyle): Promise<string> {
  const columns = [
    { title: 'TOPIC' }, { title: 'QUEUE', align: 'right' }, { title: 'COMMITTED', align: 'right' }, { title: 'MIN', align: 'right' },
    { title: 'MAX', align: 'right' }, { title: 'LAG', align: 'right' }, { title: 'NEXT STORED' },
  ] as const;
  const rows = offsets.map(({ queue, committedOffset, minOffset, maxOffset, lag, nextStoreTimestamp }) => [
    queue.topic, queue.queueId, committedOffset ?? '-', minOffset, maxOffset, lagText(lag), formatTime(nextStoreTimestamp),
  ]);
  return renderQueueTable(columns, rows, offsets.map(({ queue }) => queue.brokerName), style);
}

export function sameQueue(left: MessageQueue, right: MessageQueue): boolean {
  return left.topic === right.topic && left.queueId === right.queueId && left.brokerName === right.brokerName;
}
