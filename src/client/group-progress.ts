import type { Clock } from '../base/clock.ts';
import type { Broker } from '../broker/broker.ts';
import type { CommittedOffset, MemberInfo } from '../broker/types.ts';
import { inParallel, inTurn, unlessGone } from './asking.ts';
import { greatest, lagMs, offsetsOf, outlook, round, rowsByTopic, sum, totalLag } from './group-backlog.ts';
import type { GroupBacklogJson } from './group-backlog.ts';
import { selectGroups } from './listing.ts';
import { queueKey } from '../broker/queue-key.ts';
import { KEPT_SAMPLES, perSecond, withSample } from './samples.ts';
import type { Sample } from './samples.ts';

/** Groups that are looked at each time: of more than that, each in its turn. On a cluster a group costs a request for each of its queues. */
const GROUPS_EACH_TIME = { local: 64, remote: 12 } as const;
/** Over so many ms a rate is measured: members commit every 5 s. */
const RATE_WINDOW_MS = 10_000;

/** A queue that a group reads. */
export interface QueueProgress {
  readonly offset: CommittedOffset;
  /** committedOffset and maxOffset over time. */
  readonly consumed: readonly Sample[];
  readonly stored: readonly Sample[];
  /** clientId of the live member that has it. */
  readonly owner: string | null;
}

export interface TopicProgress {
  readonly topic: string;
  /** Of a broadcasting group, whose offsets these are. */
  readonly instance: string | null;
  readonly queues: readonly QueueProgress[];
  /** Lag at each look, oldest first. */
  readonly lags: readonly (number | null)[];
}

export interface GroupProgress {
  readonly group: string;
  /** When it was looked at, by `Clock.elapsedMs` and by `Clock.nowMs`. */
  readonly atMs: number;
  readonly timestamp: number;
  /** Live ones. */
  readonly members: number;
  readonly topics: readonly TopicProgress[];
  readonly lags: readonly (number | null)[];
}

export interface GroupsProgress {
  readonly groups: readonly GroupProgress[];
  /** Groups that were not looked at yet. */
  readonly unseen: number;
}

/** How far behind, and where that goes. null: unknown. */
export interface Figures extends Pick<GroupBacklogJson, 'lag' | 'lagMs' | 'inPerSecond' | 'outPerSecond' | 'backlog' | 'goneInSeconds'> {}

/**
 * How far groups are, looked at again and again: rates come of what was there before, at most 64 groups are asked for each time (12 of a cluster).
 * @param names empty: every group that is not RocketMQ's own
 */
export async function followGroups(broker: Broker, clock: Clock, names: readonly string[], previous: GroupsProgress | null, signal: AbortSignal): Promise<GroupsProgress> {
  const chosen = names.length > 0 ? names : selectGroups(await broker.listGroups(), false).map(({ group }) => group);
  const before = new Map(previous?.groups.map((group) => [group.group, group]));
  const turn = inTurn(chosen, (name) => before.get(name)?.atMs, GROUPS_EACH_TIME[broker.kind]);
  const seen = new Map(await inParallel(turn, signal, async (group) => [group, await unlessGone(() => groupProgress(broker, clock, group, before.get(group)))] as const));
  const groups = chosen.flatMap((name) => {
    const progress = seen.has(name) ? seen.get(name) : before.get(name);
    return progress === undefined || progress === null ? [] : [progress];
  });
  return { groups, unseen: chosen.filter((name) => !seen.has(name) && !before.has(name)).length };
}

