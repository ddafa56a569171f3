import type { Broker } from '../../broker/broker.ts';
import { MqliteError } from '../../broker/errors.ts';
import { dlqTopicOf, retryTopicOf } from '../../broker/retry-topics.ts';
import type { QueueStats } from '../../broker/types.ts';
import { inParallel, inTurn, unlessGone } from '../../client/asking.ts';
import { dlqGroups, purgedOffsets } from '../../client/dead-letters.ts';
import { queueKey } from '../../broker/queue-key.ts';
import { readWindow } from '../../client/queue-window.ts';
import type { QueueWindow } from '../../client/queue-window.ts';
import type { Message } from '../../record/message.ts';
import { bodyStart } from '../../text/body-start.ts';
import { formatInteger, formatTime, plural } from '../../text/numbers.ts';
import type { Panel, PanelContext, RecordReference, RedrivesOf } from '../panel.ts';
import { referenceId, referenceOf } from '../rows.ts';
import { ageCell, integerCell } from './cells.ts';
import { textLine } from './lines.ts';
import type { Column } from './table.ts';
import { rowsAsTable } from './table.ts';

/** Groups that are looked at each time: of more than that, each in its turn. */
const GROUPS_EACH_TIME = { local: 64, remote: 16 } as const;
/** Of each queue of a group, the newest. */
const LETTERS_EACH = 200;
const MAX_ROWS = 1000;
const BODY_CHARACTERS = 160;

export interface DeadLetterRow {
  readonly record: RecordReference;
  readonly group: string;
  /** When it was given up. */
  readonly storeTimestamp: number;
  readonly originTopic: string | null;
  readonly reconsumeTimes: number;
  readonly offsetMsgId: string;
  readonly key: string;
  readonly body: string;
}

/** Where a dead letter was sent again: to its group, which it is not sent to twice, or to topics. */
type SentTo = 'group' | 'topic';

interface GroupLetters {
  readonly atMs: number;
  /** Not purged, shown or not. */
  readonly count: number;
  readonly windows: ReadonlyMap<string, QueueWindow<DeadLetterRow>>;
}

export interface DeadLettersSnapshot {
  readonly groups: ReadonlyMap<string, GroupLetters>;
  readonly rows: readonly DeadLetterRow[];
  /** Of the chosen topics as far as they were read; of all topics, all there are. */
  readonly count: number;
  /** Older ones, of which topics nobody knows; 0 when no topic is chosen. */
  readonly unread: number;
  readonly unseenGroups: number;
  /** Of the rows, by `referenceId`. */
  readonly sent: ReadonlyMap<string, SentTo>;
  /** Why that is not known of all. */
  readonly sentProblem: string | null;
}

/** What a line shows. */
interface Letter extends DeadLetterRow {
  readonly isSent: boolean;
}

const COLUMNS: readonly Column<{ readonly row: Letter; readonly nowMs: number }>[] = [
  { header: 'GROUP', min: 8, wanted: 16, max: 36, keep: 9, cell: ({ row }) => row.group },
  { header: 'DEAD FOR', align: 'right', min: 8, wanted: 8, keep: 8, cell: ({ row, nowMs }, width) => ageCell(nowMs - row.storeTimestamp, width) },
  { header: 'GIVEN UP', min: 24, wanted: 24, keep: 1, isExtra: true, cell: ({ row }) => ({ text: formatTime(row.storeTimestamp), tone: 'dim' }) },
  { header: 'ORIGIN', min: 8, wanted: 16, max: 36, keep: 6, cell: ({ row }) => row.originTopic ?? 'unknown' },
  { header: 'TRIED', align: 'right', min: 5, wanted: 5, keep: 7, cell: ({ row }, width) => integerCell(row.reconsumeTimes, width) },
  { header: 'AGAIN', min: 5, wanted: 5, keep: 7, cell: ({ row }) => (row.isSent ? { text: 'sent', tone: 'good' } : '-') },
  { header: 'KEY', min: 6, wanted: 12, max: 30, keep: 5, cell: ({ row }) => row.key || '-' },
  { header: 'BODY', min: 10, wanted: 26, max: 160, keep: 4, cell: ({ row }) => ({ text: row.body, tone: 'dim' }) },
];

const TABLE = rowsAsTable<Letter>(COLUMNS, (row) => referenceId(row.record), ({ record }) => record);

