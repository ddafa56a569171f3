import type { Clock } from '../base/clock.ts';
import type { FileLocks } from './files/file-locks.ts';
import type { FileSystem } from './files/file-system.ts';
import { listSegments } from './commit-log/log-directory.ts';
import { ConfigFile } from './state/config-file.ts';
import { ConsumerOffsets, mergeOffsets } from './state/consumer-offsets.ts';
import { DeletedTopics } from './state/deleted-topics.ts';
import { inferIdentity } from './state/infer-identity.ts';
import type { InferredIdentity, RecordsOfStore } from './state/infer-identity.ts';
import { NO_LEVEL_DELAYS } from './state/level-identity.ts';
import { OffsetShadow } from './state/offset-shadow.ts';
import { OffsetResets } from './state/offset-resets.ts';
import { readIdentity } from './state/store-identity.ts';
import type { StoreIdentity } from './state/store-identity.ts';
import { mergeGroups, SubscriptionGroups } from './state/subscription-groups.ts';
import { mergeTopics, TopicTable } from './state/topics.ts';
import type { StorePaths } from './store-paths.ts';
import { readLevelDelays } from './read/level-delays.ts';
import { readNewestRecord } from './read/newest-record.ts';

/** What every part of the engine needs to know of the store it works on. */
export interface StoreContext {
  readonly fs: FileSystem;
  readonly locks: FileLocks;
  readonly clock: Clock;
  readonly paths: StorePaths;
  readonly identity: StoreIdentity;
}

/** The JSON tables of a store as this process knows them. */
export interface StoreTables {
  readonly topics: TopicTable;
  readonly groups: SubscriptionGroups;
  readonly offsets: ConsumerOffsets;
  readonly resets: OffsetResets;
  readonly deletedTopics: DeletedTopics;
  /** The files behind the first three, to put back what a refused broker took away. */
  readonly files: readonly ConfigFile[];
}

/** What the store is, from store.json and, on a broker's store, from its files. Reads only. */
export const resolveIdentity = (fs: FileSystem, paths: StorePaths): InferredIdentity =>
  inferIdentity(fs, paths, readIdentity(fs, paths.identity) ?? {}, recordsOf(fs, paths));

const recordsOf = (fs: FileSystem, paths: StorePaths): RecordsOfStore => ({
  newestRecord: (segmentSizeBytes) => readNewestRecord(fs, listSegments(fs, paths.commitLog, segmentSizeBytes)),
  levelDelays: (segmentSizeBytes) => readLevelDelays(fs, paths, segmentSizeBytes),
});

/** An identity whose delay levels are looked up when they are asked for. */
export interface LookingIdentity {
  readonly identity: StoreIdentity;
  /** Why the delay levels are not known for sure; undefined when they are. */
  levelsUnknown(): string | undefined;
}

/** For those who only look: opening stays cheap, and few ask for the levels, which are told by a look into the queue of each. */
export const identityForLooking = (fs: FileSystem, paths: StorePaths): LookingIdentity => {
  const given = readIdentity(fs, paths.identity) ?? {};
  let whole: InferredIdentity | null = null;
  const resolve = (): InferredIdentity => (whole ??= resolveIdentity(fs, paths));
  const { identity } = inferIdentity(fs, paths, given, { ...recordsOf(fs, paths), levelDelays: () => NO_LEVEL_DELAYS });
  if (given.messageDelayLevel !== undefined) return { identity, levelsUnknown: () => undefined };
  return {
    identity: Object.defineProperty({ ...identity }, 'messageDelayLevel', { enumerable: true, get: () => resolve().identity.messageDelayLevel }),
    levelsUnknown: () => resolve().reasons.messageDelayLevel,
  };
};

export const openTables = (context: StoreContext): StoreTables => {
  const { fs, paths, clock, identity } = context;
  const resets = new OffsetResets(fs, paths.offsetResets, paths.temp);
  const options = { tempDirectory: paths.temp, quarantineDirectory: paths.quarantine };
  const deletedTopics = new DeletedTopics(fs, paths.deletedTopics, paths.temp);
  const topicFile = new ConfigFile(fs, paths.topics, {
    ...options,
    merge: (ours, onDisk) => {
      const deleted = deletedTopics.load();
      return mergeTopics(ours, onDisk, (topic) => deleted.has(topic));
    },
  });
  const groupFile = new ConfigFile(fs, paths.subscriptionGroups, { ...options, merge: mergeGroups });
  const shadow = new OffsetShadow(fs, paths);
  /** Resets up to this generation are in what this process knows of the offsets; later ones make that obsolete. */
  let resetsSeen = resets.generation();
  /** The same for deleted topics: what is known of a topic made anew counts. null before this process knows anything of its own. */
  let deletionsSeen: ReadonlyMap<string, number> | null = null;
  const offsetFile = new ConfigFile(fs, paths.consumerOffsets, {
    ...options,
    known: () => shadow.read(),
    onWritten: (value) => {
      resetsSeen = resets.generation();
      deletionsSeen = deletedTopics.load();
      shadow.write(value);
    },
    merge: (ours, onDisk) => {
      const deleted = deletedTopics.load();
      const seen = deletionsSeen;
      const merged = mergeOffsets(ours, onDisk, (topic, group, queueId) =>
        (deleted.has(topic) && deleted.get(topic) !== seen?.get(topic)) || resets.since(group, resetsSeen).some((reset) => reset.topic === topic && reset.queueId === queueId));
      resetsSeen = resets.generation();
      deletionsSeen = deleted;
      return merged;
    },
  });
  return {
    topics: new TopicTable(topicFile, identity, clock),
    groups: new SubscriptionGroups(groupFile, clock),
    offsets: new ConsumerOffsets(offsetFile, clock),
    resets,
    deletedTopics,
    files: [topicFile, groupFile, offsetFile],
  };
};
