import type { Clock } from '../../base/clock.ts';
import { MqliteError } from '../../broker/errors.ts';
import type { TopicConfig, TopicPatch } from '../../broker/types.ts';
import { HALF_TOPIC, OP_HALF_TOPIC } from '../../record/transaction.ts';
import { bumpDataVersion, cloneJson, countOf, isJsonObject, newJsonObject, objectAt, objectOrEmpty } from './broker-json.ts';
import type { JsonObject } from './broker-json.ts';
import type { ConfigFile } from './config-file.ts';
import { validateAttributes } from '../../broker/topic-attributes.ts';
import { AUTO_CREATE_TOPIC, SCHEDULE_TOPIC, TIMER_TOPIC, isSystemTopic, validateTopicName } from '../../broker/names.ts';
import type { BrokerNames } from '../../broker/names.ts';

const TABLE = 'topicConfigTable';

export const PERM_READ_WRITE = 6;
/** Queues of a topic that is created by sending to it: the Java producer's default (`defaultTopicQueueNums`). */
export const DEFAULT_QUEUES = 4;
/** [TopicConfig] defaults for fields that a file leaves out. */
const CLASS_DEFAULT_QUEUES = 16;
/** Each queue is a directory and an open file; a larger number is a typing mistake. */
const MAX_QUEUES = 65_536;

/** `[name, queues, perm]` of the topics a broker has before it reads its file [TopicConfigManager#init]. */
const preRegistered = (names: BrokerNames): readonly (readonly [string, number, number])[] => [
  ['SELF_TEST_TOPIC', 1, 6],
  [AUTO_CREATE_TOPIC, 8, 7],
  ['BenchmarkTest', 1024, 6],
  [names.clusterName, 16, 7],
  [names.brokerName, 1, 7],
  ['OFFSET_MOVED_EVENT', 1, 6],
  [SCHEDULE_TOPIC, 18, 6],
  [`${names.clusterName}_REPLY_TOPIC`, 1, 6],
  [`rmq_sys_REVIVE_LOG_${names.clusterName}`, 8, 6],
  [`rmq_sys_SYNC_BROKER_MEMBER_${names.brokerName}`, 1, 1],
  [HALF_TOPIC, 1, 6],
  [OP_HALF_TOPIC, 1, 6],
  [TIMER_TOPIC, 1, 6],
];

const stringMap = (object: JsonObject): Record<string, string> =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [key, typeof value === 'string' ? value : String(value)]));

const toTopicConfig = (topic: string, entry: JsonObject, names: BrokerNames): TopicConfig => ({
  topic,
  readQueueNums: countOf(entry['readQueueNums']) ?? CLASS_DEFAULT_QUEUES,
  writeQueueNums: countOf(entry['writeQueueNums']) ?? CLASS_DEFAULT_QUEUES,
  perm: countOf(entry['perm']) ?? PERM_READ_WRITE,
  order: entry['order'] === true,
  attributes: stringMap(objectOrEmpty(entry, 'attributes')),
  system: isSystemTopic(topic, names),
});

/** The topic, pre-registered system topics included; null when there is none. */
export const getTopic = (root: JsonObject, topic: string, names: BrokerNames): TopicConfig | null => {
  const entry = objectOrEmpty(root, TABLE)[topic];
  if (isJsonObject(entry)) return toTopicConfig(topic, entry, names);
  const preset = preRegistered(names).find(([name]) => name === topic);
  if (preset === undefined) return null;
  const [, queues, perm] = preset;
  return { topic, readQueueNums: queues, writeQueueNums: queues, perm, order: false, attributes: {}, system: true };
};

/** All topics by name, pre-registered system topics included; what the file says wins, as in a broker. */
export const listTopics = (root: JsonObject, names: BrokerNames): TopicConfig[] => {
  const table = objectOrEmpty(root, TABLE);
  const all = new Set([...preRegistered(names).map(([name]) => name), ...Object.keys(table).filter((name) => isJsonObject(table[name]))]);
  return [...all].sort().map((topic) => getTopic(root, topic, names)!);
};

const checkQueues = (field: string, value: number | undefined): void => {
  if (value !== undefined && !(Number.isInteger(value) && value >= 1 && value <= MAX_QUEUES)) {
    throw new MqliteError('INVALID_INPUT', `${field} cannot be ${value}`, { hint: `give a whole number from 1 to ${MAX_QUEUES}` });
  }
};

const applyPatch = (entry: JsonObject, patch: TopicPatch): void => {
  checkQueues('readQueueNums', patch.readQueueNums);
  checkQueues('writeQueueNums', patch.writeQueueNums);
  // [PermName#isValid]
  if (patch.perm !== undefined && !(Number.isInteger(patch.perm) && patch.perm >= 0 && patch.perm < 8)) {
    throw new MqliteError('INVALID_INPUT', `perm cannot be ${patch.perm}`, { hint: 'give the sum of 4 (read), 2 (write) and 1 (inherit)' });
  }
  if (patch.readQueueNums !== undefined) entry['readQueueNums'] = patch.readQueueNums;
  if (patch.writeQueueNums !== undefined) entry['writeQueueNums'] = patch.writeQueueNums;
  if (patch.perm !== undefined) entry['perm'] = patch.perm;
  if (patch.order !== undefined) entry['order'] = patch.order;
  const attributes = objectAt(entry, 'attributes');
  for (const [name, value] of Object.entries(patch.attributes ?? {})) {
    if (value === null) delete attributes[name];
    else attributes[name] = value;
  }
};

/** A file entry with every field a broker writes. */
const newEntry = (topic: string, queues: number, perm: number): JsonObject =>
  Object.assign(newJsonObject(), {
    attributes: newJsonObject(),
    order: false,
    perm,
    readQueueNums: queues,
    topicFilterType: 'SINGLE_TAG',
    topicName: topic,
    topicSysFlag: 0,
    writeQueueNums: queues,
  });

