import type { Clock } from '../base/clock.ts';
import type { Broker } from '../broker/broker.ts';
import { MqliteError } from '../broker/errors.ts';
import { isGone } from '../broker/gone.ts';
import { queueKey } from '../broker/queue-key.ts';
import type { CommittedOffset, DamageReport, MessageFilter, MessageQueue } from '../broker/types.ts';
import type { Message } from '../record/message.ts';
import type { Position } from './positions.ts';
import { resolvePosition } from './positions.ts';
import type { QueueSpan } from './queue-merger.ts';
import { QueueMerger } from './queue-merger.ts';

export interface BrowseRequest {
  /** Empty: every topic that is not a system topic, also those made later. */
  readonly topics: readonly string[];
  /** Only the queues of this number. */
  readonly queueId?: number | undefined;
  readonly from: Position;
  /** First place not wanted. */
  readonly to?: Position | undefined;
  /** Stop at the end as it is now. */
  readonly untilEnd: boolean;
  readonly filter?: MessageFilter | undefined;
  /** Stop when nothing came for this long, in ms. */
  readonly idleTimeoutMs?: number | undefined;
  /** How long one wait for messages lasts, in ms. */
  readonly suspendMs: number;
  readonly signal: AbortSignal;
  readonly onDamage: (report: DamageReport) => void;
  /** Of a follower: a broker cannot be reached. It goes on with the others, and with this one when it is back; told once each time. Absent: that ends it. */
  readonly onGone?: ((error: MqliteError) => void) | undefined;
  /** Most messages wanted in the next batch, asked before each. */
  readonly batchLimit?: () => number;
  /** Of the group whose progress `committed` means. */
  readonly committed?: readonly CommittedOffset[] | undefined;
}

const BATCH = 4096;
/** How often a follower looks for new queues and topics, in ms. */
const QUEUE_CHECK_MS = 1000;
/** Between two attempts at a broker that is gone, in ms. */
const GONE_MS = 1000;

/** Those that are looked at where none is named: all but RocketMQ's own. What is tried again and what was given up are users' messages, too. */
export const topicsOfUsers = async (broker: Broker): Promise<string[]> => (await broker.listTopics()).filter(({ system }) => !system).map(({ topic }) => topic);

/** All queues of the topics. Errors: those of the broker (TOPIC_NOT_FOUND); NOT_FOUND when no topic has the queue. */
export async function queuesOf(broker: Broker, topics: readonly string[], queueId: number | undefined): Promise<MessageQueue[]> {
  const names = topics.length > 0 ? [...new Set(topics)] : await topicsOfUsers(broker);
  const all = (await Promise.all(names.map((topic) => broker.queues(topic)))).flat();
  if (queueId === undefined) return all;
  const chosen = all.filter((queue) => queue.queueId === queueId);
  if (chosen.length === 0 && topics.length > 0) {
    throw new MqliteError('NOT_FOUND', `${topics.join(', ')}: there is no queue ${queueId}`, { hint: `The queues are ${summarizeIds(all)}.` });
  }
  return chosen;
}

function summarizeIds(queues: readonly MessageQueue[]): string {
  const ids = [...new Set(queues.map((queue) => queue.queueId))].sort((left, right) => left - right);
  return ids.length === 0 ? 'none' : `${ids[0]} to ${ids.at(-1)}`;
}

/** Where each queue starts and ends. The end of a follower is Infinity. */
export async function resolveSpans(broker: Broker, queues: readonly MessageQueue[], request: BrowseRequest): Promise<QueueSpan[]> {
  const ends = await resolveEnds(broker, queues, request);
  const starts = await resolvePosition(broker, queues, request.from, request.committed);
  return queues.map((queue, index) => ({ queue, start: starts[index]!, end: ends[index]! }));
}

async function resolveEnds(broker: Broker, queues: readonly MessageQueue[], request: BrowseRequest): Promise<number[]> {
  const to = request.to === undefined ? undefined : await resolvePosition(broker, queues, request.to, request.committed);
  const now = request.untilEnd ? await resolvePosition(broker, queues, { at: 'last' }) : undefined;
  return queues.map((_, index) => Math.min(to?.[index] ?? Infinity, now?.[index] ?? Infinity));
}

