import type { Broker } from '../../broker/broker.ts';
import { followDelayed } from '../../client/delayed-window.ts';
import type { DelayedWindow } from '../../client/delayed-window.ts';
import { askedText } from '../../client/delayed.ts';
import type { Delayed } from '../../client/delayed.ts';
import { bodyStart } from '../../text/body-start.ts';
import { formatInteger, formatTime, plural } from '../../text/numbers.ts';
import type { Panel, PanelContext, RecordReference } from '../panel.ts';
import { referenceId, referenceOf } from '../rows.ts';
import { ageCell } from './cells.ts';
import { textLine } from './lines.ts';
import type { Column } from './table.ts';
import { rowsAsTable } from './table.ts';

const MAX_ROWS = 1000;
const BODY_CHARACTERS = 160;

export interface DelayedRow {
  /** The record that waits. */
  readonly record: RecordReference;
  readonly deliverTimestamp: number;
  readonly topic: string;
  readonly asked: string;
  readonly key: string;
  readonly body: string;
}

export interface DelayedSnapshot {
  readonly window: DelayedWindow<DelayedRow>;
  readonly rows: readonly DelayedRow[];
  /** Wait, and are not among the rows. */
  readonly more: number;
  readonly kind: Broker['kind'];
}

const COLUMNS: readonly Column<{ readonly row: DelayedRow; readonly nowMs: number }>[] = [
  { header: 'DUE IN', align: 'right', min: 11, wanted: 15, keep: 10, cell: dueCell },
  { header: 'DUE AT', min: 24, wanted: 24, keep: 1, isExtra: true, cell: ({ row }) => ({ text: formatTime(row.deliverTimestamp), tone: 'dim' }) },
  { header: 'TOPIC', min: 10, wanted: 18, max: 40, keep: 9, cell: ({ row }) => row.topic },
  { header: 'ASKED BY', min: 8, wanted: 12, max: 34, keep: 5, cell: ({ row }) => row.asked },
  { header: 'KEY', min: 6, wanted: 10, max: 30, keep: 6, cell: ({ row }) => row.key || '-' },
  { header: 'BODY', min: 8, wanted: 24, max: 160, keep: 4, cell: ({ row }) => ({ text: row.body, tone: 'dim' }) },
];

/** What waits to be delivered, in the order in which it is due. `followDelayed` says how much is read each time; 1,000 rows are shown. */
export const delayedPanel: Panel<DelayedSnapshot> = {
  id: 'delayed',
  title: 'Delayed',
  intervalMs: 1000,
  unavailable: () => null,
  load,
  ...rowsAsTable(COLUMNS, (row) => referenceId(row.record), ({ record }) => record),
  summary: ({ window, rows, more, kind }, { widthColumns, nowMs }) => {
    const overdue = rows.filter(({ deliverTimestamp }) => deliverTimestamp <= nowMs).length;
    const who = kind === 'local' ? 'delivered by whoever writes the store next' : 'the broker is late, or has not said so yet';
    return textLine([
      { text: rows.length === 0 ? 'nothing waits' : `${plural(rows.length, 'message')} to come` },
      ...(more > 0 ? [{ text: ` and ${formatInteger(more)} more`, tone: 'warn' as const }] : []),
      ...(overdue > 0 ? [{ text: `, ${formatInteger(overdue)} overdue: ${who}`, tone: 'bad' as const }] : []),
      ...(window.unread > 0 ? [{ text: `, ${plural(window.unread, 'record')} still to be read`, tone: 'warn' as const }] : []),
      ...(window.silentBrokers.length > 0 ? [{ text: `, without timer messages: ${window.silentBrokers.join(', ')} does not tell which are delivered`, tone: 'warn' as const }] : []),
    ], widthColumns);
  },
};

async function load({ broker, scope, previous, signal }: PanelContext<DelayedSnapshot>): Promise<DelayedSnapshot> {
  const window = await followDelayed(broker, previous?.window ?? null, rowOf, signal);
  const wanted = scope.topics.length === 0 ? window.items : window.items.filter(({ topic }) => scope.topics.includes(topic));
  // What lies behind has not been read: whose it is, nobody knows.
  return { window, rows: wanted.slice(0, MAX_ROWS), more: Math.max(0, wanted.length - MAX_ROWS) + window.more, kind: broker.kind };
}

function rowOf({ message, topic, deliverTimestamp, asked }: Delayed): DelayedRow {
  return {
    record: referenceOf(message), deliverTimestamp, topic, asked: askedText(asked), key: message.keys.join(' '), body: bodyStart(message, BODY_CHARACTERS),
  };
}

function dueCell({ row, nowMs }: { readonly row: DelayedRow; readonly nowMs: number }, widthColumns: number): ReturnType<Column<never>['cell']> {
  const leftMs = row.deliverTimestamp - nowMs;
  // Counting down, what is left of the last second is one: 0s would be due.
  if (leftMs > 0) return ageCell(Math.ceil(leftMs / 1000) * 1000, widthColumns);
  return { text: `overdue ${ageCell(-leftMs, widthColumns - 'overdue '.length)}`, tone: 'bad' };
}
