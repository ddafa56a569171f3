import { MqliteError } from '../broker/errors.ts';
import { isGone } from '../broker/gone.ts';
import { AUTO_CREATE_TOPIC, isSystemTopic, validateTopicName } from '../broker/names.ts';
import { validateAttributes } from '../broker/topic-attributes.ts';
import type { MessageQueue, QueueStats, TopicConfig, TopicDescription, TopicPatch } from '../broker/types.ts';
import { RESPONSE_CODE } from '../wire/codes.ts';
import type { TopicConfigBody } from '../wire/body/topic.ts';
import { attributesText, DELETE_TOPIC_IN_BROKER, GET_ALL_TOPIC_CONFIG, GET_TOPIC_CONFIG, GET_TOPIC_STATS_INFO, QUERY_TOPIC_CONSUME_BY_WHO, UPDATE_AND_CREATE_TOPIC } from '../wire/requests/topic-admin.ts';
import { GET_ALL_SUBSCRIPTIONGROUP_CONFIG } from '../wire/requests/group-admin.ts';
import { DELETE_TOPIC_IN_NAMESRV } from '../wire/requests/route.ts';
import { responseError } from '../wire/response-error.ts';
import { LIST_TIMEOUT_MS } from './client-settings.ts';
import type { Cluster, Master } from './cluster.ts';
import { toPortError } from './failures.ts';
import { readableQueues } from './routes.ts';
import type { SentOffsets } from './sent-offsets.ts';

const DEFAULT_QUEUES = 4;
const PERM_READ_WRITE = 6;
/** Each queue is a file and a long poll; a larger number is a typing mistake. */
const MAX_QUEUES = 65_536;

/** Topics of the cluster. Where brokers disagree about one, the largest numbers count; its queues are those of all of them. */
export class TopicAdmin {
  readonly #cluster: Cluster;

  readonly #sent: SentOffsets;

  constructor(cluster: Cluster, sent: SentOffsets) {
    this.#cluster = cluster;
    this.#sent = sent;
  }

  async list(): Promise<TopicConfig[]> {
    const masters = await this.#cluster.masters();
    const tables = await Promise.all(masters.map(async (master) => {
      const { body } = await this.#cluster.call(master.brokerName, GET_ALL_TOPIC_CONFIG, {}, null, { timeoutMs: LIST_TIMEOUT_MS });
      return Object.values(body.topicConfigTable).map((config) => toTopicConfig(config, masters));
    }));
    return mergeConfigs(tables.flat());
  }

