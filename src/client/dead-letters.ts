import type { Clock } from '../base/clock.ts';
import { CodecError } from '../base/codec-error.ts';
import type { Broker } from '../broker/broker.ts';
import { MqliteError } from '../broker/errors.ts';
import { DLQ_READER_GROUP, DLQ_TOPIC_PREFIX, dlqTopicOf, isDlqTopic } from '../broker/retry-topics.ts';
import type { CommittedOffset, DamageReport } from '../broker/types.ts';
import type { Message } from '../record/message.ts';
import { browse } from './browse.ts';
import type { BrowseRequest } from './browse.ts';
import type { Position } from './positions.ts';

export interface DeadLetterRequest {
  readonly group: string;
  /** Absent: after the purged ones. */
  readonly from?: Position | undefined;
  readonly to?: Position | undefined;
  readonly filter?: BrowseRequest['filter'];
  readonly key?: string | undefined;
  readonly grep?: RegExp | undefined;
  readonly signal: AbortSignal;
  readonly onDamage: (report: DamageReport) => void;
}

const SUSPEND_MS = 0;

/** Groups that have a topic for dead letters. */
export const dlqGroups = async (broker: Broker): Promise<string[]> =>
  (await broker.listTopics()).map(({ topic }) => topic).filter(isDlqTopic).map((topic) => topic.slice(DLQ_TOPIC_PREFIX.length));

/** How far the dead letters of a topic are purged; empty when none ever were. */
export async function purgedOffsets(broker: Broker, topic: string): Promise<CommittedOffset[]> {
  try {
    return await broker.committedOffsets(DLQ_READER_GROUP, topic);
  } catch (error) {
    if (error instanceof MqliteError && error.code === 'GROUP_NOT_FOUND') return [];
    throw error;
  }
}

/** The dead letters of a group as they are now, in batches, oldest first. None when it has no dead-letter topic. */
export async function* deadLetters(broker: Broker, clock: Clock, request: DeadLetterRequest): AsyncGenerator<readonly Message[], void, undefined> {
  const topic = dlqTopicOf(request.group);
  if (!(await hasTopic(broker, topic))) return;
  const { from, to, filter, signal, onDamage } = request;
  const committed = await purgedOffsets(broker, topic);
  for await (const batch of browse(broker, clock, { topics: [topic], from: from ?? { at: 'committed' }, to, committed, untilEnd: true, filter, suspendMs: SUSPEND_MS, signal, onDamage })) {
    const kept = batch.filter((message) => isWanted(message, request));
    if (kept.length > 0) yield kept;
  }
}

const isWanted = (message: Message, { key, grep }: DeadLetterRequest): boolean =>
  (key === undefined || message.keys.includes(key)) && (grep === undefined || matches(message, grep));

/** A body that cannot be read cannot be ruled out either: whoever uses it says what is wrong with it. */
function matches(message: Message, grep: RegExp): boolean {
  try {
    return grep.test(message.body.toString('utf8'));
  } catch (error) {
    if (error instanceof CodecError) return true;
    throw error;
  }
}

const hasTopic = async (broker: Broker, topic: string): Promise<boolean> => (await broker.listTopics()).some((config) => config.topic === topic);

/** The dead letters of one group in numbers. */
export interface DeadLetterCount {
  readonly group: string;
  readonly topic: string;
  readonly count: number;
  /** Of the oldest and the newest that is counted. */
  readonly oldestStoreTimestamp: number | null;
  readonly newestStoreTimestamp: number | null;
}

/** null: the group has none that were not purged. */
export async function countDeadLetters(broker: Broker, group: string): Promise<DeadLetterCount | null> {
  const topic = dlqTopicOf(group);
  const { queues } = await broker.describeTopic(topic);
  const purged = await purgedOffsets(broker, topic);
  let count = 0;
  const oldest: number[] = [];
  const newest: number[] = [];
  for (const { queue, minOffset, maxOffset, lastStoreTimestamp } of queues) {
    const start = Math.max(minOffset, purged.find((row) => row.queue.queueId === queue.queueId && row.queue.brokerName === queue.brokerName)?.committedOffset ?? minOffset);
    if (start >= maxOffset) continue;
    count += maxOffset - start;
    if (lastStoreTimestamp !== null) newest.push(lastStoreTimestamp);
    const [first] = (await broker.pull({ queue, offset: start, maxMessages: 1 })).messages;
    if (first !== undefined) oldest.push(first.storeTimestamp);
  }
  if (count === 0) return null;
  return { group, topic, count, oldestStoreTimestamp: oldest.length === 0 ? null : Math.min(...oldest), newestStoreTimestamp: newest.length === 0 ? null : Math.max(...newest) };
}
