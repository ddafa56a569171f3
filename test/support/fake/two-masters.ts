import type {
  CommittedOffset, KeyQuery, MessageQueue, OffsetBoundary, OffsetCommit, OutgoingMessage, PullRequest, PullResult, QueryResult, SendOptions, SendResult, TopicDescription,
} from '../../../src/broker/types.ts';
import type { Message } from '../../../src/record/message.ts';
import { FakeBroker } from '../fake-broker.ts';
import type { FakeBrokerOptions } from '../fake-broker.ts';
import { FAKE_BROKER_NAME } from './store.ts';

export const OTHER_BROKER = 'broker-b';

/** The port in memory as a cluster of two masters: the later half of a topic's queues is that of broker-b, which numbers them from 0. Sending takes the number among all of them. */
export class TwoMasters extends FakeBroker {
  constructor(options: FakeBrokerOptions = {}) {
    super({ kind: 'remote', target: 'n:9876', ...options });
  }

  override async queues(topic: string): Promise<MessageQueue[]> {
    return (await super.queues(topic)).map((queue) => this.#outer(queue));
  }

  override async describeTopic(topic: string): Promise<TopicDescription> {
    const described = await super.describeTopic(topic);
    return { ...described, queues: described.queues.map((stats) => ({ ...stats, queue: this.#outer(stats.queue) })) };
  }

  override async committedOffsets(group: string, topic?: string): Promise<CommittedOffset[]> {
    return (await super.committedOffsets(group, topic)).map((offset) => ({ ...offset, queue: this.#outer(offset.queue) }));
  }

  override resetOffsets(group: string, offsets: readonly OffsetCommit[]): Promise<void> {
    return super.resetOffsets(group, offsets.map(({ queue, offset }) => ({ queue: this.#inner(queue), offset })));
  }

  override minOffset(queue: MessageQueue): Promise<number> {
    return super.minOffset(this.#inner(queue));
  }

  override maxOffset(queue: MessageQueue): Promise<number> {
    return super.maxOffset(this.#inner(queue));
  }

  override offsetByTime(queue: MessageQueue, timestamp: number, boundary: OffsetBoundary): Promise<number> {
    return super.offsetByTime(this.#inner(queue), timestamp, boundary);
  }

  override async pull(request: PullRequest): Promise<PullResult<Message>> {
    const result = await super.pull({ ...request, queue: this.#inner(request.queue) });
    return { ...result, messages: result.messages.map((message) => ({ ...message, ...this.#outer(message) })) };
  }

  override async queryByKey(query: KeyQuery): Promise<QueryResult<Message>> {
    const result = await super.queryByKey(query);
    return { ...result, messages: result.messages.map((message) => ({ ...message, ...this.#outer(message) })) };
  }

  override async send(message: OutgoingMessage, options?: SendOptions): Promise<SendResult> {
    const result = await super.send(message, options);
    return { ...result, ...this.#outer(result) };
  }

  #half(topic: string): number {
    return this.store.topics.get(topic)!.queues.length / 2;
  }

  #outer({ topic, queueId }: MessageQueue): MessageQueue {
    const half = this.#half(topic);
    return queueId < half ? { topic, brokerName: FAKE_BROKER_NAME, queueId } : { topic, brokerName: OTHER_BROKER, queueId: queueId - half };
  }

  #inner({ topic, brokerName, queueId }: MessageQueue): MessageQueue {
    return { topic, brokerName: FAKE_BROKER_NAME, queueId: brokerName === OTHER_BROKER ? queueId + this.#half(topic) : queueId };
  }
}
