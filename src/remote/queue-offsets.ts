import { MqliteError } from '../broker/errors.ts';
import { validateTopicName } from '../broker/names.ts';
import type { MessageQueue, OffsetBoundary } from '../broker/types.ts';
import { GET_MAX_OFFSET, GET_MIN_OFFSET, SEARCH_OFFSET_BY_TIMESTAMP } from '../wire/requests/offsets.ts';
import type { Cluster } from './cluster.ts';
import type { SentOffsets } from './sent-offsets.ts';

/** Errors: TOPIC_NOT_FOUND, NOT_FOUND, INVALID_INPUT (the name); UNREACHABLE when its broker was there and is gone. A broker answers 0 for what it does not have. */
export const requireQueue = async (cluster: Cluster, { topic, brokerName, queueId }: MessageQueue): Promise<void> => {
  validateTopicName(topic);
  const data = (await cluster.route(topic)).queues.find((candidate) => candidate.brokerName === brokerName);
  if (data !== undefined && queueId >= 0 && queueId < Math.max(data.readQueueNums, data.writeQueueNums)) return;
  if (data === undefined) await cluster.requireRegistered(brokerName);
  throw new MqliteError('NOT_FOUND', `topic ${topic} has no queue ${queueId} on ${brokerName}`, { hint: `see "mqlite topics show ${topic}"` });
};

/** Where queues begin and end. */
export class QueueOffsets {
  readonly #cluster: Cluster;
  readonly #sent: SentOffsets;

  constructor(cluster: Cluster, sent: SentOffsets) {
    this.#cluster = cluster;
    this.#sent = sent;
  }

  async min(queue: MessageQueue): Promise<number> {
    await requireQueue(this.#cluster, queue);
    const { topic, brokerName, queueId } = queue;
    return (await this.#cluster.call(brokerName, GET_MIN_OFFSET, { topic, queueId, bname: brokerName }, null)).header.offset;
  }

  async max(queue: MessageQueue): Promise<number> {
    await requireQueue(this.#cluster, queue);
    const { topic, brokerName, queueId } = queue;
    const ask = async (): Promise<number> => (await this.#cluster.call(brokerName, GET_MAX_OFFSET, { topic, queueId, committed: true, bname: brokerName }, null)).header.offset;
    return this.#sent.settled(queue, ask, (offset) => offset);
  }

  /** Brokers answer for times outside of the queue what they please: it is kept inside here. */
  async byTime(queue: MessageQueue, timestamp: number, boundary: OffsetBoundary): Promise<number> {
    await requireQueue(this.#cluster, queue);
    const { topic, brokerName, queueId } = queue;
    const [minOffset, maxOffset] = await Promise.all([this.min(queue), this.max(queue)]);
    const { header: { offset } } = await this.#cluster.call(brokerName, SEARCH_OFFSET_BY_TIMESTAMP, { topic, queueId, timestamp, boundaryType: boundary, bname: brokerName }, null);
    const last = boundary === 'lower' ? maxOffset : Math.max(minOffset, maxOffset - 1);
    return Math.min(Math.max(offset, minOffset), last);
  }
}
