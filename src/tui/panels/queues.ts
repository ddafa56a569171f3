import type { Broker } from '../../broker/broker.ts';
import type { MessageQueue, QueueStats } from '../../broker/types.ts';
import { inParallel, inTurn, unlessGone } from '../../client/asking.ts';
import { topicsOfUsers } from '../../client/browse.ts';
import { queueKey } from '../../broker/queue-key.ts';
import { isDlqTopic, isRetryTopic } from '../../broker/retry-topics.ts';
import type { Sample } from '../../client/samples.ts';
import { perSecond, ratesOf, withSample } from '../../client/samples.ts';
import { bodyStart } from '../../text/body-start.ts';
import { plural } from '../../text/numbers.ts';
import { rateText } from '../../text/rates.ts';
import { sparkline } from '../../text/sparkline.ts';
import type { Panel, PanelContext, RecordReference } from '../panel.ts';
import { ageCell, brokerQueueCell, integerCell, rateCell } from './cells.ts';
import { foremost, textLine } from './lines.ts';
import type { Column } from './table.ts';
import { placeColumns, rowLine, rowsAsTable } from './table.ts';

/** Topics that are looked at each time: of more than that, each in its turn. On a cluster each costs a request to every broker that has it. */
const TOPICS_EACH_TIME = { local: 128, remote: 32 } as const;
/** Newest messages that are read each time. */
const READS_EACH_TIME = { local: 64, remote: 16 } as const;
const MAX_ROWS = 2000;
const BODY_CHARACTERS = 160;

/** The newest message of a queue. */
interface LastMessage {
  readonly queueOffset: number;
  readonly storeTimestamp: number;
  readonly key: string;
  readonly body: string;
}

export interface QueueRow {
  readonly queue: MessageQueue;
  readonly minOffset: number;
  readonly maxOffset: number;
  readonly lastStoreTimestamp: number | null;
  /** maxOffset over time. */
  readonly samples: readonly Sample[];
  /** As it was when it was read last; null: nothing was read yet, or the queue is empty. */
  readonly last: LastMessage | null;
  /** Messages came since it was looked at before. */
  readonly isActive: boolean;
  readonly isOfSeveralBrokers: boolean;
}

export interface QueuesSnapshot {
  readonly rows: readonly QueueRow[];
  readonly topics: number;
  /** Topics that no queue of was looked at yet. */
  readonly unseenTopics: number;
  readonly hiddenRows: number;
  /** When each topic was looked at, by `Clock.elapsedMs`. */
  readonly seenAtMs: ReadonlyMap<string, number>;
}

const COLUMNS: readonly Column<{ readonly row: QueueRow; readonly nowMs: number }>[] = [
  { header: '', min: 1, wanted: 1, keep: 10, cell: ({ row }) => (row.isActive ? { text: '*', tone: 'good' } : '') },
  { header: 'TOPIC', min: 10, wanted: 20, max: 44, keep: 9, cell: ({ row }) => ({ text: row.queue.topic, tone: row.isActive ? 'strong' : 'plain' }) },
  { header: 'QUEUE', min: 5, wanted: 6, max: 14, keep: 8, cell: ({ row }, width) => (row.isOfSeveralBrokers ? brokerQueueCell(row.queue, width) : String(row.queue.queueId)) },
  { header: 'MIN', align: 'right', min: 5, wanted: 9, max: 11, keep: 1, cell: ({ row }, width) => ({ text: integerCell(row.minOffset, width), tone: 'dim' }) },
  { header: 'MAX', align: 'right', min: 6, wanted: 9, max: 11, keep: 7, cell: ({ row }, width) => integerCell(row.maxOffset, width) },
  { header: 'IN', align: 'right', min: 7, wanted: 7, max: 10, keep: 6, cell: ({ row }, width) => rateCell(perSecond(row.samples), width) },
  { header: 'ACTIVITY', align: 'right', min: 8, wanted: 10, max: 40, keep: 2, cell: ({ row }, width) => ({ text: sparkline(ratesOf(row.samples), width), tone: 'accent' }) },
  { header: 'LAST', align: 'right', min: 6, wanted: 7, max: 8, keep: 5, cell: ({ row, nowMs }, width) => (row.lastStoreTimestamp === null ? '-' : ageCell(nowMs - row.lastStoreTimestamp, width)) },
  { header: 'MESSAGE', min: 12, wanted: 28, max: 160, keep: 4, cell: ({ row }) => ({ text: row.last === null ? '' : [row.last.key, row.last.body].filter((part) => part !== '').join(' '), tone: 'dim' }) },
];

/**
 * The queues of the chosen topics. Each time at most 128 topics (32 of a cluster) are asked for their offsets, and at most 64 queues (16) for their newest
 * message, in turns; 2,000 rows are kept.
 */