  /** null: no broker has it. */
  async find(topic: string): Promise<TopicConfig | null> {
    const masters = await this.#cluster.masters();
    const found = await Promise.all(masters.map(({ brokerName }) => this.#configAt(brokerName, topic)));
    return mergeConfigs(found.filter((config) => config !== null).map((config) => toTopicConfig(config, masters)))[0] ?? null;
  }

  async require(topic: string): Promise<TopicConfig> {
    validateTopicName(topic);
    return await this.find(topic) ?? notFound(topic);
  }

  /** Errors: TOPIC_NOT_FOUND, INVALID_INPUT (the name). */
  async queues(topic: string): Promise<MessageQueue[]> {
    validateTopicName(topic);
    return readableQueues(await this.#cluster.route(topic));
  }

  async describe(topic: string): Promise<TopicDescription> {
    const config = await this.require(topic);
    const route = await this.#cluster.route(topic);
    const names = [...new Set(route.queues.map(({ brokerName }) => brokerName))];
    const [stats, groups] = await Promise.all([
      Promise.all(names.map((brokerName) => this.stats(brokerName, topic))),
      Promise.all(names.map((brokerName) => this.#groups(brokerName, topic))),
    ]);
    return { ...config, queues: stats.flat(), groups: [...new Set(groups.flat())].sort() };
  }

  /** Brokers of 5.3.3 put the topic's own name among its groups: it is left out where there is no group of that name. [ConsumerManager#registerConsumer] */
  async #groups(brokerName: string, topic: string): Promise<readonly string[]> {
    const { groupList } = (await this.#cluster.call(brokerName, QUERY_TOPIC_CONSUME_BY_WHO, { topic }, null)).body;
    if (!groupList.includes(topic)) return groupList;
    const { subscriptionGroupTable } = (await this.#cluster.call(brokerName, GET_ALL_SUBSCRIPTIONGROUP_CONFIG, {}, null, { timeoutMs: LIST_TIMEOUT_MS })).body;
    return topic in subscriptionGroupTable ? groupList : groupList.filter((group) => group !== topic);
  }

  /** Offsets of the topic's queues on one broker, by number. */
  async stats(brokerName: string, topic: string): Promise<QueueStats[]> {
    const { body } = await this.#sent.allSettled(topic, brokerName, () => this.#cluster.call(brokerName, GET_TOPIC_STATS_INFO, { topic }, null), (answer, queueId) => answer.body.offsetTable.find(([queue]) => queue.queueId === queueId)?.[1].maxOffset ?? null);
    return body.offsetTable
      .map(([queue, { minOffset, maxOffset, lastUpdateTimestamp }]): QueueStats => ({
        queue: { topic, brokerName, queueId: queue.queueId }, minOffset, maxOffset, lastStoreTimestamp: maxOffset > minOffset && lastUpdateTimestamp > 0 ? lastUpdateTimestamp : null,
      }))
      .sort((left, right) => left.queue.queueId - right.queue.queueId);
  }

  /** On every master of the cluster; of one that makes it, the others are not undone when one fails. */
  async create(topic: string, patch: TopicPatch): Promise<TopicConfig> {
    validateTopicName(topic);
    validateAttributes(topic, null, patch.attributes ?? {});
    checkPatch(patch);
    if (await this.find(topic) !== null) {
      throw new MqliteError('REFUSED', `topic ${topic} exists already`, { hint: `change it with "mqlite topics alter ${topic}"` });
    }
    const config: TopicConfigBody = {
      topicName: topic,
      readQueueNums: patch.readQueueNums ?? patch.writeQueueNums ?? DEFAULT_QUEUES,
      writeQueueNums: patch.writeQueueNums ?? patch.readQueueNums ?? DEFAULT_QUEUES,
      perm: patch.perm ?? PERM_READ_WRITE, order: patch.order ?? false, attributes: {}, topicFilterType: 'SINGLE_TAG', topicSysFlag: 0,
    };
    const masters = await this.#cluster.masters();
    for (const master of masters) await this.#store(master.brokerName, config, patch.attributes ?? {});
    await this.#settled(topic, new Map(masters.map(({ brokerName }) => [brokerName, config])));
    return await this.find(topic) ?? notFound(topic);
  }

  /** On every broker that has it. */
  async alter(topic: string, patch: TopicPatch): Promise<TopicConfig> {
    const current = await this.require(topic);
    validateAttributes(topic, current.attributes, patch.attributes ?? {});
    checkPatch(patch);
    const wanted = new Map<string, TopicConfigBody>();
    for (const { brokerName } of await this.#cluster.masters()) {
      const config = await this.#configAt(brokerName, topic);
      if (config === null) continue;
      const { readQueueNums = config.readQueueNums, writeQueueNums = config.writeQueueNums, perm = config.perm, order = config.order } = patch;
      const changed = { ...config, readQueueNums, writeQueueNums, perm, order };
      await this.#store(brokerName, changed, patch.attributes ?? {});
      wanted.set(brokerName, changed);
    }
    await this.#settled(topic, wanted);
    return this.require(topic);
  }

  async remove(topic: string): Promise<void> {
    const { system } = await this.require(topic);
    if (system) throw new MqliteError('REFUSED', `${topic} is one of RocketMQ's own topics`, { hint: 'system topics cannot be deleted' });
    for (const { brokerName } of await this.#cluster.masters()) await this.#cluster.call(brokerName, DELETE_TOPIC_IN_BROKER, { topic }, null);
    const { addresses } = this.#cluster.nameServers;
    const told = await Promise.allSettled(addresses.map((address) => this.#cluster.client.call(address, DELETE_TOPIC_IN_NAMESRV, { topic }, null)));
    this.#sent.forget(topic);
    const failures = told.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
    // One that is down forgets all by itself, and hears of the topics that are left when it is back.
    const failure = failures.find((reason) => !isGone(reason)) ?? (failures.length === addresses.length ? failures[0] : undefined);
    if (failure !== undefined) throw toPortError(failure, `deleting ${topic} at the name servers`);
    await this.#cluster.until(topic, (route) => route === null);
  }

  async #configAt(brokerName: string, topic: string): Promise<TopicConfigBody | null> {
    const { response, address } = await this.#cluster.ask(brokerName, GET_TOPIC_CONFIG, { topic }, null);
    if (response.code === RESPONSE_CODE.TOPIC_NOT_EXIST) return null;
    if (response.code !== RESPONSE_CODE.SUCCESS) throw responseError(`broker ${brokerName} (${address})`, GET_TOPIC_CONFIG.name, response);
    return this.#cluster.client.decode(address, GET_TOPIC_CONFIG, response).body;
  }

  async #store(brokerName: string, { topicName, readQueueNums, writeQueueNums, perm, order, topicFilterType, topicSysFlag }: TopicConfigBody, attributes: Readonly<Record<string, string | null>>): Promise<void> {
    const changes = attributesText(attributes);
    await this.#cluster.call(brokerName, UPDATE_AND_CREATE_TOPIC, {
      topic: topicName, defaultTopic: AUTO_CREATE_TOPIC, readQueueNums, writeQueueNums, perm, order, topicFilterType, topicSysFlag, attributes: changes === '' ? undefined : changes,
    }, null);
  }

  /** Waits until the name server's route is that of the change, at each of the brokers. */
  async #settled(topic: string, wanted: ReadonlyMap<string, TopicConfigBody>): Promise<void> {
    await this.#cluster.until(topic, (route) => [...wanted].every(([brokerName, { readQueueNums, writeQueueNums, perm }]) => route?.queues.some((data) =>
      data.brokerName === brokerName && data.readQueueNums === readQueueNums && data.writeQueueNums === writeQueueNums && data.perm === perm) === true));
  }
}

const notFound = (topic: string): never => {
  throw new MqliteError('TOPIC_NOT_FOUND', `topic ${topic} does not exist`, { hint: 'list topics with "mqlite topics list"' });
};

const checkPatch = ({ readQueueNums, writeQueueNums, perm }: TopicPatch): void => {
  for (const [field, value] of [['readQueueNums', readQueueNums], ['writeQueueNums', writeQueueNums]] as const) {
    if (value !== undefined && !(Number.isInteger(value) && value >= 1 && value <= MAX_QUEUES)) {
      throw new MqliteError('INVALID_INPUT', `${field} cannot be ${value}`, { hint: `give a whole number from 1 to ${MAX_QUEUES}` });
    }
  }
  // [PermName#isValid]
  if (perm !== undefined && !(Number.isInteger(perm) && perm >= 0 && perm < 8)) {
    throw new MqliteError('INVALID_INPUT', `perm cannot be ${perm}`, { hint: 'give the sum of 4 (read), 2 (write) and 1 (inherit)' });
  }
};

const toTopicConfig = ({ topicName: topic, readQueueNums, writeQueueNums, perm, order, attributes }: TopicConfigBody, masters: readonly Master[]): TopicConfig => ({
  topic, readQueueNums, writeQueueNums, perm, order, attributes: { ...attributes }, system: masters.some((names) => isSystemTopic(topic, names)),
});

/** One each, by name. */
const mergeConfigs = (configs: readonly TopicConfig[]): TopicConfig[] => {
  const merged = new Map<string, TopicConfig>();
  for (const config of configs) {
    const other = merged.get(config.topic);
    merged.set(config.topic, other === undefined ? config : {
      ...other,
      readQueueNums: Math.max(other.readQueueNums, config.readQueueNums),
      writeQueueNums: Math.max(other.writeQueueNums, config.writeQueueNums),
      perm: other.perm | config.perm,
      order: other.order || config.order,
      attributes: { ...config.attributes, ...other.attributes },
      system: other.system || config.system,
    });
  }
  return [...merged.values()].sort((left, right) => (left.topic < right.topic ? -1 : 1));
};