/** Dead letters that were not purged, the newest first. Each time 64 groups (16 of a cluster) are looked at, in turns, of each queue the newest 200; 1,000 are shown. */
export const deadLettersPanel: Panel<DeadLettersSnapshot> = {
  id: 'dead-letters',
  title: 'Dead letters',
  intervalMs: 2000,
  unavailable: () => null,
  load,
  header: TABLE.header,
  rows: ({ rows, sent }, layout) => TABLE.rows({ rows: rows.map((row) => ({ ...row, isSent: sent.has(referenceId(row.record)) })) }, layout),
  sentAgain: ({ sent }) => new Set([...sent].filter(([, to]) => to === 'group').map(([id]) => id)),
  summary: ({ groups, rows, count, unread, unseenGroups, sent, sentProblem }, { widthColumns }) => {
    const withLetters = count > rows.length ? [...groups.values()].filter((letters) => letters.count > 0).length : new Set(rows.map(({ group }) => group)).size;
    return textLine([
      { text: count === 0 ? 'no dead letters' : `${plural(count, 'dead letter')} of ${plural(withLetters, 'group')}` },
      ...(count > rows.length ? [{ text: `, the newest ${formatInteger(rows.length)} shown and ${formatInteger(count - rows.length)} more`, tone: 'warn' as const }] : []),
      ...(sent.size > 0 ? [{ text: `, ${formatInteger(sent.size)} sent again` }] : []),
      ...(sentProblem === null ? [] : [{ text: `, what was sent again is not known: ${sentProblem}`, tone: 'warn' as const }]),
      ...(unread > 0 ? [{ text: `, ${formatInteger(unread)} older ones not looked at`, tone: 'warn' as const }] : []),
      ...(unseenGroups > 0 ? [{ text: `, ${plural(unseenGroups, 'group')} still to be looked at`, tone: 'warn' as const }] : []),
    ], widthColumns);
  },
};

async function load({ broker, scope, clock, redrives, previous, signal }: PanelContext<DeadLettersSnapshot>): Promise<DeadLettersSnapshot> {
  const names = scope.groups.length > 0 ? scope.groups : await dlqGroups(broker);
  const turn = inTurn(names, (name) => previous?.groups.get(name)?.atMs, GROUPS_EACH_TIME[broker.kind]);
  const seen = new Map(await inParallel(turn, signal, async (group) => [group, await unlessGone(() => lettersOf(broker, group, clock.elapsedMs(), previous?.groups.get(group), signal))] as const));
  const groups = new Map<string, GroupLetters>();
  for (const name of names) {
    // Not its turn: as it was.
    const letters = seen.has(name) ? seen.get(name) : previous?.groups.get(name);
    if (letters !== undefined && letters !== null) groups.set(name, letters);
  }
  const all = [...groups.values()];
  const read = all.flatMap(({ windows }) => [...windows.values()].flatMap(({ items }) => items.map(({ item }) => item))).sort(newestFirst);
  const total = all.reduce((sum, { count }) => sum + count, 0);
  const isAll = scope.topics.length === 0;
  const rows = isAll ? read : read.filter(({ originTopic, record }) => scope.topics.some((topic) => topic === originTopic || topic === record.topic));
  const shown = rows.slice(0, MAX_ROWS);
  return {
    groups, rows: shown, ...sentAgain(shown, redrives), count: isAll ? total : rows.length, unread: isAll ? 0 : Math.max(0, total - read.length),
    unseenGroups: names.filter((name) => !seen.has(name) && !groups.has(name)).length,
  };
}

/** A memory that cannot be read keeps no dead letter from being shown. */
function sentAgain(rows: readonly DeadLetterRow[], redrives: RedrivesOf): Pick<DeadLettersSnapshot, 'sent' | 'sentProblem'> {
  const sent = new Map<string, SentTo>();
  try {
    const byGroup = new Map([...new Set(rows.map(({ group }) => group))].map((group) => [group, redrives(group)]));
    for (const { record, group, offsetMsgId } of rows) {
      const topics = (byGroup.get(group)?.get(offsetMsgId) ?? []).filter(({ event }) => event === 'sent').map(({ topic }) => topic);
      if (topics.length > 0) sent.set(referenceId(record), topics.includes(retryTopicOf(group)) ? 'group' : 'topic');
    }
  } catch (error) {
    if (!(error instanceof MqliteError) || error.code === 'BUG') throw error;
    return { sent, sentProblem: error.message };
  }
  return { sent, sentProblem: null };
}

async function lettersOf(broker: Broker, group: string, atMs: number, before: GroupLetters | undefined, signal: AbortSignal): Promise<GroupLetters> {
  const topic = dlqTopicOf(group);
  const { queues } = await broker.describeTopic(topic);
  const purged = new Map((await purgedOffsets(broker, topic)).map(({ queue, committedOffset }) => [queueKey(queue), committedOffset]));
  const startOf = ({ queue, minOffset, maxOffset }: QueueStats): number => Math.min(maxOffset, Math.max(minOffset, purged.get(queueKey(queue)) ?? minOffset));
  const windows = new Map<string, QueueWindow<DeadLetterRow>>();
  for (const stats of queues) {
    const { queue, maxOffset } = stats;
    const from = Math.max(startOf(stats), maxOffset - LETTERS_EACH);
    windows.set(queueKey(queue), await readWindow(broker, queue, from, maxOffset, before?.windows.get(queueKey(queue)), (message) => rowOf(group, message), signal));
  }
  return { atMs, count: queues.reduce((sum, stats) => sum + stats.maxOffset - startOf(stats), 0), windows };
}

function rowOf(group: string, message: Message): DeadLetterRow {
  const { storeTimestamp, originTopic, reconsumeTimes, offsetMsgId, keys } = message;
  return { record: referenceOf(message), group, storeTimestamp, originTopic, reconsumeTimes, offsetMsgId, key: keys.join(' '), body: bodyStart(message, BODY_CHARACTERS) };
}

function newestFirst(left: DeadLetterRow, right: DeadLetterRow): number {
  return right.storeTimestamp - left.storeTimestamp || right.record.queueOffset - left.record.queueOffset || (left.group < right.group ? -1 : 1);
}
