import { MqliteError } from '../broker/errors.ts';
import { isSystemGroup, validateGroupName } from '../broker/names.ts';
import { queueKey } from '../broker/queue-key.ts';
import type { BroadcastProgress, CommittedOffset, GroupConfig, MessageQueue } from '../broker/types.ts';
import type { SubscriptionGroupConfig } from '../wire/body/group.ts';
import { RESPONSE_CODE } from '../wire/codes.ts';
import { DELETE_SUBSCRIPTIONGROUP, GET_ALL_SUBSCRIPTIONGROUP_CONFIG, GET_CONSUMER_CONNECTION_LIST, QUERY_TOPICS_BY_CONSUMER, UPDATE_AND_CREATE_SUBSCRIPTIONGROUP } from '../wire/requests/group-admin.ts';
import { QUERY_CONSUMER_OFFSET } from '../wire/requests/offsets.ts';
import { GET_ALL_CONSUMER_OFFSET } from '../wire/requests/progress.ts';
import { responseError } from '../wire/response-error.ts';
import { LIST_TIMEOUT_MS } from './client-settings.ts';
import type { Cluster } from './cluster.ts';
import type { BroadcastInstance } from './groups/broadcast-member.ts';
import type { PullDesk } from './pull-desk.ts';
import type { TopicAdmin } from './topic-admin.ts';

type GroupPatch = Partial<Omit<GroupConfig, 'group' | 'system' | 'configured'>>;

/** Consumer groups of the cluster: their settings and their progress. */
export class GroupAdmin {
  readonly #cluster: Cluster;
  readonly #topics: TopicAdmin;
  readonly #pulls: PullDesk;

  constructor(cluster: Cluster, topics: TopicAdmin, pulls: PullDesk) {
    this.#cluster = cluster;
    this.#topics = topics;
    this.#pulls = pulls;
  }

  /** Configured groups, and those that have offsets alone, by name. */
  async list(): Promise<GroupConfig[]> {
    const groups = new Map<string, GroupConfig>();
    for (const { brokerName } of await this.#cluster.masters()) {
      const [table, offsets] = await Promise.all([
        this.#cluster.call(brokerName, GET_ALL_SUBSCRIPTIONGROUP_CONFIG, {}, null, { timeoutMs: LIST_TIMEOUT_MS }),
        this.#cluster.call(brokerName, GET_ALL_CONSUMER_OFFSET, {}, null, { timeoutMs: LIST_TIMEOUT_MS }),
      ]);
      for (const config of Object.values(table.body.subscriptionGroupTable)) groups.set(config.groupName, toGroupConfig(config));
      for (const key of Object.keys(offsets.body.offsetTable)) {
        const group = groupOfOffsets(key);
        if (group !== null && !groups.has(group)) groups.set(group, knownByOffsets(group));
      }
    }
    return [...groups.values()].sort((left, right) => (left.group < right.group ? -1 : 1));
  }

  /** null: there is none. Not asked for by itself: brokers make a group that they are asked for. */
  async find(group: string): Promise<GroupConfig | null> {
    return (await this.list()).find((config) => config.group === group) ?? null;
  }

  async require(group: string): Promise<GroupConfig> {
    validateGroupName(group);
    const found = await this.find(group);
    if (found !== null) return found;
    throw new MqliteError('GROUP_NOT_FOUND', `group ${group} does not exist`, { hint: 'list groups with "mqlite groups list"' });
  }

  async create(group: string, patch: GroupPatch): Promise<GroupConfig> {
    validateGroupName(group);
    checkPatch(patch);
    if ((await this.find(group))?.configured === true) throw new MqliteError('REFUSED', `group ${group} exists already`, { hint: `see it with "mqlite groups show ${group}"` });
    await this.store(group, patch);
    return this.require(group);
  }

