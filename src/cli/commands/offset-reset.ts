import type { Broker } from '../../broker/broker.ts';
import { MqliteError } from '../../broker/errors.ts';
import type { CommittedOffset, MessageQueue } from '../../broker/types.ts';
import { queueNamer, renderQueueTable } from '../render/queue-table.ts';
import type { TableStyle } from '../render/table.ts';
import { parseTime } from '../../text/time.ts';
import { sameQueue } from './offsets.ts';

/** Where `offsets reset --to` goes. `by` counts from the committed offset of each queue. */
export type ResetGoal =
  | { readonly at: 'first' } | { readonly at: 'last' }
  | { readonly at: 'time'; readonly timestamp: number }
  | { readonly at: 'offset'; readonly offset: number }
  | { readonly at: 'by'; readonly delta: number };

export interface PlannedReset {
  readonly group: string;
  readonly queue: MessageQueue;
  readonly committedOffset: number | null;
  readonly minOffset: number;
  readonly maxOffset: number;
  readonly targetOffset: number;
  /** The offset asked for lies outside the queue; `targetOffset` is the nearest end. */
  readonly clamped: boolean;
}

export interface ResetJson {
  /** The store or cluster. */
  readonly target: string;
  readonly executed: boolean;
  /** Offsets were read back and are as planned; null when nothing was executed. */
  readonly verified: boolean | null;
  readonly resets: readonly PlannedReset[];
  readonly truncated: boolean;
}

/** `first`, `last`, `@TIME`, `@-1h`, OFFSET, `+N`, `-N`. `nowMs`: what relative times count from. Error: USAGE. */
export function parseResetGoal(text: string, nowMs: number): ResetGoal {
  if (text === 'first' || text === 'last') return { at: text };
  if (text.startsWith('@')) return { at: 'time', timestamp: parseTime(text.slice(1), nowMs, '--to') };
  const number = /^[+-]?\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(number)) {
    throw new MqliteError('USAGE', `--to: "${text}" is not a place in a queue`, { hint: 'Write first, last, @TIME (@2026-01-31T12:00:00Z), @-1h, an offset, +N or -N.' });
  }
  return /^[+-]/.test(text) ? { at: 'by', delta: number } : { at: 'offset', offset: number };
}

/** The new offset of one queue, kept inside it. `byTime` is asked only where the goal is a time. Error: INVALID_INPUT. */
export async function planQueue(group: string, offset: CommittedOffset, goal: ResetGoal, byTime: (queue: MessageQueue, timestamp: number) => Promise<number>): Promise<PlannedReset> {
  const { queue, committedOffset, minOffset, maxOffset } = offset;
  const wanted = await wantedOffset(offset, goal, byTime);
  const targetOffset = Math.min(Math.max(wanted, minOffset), maxOffset);
  return { group, queue, committedOffset, minOffset, maxOffset, targetOffset, clamped: targetOffset !== wanted };
}

async function wantedOffset({ queue, committedOffset, minOffset, maxOffset }: CommittedOffset, goal: ResetGoal, byTime: (queue: MessageQueue, timestamp: number) => Promise<number>): Promise<number> {
  switch (goal.at) {
    case 'first': return minOffset;
    case 'last': return maxOffset;
    case 'time': return byTime(queue, goal.timestamp);
    case 'offset': return goal.offset;
    case 'by':
      if (committedOffset === null) {
        throw new MqliteError('INVALID_INPUT', `queue ${queue.queueId} of ${queue.topic} has no committed offset to count from`, { hint: 'Use first, last, @TIME or an offset, or name other queues with --queue.' });
      }
      return committedOffset + goal.delta;
  }
}

/** One entry per queue of the topic, or of those named. Errors: NOT_FOUND for a queue that is none, INVALID_INPUT. */
export async function planReset(broker: Broker, group: string, topic: string, goal: ResetGoal, queueIds: readonly number[]): Promise<PlannedReset[]> {
  const offsets = await broker.committedOffsets(group, topic);
  const missing = queueIds.find((queueId) => !offsets.some(({ queue }) => queue.queueId === queueId));
  if (missing !== undefined) {
    throw new MqliteError('NOT_FOUND', `topic "${topic}" has no queue ${missing}`, { hint: `It has the queues ${[...new Set(offsets.map(({ queue }) => queue.queueId))].join(', ')}.` });
  }
  const chosen = queueIds.length === 0 ? offsets : offsets.filter(({ queue }) => queueIds.includes(queue.queueId));
  const planned: PlannedReset[] = [];
  for (const offset of chosen) planned.push(await planQueue(group, offset, goal, async (queue, timestamp) => broker.offsetByTime(queue, timestamp, 'lower')));
  return planned;
}

/**
 * Applies a plan, one group after the other, and reads it back. A live member may have gone on from the new offset by then, so with
 * members only an offset below the planned one counts as wrong. Error: VERDICT naming the queues that are not as planned.
 */
export async function applyResets(broker: Broker, resets: readonly PlannedReset[]): Promise<void> {
  const wrong: string[] = [];
  const nameOf = queueNamer(resets.map(({ queue }) => queue));
  for (const group of new Set(resets.map((reset) => reset.group))) {
    const ofGroup = resets.filter((reset) => reset.group === group);
    await broker.resetOffsets(group, ofGroup.map(({ queue, targetOffset }) => ({ queue, offset: targetOffset })));
    const isLive = (await broker.listMembers(group)).length > 0;
    for (const topic of new Set(ofGroup.map(({ queue }) => queue.topic))) {
      const offsets = await broker.committedOffsets(group, topic);
      for (const { queue, targetOffset } of ofGroup.filter((reset) => reset.queue.topic === topic)) {
        const now = offsets.find((offset) => sameQueue(offset.queue, queue))?.committedOffset ?? null;
        if (now === targetOffset || (isLive && now !== null && now > targetOffset)) continue;
        wrong.push(`${group} ${topic} ${nameOf(queue)} is at ${now ?? 'no offset'} instead of ${targetOffset}`);
      }
    }
  }
  if (wrong.length > 0) {
    throw new MqliteError('VERDICT', `the reset was not kept: ${wrong.join('; ')}`, { hint: 'Another process commits for the group; stop it and reset again.' });
  }
}

export async function resetTable(resets: readonly PlannedReset[], style: TableStyle): Promise<string> {
  const columns = [
    { title: 'GROUP' }, { title: 'TOPIC' }, { title: 'QUEUE', align: 'right' }, { title: 'COMMITTED', align: 'right' }, { title: 'NEW', align: 'right' },
    { title: 'CHANGE', align: 'right' }, { title: 'LAG AFTER', align: 'right' }, { title: 'NOTE' },
  ] as const;
  const rows = resets.map(({ group, queue, committedOffset, targetOffset, minOffset, maxOffset, clamped }) => [
    group, queue.topic, queue.queueId, committedOffset ?? '-', targetOffset, committedOffset === null ? '-' : signed(targetOffset - committedOffset), maxOffset - targetOffset,
    clamped ? `kept inside ${minOffset} to ${maxOffset}` : '',
  ]);
  return renderQueueTable(columns, rows, resets.map(({ queue }) => queue.brokerName), style);
}

function signed(delta: number): string {
  return delta > 0 ? `+${delta}` : String(delta);
}