/**
 * Adds a topic: 4 queues, read and write, unless `patch` says otherwise. A number of write queues alone counts for reading
 * too, and the reverse.
 */
export const createTopic = (root: JsonObject, topic: string, patch: TopicPatch, names: BrokerNames, nowMs: number): TopicConfig => {
  validateTopicName(topic);
  if (getTopic(root, topic, names) !== null) {
    throw new MqliteError('REFUSED', `topic ${topic} exists already`, { hint: `change it with "mqlite topics alter ${topic}"` });
  }
  validateAttributes(topic, null, patch.attributes ?? {});
  const entry = newEntry(topic, DEFAULT_QUEUES, PERM_READ_WRITE);
  applyPatch(entry, {
    ...patch,
    readQueueNums: patch.readQueueNums ?? patch.writeQueueNums,
    writeQueueNums: patch.writeQueueNums ?? patch.readQueueNums,
  });
  objectAt(root, TABLE)[topic] = entry;
  bumpDataVersion(root, nowMs);
  return toTopicConfig(topic, entry, names);
};

const notFound = (topic: string): MqliteError =>
  new MqliteError('TOPIC_NOT_FOUND', `topic ${topic} does not exist`, { hint: 'list topics with "mqlite topics list"' });

/**
 * Changes a topic; a pre-registered one gets an entry of its own. Queue counts may shrink: fewer write queues stop new messages there,
 * fewer read queues hide what is left in them (the caller warns when messages remain).
 */
export const alterTopic = (root: JsonObject, topic: string, patch: TopicPatch, names: BrokerNames, nowMs: number): TopicConfig => {
  const current = getTopic(root, topic, names);
  if (current === null) throw notFound(topic);
  validateAttributes(topic, current.attributes, patch.attributes ?? {});
  const existing = objectOrEmpty(root, TABLE)[topic];
  const entry = isJsonObject(existing) ? cloneJson(existing) : newEntry(topic, current.readQueueNums, current.perm);
  applyPatch(entry, patch);
  objectAt(root, TABLE)[topic] = entry;
  bumpDataVersion(root, nowMs);
  return toTopicConfig(topic, entry, names);
};

/** Removes a topic's entry. System topics are REFUSED: a broker would bring them back. */
export const removeTopic = (root: JsonObject, topic: string, names: BrokerNames, nowMs: number): void => {
  if (getTopic(root, topic, names) === null) throw notFound(topic);
  if (isSystemTopic(topic, names)) {
    throw new MqliteError('REFUSED', `${topic} is one of RocketMQ's own topics`, { hint: 'system topics cannot be deleted' });
  }
  delete objectAt(root, TABLE)[topic];
  bumpDataVersion(root, nowMs);
};

/**
 * Entries of a config table that we know and that whoever rewrote the file did not: put back. Where both have an entry, the newer
 * `dataVersion` wins as a whole. For topics.json (`topicConfigTable`) and subscriptionGroup.json (`subscriptionGroupTable`).
 * @param isDeleted whether an entry that a newer file lacks was deleted on purpose, by another mqlite
 */
export const mergeConfigTable = (ours: JsonObject, onDisk: JsonObject, table: string, isDeleted: (name: string) => boolean): JsonObject => {
  const oursIsNewer = isNewer(ours, onDisk);
  const merged = cloneJson(onDisk);
  const target = objectAt(merged, table);
  for (const [name, entry] of Object.entries(objectOrEmpty(ours, table))) {
    if (oursIsNewer || (target[name] === undefined && !isDeleted(name))) target[name] = cloneJson(entry);
  }
  if (oursIsNewer && ours['dataVersion'] !== undefined) merged['dataVersion'] = cloneJson(ours['dataVersion']);
  return merged;
};

/** [DataVersion#compare] */
const isNewer = (a: JsonObject, b: JsonObject): boolean => {
  const [left, right] = [objectOrEmpty(a, 'dataVersion'), objectOrEmpty(b, 'dataVersion')];
  for (const field of ['stateVersion', 'counter', 'timestamp']) {
    const difference = Number(left[field] ?? 0) - Number(right[field] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
};

export const mergeTopics = (ours: JsonObject, onDisk: JsonObject, isDeleted: (topic: string) => boolean): JsonObject =>
  mergeConfigTable(ours, onDisk, TABLE, isDeleted);

/** topics.json of a store. Writing methods are called under the write lock. */
export class TopicTable {
  readonly #file: ConfigFile;
  readonly #names: BrokerNames;
  readonly #clock: Clock;

  constructor(file: ConfigFile, names: BrokerNames, clock: Clock) {
    this.#file = file;
    this.#names = names;
    this.#clock = clock;
  }

  get(topic: string): TopicConfig | null {
    return getTopic(this.#file.value, topic, this.#names);
  }

  list(): TopicConfig[] {
    return listTopics(this.#file.value, this.#names);
  }

  create(topic: string, patch: TopicPatch = {}): TopicConfig {
    return this.#change((root, nowMs) => createTopic(root, topic, patch, this.#names, nowMs));
  }

  alter(topic: string, patch: TopicPatch): TopicConfig {
    return this.#change((root, nowMs) => alterTopic(root, topic, patch, this.#names, nowMs));
  }

  remove(topic: string): void {
    this.#change((root, nowMs) => removeTopic(root, topic, this.#names, nowMs));
  }

  #change<T>(change: (root: JsonObject, nowMs: number) => T): T {
    let result: T | undefined;
    this.#file.update((root) => {
      result = change(root, this.#clock.nowMs());
    });
    return result as T;
  }
}
