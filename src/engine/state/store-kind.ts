import { basename, join } from 'node:path';
import { MqliteError } from '../../broker/errors.ts';
import type { FileSystem } from '../files/file-system.ts';
import type { StorePaths } from '../store-paths.ts';

const isDirectory = (fs: FileSystem, path: string): boolean => fs.stat(path)?.isDirectory === true;
const isFile = (fs: FileSystem, path: string): boolean => fs.stat(path)?.isDirectory === false;

/** A RocksDB database always has a file CURRENT that names its manifest. */
const isRocksDb = (fs: FileSystem, directory: string): boolean => isFile(fs, join(directory, 'CURRENT'));

const hasTopicDirectories = (fs: FileSystem, consumeQueue: string): boolean =>
  (fs.list(consumeQueue) ?? []).some((topic) =>
    (fs.list(join(consumeQueue, topic)) ?? []).some(
      (queueId) => /^\d+$/.test(queueId) && isDirectory(fs, join(consumeQueue, topic, queueId)),
    ),
  );

/** Config tables kept in RocksDB instead of JSON [RocksDBTopicConfigManager] [RocksDBConsumerOffsetManager] [ConfigStorage]. */
const rocksDbConfig = (fs: FileSystem, paths: StorePaths): string | null =>
  ['rdb', 'topics', 'subscriptionGroups', 'consumerOffsets']
    .map((name) => join(paths.config, name))
    .find((path) => isRocksDb(fs, path)) ?? null;

export interface StoreKind {
  /** Why nothing may be written here, though it can be read; null when writing is fine as far as the kind goes. */
  readonly writeRefusal: MqliteError | null;
}

/** True when the directory is one of a store: it has a commit log, a config directory or ours. */
export const isStore = (fs: FileSystem, paths: StorePaths): boolean =>
  [paths.commitLog, paths.config, paths.mqlite].some((path) => isDirectory(fs, path));

/** Nothing but the directory in which the identity of a new store is about to be written: whoever began it may be dead. */
export const isHalfMade = (fs: FileSystem, paths: StorePaths): boolean => {
  const beginnings = [basename(paths.temp), basename(paths.attachLock)];
  return (fs.list(paths.root) ?? []).join() === basename(paths.mqlite) && (fs.list(paths.mqlite) ?? []).every((name) => beginnings.includes(name));
};

/**
 * What kind of store lies at `paths.root`. A file store of 5.4.0 and later also has a `rocksdbstore/` directory, which says nothing;
 * RocksDB queues are a database in `consumequeue/` itself [RocksDBConsumeQueueStore].
 * @throws MqliteError STORE_NOT_FOUND when it is no store, WRONG_KIND when its queues are in RocksDB alone
 */
export const detectStoreKind = (fs: FileSystem, paths: StorePaths): StoreKind => {
  if (!isStore(fs, paths)) {
    const root = fs.stat(paths.root);
    const noStore = root?.isDirectory === true ? 'is not a RocketMQ store (no commitlog/ and no config/ in it)' : 'is not a directory';
    throw new MqliteError('STORE_NOT_FOUND', `${paths.root} ${root === null ? 'does not exist' : noStore}`, {
      hint: 'give the directory that holds commitlog/, or make one with "mqlite store init"',
    });
  }
  if (isRocksDb(fs, paths.consumeQueue)) {
    if (!hasTopicDirectories(fs, paths.consumeQueue)) {
      throw new MqliteError('WRONG_KIND', `${paths.consumeQueue} holds RocksDB queues, which mqlite cannot read`, {
        hint: 'only file stores (storeType=default) are supported; start the broker of this store and use "--namesrv"',
      });
    }
    return refuse(`${paths.consumeQueue} holds RocksDB queues besides the file queues; writing would leave those behind`);
  }
  const config = rocksDbConfig(fs, paths);
  return config === null ? { writeRefusal: null } : refuse(`${config} keeps metadata in RocksDB, which mqlite cannot change`);
};

const refuse = (message: string): StoreKind => ({
  writeRefusal: new MqliteError('WRONG_KIND', message, { hint: 'reading commands work; write through the broker of this store' }),
});
