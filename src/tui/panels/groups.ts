import { sum } from '../../client/group-backlog.ts';
import { followGroups, groupFigures, queueFigures, topicFigures } from '../../client/group-progress.ts';
import type { Figures, GroupProgress, GroupsProgress, QueueProgress, TopicProgress } from '../../client/group-progress.ts';
import { formatInteger, plural } from '../../text/numbers.ts';
import { known } from '../../text/rates.ts';
import { sparkline } from '../../text/sparkline.ts';
import { greatest } from '../line.ts';
import type { Line, Panel, RecordReference, Tone } from '../panel.ts';
import { ageCell, bar, idCell, integerCell, lagCell, rateCell } from './cells.ts';
import { foremost, heaviest, textLine } from './lines.ts';
import type { Column } from './table.ts';
import { headerLine, panelRow, placeColumns, rowLine } from './table.ts';

const MAX_ROWS = 2000;
/** Of a topic with more queues, those that are furthest behind. */
const QUEUES_EACH = 64;

/** What is shown, of chosen topics where some are. */
export interface GroupsSnapshot extends GroupsProgress {
  readonly all: GroupsProgress;
}

/** One line of the tree: a group, below it its topics, below each its queues. */
interface TreeRow {
  readonly id: string;
  readonly depth: 0 | 1 | 2;
  readonly name: string;
  /** null: the line stands for queues that are not shown. */
  readonly figures: Figures | null;
  readonly members: string;
  readonly committed: number | null;
  readonly trend: (widthColumns: number) => string;
  readonly record?: RecordReference;
}

const COLUMNS: readonly Column<TreeRow>[] = [
  { header: 'GROUP / TOPIC / QUEUE', min: 16, wanted: 30, max: 64, keep: 9, cell: ({ name, depth }) => ({ text: '  '.repeat(depth) + name, tone: depth === 0 ? 'strong' : depth === 1 ? 'plain' : 'dim' }) },
  { header: 'COMMITTED', align: 'right', min: 9, wanted: 10, max: 13, keep: 1, isExtra: true, cell: ({ depth, committed }, width) => (depth < 2 ? '' : { text: committed === null ? '-' : integerCell(committed, width), tone: 'dim' }) },
  { header: 'LAG', align: 'right', min: 7, wanted: 8, max: 12, keep: 10, cell: ({ figures }, width) => (figures === null ? '' : { text: lagCell(figures.lag, width), tone: toneOf(figures) }) },
  { header: 'BEHIND', align: 'right', min: 7, wanted: 7, max: 8, keep: 7, cell: ({ figures }, width) => (figures === null ? '' : figures.lagMs === 0 ? '-' : known(figures.lagMs, (behindMs) => ageCell(behindMs, width))) },
  { header: 'IN', align: 'right', min: 7, wanted: 7, max: 8, keep: 5, cell: ({ figures }, width) => (figures === null ? '' : rateCell(figures.inPerSecond, width)) },
  { header: 'OUT', align: 'right', min: 7, wanted: 7, max: 8, keep: 6, cell: ({ figures }, width) => (figures === null ? '' : rateCell(figures.outPerSecond, width)) },
  { header: 'GONE IN', align: 'right', min: 7, wanted: 7, max: 8, keep: 4, cell: ({ figures }, width) => (figures === null ? '' : { text: goneText(figures, width), tone: toneOf(figures) }) },
  { header: 'MEMBERS', min: 7, wanted: 7, max: 30, keep: 2, cell: ({ members }, width) => idCell(members, width) },
  { header: 'TREND', align: 'right', min: 8, wanted: 10, max: 40, keep: 3, cell: ({ trend }, width) => ({ text: trend(width), tone: 'accent' }) },
];

