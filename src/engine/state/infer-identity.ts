import { join } from 'node:path';
import { MqliteError } from '../../broker/errors.ts';
import type { FileSystem } from '../files/file-system.ts';
import type { StorePaths } from '../store-paths.ts';
import { countOf, isJsonObject, objectOrEmpty } from './broker-json.ts';
import type { JsonObject } from './broker-json.ts';
import { readConfig } from './config-file.ts';
import { readDelayOffsets } from './delay-offsets.ts';
import { inferIndexGeometry } from './index-geometry.ts';
import { inferLevels, NO_LEVEL_DELAYS } from './level-identity.ts';
import type { LevelDelays } from './level-identity.ts';
import { DEFAULT_IDENTITY, IDENTITY_FIELDS } from './store-identity.ts';
import type { IdentityField, StoreIdentity } from './store-identity.ts';

/** What the newest record of the log says; null for an empty log. */
export interface NewestRecord {
  readonly storeHost: string;
  readonly hasPropertyCrc: boolean;
}

/** What the records of a store tell; each is asked at most once, and only if it is needed. */
export interface RecordsOfStore {
  newestRecord(segmentSizeBytes: number): NewestRecord | null;
  levelDelays(segmentSizeBytes: number): LevelDelays;
}

/**
 * given: in store.json or by flag; inferred: from the store's files; default: nothing in the store speaks against it;
 * unknown: a guess, good for reading only.
 */
export type FieldSource = 'given' | 'inferred' | 'default' | 'unknown';

export interface InferredIdentity {
  /** Good for reading; unknown fields hold RocketMQ's defaults, or as much as the store tells (messageDelayLevel). */
  readonly identity: StoreIdentity;
  readonly sources: Readonly<Record<IdentityField, FieldSource>>;
  /** For each unknown field, why. */
  readonly reasons: Readonly<Partial<Record<IdentityField, string>>>;
}

type Finding<T> = { readonly value: T } | { readonly reason: string };

const DATA_FILE = /^\d{20}$/;
const INDEX_FILE = /^\d{17}$/;

/** The one length of these files; an empty last one does not count [MappedFileQueue#doLoad]. */
const commonLength = (lengths: ReadonlySet<number>, what: string): Finding<number> => {
  const [first, ...others] = [...lengths].filter((length) => length > 0);
  if (first === undefined) return { reason: `there are no ${what}` };
  return others.length === 0 ? { value: first } : { reason: `${what} have different lengths: ${[first, ...others].join(', ')} bytes` };
};

const addLengths = (fs: FileSystem, directory: string, lengths: Set<number>): void => {
  for (const name of fs.list(directory) ?? []) {
    if (!DATA_FILE.test(name)) continue;
    const stat = fs.stat(join(directory, name));
    if (stat !== null && !stat.isDirectory) lengths.add(stat.sizeBytes);
  }
};

const segmentSize = (fs: FileSystem, paths: StorePaths): Finding<number> => {
  const lengths = new Set<number>();
  addLengths(fs, paths.commitLog, lengths);
  return commonLength(lengths, 'commit-log files');
};

const consumeQueueFileSize = (fs: FileSystem, paths: StorePaths): Finding<number> => {
  const lengths = new Set<number>();
  for (const topic of fs.list(paths.consumeQueue) ?? []) {
    const topicDirectory = join(paths.consumeQueue, topic);
    for (const queueId of fs.list(topicDirectory) ?? []) addLengths(fs, join(topicDirectory, queueId), lengths);
  }
  return commonLength(lengths, 'consume-queue files');
};

/** From the newest index file that has entries. */
const indexGeometry = (fs: FileSystem, paths: StorePaths): Finding<{ slotCount: number; maxCount: number }> => {
  const names = (fs.list(paths.index) ?? []).filter((name) => INDEX_FILE.test(name)).sort().reverse();
  const lengths = commonLength(new Set(names.map((name) => fs.stat(join(paths.index, name))?.sizeBytes ?? 0)), 'index files');
  if ('reason' in lengths) return lengths;
  for (const name of names) {
    const geometry = inferIndexGeometry(fs, join(paths.index, name));
    if (geometry !== null) return { value: geometry };
  }
  return { reason: 'no index file has entries that fit together' };
};

const only = (candidates: readonly string[], what: string): Finding<string> => {
  if (candidates.length === 1) return { value: candidates[0]! };
  if (candidates.length === 0) return { reason: `topics.json has no topic named after the ${what}` };
  return { reason: `topics.json fits several ${what}s: ${candidates.join(', ')}` };
};