export const queuesPanel: Panel<QueuesSnapshot> = {
  id: 'queues',
  title: 'Queues',
  intervalMs: 1000,
  unavailable: () => null,
  load,
  ...rowsAsTable(COLUMNS, (row) => queueKey(row.queue), recordOf),
  // Those that were written to last.
  brief: ({ rows }, { widthColumns, nowMs, maxRows }) => {
    const table = placeColumns(COLUMNS, widthColumns);
    return foremost(rows, maxRows, ({ lastStoreTimestamp }) => lastStoreTimestamp ?? -1, (row) => rowLine(table, { row, nowMs }), (hidden) => textLine([{ text: `and ${plural(hidden, 'more queue', 'more queues')}`, tone: 'dim' }], widthColumns));
  },
  summary: ({ rows, topics, unseenTopics, hiddenRows }, { widthColumns }) => {
    const rates = rows.map(({ samples }) => perSecond(samples));
    const known = rates.filter((rate) => rate !== null);
    const total = known.length === 0 ? null : Math.round(known.reduce((sum, rate) => sum + rate, 0) * 100) / 100;
    // A rate takes two looks: the sum of the others is not all there is.
    const least = known.length < rates.length ? 'at least ' : '';
    const rest = [...(unseenTopics > 0 ? [`${plural(unseenTopics, 'topic')} still to be looked at`] : []), ...(hiddenRows > 0 ? [`and ${plural(hiddenRows, 'more queue', 'more queues')}`] : [])];
    return textLine([
      { text: rows.length === 0 ? 'no queues' : `${plural(rows.length, 'queue')} of ${plural(topics, 'topic')}${total === null ? '' : `, ${least}${rateText(total)} in`}` },
      ...rest.map((text) => ({ text: `, ${text}`, tone: 'warn' as const })),
    ], widthColumns);
  },
};

async function load({ broker, scope, clock, previous, signal }: PanelContext<QueuesSnapshot>): Promise<QueuesSnapshot> {
  const names = scope.topics.length > 0 ? scope.topics : (await topicsOfUsers(broker)).sort(byName);
  const before = new Map(previous?.rows.map((row) => [queueKey(row.queue), row]));
  const turn = inTurn(names, (name) => previous?.seenAtMs.get(name), TOPICS_EACH_TIME[broker.kind]);
  const seen = new Map(await inParallel(turn, signal, async (topic) => [topic, await unlessGone(() => broker.describeTopic(topic))] as const));
  const atMs = clock.elapsedMs();
  const rows = names.flatMap((topic): QueueRow[] => {
    const description = seen.get(topic);
    // Not its turn: as it was.
    if (description === undefined) return previous?.rows.filter((row) => row.queue.topic === topic).map((row) => ({ ...row, isActive: false })) ?? [];
    const isOfSeveralBrokers = new Set(description?.queues.map(({ queue }) => queue.brokerName)).size > 1;
    return description?.queues.map((stats) => rowOf(stats, before.get(queueKey(stats.queue)), atMs, isOfSeveralBrokers)) ?? [];
  });
  const shown = rows.slice(0, MAX_ROWS);
  const gone = [...seen.values()].filter((description) => description === null).length;
  const seenAtMs = new Map(names.flatMap((name) => (seen.has(name) ? [[name, atMs] as const] : previous?.seenAtMs.has(name) === true ? [[name, previous.seenAtMs.get(name)!] as const] : [])));
  return {
    rows: await withLastMessages(broker, shown, signal), topics: names.length - gone, unseenTopics: names.length - seenAtMs.size, hiddenRows: rows.length - shown.length, seenAtMs,
  };
}

/** Those that RocketMQ keeps for groups come last. */
function byName(left: string, right: string): number {
  const isOfGroup = (topic: string): number => (isRetryTopic(topic) || isDlqTopic(topic) ? 1 : 0);
  return isOfGroup(left) - isOfGroup(right) || (left < right ? -1 : 1);
}

function rowOf({ queue, minOffset, maxOffset, lastStoreTimestamp }: QueueStats, before: QueueRow | undefined, atMs: number, isOfSeveralBrokers: boolean): QueueRow {
  const last = before?.last ?? null;
  return {
    queue, minOffset, maxOffset, lastStoreTimestamp, isOfSeveralBrokers,
    samples: withSample(before?.samples ?? [], { atMs, value: maxOffset }),
    // Of a queue that was made anew, or has lost it.
    last: last !== null && (last.queueOffset >= maxOffset || last.queueOffset < minOffset) ? null : last,
    isActive: before !== undefined && maxOffset > before.maxOffset,
  };
}

/** Reads the newest messages that are not known: first of queues that show none, then of those that show the oldest ones. */
async function withLastMessages(broker: Broker, rows: readonly QueueRow[], signal: AbortSignal): Promise<readonly QueueRow[]> {
  const stale = rows.filter(({ minOffset, maxOffset, last }) => maxOffset > minOffset && last?.queueOffset !== maxOffset - 1)
    .sort((left, right) => (left.last?.storeTimestamp ?? -1) - (right.last?.storeTimestamp ?? -1))
    .slice(0, READS_EACH_TIME[broker.kind]);
  const read = new Map(await inParallel(stale, signal, async (row) => [row, await unlessGone(() => lastMessage(broker, row))] as const));
  return rows.map((row) => ({ ...row, last: read.get(row) ?? row.last }));
}

async function lastMessage(broker: Broker, { queue, maxOffset }: QueueRow): Promise<LastMessage | null> {
  const [message] = (await broker.pull({ queue, offset: maxOffset - 1, maxMessages: 1 })).messages;
  if (message === undefined) return null;
  const { queueOffset, storeTimestamp, keys } = message;
  return { queueOffset, storeTimestamp, key: keys.join(' '), body: bodyStart(message, BODY_CHARACTERS) };
}

/** Enter opens the newest message as it is by then; the one that is shown where there is one. */
function recordOf({ queue, minOffset, maxOffset, last }: QueueRow): RecordReference | null {
  return maxOffset === minOffset ? null : { ...queue, queueOffset: last?.queueOffset ?? maxOffset - 1 };
}
