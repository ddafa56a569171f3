import { javaHashCode } from '../base/java-hash.ts';
import { MqliteError } from '../broker/errors.ts';
import { isRetryTopic } from '../broker/retry-topics.ts';
import type { MessageQueue } from '../broker/types.ts';
import type { Cluster } from './cluster.ts';
import type { Faults } from './faults.ts';
import { MASTER_ID, PERM_INHERIT, PERM_WRITE, writableQueues } from './routes.ts';
import type { TopicRoute } from './routes.ts';

/** Queues of a topic that is made by sending to it. [DefaultMQProducer#defaultTopicQueueNums] */
export const AUTO_CREATE_QUEUES = 4;

export interface WantedQueue {
  readonly topic: string;
  readonly queueId: number | undefined;
  readonly shardingKey: string | undefined;
  readonly avoidBroker: string | undefined;
  readonly onlyBroker?: string | undefined;
  readonly mayCreateTopic: boolean;
}

export interface ChosenQueue {
  readonly queue: MessageQueue;
  /** The topic is not there yet: the broker makes it. */
  readonly isNewTopic: boolean;
}

/** Chooses the queue of each message as the Java producer does. */
export class QueueChoice {
  readonly #cluster: Cluster;
  readonly #faults: Faults;
  readonly #random: () => number;
  readonly #next = new Map<string, number>();

  constructor(cluster: Cluster, faults: Faults, random: () => number = Math.random) {
    this.#cluster = cluster;
    this.#faults = faults;
    this.#random = random;
  }

  /** Errors: TOPIC_NOT_FOUND, PERMISSION_DENIED, NOT_FOUND (no such queue), INVALID_INPUT (no number of one), UNREACHABLE (no broker is registered); those of the name server. */
  async choose(wanted: WantedQueue): Promise<ChosenQueue> {
    const { topic, queueId, shardingKey } = wanted;
    const route = await this.#cluster.findRoute(topic);
    const isNewTopic = route === null && wanted.mayCreateTopic;
    // Where there is none, the cluster says why: of one whose brokers are all gone the name server knows no topic.
    const everywhere = isNewTopic ? await this.#newQueues(wanted) : writableQueues(await this.#cluster.route(topic));
    const queues = wanted.onlyBroker === undefined ? everywhere : everywhere.filter(({ brokerName }) => brokerName === wanted.onlyBroker);
    if (queues.length === 0) throw noQueue(topic, route);
    if (queueId !== undefined) {
      const queue = queues.find((candidate) => candidate.queueId === queueId);
      if (queue !== undefined) return { queue, isNewTopic };
      const isNumber = Number.isSafeInteger(queueId) && queueId >= 0;
      throw new MqliteError(isNumber ? 'NOT_FOUND' : 'INVALID_INPUT', `topic ${topic} has no queue ${queueId} to write to`, { hint: `its queues are 0 to ${Math.max(...queues.map((candidate) => candidate.queueId))}` });
    }
    // Java takes the remainder first, so that the hash Integer.MIN_VALUE is harmless. [SelectMessageQueueByHash#select]
    if (shardingKey !== undefined) return { queue: queues[Math.abs(javaHashCode(shardingKey) % queues.length)]!, isNewTopic };
    return { queue: this.#round(queues, wanted), isNewTopic };
  }

  /** One after the other from a random start; past brokers that are to be avoided, where there are others. */
  #round(queues: readonly MessageQueue[], { topic, avoidBroker }: WantedQueue): MessageQueue {
    const start = this.#next.get(topic) ?? Math.floor(this.#random() * queues.length);
    const at = (step: number): MessageQueue => queues[(start + step) % queues.length]!;
    const steps = queues.map((_, step) => step);
    const isOther = (step: number): boolean => at(step).brokerName !== avoidBroker;
    const step = steps.find((one) => isOther(one) && !this.#faults.isAvoided(at(one).brokerName)) ?? steps.find(isOther) ?? 0;
    this.#next.set(topic, (start + step + 1) % 0x7fff_ffff);
    return at(step);
  }

  /** Where a topic may come to be. [MQClientInstance#updateTopicRouteInfoFromNameServer] */
  async #newQueues({ topic }: WantedQueue): Promise<MessageQueue[]> {
    // A retry topic is made by every broker, whether it makes others or not. [AbstractSendMessageProcessor#msgCheck]
    if (isRetryTopic(topic)) return (await this.#cluster.masters()).map(({ brokerName }) => ({ topic, brokerName, queueId: 0 }));
    const template = await this.#cluster.autoCreateRoute();
    if (template === null) await this.#cluster.route(topic);
    return template!.queues
      .filter(({ perm, brokerName }) => (perm & PERM_INHERIT) !== 0 && template!.brokers.get(brokerName)?.brokerAddrs.has(MASTER_ID) === true)
      .flatMap(({ brokerName, writeQueueNums }) => Array.from({ length: Math.min(AUTO_CREATE_QUEUES, writeQueueNums) }, (_, queueId) => ({ topic, brokerName, queueId })));
  }
}

const noQueue = (topic: string, route: TopicRoute | null): MqliteError => {
  const perm = route?.queues.reduce((all, data) => all | data.perm, 0) ?? 0;
  if ((perm & PERM_WRITE) === 0) return new MqliteError('PERMISSION_DENIED', `topic ${topic} does not allow writing (perm ${perm})`, { hint: `change it with "mqlite topics alter ${topic} --perm 6"` });
  return new MqliteError('UNREACHABLE', `no broker that has topic ${topic} has a master at the moment`, { hint: 'Start a master again; its slaves can be read from.' });
};
