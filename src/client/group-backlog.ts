import type { Clock } from '../base/clock.ts';
import type { Broker } from '../broker/broker.ts';
import { queueKey } from '../broker/queue-key.ts';
import type { CommittedOffset, MemberInfo } from '../broker/types.ts';
import { formatDuration } from '../text/numbers.ts';
import { resolvePosition } from './positions.ts';

export interface BacklogJson {
  /** Messages not consumed; null when it cannot be known, here and below. */
  readonly lag: number | null;
  readonly lagBytes: number | null;
  /** Age of the oldest of them. */
  readonly lagMs: number | null;
  /** Messages stored in a second. */
  readonly inPerSecond: number | null;
}

export interface GroupTopicJson extends BacklogJson {
  readonly topic: string;
  readonly queues: number;
}

export interface GroupBacklogJson extends BacklogJson {
  readonly topics: readonly GroupTopicJson[];
  /** Messages consumed in a second. */
  readonly outPerSecond: number | null;
  /** empty; shrinking, and then gone in so many seconds; growing, or staying as it is; unknown. */
  readonly backlog: 'empty' | 'shrinking' | 'growing' | 'unknown';
  readonly goneInSeconds: number | null;
}

export interface InstanceJson {
  readonly instance: string;
  /** The live member that consumes as it; null when there is none. */
  readonly clientId: string | null;
  readonly lag: number | null;
  readonly lagBytes: number | null;
  readonly lagMs: number | null;
  readonly topics: readonly Omit<GroupTopicJson, 'inPerSecond'>[];
}

/** How far each instance of a broadcasting group is behind: those with offsets, and live ones that have committed nothing yet. */
export async function measureInstances(broker: Broker, clock: Clock, group: string, members: readonly MemberInfo[]): Promise<InstanceJson[]> {
  const living = new Map(members.flatMap(({ instance, clientId }) => (instance === null ? [] : [[instance, clientId] as const])));
  const known = await broker.broadcastOffsets(group);
  const without = [...living.keys()].filter((instance) => known.every((progress) => progress.instance !== instance));
  const all = [...known, ...without.map((instance) => ({ instance, offsets: [] }))].sort((left, right) => (left.instance < right.instance ? -1 : 1));
  return Promise.all(all.map(async ({ instance, offsets }): Promise<InstanceJson> => {
    const topics = await Promise.all([...rowsByTopic(offsets)].map(async ([topic, rows]) =>
      ({ topic, queues: rows.length, lag: totalLag(rows), lagBytes: await lagBytes(broker, rows), lagMs: lagMs(rows, clock.nowMs()) })));
    const isKnown = topics.length > 0;
    return {
      instance, clientId: living.get(instance) ?? null, topics,
      lag: isKnown ? sum(topics.map(({ lag }) => lag)) : null, lagBytes: isKnown ? sum(topics.map((topic) => topic.lagBytes)) : null, lagMs: isKnown ? greatest(topics.map((topic) => topic.lagMs)) : null,
    };
  }));
}

export function rowsByTopic(offsets: readonly CommittedOffset[]): Map<string, CommittedOffset[]> {
  const byTopic = new Map<string, CommittedOffset[]>();
  for (const offset of offsets) byTopic.set(offset.queue.topic, [...(byTopic.get(offset.queue.topic) ?? []), offset]);
  return byTopic;
}

/** Without two samples, what came in is counted over this time. */
const WINDOW_MS = 60_000;

/**
 * How far a group is behind, and where that goes. Rates are measured by two samples `sampleMs` apart; with 0 what came in is counted
 * over the last minute, and what went out is what the live members say they commit: unknown when one of them, or nobody, says so.
 */
export async function measureBacklog(broker: Broker, clock: Clock, group: string, members: readonly MemberInfo[], sampleMs: number, signal: AbortSignal): Promise<GroupBacklogJson> {
  const before = sampleMs > 0 ? await offsetsOf(broker, group, members) : null;
  const startedMs = clock.nowMs();
  if (before !== null) await clock.sleep(sampleMs, signal);
  const offsets = await offsetsOf(broker, group, members);
  const sample = before === null ? null : { before: new Map(before.map((row) => [queueKey(row.queue), row])), seconds: Math.max(1, clock.nowMs() - startedMs) / 1000 };

  const topics: GroupTopicJson[] = [];
  for (const [topic, rows] of rowsByTopic(offsets)) {
    const inPerSecond = sample === null ? await storedPerSecond(broker, rows, clock.nowMs()) : perSecond(rows, sample, ({ maxOffset }) => maxOffset);
    topics.push({ topic, queues: rows.length, lag: totalLag(rows), lagBytes: await lagBytes(broker, rows), lagMs: lagMs(rows, clock.nowMs()), inPerSecond });
  }
  const total = (of: (topic: GroupTopicJson) => number | null): number | null => (topics.length === 0 ? null : sum(topics.map(of)));
  const lag = total((topic) => topic.lag);
  const inPerSecond = total((topic) => topic.inPerSecond);
  const outPerSecond = sample === null ? committedPerSecond(members) : perSecond(offsets, sample, ({ committedOffset }) => committedOffset);
  return {
    lag, lagBytes: total((topic) => topic.lagBytes), lagMs: lag === null ? null : greatest(topics.map((topic) => topic.lagMs)), inPerSecond, outPerSecond, topics, ...outlook(lag, inPerSecond, outPerSecond),
  };
}