  /** On every master. */
  async store(group: string, patch: GroupPatch): Promise<void> {
    const config: SubscriptionGroupConfig = {
      groupName: group, attributes: {}, brokerId: 0, consumeFromMinEnable: true, consumeTimeoutMinute: 15, groupRetryPolicy: null, groupSysFlag: 0,
      notifyConsumerIdsChangedEnable: true, subscriptionDataSet: null, whichBrokerWhenConsumeSlowly: 1,
      consumeEnable: patch.consumeEnable ?? true, consumeBroadcastEnable: patch.consumeBroadcastEnable ?? true, consumeMessageOrderly: patch.consumeMessageOrderly ?? false,
      retryQueueNums: patch.retryQueueNums ?? 1, retryMaxTimes: patch.retryMaxTimes ?? 16,
    };
    for (const { brokerName } of await this.#cluster.masters()) await this.#cluster.call(brokerName, UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, {}, config);
  }

  async remove(group: string): Promise<void> {
    const { system } = await this.require(group);
    if (system) throw new MqliteError('REFUSED', `${group} is one of RocketMQ's own groups`, { hint: 'system groups cannot be deleted' });
    const masters = await this.#cluster.masters();
    for (const { brokerName } of masters) {
      const { response } = await this.#cluster.ask(brokerName, GET_CONSUMER_CONNECTION_LIST, { consumerGroup: group }, null);
      if (response.code !== RESPONSE_CODE.SUCCESS) continue;
      throw new MqliteError('LOCKED', `group ${group} is being consumed: it has live members on ${brokerName}`, { hint: 'stop them first; "mqlite groups show" names them' });
    }
    for (const { brokerName } of masters) await this.#cluster.call(brokerName, DELETE_SUBSCRIPTIONGROUP, { groupName: group, cleanOffset: true }, null);
  }

  async committedOffsets(group: string, topic?: string): Promise<CommittedOffset[]> {
    await this.require(group);
    return this.#progress(topic === undefined ? await this.#topicsOf(group) : [topic], (queue) => this.committed(group, queue));
  }

  /** @param instances what this machine keeps of them */
  async broadcastOffsets(group: string, instances: readonly BroadcastInstance[]): Promise<BroadcastProgress[]> {
    await this.require(group);
    return Promise.all(instances.map(async ({ instance, offsets }) => {
      const committed = new Map(offsets.map(({ queue, offset }) => [queueKey(queue), offset]));
      const topics = await this.#routed(new Set(offsets.map(({ queue }) => queue.topic)));
      return { instance, offsets: await this.#progress(topics, (queue) => committed.get(queueKey(queue)) ?? null) };
    }));
  }

  /** Every queue of the topics, and how far `committedOf` says it is consumed. */
  async #progress(topics: readonly string[], committedOf: (queue: MessageQueue) => Promise<number | null> | number | null): Promise<CommittedOffset[]> {
    const rows = await Promise.all(topics.map(async (name) => {
      const queues = await this.#topics.queues(name);
      const stats = (await Promise.all([...new Set(queues.map(({ brokerName }) => brokerName))].map((brokerName) => this.#topics.stats(brokerName, name)))).flat();
      return Promise.all(queues.map(async (queue) => {
        const ends = stats.find((one) => one.queue.brokerName === queue.brokerName && one.queue.queueId === queue.queueId) ?? { minOffset: 0, maxOffset: 0 };
        return this.#row(queue, await committedOf(queue), ends.minOffset, ends.maxOffset);
      }));
    }));
    return rows.flat();
  }

  /** The next offset to consume; null: none was ever committed. */
  async committed(group: string, { topic, brokerName, queueId }: MessageQueue): Promise<number | null> {
    const { response, address } = await this.#cluster.ask(brokerName, QUERY_CONSUMER_OFFSET, { consumerGroup: group, topic, queueId, setZeroIfNotFound: false, bname: brokerName }, null);
    if (response.code === RESPONSE_CODE.QUERY_NOT_FOUND) return null;
    if (response.code !== RESPONSE_CODE.SUCCESS) throw responseError(`broker ${brokerName} (${address})`, QUERY_CONSUMER_OFFSET.name, response);
    return this.#cluster.client.decode(address, QUERY_CONSUMER_OFFSET, response).header.offset;
  }

  async #topicsOf(group: string): Promise<string[]> {
    const topics = new Set<string>();
    for (const { brokerName } of await this.#cluster.masters()) {
      for (const topic of (await this.#cluster.call(brokerName, QUERY_TOPICS_BY_CONSUMER, { group }, null)).body.topicList) topics.add(topic);
    }
    return this.#routed(topics);
  }

  /** Those that are there, by name. */
  async #routed(topics: ReadonlySet<string>): Promise<string[]> {
    const there = await Promise.all([...topics].sort().map(async (topic) => ((await this.#cluster.findRoute(topic)) === null ? null : topic)));
    return there.filter((topic) => topic !== null);
  }

  async #row(queue: MessageQueue, committedOffset: number | null, minOffset: number, maxOffset: number): Promise<CommittedOffset> {
    const next = committedOffset === null ? null : Math.max(committedOffset, minOffset);
    return {
      queue, committedOffset, minOffset, maxOffset,
      lag: next === null ? null : Math.max(0, maxOffset - next),
      nextStoreTimestamp: next === null || next >= maxOffset ? null : await this.#storeTimestampAt(queue, next),
    };
  }

  async #storeTimestampAt(queue: MessageQueue, offset: number): Promise<number | null> {
    const { messages: [message] } = await this.#pulls.pull({ queue, offset, maxMessages: 1 });
    return message?.queueOffset === offset ? message.storeTimestamp : null;
  }
}

const toGroupConfig = (config: SubscriptionGroupConfig): GroupConfig => ({
  group: config.groupName, consumeEnable: config.consumeEnable, consumeBroadcastEnable: config.consumeBroadcastEnable, consumeMessageOrderly: config.consumeMessageOrderly,
  retryQueueNums: config.retryQueueNums, retryMaxTimes: config.retryMaxTimes, system: isSystemGroup(config.groupName), configured: true,
});

const knownByOffsets = (group: string): GroupConfig => ({
  group, consumeEnable: true, consumeBroadcastEnable: true, consumeMessageOrderly: false, retryQueueNums: 1, retryMaxTimes: 16, system: isSystemGroup(group), configured: false,
});

/** Keys are `topic@group`. [ConsumerOffsetManager] */
const groupOfOffsets = (key: string): string | null => {
  const parts = key.split('@');
  return parts.length === 2 && parts[1] !== '' ? parts[1]! : null;
};

const checkPatch = ({ retryQueueNums, retryMaxTimes }: GroupPatch): void => {
  for (const [field, value, min] of [['retryQueueNums', retryQueueNums, 0], ['retryMaxTimes', retryMaxTimes, -1]] as const) {
    if (value !== undefined && (!Number.isInteger(value) || value < min || value > 0x7fff_ffff)) {
      throw new MqliteError('INVALID_INPUT', `${field} cannot be ${value}`, { hint: `give a whole number from ${min}` });
    }
  }
};