async function groupProgress(broker: Broker, clock: Clock, group: string, before: GroupProgress | undefined): Promise<GroupProgress> {
  const members = await broker.listMembers(group);
  const offsets = await offsetsOf(broker, group, members);
  // Only where there can be some: a cluster's are asked for queue by queue.
  const isBroadcasting = offsets.length === 0 || members.some(({ messageModel }) => messageModel === 'broadcasting');
  const instances = isBroadcasting ? await broker.broadcastOffsets(group) : [];
  const atMs = clock.elapsedMs();
  const topics = [
    ...[...rowsByTopic(offsets)].map(([topic, rows]) => topicProgress(topic, null, rows, members, before, atMs)),
    ...instances.flatMap(({ instance, offsets: rows }) => [...rowsByTopic(rows)].map(([topic, own]) => topicProgress(topic, instance, own, members, before, atMs))),
  ];
  const lag = topics.length === 0 ? null : sum(topics.map(({ lags }) => lags.at(-1) ?? null));
  return { group, atMs, timestamp: clock.nowMs(), members: members.length, topics, lags: withLag(before?.lags, lag) };
}

function topicProgress(topic: string, instance: string | null, rows: readonly CommittedOffset[], members: readonly MemberInfo[], group: GroupProgress | undefined, atMs: number): TopicProgress {
  const before = group?.topics.find((other) => other.topic === topic && other.instance === instance);
  const queues = new Map(before?.queues.map((queue) => [queueKey(queue.offset.queue), queue]));
  const owners = new Map(members.filter((member) => member.instance === instance).flatMap((member) => member.queues.map((queue) => [queueKey(queue), member.clientId] as const)));
  return {
    topic, instance, lags: withLag(before?.lags, totalLag(rows)),
    queues: rows.map((offset): QueueProgress => {
      const earlier = queues.get(queueKey(offset.queue));
      return {
        offset, owner: owners.get(queueKey(offset.queue)) ?? null,
        consumed: withSample(earlier?.consumed ?? [], { atMs, value: offset.committedOffset }),
        stored: withSample(earlier?.stored ?? [], { atMs, value: offset.maxOffset }),
      };
    }),
  };
}

function withLag(lags: readonly (number | null)[] | undefined, lag: number | null): readonly (number | null)[] {
  return [...(lags ?? []).slice(1 - KEPT_SAMPLES), lag];
}

export function queueFigures({ offset, consumed, stored }: QueueProgress, nowMs: number): Figures {
  // Nothing was ever committed, and nothing is being: that much is known.
  const outPerSecond = perSecond(consumed, RATE_WINDOW_MS) ?? (consumed.length > 1 && offset.committedOffset === null ? 0 : null);
  const inPerSecond = perSecond(stored, RATE_WINDOW_MS);
  return figures([offset], inPerSecond === null ? null : round(inPerSecond), outPerSecond === null ? null : round(outPerSecond), nowMs);
}

export function topicFigures({ queues }: TopicProgress, nowMs: number): Figures {
  const each = queues.map((queue) => queueFigures(queue, nowMs));
  return figures(queues.map(({ offset }) => offset), sum(each.map((one) => one.inPerSecond)), sum(each.map((one) => one.outPerSecond)), nowMs);
}

/** Of a group without offsets nothing is known. The instances of a broadcasting group each are behind on their own: together they have no rate. */
export function groupFigures({ topics }: GroupProgress, nowMs: number): Figures {
  const each = topics.map((topic) => topicFigures(topic, nowMs));
  const total = (of: (figures: Figures) => number | null): number | null => (each.length === 0 ? null : sum(each.map(of)));
  const lag = total((one) => one.lag);
  const [inPerSecond, outPerSecond] = [total((one) => one.inPerSecond), total((one) => one.outPerSecond)];
  return { lag, lagMs: lag === null ? null : greatest(each.map((one) => one.lagMs)), inPerSecond, outPerSecond, ...outlook(lag, inPerSecond, outPerSecond) };
}

function figures(offsets: readonly CommittedOffset[], inPerSecond: number | null, outPerSecond: number | null, nowMs: number): Figures {
  const lag = totalLag(offsets);
  return { lag, lagMs: lagMs(offsets, nowMs), inPerSecond, outPerSecond, ...outlook(lag, inPerSecond, outPerSecond) };
}
