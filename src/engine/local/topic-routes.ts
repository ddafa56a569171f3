import { javaHashCode } from '../../base/java-hash.ts';
import { MqliteError } from '../../broker/errors.ts';
import { isRetryTopic } from '../../broker/retry-topics.ts';
import type { TopicConfig } from '../../broker/types.ts';
import type { StoreWriter } from '../write/store-writer.ts';
import type { RoutableMessage } from '../../broker/prepare-message.ts';

const PERM_WRITE = 2;
/** Of a retry topic that is sent to before it exists, as a broker without automatic creation makes it. [AbstractSendMessageProcessor#msgCheck] */
const RETRY_QUEUES = { readQueueNums: 1, writeQueueNums: 1 };

interface Route {
  readonly config: TopicConfig;
  next: number;
}

/** Chooses queues, and makes topics that are not there. Used under the write lock. */
export class TopicRoutes {
  readonly #writer: StoreWriter;
  readonly #random: () => number;
  readonly #onTopicCreated: (topic: string) => void;
  #routes = new Map<string, Route>();
  #generation = -1;

  constructor(writer: StoreWriter, random: () => number, onTopicCreated: (topic: string) => void) {
    this.#writer = writer;
    this.#random = random;
    this.#onTopicCreated = onTopicCreated;
  }

  isKnown(topic: string): boolean {
    return this.#routes.has(topic);
  }

  /** Sets the message's queue. Throws TOPIC_NOT_FOUND, NOT_FOUND, PERMISSION_DENIED, INVALID_INPUT. */
  route(message: RoutableMessage): void {
    const { topicsGeneration } = this.#writer.state;
    if (this.#generation !== topicsGeneration) {
      this.#routes.clear();
      this.#generation = topicsGeneration;
    }
    const route = this.#routes.get(message.topic) ?? this.#load(message.topic, message.mayCreateTopic);
    const count = route.config.writeQueueNums;
    message.queueId = message.wantedQueueId !== undefined ? checkQueue(message.topic, message.wantedQueueId, count) : this.#choose(route, message.shardingKey, count);
  }

  /** Java takes the remainder first, so that the hash Integer.MIN_VALUE is harmless. [SelectMessageQueueByHash#select] */
  #choose(route: Route, shardingKey: string | undefined, count: number): number {
    return shardingKey === undefined ? route.next++ % count : Math.abs(javaHashCode(shardingKey) % count);
  }

  #load(topic: string, mayCreate: boolean): Route {
    const { topics } = this.#writer.tables;
    let config = topics.get(topic);
    if (config === null) {
      if (!mayCreate) throw new MqliteError('TOPIC_NOT_FOUND', `topic ${topic} does not exist`, { hint: `make it with "mqlite topics create ${topic}"` });
      config = topics.create(topic, isRetryTopic(topic) ? RETRY_QUEUES : {});
      this.#writer.bumpTopicsGeneration();
      this.#generation = this.#writer.state.topicsGeneration;
      this.#onTopicCreated(topic);
    }
    if ((config.perm & PERM_WRITE) === 0 || config.writeQueueNums === 0) {
      throw new MqliteError('PERMISSION_DENIED', `topic ${topic} does not allow writing (perm ${config.perm})`, { hint: `change it with "mqlite topics alter ${topic} --perm 6"` });
    }
    if (config.attributes['queue.type'] === 'BatchCQ') {
      throw new MqliteError('UNSUPPORTED', `topic ${topic} has batch queues (queue.type=BatchCQ), which mqlite reads but does not write`);
    }
    const route = { config, next: Math.floor(this.#random() * config.writeQueueNums) };
    this.#routes.set(topic, route);
    return route;
  }
}

/** Errors: INVALID_INPUT for what is no number of a queue, NOT_FOUND. */
export const checkQueue = (topic: string, queueId: number, count: number): number => {
  if (Number.isSafeInteger(queueId) && queueId >= 0 && queueId < count) return queueId;
  const isNumber = Number.isSafeInteger(queueId) && queueId >= 0;
  throw new MqliteError(isNumber ? 'NOT_FOUND' : 'INVALID_INPUT', `topic ${topic} has no queue ${queueId} to write to`, { hint: `its queues are 0 to ${count - 1}` });
};
