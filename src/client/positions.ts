import type { Broker } from '../broker/broker.ts';
import { MqliteError } from '../broker/errors.ts';
import { queueKey } from '../broker/queue-key.ts';
import type { CommittedOffset, MessageQueue } from '../broker/types.ts';

/** A place in a topic, before it is known for each queue. Times are epoch ms. */
export type Position =
  | { readonly at: 'first' }
  | { readonly at: 'last' }
  | { readonly at: 'committed' }
  | { readonly at: 'offset'; readonly offset: number }
  | { readonly at: 'lastN'; readonly count: number }
  | { readonly at: 'time'; readonly timestamp: number };

/** Messages of one pull while looking for the last N. */
const SCAN_PULL = 4096;
const SCAN_PULL_BYTES = 1 << 20;

/**
 * The queue offset that a position means in each queue: the first offset wanted when it is a start, the first one not wanted when
 * it is an end. `committed` needs `committed`. Errors: USAGE for `committed` without a group; those of the broker.
 */
export async function resolvePosition(
  broker: Broker, queues: readonly MessageQueue[], position: Position, committed?: readonly CommittedOffset[],
): Promise<number[]> {
  switch (position.at) {
    case 'first':
      return Promise.all(queues.map((queue) => broker.minOffset(queue)));
    case 'last':
      return Promise.all(queues.map((queue) => broker.maxOffset(queue)));
    case 'offset':
      return queues.map(() => position.offset);
    case 'time':
      return Promise.all(queues.map((queue) => offsetAtTime(broker, queue, position.timestamp)));
    case 'lastN':
      return lastN(broker, queues, position.count);
    case 'committed':
      return fromCommitted(broker, queues, committed);
  }
}

/** First message stored at or after the time; the end of the queue when there is none (a clamped answer would repeat the last one). */
async function offsetAtTime(broker: Broker, queue: MessageQueue, timestamp: number): Promise<number> {
  const [offset, maxOffset] = await Promise.all([broker.offsetByTime(queue, timestamp, 'lower'), broker.maxOffset(queue)]);
  if (offset !== maxOffset - 1) return offset;
  const { messages } = await broker.pull({ queue, offset, maxMessages: 1 });
  const last = messages[0];
  return last !== undefined && last.queueOffset === offset && last.storeTimestamp < timestamp ? maxOffset : offset;
}

async function fromCommitted(broker: Broker, queues: readonly MessageQueue[], committed: readonly CommittedOffset[] | undefined): Promise<number[]> {
  if (committed === undefined) throw new MqliteError('USAGE', '"committed" is a position of a group', { hint: 'Name the group with --group.' });
  const byQueue = new Map(committed.map((row) => [queueKey(row.queue), row.committedOffset]));
  return Promise.all(queues.map(async (queue) => byQueue.get(queueKey(queue)) ?? broker.minOffset(queue)));
}

/**
 * Starts such that exactly the newest `count` messages of all queues together follow. Of every queue the last `count` are looked at
 * (only their positions in the log are kept); the newest of all decide.
 */
async function lastN(broker: Broker, queues: readonly MessageQueue[], count: number): Promise<number[]> {
  const tails = await Promise.all(queues.map((queue) => queueTail(broker, queue, count)));
  const cursors = tails.map((tail) => tail.places.length);
  for (let taken = 0; taken < count; taken++) {
    let best = -1;
    for (let index = 0; index < tails.length; index++) {
      const cursor = cursors[index]!;
      if (cursor > 0 && (best < 0 || tails[index]!.places[cursor - 1]! > tails[best]!.places[cursors[best]! - 1]!)) best = index;
    }
    if (best < 0) break;
    cursors[best]!--;
  }
  return tails.map((tail, index) => tail.offsets[cursors[index]!] ?? tail.end);
}

interface QueueTail {
  /** Ascending queue offsets, and for each its place in the order of all queues. */
  readonly offsets: readonly number[];
  readonly places: readonly number[];
  readonly end: number;
}

async function queueTail(broker: Broker, queue: MessageQueue, count: number): Promise<QueueTail> {
  const [minOffset, end] = await Promise.all([broker.minOffset(queue), broker.maxOffset(queue)]);
  const offsets: number[] = [];
  const places: number[] = [];
  const local = broker.kind === 'local';
  for (let offset = Math.max(minOffset, end - count); offset < end;) {
    const result = await broker.pull({ queue, offset, maxMessages: Math.min(SCAN_PULL, end - offset), maxBytes: SCAN_PULL_BYTES });
    for (const message of result.messages) {
      if (message.queueOffset >= end) break;
      offsets.push(message.queueOffset);
      places.push(local ? message.commitLogOffset : message.storeTimestamp);
    }
    if (result.nextOffset <= offset) break;
    offset = result.nextOffset;
  }
  return { offsets, places, end };
}
