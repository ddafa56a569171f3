import type { Clock } from '../base/clock.ts';
import type { Broker } from '../broker/broker.ts';
import { MqliteError } from '../broker/errors.ts';
import { backlogText } from '../client/group-backlog.ts';
import { followGroups, groupFigures, queueFigures, topicFigures } from '../client/group-progress.ts';
import type { Figures, GroupProgress, GroupsProgress, TopicProgress } from '../client/group-progress.ts';
import { formatDuration, formatTime, plural } from '../text/numbers.ts';
import { known, lagText, rateText } from '../text/rates.ts';
import type { Output } from './output.ts';
import { renderTable } from './render/table.ts';
import type { TableStyle } from './render/table.ts';

export interface WatchRun {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly group: string;
  readonly intervalMs: number;
  /** Snapshots after which it ends; undefined: it goes on until the signal. */
  readonly count: number | undefined;
  readonly json: boolean;
  readonly out: Output;
  readonly style: TableStyle;
  /** One line of JSON. */
  readonly jsonText: (data: unknown) => string;
  readonly signal: AbortSignal;
}

interface QueueWatchJson extends Figures {
  readonly brokerName: string;
  readonly queueId: number;
  readonly committedOffset: number | null;
  readonly minOffset: number;
  readonly maxOffset: number;
  /** The live member that has it. */
  readonly clientId: string | null;
}

interface TopicWatchJson extends Figures {
  readonly topic: string;
  readonly instance: string | null;
  readonly queues: readonly QueueWatchJson[];
}

export interface GroupWatchJson extends Figures {
  readonly timestamp: number;
  readonly group: string;
  readonly members: number;
  readonly topics: readonly TopicWatchJson[];
}

/** Shows a snapshot. `problem`: why there is no newer one. */
type Show = (progress: GroupsProgress, problem: string | null) => Promise<void> | void;

/**
 * `mqlite groups show --watch`: a snapshot each interval, until the signal. On a terminal they are drawn over each other, elsewhere each is appended; with
 * `json` as a line of JSON. A broker that does not answer is asked again on a terminal, and there what was known stays. Errors: GROUP_NOT_FOUND
 * once the group is deleted; those of the broker.
 */
export async function watchGroup(run: WatchRun): Promise<void> {
  const { out, style, json, broker, clock, signal, count = Infinity } = run;
  const isDrawn = style.terminal && !json;
  const show = isDrawn ? await drawing(run) : json ? asJson(run) : asLines(run);
  if (isDrawn) await out.write(HIDE_CURSOR + CLEAR);
  try {
    let progress: GroupsProgress | null = null;
    for (let shown = 0; shown < count && !signal.aborted; shown++) {
      if (shown > 0) await clock.sleep(run.intervalMs, signal);
      if (signal.aborted) return;
      const answer = await look(broker, run, progress);
      if (answer instanceof MqliteError) {
        if (!isDrawn || progress === null || !MAY_COME_BACK.has(answer.code)) throw answer;
        await show(progress, answer.message);
        continue;
      }
      progress = answer;
      await show(progress, null);
    }
  } finally {
    if (isDrawn) await out.write(SHOW_CURSOR);
  }
}

const MAY_COME_BACK: ReadonlySet<string> = new Set(['UNREACHABLE', 'TIMED_OUT']);
const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const CLEAR = '\u001b[H\u001b[2J';
const HOME = '\u001b[H';
const TO_END_OF_LINE = '\u001b[K';
const TO_END_OF_SCREEN = '\u001b[J';
const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;

async function look(broker: Broker, { group, clock, signal }: WatchRun, previous: GroupsProgress | null): Promise<GroupsProgress | MqliteError> {
  try {
    const progress = await followGroups(broker, clock, [group], previous, signal);
    if (progress.groups.length > 0 || signal.aborted) return progress;
    return new MqliteError('GROUP_NOT_FOUND', `group "${group}" is not in ${broker.target} any more`, { hint: 'It was deleted. See "mqlite groups list".' });
  } catch (error) {
    if (error instanceof MqliteError) return error;
    throw error;
  }
}

