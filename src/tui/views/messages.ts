import { isDlqTopic, isRetryTopic } from '../../broker/retry-topics.ts';
import { escapeControl } from '../../text/escape.ts';
import { formatTime } from '../../text/numbers.ts';
import { skipColumns } from '../../text/columns.ts';
import type { Tone } from '../panel.ts';
import type { MessageRow } from '../rows.ts';
import { table } from './table.ts';
import type { Table } from './table.ts';

/** From so many columns on the date is shown, too. */
const WITH_DATE_COLUMNS = 120;

/** The stream of messages, one a line. `shift`: columns that bodies are moved to the left by. Where there is no room for the whole time, days tell more than milliseconds once some are not of today. */
export function messageTable(rows: readonly MessageRow[], columns: number, shift: number, nowMs: number): Table<MessageRow> {
  const today = dayOf(nowMs);
  const [start, end] = columns >= WITH_DATE_COLUMNS ? [0, undefined] : rows.every(({ storeTimestamp }) => dayOf(storeTimestamp) === today) ? [11, 23] : [5, 19];
  const time = ({ storeTimestamp }: MessageRow): string => formatTime(storeTimestamp).slice(start, end);
  return table<MessageRow>([
    { title: 'stored (UTC)', text: time, tone: () => 'dim', max: (all) => (all >= WITH_DATE_COLUMNS ? 24 : 14) },
    { title: 'topic', text: ({ record }) => escapeControl(record.topic), tone: ({ record }) => toneOf(record.topic), max: (all) => Math.floor(all / 5) },
    { title: 'q', text: ({ record }) => String(record.queueId), align: 'right', max: () => 5 },
    { title: 'offset', text: ({ record }) => String(record.queueOffset), align: 'right', max: () => 16 },
    { title: 'tags', text: ({ tags }) => tags, tone: () => 'good', max: (all) => Math.floor(all / 8) },
    { title: 'keys', text: ({ keys }) => keys, max: (all) => Math.floor(all / 7) },
    { title: shift === 0 ? 'body' : `body from column ${shift + 1}`, text: ({ body }) => (shift === 0 ? body : skipColumns(body, shift)), max: (all) => all },
  ], rows, columns);
}

const DAY_MS = 86_400_000;
const dayOf = (timeMs: number): number => Math.floor(timeMs / DAY_MS);

const toneOf = (topic: string): Tone => (isDlqTopic(topic) ? 'bad' : isRetryTopic(topic) ? 'warn' : 'accent');
