import path from 'node:path';
import { MqliteError } from '../../broker/errors.ts';
import type { GroupConfig, MessageQueue, TopicConfig, TopicDescription, TopicPatch } from '../../broker/types.ts';
import type { Message } from '../../record/message.ts';
import { removeQueueDirectory } from '../consume-queue/queue-writer.ts';
import { listQueueTopics, listTopicQueues } from '../consume-queue/queue-directory.ts';
import type { StoreReader } from '../read/store-reader.ts';
import { isSystemGroup, isSystemTopic, validateGroupName, validateTopicName } from '../../broker/names.ts';
import type { StoreContext, StoreTables } from '../store-context.ts';
import type { StoreWriter } from '../write/store-writer.ts';

const PERM_READ_WRITE = 6;

/** Topics and groups of a store: what topics.json says, and what the queue directories say where it says nothing. */
export class TopicAdmin {
  readonly #context: StoreContext;
  readonly #tables: StoreTables;
  readonly #reader: StoreReader;

  constructor(context: StoreContext, tables: StoreTables, reader: StoreReader) {
    this.#context = context;
    this.#tables = tables;
    this.#reader = reader;
  }

  /** Configured topics and those that only have queues (a lost topics.json), by name. */
  list(): TopicConfig[] {
    const { fs, paths } = this.#context;
    const configured = this.#tables.topics.list();
    const names = new Set(configured.map(({ topic }) => topic));
    const known = new Set([...listQueueTopics(fs, paths.root), ...listQueueTopics(fs, paths.root, 'batch'), ...this.#reader.unlistedTopics()]);
    const stored = [...known].filter((topic) => !names.has(topic)).map((topic) => this.find(topic)).filter((config) => config !== null);
    return [...configured, ...stored].sort((a, b) => (a.topic < b.topic ? -1 : 1));
  }

  find(topic: string): TopicConfig | null {
    const configured = this.#tables.topics.get(topic);
    if (configured !== null) return configured;
    const ids = this.#reader.storedQueueIds(topic);
    if (ids.length === 0) return null;
    const count = Math.max(...ids) + 1;
    return { topic, readQueueNums: count, writeQueueNums: count, perm: PERM_READ_WRITE, order: false, attributes: {}, system: isSystemTopic(topic, this.#context.identity) };
  }

  require(topic: string): TopicConfig {
    validateTopicName(topic);
    const config = this.find(topic);
    if (config === null) throw new MqliteError('TOPIC_NOT_FOUND', `topic ${topic} does not exist`, { hint: 'list topics with "mqlite topics list"' });
    return config;
  }

  /** Queues to read: the configured ones, and any that still hold messages after the topic was made smaller. */
  queueIds(topic: string): number[] {
    const { readQueueNums } = this.require(topic);
    const ids = Array.from({ length: readQueueNums }, (_, queueId) => queueId);
    return [...ids, ...this.#reader.storedQueueIds(topic).filter((queueId) => queueId >= readQueueNums)];
  }

  queues(topic: string): MessageQueue[] {
    const { brokerName } = this.#context.identity;
    return this.queueIds(topic).map((queueId) => ({ topic, brokerName, queueId }));
  }

  requireQueue(topic: string, queueId: number): void {
    const { readQueueNums, writeQueueNums } = this.require(topic);
    if (queueId >= 0 && queueId < Math.max(readQueueNums, writeQueueNums)) return;
    if (this.#reader.storedQueueIds(topic).includes(queueId)) return;
    throw new MqliteError('NOT_FOUND', `topic ${topic} has no queue ${queueId}`, { hint: `see "mqlite topics show ${topic}"` });
  }

  describe(topic: string): TopicDescription {
    const config = this.require(topic);
    const logMin = this.#reader.tail.minOffset();
    const queues = this.queues(topic).map((queue) => {
      const reader = this.#reader.queue(topic, queue.queueId);
      const minOffset = reader.minOffset(logMin);
      const maxOffset = reader.maxOffset();
      return { queue, minOffset, maxOffset, lastStoreTimestamp: maxOffset > minOffset ? this.#reader.storeTimestampAt(reader, maxOffset - 1) : null };
    });
    return { ...config, queues, groups: this.#tables.offsets.groups(topic) };
  }

  create(writer: StoreWriter, topic: string, patch: TopicPatch): TopicConfig {
    validateTopicName(topic);
    const config = this.#tables.topics.create(topic, patch);
    writer.bumpTopicsGeneration();
    return config;
  }

  alter(writer: StoreWriter, topic: string, patch: TopicPatch): TopicConfig {
    validateTopicName(topic);
    const config = this.#tables.topics.alter(topic, patch);
    writer.bumpTopicsGeneration();
    return config;
  }

  /** Order: the tombstone first, so that no crash in between brings the messages back; then configuration, offsets, queues. */
  remove(writer: StoreWriter, topic: string): void {
    const { fs, paths, identity } = this.#context;
    this.require(topic);
    if (isSystemTopic(topic, identity)) throw new MqliteError('REFUSED', `${topic} is one of RocketMQ's own topics`, { hint: 'system topics cannot be deleted' });
    writer.beginChange();
    this.#tables.deletedTopics.add(topic, writer.state.committedTail);
    if (this.#tables.topics.get(topic) !== null) this.#tables.topics.remove(topic);
    this.#tables.offsets.removeTopic(topic);
    writer.queues.drop(topic);
    for (const family of ['simple', 'batch'] as const) {
      const queues = listTopicQueues(fs, paths.root, topic, family);
      for (const queue of queues) removeQueueDirectory(fs, queue.path);
      if (queues.length > 0) fs.syncDirectory(path.dirname(queues[0]!.path));
    }
    writer.bumpTopicsGeneration();
  }

  deletedBelow(topic: string): number {
    return this.#tables.deletedTopics.load().get(topic) ?? 0;
  }

  /** Whether a record belongs to a topic that was deleted since, be there one of the same name again or not. */
  isDeleted(message: Message): boolean {
    return message.commitLogOffset < this.deletedBelow(message.topic);
  }

  listGroups(): GroupConfig[] {
    const configured = this.#tables.groups.list();
    const names = new Set(configured.map(({ group }) => group));
    const known = this.#tables.offsets.groups().filter((group) => !names.has(group)).map((group): GroupConfig => ({
      group, consumeEnable: true, consumeBroadcastEnable: true, consumeMessageOrderly: false, retryQueueNums: 1, retryMaxTimes: 16,
      system: isSystemGroup(group), configured: false,
    }));
    return [...configured, ...known].sort((a, b) => (a.group < b.group ? -1 : 1));
  }

  checkGroupName(group: string): void {
    validateGroupName(group);
  }

  requireGroup(group: string): void {
    validateGroupName(group);
    if (this.#tables.groups.get(group) !== null || this.#tables.offsets.groups().includes(group)) return;
    throw new MqliteError('GROUP_NOT_FOUND', `group ${group} does not exist`, { hint: 'list groups with "mqlite groups list"' });
  }
}