/**
 * The messages of topics as one stream of batches, in the order of the commit log (remotely: of store time), each queue in its order.
 * Joins no group and writes nothing. Ends at the resolved end, after the idle timeout, or when the signal aborts.
 */
export async function* browse(broker: Broker, clock: Clock, request: BrowseRequest): AsyncGenerator<readonly Message[], void, undefined> {
  const queues = await queuesOf(broker, request.topics, request.queueId);
  const { filter, suspendMs, onDamage, signal } = request;
  const merger = new QueueMerger({ broker, clock, filter, suspendMs, onDamage, signal }, await resolveSpans(broker, queues, request));
  const following = !request.untilEnd && request.to === undefined;
  const queuesNow = new FollowedQueues(broker, merger, request);
  let checkedAtMs = clock.elapsedMs();
  let lastMessageAtMs = checkedAtMs;
  let isTold = false;
  try {
    while (!request.signal.aborted) {
      const nowMs = clock.elapsedMs();
      const idleMs = request.idleTimeoutMs === undefined ? Infinity : request.idleTimeoutMs - (nowMs - lastMessageAtMs);
      const waitMs = Math.max(0, Math.min(suspendMs, idleMs, following ? QUEUE_CHECK_MS : Infinity));
      const limit = Math.min(BATCH, request.batchLimit?.() ?? BATCH);
      if (limit <= 0) return;
      let batch: readonly Message[] | null;
      try {
        if (following && nowMs - checkedAtMs >= QUEUE_CHECK_MS) {
          checkedAtMs = nowMs;
          await queuesNow.update();
        }
        batch = await nextOrSleep(merger, clock, request.signal, limit, waitMs, following);
        isTold = false;
      } catch (error) {
        if (!following || request.onGone === undefined || idleMs <= 0 || !isGone(error)) throw error;
        if (!isTold) request.onGone(error);
        isTold = true;
        await clock.sleep(Math.min(GONE_MS, idleMs), request.signal);
        continue;
      }
      if (batch === null) return;
      if (batch.length > 0) {
        yield batch;
        lastMessageAtMs = clock.elapsedMs();
      } else if (idleMs <= 0) {
        return;
      }
    }
  } finally {
    merger.close();
  }
}

/** A follower without any queue yet has nothing to wait on but time. */
async function nextOrSleep(
  merger: QueueMerger, clock: Clock, signal: AbortSignal, limit: number, waitMs: number, following: boolean,
): Promise<readonly Message[] | null> {
  const batch = await merger.next(limit, waitMs);
  if (batch !== null || !following) return batch;
  await clock.sleep(waitMs, signal);
  return [];
}

/** The queues of a follower: topics and queues come, and go with brokers that are gone. */
class FollowedQueues {
  readonly #broker: Broker;
  readonly #merger: QueueMerger;
  readonly #request: BrowseRequest;
  /** Where queues that went go on when they are back. */
  readonly #left = new Map<string, number>();

  constructor(broker: Broker, merger: QueueMerger, request: BrowseRequest) {
    this.#broker = broker;
    this.#merger = merger;
    this.#request = request;
  }

  async update(): Promise<void> {
    const queues = await queuesOf(this.#broker, this.#request.topics, this.#request.queueId);
    const there = new Set(queues.map(queueKey));
    for (const { queue, offset } of this.#merger.progress()) {
      if (there.has(queueKey(queue))) continue;
      this.#left.set(queueKey(queue), offset);
      this.#merger.remove(queue);
    }
    const known = new Set(this.#merger.queues.map(queueKey));
    for (const queue of queues) if (!known.has(queueKey(queue))) this.#merger.add({ queue, start: await this.#startOf(queue), end: Infinity });
  }

  /** One that is shorter than it was is another one of the same name. */
  async #startOf(queue: MessageQueue): Promise<number> {
    const left = this.#left.get(queueKey(queue)) ?? 0;
    const minOffset = await this.#broker.minOffset(queue);
    return left > minOffset && left <= await this.#broker.maxOffset(queue) ? left : minOffset;
  }
}
