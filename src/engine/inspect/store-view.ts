import { MqliteError } from '../../broker/errors.ts';
import { inspectSegmentDirectory } from '../commit-log/log-directory.ts';
import type { SegmentDirectory } from '../commit-log/log-directory.ts';
import type { FileSystem } from '../files/file-system.ts';
import { toMqliteError } from '../files/storage-errors.ts';
import { nodeFileSystem } from '../files/node-file-system.ts';
import { abortExists, readAbortPid } from '../state/abort.ts';
import { isJsonObject, objectOrEmpty } from '../state/broker-json.ts';
import type { JsonObject } from '../state/broker-json.ts';
import { readConfig } from '../state/config-file.ts';
import { DeletedTopics } from '../state/deleted-topics.ts';
import { decodeEngineState } from '../state/engine-state.ts';
import type { EngineState } from '../state/engine-state.ts';
import { readWholeFile } from '../state/file-io.ts';
import { inferIdentity } from '../state/infer-identity.ts';
import type { InferredIdentity } from '../state/infer-identity.ts';
import { damagedIndexGeometry } from './damaged-index-geometry.ts';
import { readLevelDelays } from '../read/level-delays.ts';
import { readNewestRecord } from '../read/newest-record.ts';
import { readIdentity } from '../state/store-identity.ts';
import type { StoreIdentity } from '../state/store-identity.ts';
import { detectStoreKind } from '../state/store-kind.ts';
import { storePaths } from '../store-paths.ts';
import type { StorePaths } from '../store-paths.ts';

/** Which store a tool works on. */
export interface StoreOptions {
  readonly storeDirectory: string;
  /** A log kept elsewhere (`storePathCommitLog`). */
  readonly commitLogDirectory?: string | undefined;
  /** How long tools that write wait for other mqlite processes, ms. Default 5000. */
  readonly lockTimeoutMs?: number | undefined;
  /** The real one unless a test gives its own. */
  readonly fs?: FileSystem | undefined;
}

/** A store as it lies there, looked at without writing. */
export interface StoreView {
  readonly fs: FileSystem;
  readonly paths: StorePaths;
  readonly inferred: InferredIdentity;
  readonly identity: StoreIdentity;
  readonly log: SegmentDirectory;
  /** The last writer did not close it, or is still there. */
  readonly unclean: boolean;
  readonly abortPid: number | null;
  readonly state: EngineState | null;
  /** topics.json (or its .bak); empty when neither is readable. */
  readonly topics: JsonObject;
  /** Topic to the offset below which its records are gone. */
  readonly deletedTopics: ReadonlyMap<string, number>;
  /** deleted-topics.json is there and cannot be read. */
  readonly deletedTopicsProblem: string | null;
}

/** Runs a store tool; whatever it throws leaves as a MqliteError. */
export const withStoreErrors = async <T>(doing: string, run: () => Promise<T> | T): Promise<T> => {
  try {
    return await run();
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error;
    throw toMqliteError(error, doing);
  }
};

/** The size log files should have: what store.json says, else what most of them have. */
const lookAtLog = (fs: FileSystem, paths: StorePaths, given: Partial<StoreIdentity>): SegmentDirectory =>
  inspectSegmentDirectory(fs, paths.commitLog, given.segmentSizeBytes ?? null);

/** A damaged index file does not prove its geometry, but it still shows it. */
const withDamagedIndex = (fs: FileSystem, paths: StorePaths, inferred: InferredIdentity): InferredIdentity => {
  if (inferred.sources.indexSlotCount !== 'unknown' && inferred.sources.indexMaxCount !== 'unknown') return inferred;
  const geometry = damagedIndexGeometry(fs, paths.index);
  if (geometry === null) return inferred;
  const { indexSlotCount: _slots, indexMaxCount: _entries, ...reasons } = inferred.reasons;
  return {
    identity: { ...inferred.identity, indexSlotCount: geometry.slotCount, indexMaxCount: geometry.maxIndexCount },
    sources: { ...inferred.sources, indexSlotCount: 'inferred', indexMaxCount: 'inferred' },
    reasons,
  };
};

/**
 * Opens a store for looking. Writes nothing.
 * @throws MqliteError STORE_NOT_FOUND, WRONG_KIND (RocksDB queues), DAMAGED (store.json)
 */
export const openStoreView = (options: StoreOptions): StoreView => {
  const fs = options.fs ?? nodeFileSystem;
  const paths = storePaths(options.storeDirectory, options.commitLogDirectory);
  if (options.commitLogDirectory !== undefined && fs.stat(paths.commitLog)?.isDirectory !== true) {
    throw new MqliteError('STORE_NOT_FOUND', `${paths.commitLog} is not a directory`, { hint: '--commitlog-dir must name the directory that holds the log files' });
  }
  detectStoreKind(fs, paths);
  const given = readIdentity(fs, paths.identity) ?? {};
  const log = lookAtLog(fs, paths, given);
  const inferred = withDamagedIndex(fs, paths, inferIdentity(fs, paths, given, {
    newestRecord: () => readNewestRecord(fs, log.segments),
    levelDelays: (segmentSizeBytes) => readLevelDelays(fs, paths, segmentSizeBytes),
  }));
  const stateBytes = readWholeFile(fs, paths.state);
  const state = stateBytes === null ? null : decodeEngineState(stateBytes);
  let deletedTopics: ReadonlyMap<string, number> = new Map();
  let deletedTopicsProblem: string | null = null;
  try {
    deletedTopics = new DeletedTopics(fs, paths.deletedTopics, paths.temp).load();
  } catch (error) {
    deletedTopicsProblem = (error as Error).message;
  }
  return {
    fs, paths, inferred, identity: inferred.identity, log,
    unclean: abortExists(fs, paths.abort) || state?.status === 'live',
    abortPid: readAbortPid(fs, paths.abort),
    state,
    topics: readConfig(fs, paths.topics).value,
    deletedTopics, deletedTopicsProblem,
  };
};

/** true when topics.json has the topic. */
export const isListedTopic = (view: StoreView, topic: string): boolean => isJsonObject(objectOrEmpty(view.topics, 'topicConfigTable')[topic]);

/** `queue.type=BatchCQ` in topics.json. [QueueTypeUtils#getCQType] */
export const isBatchTopic = (view: StoreView, topic: string): boolean =>
  objectOrEmpty(objectOrEmpty(objectOrEmpty(view.topics, 'topicConfigTable'), topic), 'attributes')['queue.type'] === 'BatchCQ';
