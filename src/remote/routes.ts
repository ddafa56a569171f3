import type { MessageQueue } from '../broker/types.ts';
import type { BrokerData, QueueData, TopicRouteData } from '../wire/body/route.ts';

export const PERM_READ = 4;
export const PERM_WRITE = 2;
export const PERM_INHERIT = 1;
export const MASTER_ID = 0;

/** Where a topic's queues are, as the name server last said. */
export interface TopicRoute {
  readonly topic: string;
  /** By broker name. */
  readonly brokers: ReadonlyMap<string, BrokerData>;
  /** One for each broker that has the topic, in the order of their names. */
  readonly queues: readonly QueueData[];
  readonly isStatic: boolean;
}

export const toRoute = (topic: string, { brokerDatas, queueDatas, topicQueueMappingByBroker }: TopicRouteData): TopicRoute => ({
  topic,
  brokers: new Map(brokerDatas.map((broker) => [broker.brokerName, broker])),
  queues: [...queueDatas].sort((left, right) => (left.brokerName < right.brokerName ? -1 : 1)),
  isStatic: topicQueueMappingByBroker !== null && Object.keys(topicQueueMappingByBroker).length > 0,
});

const expand = (route: TopicRoute, count: (queue: QueueData) => number): MessageQueue[] =>
  route.queues.flatMap((data) => Array.from({ length: count(data) }, (_, queueId) => ({ topic: route.topic, brokerName: data.brokerName, queueId })));

/** By broker name and number. [MQClientInstance#topicRouteData2TopicSubscribeInfo] */
export const readableQueues = (route: TopicRoute): MessageQueue[] => expand(route, ({ perm, readQueueNums }) => ((perm & PERM_READ) === 0 ? 0 : readQueueNums));

/** Those of brokers whose master is there. [MQClientInstance#topicRouteData2TopicPublishInfo] */
export const writableQueues = (route: TopicRoute): MessageQueue[] =>
  expand(route, ({ perm, writeQueueNums, brokerName }) => ((perm & PERM_WRITE) === 0 || !(route.brokers.get(brokerName)?.brokerAddrs.has(MASTER_ID) ?? false) ? 0 : writeQueueNums));