/** The rows are those of the live view. It fills the screen: what does not fit is counted on the last line. */
async function drawing({ broker, clock, out, style, group, intervalMs }: WatchRun): Promise<Show> {
  const [{ groupsPanel }, { lineText }, { textLine }, { paint }] = await Promise.all([import('../tui/panels/groups.ts'), import('../tui/line.ts'), import('../tui/panels/lines.ts'), import('../tui/theme.ts')]);
  return async (progress, problem) => {
    const layout = { widthColumns: out.columns ?? DEFAULT_COLUMNS, nowMs: clock.nowMs() };
    const [found] = progress.groups;
    const title = textLine([
      { text: group, tone: 'strong' }, { text: ` in ${broker.target}, every ${formatDuration(intervalMs)}, ${formatTime(found?.timestamp ?? null)}` },
      ...(problem === null ? [] : [{ text: `, ${formatDuration(layout.nowMs - (found?.timestamp ?? layout.nowMs))} old: ${problem}`, tone: 'bad' as const }]),
    ], layout.widthColumns);
    const backlog = found === undefined ? [] : [textLine([{ text: `backlog ${backlogText(groupFigures(found, layout.nowMs))}`, tone: 'dim' }], layout.widthColumns)];
    const rows = groupsPanel.rows({ ...progress, all: progress }, layout).map(({ line }) => line);
    // The last line stays free: a line feed there would scroll.
    const room = Math.max(1, (out.rows ?? DEFAULT_ROWS) - 2 - backlog.length - 1);
    const rest = rows.length - room;
    const shown = rest <= 0 ? rows : [...rows.slice(0, room - 1), textLine([{ text: `and ${plural(rest + 1, 'more row')}`, tone: 'warn' }], layout.widthColumns)];
    const lines = [title, ...backlog, groupsPanel.header(layout), ...shown];
    const painted = lines.map((line) => `${style.color ? paint(line, true) : lineText(line)}${TO_END_OF_LINE}\n`);
    await out.write(HOME + painted.join('') + TO_END_OF_SCREEN);
  };
}

function asJson({ out, jsonText }: WatchRun): Show {
  return async ({ groups }) => {
    for (const group of groups) await out.line(jsonText(groupWatchJson(group)));
  };
}

/** A line for the group and one for each of its topics, under one header. */
function asLines({ out, style }: WatchRun): Show {
  let isFirst = true;
  const columns = ['TIME', 'GROUP', 'TOPIC', 'LAG', 'BEHIND', 'IN', 'OUT', 'BACKLOG'].map((title) => ({ title }));
  return async ({ groups }) => {
    const rows = groups.flatMap((group) => {
      const line = (topic: string, figures: Figures): string[] => [
        formatTime(group.timestamp), group.group, topic, lagText(figures.lag), known(figures.lagMs, formatDuration), rateText(figures.inPerSecond), rateText(figures.outPerSecond), backlogText(figures),
      ];
      return [line('-', groupFigures(group, group.timestamp)), ...group.topics.map((topic) => line(nameOf(topic), topicFigures(topic, group.timestamp)))];
    });
    const text = await renderTable(columns, rows, { ...style, terminal: false });
    await out.write(isFirst ? text : text.slice(text.indexOf('\n') + 1));
    isFirst = false;
  };
}

const nameOf = ({ topic, instance }: TopicProgress): string => (instance === null ? topic : `${topic} as ${instance}`);

function groupWatchJson(group: GroupProgress): GroupWatchJson {
  const { timestamp, members, topics } = group;
  return {
    timestamp, group: group.group, members, ...groupFigures(group, timestamp),
    topics: topics.map((topic) => ({
      topic: topic.topic, instance: topic.instance, ...topicFigures(topic, timestamp),
      queues: topic.queues.map((queue) => {
        const { queue: { brokerName, queueId }, committedOffset, minOffset, maxOffset } = queue.offset;
        return { brokerName, queueId, committedOffset, minOffset, maxOffset, clientId: queue.owner, ...queueFigures(queue, timestamp) };
      }),
    })),
  };
}
