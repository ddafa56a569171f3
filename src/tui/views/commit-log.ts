import { escapeControl } from '../../text/escape.ts';
import { skipColumns } from '../../text/columns.ts';
import { isOfSeveralLogs } from '../rows.ts';
import type { LogRow } from '../rows.ts';
import type { Tone } from '../panel.ts';
import { table } from './table.ts';
import type { Column, Table } from './table.ts';

/** The physical log, one record a line, whatever lies there; of several logs each line names its broker. */
export function commitLogTable(rows: readonly LogRow[], columns: number, shift: number): Table<LogRow> {
  const brokers: readonly Column<LogRow>[] = rows.some(isOfSeveralLogs) ? [{ title: 'broker', text: ({ record }) => escapeControl(record?.brokerName ?? ''), max: () => 16 }] : [];
  return table<LogRow>([
    ...brokers,
    { title: 'log offset', text: ({ commitLogOffset }) => String(commitLogOffset), align: 'right', max: () => 16 },
    { title: 'bytes', text: ({ sizeBytes }) => String(sizeBytes), align: 'right', max: () => 10 },
    { title: 'topic', text: ({ record }) => escapeControl(record?.topic ?? ''), tone: () => 'accent', max: (all) => Math.floor(all / 5) },
    { title: 'q', text: ({ record }) => (record === null ? '' : String(record.queueId)), align: 'right', max: () => 5 },
    { title: 'offset', text: ({ record }) => (record === null ? '' : String(record.queueOffset)), align: 'right', max: () => 16 },
    { title: 'tags hash', text: (row) => (row.record === null ? '' : String(row.tagsCode)), align: 'right', max: () => 20 },
    { title: columns < 100 ? 'sysF' : 'sysFlag', text: (row) => (row.record === null ? '' : String(row.sysFlag)), align: 'right', max: () => 7 },
    { title: 'CRC', text: crcOf, tone: toneOf, max: () => 4 },
    { title: 'tags, keys, id', text: ({ text }) => (shift === 0 ? text : skipColumns(text, shift)), tone: toneOf, max: (all) => all },
  ], rows, columns);
}

function crcOf({ recordType, crcOk }: LogRow): string {
  if (recordType === 'blank') return '-';
  return recordType === 'damaged' ? 'DMG' : crcOk ? 'ok' : 'BAD';
}

function toneOf({ recordType, crcOk }: LogRow): Tone {
  return recordType === 'blank' ? 'dim' : crcOk ? 'plain' : 'bad';
}
