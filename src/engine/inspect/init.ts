import type { Clock } from '../../base/clock.ts';
import { systemClock } from '../../base/clock.ts';
import { MqliteError } from '../../broker/errors.ts';
import { ENTRY_SIZE_BYTES, queueFileSize } from '../consume-queue/layout.ts';
import { nativeFileLocks } from '../files/file-locks.ts';
import type { FileLocks } from '../files/file-locks.ts';
import type { FileSystem } from '../files/file-system.ts';
import { nodeFileSystem } from '../files/node-file-system.ts';
import { withAttachLock } from '../locks/attachment.ts';
import { makeDirectoryDurably } from '../state/file-io.ts';
import { DEFAULT_IDENTITY, validateIdentity, writeIdentity } from '../state/store-identity.ts';
import type { StoreIdentity } from '../state/store-identity.ts';
import { isHalfMade, isStore } from '../state/store-kind.ts';
import { storePaths } from '../store-paths.ts';
import type { StorePaths } from '../store-paths.ts';
import { storeInfo } from './info.ts';
import type { StoreInfo } from './info.ts';
import { withStoreErrors } from './store-view.ts';
import type { StoreOptions } from './store-view.ts';

export interface InitOptions extends StoreOptions {
  /** Length of a log file, bytes. Default 1 GiB. */
  readonly segmentSizeBytes?: number | undefined;
  /** Entries in a queue file. Default 300,000 (6,000,000 bytes). */
  readonly consumeQueueFileEntries?: number | undefined;
  /** The same in bytes, as a broker's configuration has it; rounded up to whole entries. */
  readonly consumeQueueFileSizeBytes?: number | undefined;
  readonly indexSlotCount?: number | undefined;
  readonly indexMaxCount?: number | undefined;
  readonly brokerName?: string | undefined;
  readonly clusterName?: string | undefined;
  /** `ip:port`. */
  readonly storeHost?: string | undefined;
  readonly messageDelayLevel?: string | undefined;
  readonly propertyCrc?: boolean | undefined;
  readonly clock?: Clock | undefined;
  readonly locks?: FileLocks | undefined;
}

const LOCK_TIMEOUT_MS = 5000;

/**
 * Makes a store: its directories and `mqlite/store.json`, no data file (those appear with their first records).
 * @throws MqliteError INVALID_INPUT for a setting out of range, REFUSED where a store or anything else lies already, LOCKED
 */
export const initStore = (options: InitOptions): Promise<StoreInfo> =>
  withStoreErrors(`cannot make a store in ${options.storeDirectory}`, async () => {
    const { fs = nodeFileSystem, locks = nativeFileLocks, clock = systemClock } = options;
    const paths = storePaths(options.storeDirectory, options.commitLogDirectory);
    const identity = identityOf(options);
    validateIdentity(identity);
    const root = fs.stat(paths.root);
    if (root !== null && !root.isDirectory) throw new MqliteError('REFUSED', `${paths.root} is a file`, { hint: 'give a directory' });
    refuseWhatIsThere(fs, paths);
    makeDirectoryDurably(fs, paths.mqlite);
    await withAttachLock({ fs, locks, clock, paths, lockTimeoutMs: options.lockTimeoutMs ?? LOCK_TIMEOUT_MS }, () => {
      // A writer that makes what is missing may have been faster: its sizes are the store's by now.
      refuseWhatIsThere(fs, paths);
      // First: a directory of a store without it would be taken for one whose sizes are to be inferred.
      writeIdentity(fs, paths.identity, identity, { tempDirectory: paths.temp, nowMs: clock.nowMs() });
      for (const directory of [paths.commitLog, paths.consumeQueue, paths.index, paths.config]) makeDirectoryDurably(fs, directory);
    });
    return storeInfo(options);
  });

/** Error: REFUSED. */
const refuseWhatIsThere = (fs: FileSystem, paths: StorePaths): void => {
  const isBegun = isHalfMade(fs, paths);
  if (isStore(fs, paths) && !isBegun) {
    throw new MqliteError('REFUSED', `${paths.root} is a store already`, { hint: 'see it with "mqlite store info"; a store keeps the sizes it was made with' });
  }
  if ((fs.list(paths.root) ?? []).length > 0 && !isBegun) throw new MqliteError('REFUSED', `${paths.root} is not empty`, { hint: 'give a new or an empty directory' });
  if ((fs.list(paths.commitLog) ?? []).length > 0) {
    throw new MqliteError('REFUSED', `${paths.commitLog} is not empty`, { hint: 'a log that exists belongs to a store: open that one' });
  }
};

const identityOf = (options: InitOptions): StoreIdentity => {
  const queueFileBytes = options.consumeQueueFileEntries === undefined ? options.consumeQueueFileSizeBytes : options.consumeQueueFileEntries * ENTRY_SIZE_BYTES;
  return {
    ...DEFAULT_IDENTITY,
    segmentSizeBytes: options.segmentSizeBytes ?? DEFAULT_IDENTITY.segmentSizeBytes,
    consumeQueueFileSizeBytes: queueFileBytes === undefined ? DEFAULT_IDENTITY.consumeQueueFileSizeBytes : queueFileSize(queueFileBytes),
    indexSlotCount: options.indexSlotCount ?? DEFAULT_IDENTITY.indexSlotCount,
    indexMaxCount: options.indexMaxCount ?? DEFAULT_IDENTITY.indexMaxCount,
    brokerName: options.brokerName ?? DEFAULT_IDENTITY.brokerName,
    clusterName: options.clusterName ?? DEFAULT_IDENTITY.clusterName,
    storeHost: options.storeHost ?? DEFAULT_IDENTITY.storeHost,
    messageDelayLevel: options.messageDelayLevel ?? DEFAULT_IDENTITY.messageDelayLevel,
    propertyCrc: options.propertyCrc ?? DEFAULT_IDENTITY.propertyCrc,
  };
};
