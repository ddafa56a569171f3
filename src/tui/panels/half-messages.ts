import { stateText, whyOf } from '../../client/transaction-words.ts';
import { recentTransactions } from '../../client/transactions.ts';
import type { Transaction } from '../../client/transactions.ts';
import { formatInteger, formatTime, plural } from '../../text/numbers.ts';
import type { Panel, PanelContext, RecordReference } from '../panel.ts';
import { referenceOf } from '../rows.ts';
import { ageCell, idCell, integerCell } from './cells.ts';
import { textLine } from './lines.ts';
import type { Column } from './table.ts';
import { rowsAsTable } from './table.ts';

/** Of each of a broker's three queues, the newest. */
const RECORDS = 4096;
const MAX_ROWS = 1000;

export interface HalfMessageRow {
  /** The newest copy. */
  readonly record: RecordReference;
  readonly bornTimestamp: number;
  readonly isPending: boolean;
  readonly state: string;
  readonly why: string;
  /** Where it is meant for; null when that was lost. */
  readonly topic: string | null;
  readonly producerGroup: string;
  readonly checkTimes: number;
  readonly transactionId: string;
  readonly key: string;
}

export interface HalfMessagesSnapshot {
  /** See `RecentTransactions`. */
  readonly mark: string;
  readonly unreadRecords: number;
  /** Of every topic and group. */
  readonly all: readonly HalfMessageRow[];
  readonly rows: readonly HalfMessageRow[];
  /** Chosen, and not among the rows. */
  readonly more: number;
}

const COLUMNS: readonly Column<{ readonly row: HalfMessageRow; readonly nowMs: number }>[] = [
  { header: 'AGE', align: 'right', min: 7, wanted: 8, keep: 9, cell: ({ row, nowMs }, width) => ageCell(nowMs - row.bornTimestamp, width) },
  { header: 'BORN', min: 24, wanted: 24, keep: 1, isExtra: true, cell: ({ row }) => ({ text: formatTime(row.bornTimestamp), tone: 'dim' }) },
  { header: 'STATE', min: 8, wanted: 8, keep: 10, cell: ({ row }) => ({ text: row.state, tone: row.isPending ? 'warn' : 'bad' }) },
  { header: 'TOPIC', min: 8, wanted: 12, max: 36, keep: 8, cell: ({ row }) => row.topic ?? '-' },
  { header: 'GROUP', min: 8, wanted: 12, max: 36, keep: 7, cell: ({ row }) => row.producerGroup || '-' },
  { header: 'CHECKS', align: 'right', min: 6, wanted: 6, keep: 5, cell: ({ row }, width) => integerCell(row.checkTimes, width) },
  { header: 'TRANSACTION', min: 11, wanted: 12, max: 32, keep: 3, cell: ({ row }, width) => idCell(row.transactionId, width) },
  { header: 'KEY', min: 6, wanted: 8, max: 20, keep: 4, cell: ({ row }) => row.key || '-' },
  { header: 'WHY', min: 16, wanted: 28, max: 100, keep: 6, cell: ({ row }) => ({ text: row.why, tone: 'dim' }) },
];

/**
 * Half messages that are pending, and those that were given up, oldest first. Each time something has changed, at most 4,096 records of each of a broker's
 * three queues are read; 1,000 rows are shown, the newest.
 */
export const halfMessagesPanel: Panel<HalfMessagesSnapshot> = {
  id: 'half-messages',
  title: 'Half messages',
  intervalMs: 2000,
  unavailable: () => null,
  load,
  // A check-back stores a copy: the transaction stays what it is.
  ...rowsAsTable(COLUMNS, (row) => `${row.record.brokerName}/${row.transactionId}/${row.bornTimestamp}`, ({ record }) => record),
  summary: ({ rows, unreadRecords, more }, { widthColumns }) => {
    const pending = rows.filter(({ isPending }) => isPending).length;
    return textLine([
      { text: rows.length === 0 ? 'no half message is pending' : `${formatInteger(pending)} pending, ${formatInteger(rows.length - pending)} given up` },
      ...(more > 0 ? [{ text: ` and ${formatInteger(more)} more`, tone: 'warn' as const }] : []),
      ...(unreadRecords > 0 ? [{ text: `, ${plural(unreadRecords, 'older record')} not looked at`, tone: 'warn' as const }] : []),
    ], widthColumns);
  },
};

async function load({ broker, scope, previous, signal }: PanelContext<HalfMessagesSnapshot>): Promise<HalfMessagesSnapshot> {
  const found = await recentTransactions(broker, RECORDS, previous?.mark ?? null, signal);
  const { mark, unreadRecords, all } = found === null ? previous! : { ...found, all: found.transactions.map(rowOf) };
  const wanted = all.filter(({ topic, producerGroup }) =>
    (scope.topics.length === 0 || (topic !== null && scope.topics.includes(topic))) && (scope.groups.length === 0 || scope.groups.includes(producerGroup)));
  return { mark, unreadRecords, all, rows: wanted.slice(-MAX_ROWS), more: Math.max(0, wanted.length - MAX_ROWS) };
}

function rowOf(transaction: Transaction): HalfMessageRow {
  const { half, state, topic, producerGroup, checkTimes, transactionId } = transaction;
  const shown = state === 'pending' ? 'pending' : 'givenUp';
  return {
    record: referenceOf(half), bornTimestamp: half.bornTimestamp, isPending: state === 'pending', state: stateText(shown), why: whyOf(transaction, shown), topic, producerGroup, checkTimes,
    transactionId, key: half.keys.join(' '),
  };
}
