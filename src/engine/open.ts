import type { Broker } from '../broker/broker.ts';
import { MqliteError } from '../broker/errors.ts';
import { systemClock } from '../base/clock.ts';
import type { Clock } from '../base/clock.ts';
import { nativeFileLocks } from './files/file-locks.ts';
import type { FileLocks } from './files/file-locks.ts';
import type { FileSystem } from './files/file-system.ts';
import { nodeFileSystem } from './files/node-file-system.ts';
import { toMqliteError } from './files/storage-errors.ts';
import { LocalBroker } from './local/local-broker.ts';
import { withAttachLock } from './locks/attachment.ts';
import { isLocked } from './locks/lock-holder.ts';
import { abortExists } from './state/abort.ts';
import { makeDirectoryDurably } from './state/file-io.ts';
import { requireWritableIdentity } from './state/infer-identity.ts';
import { DEFAULT_IDENTITY, readIdentity, writeIdentity } from './state/store-identity.ts';
import type { StoreIdentity } from './state/store-identity.ts';
import { detectStoreKind, isHalfMade, isStore } from './state/store-kind.ts';
import { identityForLooking, resolveIdentity } from './store-context.ts';
import type { StoreContext } from './store-context.ts';
import { storePaths } from './store-paths.ts';
import type { StorePaths } from './store-paths.ts';
import { StoreWriter } from './write/store-writer.ts';

export interface LocalBrokerOptions {
  readonly storeDirectory: string;
  /** A log kept elsewhere (`storePathCommitLog`). */
  readonly commitLogDirectory?: string | undefined;
  /** read: nothing under the store is written, not an mtime. write: joins the writers of the store. */
  readonly mode: 'read' | 'write';
  /** With `write`: make the store when the directory has none. Default false. */
  readonly create?: boolean | undefined;
  /** How long to wait for other mqlite processes. Default 5,000 ms. */
  readonly lockTimeoutMs?: number | undefined;
  /** async (default): acknowledged when the operating system has it; sync: after fdatasync. */
  readonly flush?: 'async' | 'sync' | undefined;
  /** With `write`: deliver what is due, now and while it is open. Default true; a tool that mends a store fires nothing. */
  readonly delivers?: boolean | undefined;
  /** Any write is a usage error. */
  readonly readOnly?: boolean | undefined;
  readonly clock?: Clock | undefined;
  readonly fs?: FileSystem | undefined;
  readonly locks?: FileLocks | undefined;
  /** Called with each thing a user should be told, as soon as it is known. */
  readonly onNotice?: ((text: string) => void) | undefined;
}

export const DEFAULT_LOCK_TIMEOUT_MS = 5000;

/**
 * Opens a store directory as a Broker.
 * Errors: STORE_NOT_FOUND, WRONG_KIND (RocksDB queues, sizes that cannot be told), LOCKED, DAMAGED, PERMISSION_DENIED, STORAGE_FAILED.
 */
export const openLocalBroker = async (options: LocalBrokerOptions): Promise<Broker> => {
  const paths = storePaths(options.storeDirectory, options.commitLogDirectory);
  try {
    return options.mode === 'write' ? await openForWriting(options, paths) : openForReading(options, paths);
  } catch (error) {
    throw toMqliteError(error, `opening ${paths.root}`);
  }
};

const openForReading = (options: LocalBrokerOptions, paths: StorePaths): Broker => {
  const fs = options.fs ?? nodeFileSystem;
  detectStoreKind(fs, paths);
  const { identity, levelsUnknown } = identityForLooking(fs, paths);
  const context = { ...ports(options), paths, identity };
  const { notices, notify } = collectNotices(options);
  if (abortExists(fs, paths.abort) && !isLocked(fs, paths.lock)) {
    notify(`${paths.root} was not closed cleanly; reading up to the last valid record`);
  }
  return new LocalBroker({ context, writer: null, flush: 'async', notices, levelsUnknown, onNotice: notify, onTopicCreated: () => {} });
};

const openForWriting = async (options: LocalBrokerOptions, paths: StorePaths): Promise<Broker> => {
  if (options.readOnly === true) throw new MqliteError('USAGE', `${paths.root} is opened read-only, but this command writes`, { hint: 'leave --read-only out' });
  const { fs, locks, clock } = ports(options);
  if (!isStore(fs, paths) || isHalfMade(fs, paths)) await prepareNewStore(options, paths);
  const { writeRefusal } = detectStoreKind(fs, paths);
  if (writeRefusal !== null) throw writeRefusal;
  const inferred = resolveIdentity(fs, paths);
  requireWritableIdentity(inferred, paths);
  const context: StoreContext = { fs, locks, clock, paths, identity: inferred.identity };
  const { notices, notify } = collectNotices(options);
  const writer = await StoreWriter.attach(context, { lockTimeoutMs: lockTimeoutOf(options), onNotice: notify });
  // What was inferred from files may be gone with them one day (retention): it is written down once somebody writes here.
  if (readIdentity(fs, paths.identity) === null) {
    await withAttachLock({ fs, locks, clock, paths, lockTimeoutMs: lockTimeoutOf(options) }, () => writeMissingIdentity(fs, clock, paths, inferred.identity));
  }
  const broker = new LocalBroker({
    context, writer, flush: options.flush ?? 'async', notices, onNotice: notify,
    onTopicCreated: (topic) => notify(`topic ${topic} did not exist; created with 4 queues`),
  });
  if (options.delivers !== false) await broker.startServices();
  return broker;
};

/** Refuses to scatter a store's directories over a directory that holds something else. */
const prepareNewStore = async (options: LocalBrokerOptions, paths: StorePaths): Promise<void> => {
  const { fs, locks, clock } = ports(options);
  const names = fs.list(paths.root);
  if (options.create !== true) detectStoreKind(fs, paths);
  if (names !== null && names.length > 0) {
    // Another process may have been faster, between the look before this call and now; or one died at it.
    const isHalf = isHalfMade(fs, paths);
    if (!isHalf && isStore(fs, paths)) return;
    if (!isHalf) throw new MqliteError('STORE_NOT_FOUND', `${paths.root} is not empty and is not a RocketMQ store`, { hint: 'give the directory of a store, or an empty or new one' });
  }
  makeDirectoryDurably(fs, paths.mqlite);
  fs.makeDirectory(paths.temp);
  await withAttachLock({ fs, locks, clock, paths, lockTimeoutMs: lockTimeoutOf(options) }, () => writeMissingIdentity(fs, clock, paths, DEFAULT_IDENTITY));
};

/** With the attach lock held: one process says what a store is, be it the first writer or `store init`. */
const writeMissingIdentity = (fs: FileSystem, clock: Clock, paths: StorePaths, identity: StoreIdentity): void => {
  if (readIdentity(fs, paths.identity) === null) writeIdentity(fs, paths.identity, identity, { tempDirectory: paths.temp, nowMs: clock.nowMs() });
};

const lockTimeoutOf = ({ lockTimeoutMs }: LocalBrokerOptions): number => lockTimeoutMs ?? DEFAULT_LOCK_TIMEOUT_MS;

const ports = (options: LocalBrokerOptions): { fs: FileSystem; locks: FileLocks; clock: Clock } => ({
  fs: options.fs ?? nodeFileSystem,
  locks: options.locks ?? nativeFileLocks,
  clock: options.clock ?? systemClock,
});

const collectNotices = (options: LocalBrokerOptions): { notices: string[]; notify: (text: string) => void } => {
  const notices: string[] = [];
  return {
    notices,
    notify: (text) => {
      notices.push(text);
      options.onNotice?.(text);
    },
  };
};