/** Names of topics that a broker registers for itself say what it and its cluster are called [TopicConfigManager#init]. */
const namesFromTopics = (topics: JsonObject): { broker: Finding<string>; cluster: Finding<string> } => {
  const table = objectOrEmpty(topics, 'topicConfigTable');
  const after = (prefix: string): string[] =>
    Object.keys(table).filter((name) => name.startsWith(prefix) && name.length > prefix.length).map((name) => name.slice(prefix.length));
  const hasQueues = (name: string, queues: number): boolean => {
    const entry = table[name];
    return isJsonObject(entry) && countOf(entry['writeQueueNums']) === queues;
  };
  const reply = Object.keys(table).filter((name) => name.endsWith('_REPLY_TOPIC')).map((name) => name.slice(0, -'_REPLY_TOPIC'.length));
  const clusters = [...new Set([...after('rmq_sys_REVIVE_LOG_'), ...reply])];
  const brokers = after('rmq_sys_SYNC_BROKER_MEMBER_');
  // Users may have topics that end in _REPLY_TOPIC: then the one counts that has a topic of its own name with the broker's queue count.
  const confirmed = (candidates: readonly string[], queues: number): readonly string[] =>
    candidates.length > 1 ? candidates.filter((name) => hasQueues(name, queues)) : candidates;
  return { broker: only(confirmed(brokers, 1), 'broker'), cluster: only(confirmed(clusters, 16), 'cluster') };
};

/**
 * The identity of a store from `given` (its store.json, flags) and, for the rest, from what a broker left there. Reads only.
 */
export const inferIdentity = (
  fs: FileSystem,
  paths: StorePaths,
  given: Partial<StoreIdentity>,
  records: RecordsOfStore,
): InferredIdentity => {
  const values: Record<string, unknown> = { ...DEFAULT_IDENTITY };
  const sources = Object.fromEntries(IDENTITY_FIELDS.map((field) => [field, 'default'])) as Record<IdentityField, FieldSource>;
  const reasons: Partial<Record<IdentityField, string>> = {};
  const isOpen = (...fields: IdentityField[]): boolean => fields.some((field) => given[field] === undefined);
  const found = <T>(finding: Finding<T>, fields: Partial<Record<IdentityField, (value: T) => unknown>>): void => {
    for (const [field, pick] of Object.entries(fields) as [IdentityField, (value: T) => unknown][]) {
      if ('value' in finding) values[field] = pick(finding.value);
      else reasons[field] = finding.reason;
      sources[field] = 'value' in finding ? 'inferred' : 'unknown';
    }
  };
  const itself = <T>(value: T): T => value;

  if (isOpen('segmentSizeBytes')) found(segmentSize(fs, paths), { segmentSizeBytes: itself });
  if (isOpen('consumeQueueFileSizeBytes')) found(consumeQueueFileSize(fs, paths), { consumeQueueFileSizeBytes: itself });
  if (isOpen('indexSlotCount', 'indexMaxCount')) {
    found(indexGeometry(fs, paths), { indexSlotCount: (geometry) => geometry.slotCount, indexMaxCount: (geometry) => geometry.maxCount });
  }
  if (isOpen('brokerName', 'clusterName')) {
    const names = namesFromTopics(readConfig(fs, paths.topics).value);
    found(names.broker, { brokerName: itself });
    found(names.cluster, { clusterName: itself });
  }
  // Without the size of its files nothing of the log can be found.
  const segmentSizeBytes = given.segmentSizeBytes ?? (sources.segmentSizeBytes === 'unknown' ? null : values['segmentSizeBytes'] as number);
  if (isOpen('messageDelayLevel')) {
    const { delaysMs, highest } = segmentSizeBytes === null ? NO_LEVEL_DELAYS : records.levelDelays(segmentSizeBytes);
    const delivered = Math.max(0, ...readDelayOffsets(readConfig(fs, paths.delayOffsets).value).keys());
    const { value, reason } = inferLevels({ delaysMs, highest: Math.max(highest, delivered) });
    values['messageDelayLevel'] = value;
    if (reason !== null) {
      reasons.messageDelayLevel = reason;
      sources.messageDelayLevel = 'unknown';
    }
  }
  if (isOpen('storeHost', 'propertyCrc') && segmentSizeBytes !== null) {
    const newest = records.newestRecord(segmentSizeBytes);
    // An empty log fits every address: the default is no guess there.
    if (newest !== null) {
      found({ value: newest }, { storeHost: (record) => record.storeHost, propertyCrc: (record) => record.hasPropertyCrc });
    }
  }
  for (const field of IDENTITY_FIELDS) {
    if (given[field] === undefined) continue;
    values[field] = given[field];
    sources[field] = 'given';
    delete reasons[field];
  }
  return { identity: values as unknown as StoreIdentity, sources, reasons };
};

/** Throws WRONG_KIND naming every field that may not be guessed for writing, and where to give it. */
export const requireWritableIdentity = (inferred: InferredIdentity, paths: StorePaths): void => {
  const unknown = IDENTITY_FIELDS.filter((field) => inferred.sources[field] === 'unknown');
  if (unknown.length === 0) return;
  const example = Object.fromEntries(unknown.map((field) => [field, inferred.identity[field]]));
  const what = unknown.map((field) => `${field} (${inferred.reasons[field]})`).join(', ');
  throw new MqliteError('WRONG_KIND', `${paths.root}: cannot tell ${what}`, {
    hint:
      `write what this store's broker is configured with into ${paths.identity}, for example ${JSON.stringify(example)}; ` +
      'reading works without',
  });
};