/** Groups, how far they are behind, and where that goes. `followGroups` says how much is asked for each time; 2,000 rows are shown. */
export const groupsPanel: Panel<GroupsSnapshot> = {
  id: 'groups',
  title: 'Groups',
  intervalMs: 2000,
  unavailable: () => null,
  load: async ({ broker, scope, clock, previous, signal }) => {
    const all = await followGroups(broker, clock, scope.groups, previous?.all ?? null, signal);
    return { all, ...(scope.topics.length === 0 ? all : { groups: all.groups.flatMap((group) => onTopics(group, scope.topics)), unseen: all.unseen }) };
  },
  header: ({ widthColumns }) => headerLine(placeColumns(COLUMNS, widthColumns)),
  rows: ({ groups }, { widthColumns, nowMs }) => {
    const table = placeColumns(COLUMNS, widthColumns);
    return groups.flatMap((group) => treeOf(group, nowMs)).slice(0, MAX_ROWS).map((row) => panelRow(table, row, row.id, row.record));
  },
  // Groups with their topics, else groups alone: those that are furthest behind.
  brief: ({ groups }, { widthColumns, nowMs, maxRows }) => {
    const table = placeColumns(COLUMNS, widthColumns);
    const lineOf = (row: TreeRow): Line => rowLine(table, row);
    const withTopics = groups.length + groups.reduce((count, { topics }) => count + topics.length, 0) <= maxRows;
    if (withTopics) return groups.flatMap((group) => treeOf(group, nowMs)).filter(({ depth }) => depth < 2).map(lineOf);
    const weightOf = ({ figures }: TreeRow): number => figures?.lag ?? -1;
    return foremost(groups.map((group) => groupRow(group, nowMs)), maxRows, weightOf, lineOf, (hidden) => textLine([{ text: `and ${plural(hidden, 'more group', 'more groups')}`, tone: 'dim' }], widthColumns));
  },
  summary: ({ groups, unseen }, { widthColumns, nowMs }) => {
    const all = groups.map((group) => groupFigures(group, nowMs));
    const behind = all.filter(({ lag }) => lag !== null && lag > 0).length;
    const unknown = all.filter(({ lag }) => lag === null).length;
    const hidden = Math.max(0, groups.reduce((count, group) => count + treeOf(group, nowMs).length, 0) - MAX_ROWS);
    return textLine([
      { text: groups.length === 0 ? 'no groups' : `${plural(groups.length, 'group')}, ${behind === 0 ? 'none behind' : `${formatInteger(behind)} behind by ${plural(all.reduce((sum, { lag }) => sum + (lag ?? 0), 0), 'message')}`}` },
      ...(unknown > 0 ? [{ text: `, of ${formatInteger(unknown)} the lag is unknown`, tone: 'warn' as const }] : []),
      ...(unseen > 0 ? [{ text: `, ${plural(unseen, 'group')} still to be looked at`, tone: 'warn' as const }] : []),
      ...(hidden > 0 ? [{ text: `, and ${plural(hidden, 'more row')}`, tone: 'warn' as const }] : []),
    ], widthColumns);
  },
};

/** The group as if it read these topics alone; nothing of one that reads none of them. */
function onTopics(group: GroupProgress, names: readonly string[]): GroupProgress[] {
  const topics = group.topics.filter(({ topic }) => names.includes(topic));
  if (topics.length === 0) return [];
  const looks = topics.reduce((least, { lags }) => Math.min(least, lags.length), Infinity);
  const lags = Array.from({ length: looks }, (_, index) => sum(topics.map((topic) => topic.lags.at(index - looks) ?? null)));
  return [{ ...group, topics, lags }];
}

function treeOf(group: GroupProgress, nowMs: number): TreeRow[] {
  return [
    groupRow(group, nowMs),
    ...group.topics.flatMap((topic) => topicRows(`${group.group}\n${topic.instance ?? ''}`, topic, nowMs)),
  ];
}

function groupRow(group: GroupProgress, nowMs: number): TreeRow {
  return { id: group.group, depth: 0, name: group.group, figures: groupFigures(group, nowMs), members: formatInteger(group.members), committed: null, trend: (width) => sparkline(group.lags, width) };
}

function topicRows(groupId: string, topic: TopicProgress, nowMs: number): TreeRow[] {
  const id = `${groupId}\n${topic.topic}`;
  const most = greatest(topic.queues.map(({ offset }) => offset.lag ?? 0), 0);
  const severalBrokers = new Set(topic.queues.map(({ offset }) => offset.queue.brokerName)).size > 1;
  const furthest = heaviest(topic.queues, QUEUES_EACH, ({ offset }) => offset.lag ?? Infinity);
  const hidden = topic.queues.length - furthest.length;
  const name = topic.instance === null ? topic.topic : `${topic.topic} as ${topic.instance}`;
  return [
    { id, depth: 1, name, figures: topicFigures(topic, nowMs), members: '', committed: null, trend: (width) => sparkline(topic.lags, width) },
    ...furthest.map((queue) => queueRow(id, queue, severalBrokers, most, nowMs)),
    ...(hidden === 0 ? [] : [{ id: `${id}\nmore`, depth: 2 as const, name: `and ${plural(hidden, 'more queue', 'more queues')}`, figures: null, members: '', committed: null, trend: () => '' }]),
  ];
}

function queueRow(topicId: string, progress: QueueProgress, severalBrokers: boolean, most: number, nowMs: number): TreeRow {
  const { queue, committedOffset, minOffset, maxOffset, lag } = progress.offset;
  const next = Math.max(committedOffset ?? minOffset, minOffset);
  return {
    id: `${topicId}\n${queue.brokerName}\n${queue.queueId}`, depth: 2, name: severalBrokers ? `${queue.queueId}@${queue.brokerName}` : String(queue.queueId),
    figures: queueFigures(progress, nowMs), members: progress.owner ?? '', committed: committedOffset,
    trend: (width) => (lag === null ? '' : bar(most === 0 ? 0 : lag / most, width)),
    // Enter opens what comes next.
    ...(next < maxOffset ? { record: { ...queue, queueOffset: next } } : {}),
  };
}

function goneText({ backlog, goneInSeconds }: Figures, widthColumns: number): string {
  switch (backlog) {
    case 'empty': return '-';
    case 'shrinking': return ageCell(Math.ceil(goneInSeconds!) * 1000, widthColumns);
    case 'growing': return 'never';
    case 'unknown': return 'unknown';
  }
}

function toneOf({ backlog }: Figures): Tone {
  return backlog === 'growing' ? 'bad' : backlog === 'shrinking' ? 'warn' : backlog === 'unknown' ? 'dim' : 'good';
}