/** Of every topic that the group has offsets on, and of those its live members read without having committed anything yet. */
export async function offsetsOf(broker: Broker, group: string, members: readonly MemberInfo[]): Promise<CommittedOffset[]> {
  const offsets = await broker.committedOffsets(group);
  const subscribed = new Set(members.filter(({ messageModel }) => messageModel === 'clustering').flatMap(({ subscriptions }) => subscriptions.map(({ topic }) => topic)));
  for (const { queue } of offsets) subscribed.delete(queue.topic);
  return [...offsets, ...(await Promise.all([...subscribed].map((topic) => broker.committedOffsets(group, topic)))).flat()];
}

/** Where a backlog goes, from its size and the two rates. */
export function outlook(lag: number | null, inPerSecond: number | null, outPerSecond: number | null): Pick<GroupBacklogJson, 'backlog' | 'goneInSeconds'> {
  if (lag === 0) return { backlog: 'empty', goneInSeconds: 0 };
  if (lag === null || inPerSecond === null || outPerSecond === null) return { backlog: 'unknown', goneInSeconds: null };
  if (outPerSecond <= inPerSecond) return { backlog: 'growing', goneInSeconds: null };
  return { backlog: 'shrinking', goneInSeconds: round(lag / (outPerSecond - inPerSecond)) };
}

/** A backlog's outlook in words. */
export function backlogText({ backlog, goneInSeconds }: Pick<GroupBacklogJson, 'backlog' | 'goneInSeconds'>): string {
  switch (backlog) {
    case 'empty': return 'none';
    case 'shrinking': return `gone in about ${formatDuration(goneInSeconds! * 1000)}`;
    case 'growing': return 'does not go away at these rates';
    case 'unknown': return 'unknown';
  }
}

/**
 * Lag of several queues together. A queue without a committed offset counts nothing when it is empty, wherever its reader would
 * begin; when it holds messages, the whole is unknown (null): never 0.
 */
export function totalLag(offsets: readonly CommittedOffset[]): number | null {
  let total = 0;
  for (const { lag, minOffset, maxOffset } of offsets) {
    if (lag === null && minOffset !== maxOffset) return null;
    total += lag ?? 0;
  }
  return total;
}

async function lagBytes(broker: Broker, rows: readonly CommittedOffset[]): Promise<number | null> {
  if (totalLag(rows) === null) return null;
  return sum(await Promise.all(rows.map(async ({ queue, committedOffset, lag }) => (committedOffset === null || lag === 0 ? 0 : broker.backlogBytes(queue, committedOffset)))));
}

/** Age in ms of the oldest message that is not consumed; 0 when there is none, null when it cannot be known. */
export function lagMs(rows: readonly CommittedOffset[], nowMs: number): number | null {
  if (totalLag(rows) === null) return null;
  return greatest(rows.map(({ lag, nextStoreTimestamp }) => (lag === null || lag === 0 ? 0 : nextStoreTimestamp === null ? null : Math.max(0, nowMs - nextStoreTimestamp))));
}

async function storedPerSecond(broker: Broker, rows: readonly CommittedOffset[], nowMs: number): Promise<number> {
  const starts = await resolvePosition(broker, rows.map(({ queue }) => queue), { at: 'time', timestamp: nowMs - WINDOW_MS });
  return round(rows.reduce((count, { maxOffset }, index) => count + Math.max(0, maxOffset - starts[index]!), 0) / (WINDOW_MS / 1000));
}

function committedPerSecond(members: readonly MemberInfo[]): number | null {
  return members.length === 0 ? null : sum(members.map(({ consumedPerSecond }) => consumedPerSecond));
}

interface Sample {
  readonly before: ReadonlyMap<string, CommittedOffset>;
  readonly seconds: number;
}

function perSecond(rows: readonly CommittedOffset[], { before, seconds }: Sample, offsetOf: (row: CommittedOffset) => number | null): number {
  const gained = rows.map((row) => {
    const earlier = before.get(queueKey(row.queue));
    return Math.max(0, (offsetOf(row) ?? 0) - ((earlier === undefined ? null : offsetOf(earlier)) ?? offsetOf(row) ?? 0));
  });
  return round(gained.reduce((total, count) => total + count, 0) / seconds);
}

/** What one of them does not know, nobody knows of all. */
export function sum(values: readonly (number | null)[]): number | null {
  return values.reduce((total: number | null, value) => (total === null || value === null ? null : round(total + value)), 0);
}

export function greatest(values: readonly (number | null)[]): number | null {
  return values.reduce((most: number | null, value) => (most === null || value === null ? null : Math.max(most, value)), 0);
}

/** To three decimals. */
export function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
