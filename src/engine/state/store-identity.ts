import { DEFAULT_DELAY_LEVELS } from '../../broker/delay-levels.ts';
import { MqliteError } from '../../broker/errors.ts';
import type { FileSystem } from '../files/file-system.ts';
import { formatBrokerJson, isJsonObject, parseBrokerJson } from './broker-json.ts';
import type { JsonObject } from './broker-json.ts';
import { readWholeFile, writeFileAtomically } from './file-io.ts';

/** What a store is, beyond its bytes: `mqlite/store.json`. Sizes in bytes unless named otherwise. */
export interface StoreIdentity {
  readonly brokerName: string;
  readonly clusterName: string;
  /** `ip:port` written into new records. */
  readonly storeHost: string;
  /** Length of a commit-log file. */
  readonly segmentSizeBytes: number;
  readonly consumeQueueFileSizeBytes: number;
  /** Hash slots and entries (the unused entry 0 included) of an index file. */
  readonly indexSlotCount: number;
  readonly indexMaxCount: number;
  readonly messageDelayLevel: string;
  /** New records carry `__CRC32#`. */
  readonly propertyCrc: boolean;
}

export type IdentityField = keyof StoreIdentity;

export const STORE_FORMAT_VERSION = 1;

/** RocketMQ's own defaults [MessageStoreConfig] [BrokerConfig]; for a store that mqlite makes. */
export const DEFAULT_IDENTITY: StoreIdentity = {
  brokerName: 'broker-a',
  clusterName: 'DefaultCluster',
  storeHost: '127.0.0.1:10911',
  segmentSizeBytes: 1024 * 1024 * 1024,
  consumeQueueFileSizeBytes: 6_000_000,
  indexSlotCount: 5_000_000,
  indexMaxCount: 20_000_000,
  messageDelayLevel: DEFAULT_DELAY_LEVELS,
  propertyCrc: false,
};

const MAX_FILE_SIZE_BYTES = 0x7fffffff;
const INDEX_HEADER_BYTES = 40;
const INDEX_SLOT_BYTES = 4;
const INDEX_ENTRY_BYTES = 20;
const CONSUME_QUEUE_ENTRY_BYTES = 20;

export const indexFileSizeBytes = (slotCount: number, maxCount: number): number =>
  INDEX_HEADER_BYTES + slotCount * INDEX_SLOT_BYTES + maxCount * INDEX_ENTRY_BYTES;

const whole = (value: unknown, min: number, max: number): boolean =>
  Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
const isName = (value: unknown): boolean => typeof value === 'string' && /^[%|\w-]{1,127}$/.test(value);

/** `[what is allowed, test]`; a mapped file of a broker is at most 2^31-1 bytes long. */
const RULES: Readonly<Record<IdentityField, readonly [string, (value: unknown) => boolean]>> = {
  brokerName: ['a name of letters, digits, "_" and "-"', isName],
  clusterName: ['a name of letters, digits, "_" and "-"', isName],
  storeHost: ['IP:PORT', (value) => typeof value === 'string' && /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-fA-F:.]+\]):\d{1,5}$/.test(value)],
  segmentSizeBytes: ['bytes, from 4096 to 2147483647', (value) => whole(value, 4096, MAX_FILE_SIZE_BYTES)],
  consumeQueueFileSizeBytes: [
    'bytes, a multiple of 20, from 20 to 2147483640',
    (value) => whole(value, CONSUME_QUEUE_ENTRY_BYTES, MAX_FILE_SIZE_BYTES) && (value as number) % CONSUME_QUEUE_ENTRY_BYTES === 0,
  ],
  indexSlotCount: ['a number of slots from 1', (value) => whole(value, 1, MAX_FILE_SIZE_BYTES)],
  indexMaxCount: ['a number of entries from 2', (value) => whole(value, 2, MAX_FILE_SIZE_BYTES)],
  messageDelayLevel: ['delays such as "1s 5s 10m 2h"', (value) => typeof value === 'string' && /^\d+[smhd](?: \d+[smhd])*$/.test(value)],
  propertyCrc: ['true or false', (value) => typeof value === 'boolean'],
};

export const IDENTITY_FIELDS = Object.keys(RULES) as IdentityField[];

/** Throws INVALID_INPUT for the first field that is out of range, or an index file beyond 2 GiB. */
export const validateIdentity = (identity: StoreIdentity): void => {
  for (const field of IDENTITY_FIELDS) {
    const [allowed, test] = RULES[field];
    if (test(identity[field])) continue;
    throw new MqliteError('INVALID_INPUT', `${field} cannot be ${JSON.stringify(identity[field])}`, { hint: `give ${allowed}` });
  }
  if (indexFileSizeBytes(identity.indexSlotCount, identity.indexMaxCount) > MAX_FILE_SIZE_BYTES) {
    throw new MqliteError('INVALID_INPUT', 'an index file of that many slots and entries would be longer than 2 GiB', {
      hint: 'make indexSlotCount or indexMaxCount smaller',
    });
  }
};

/**
 * What `store.json` says, perhaps only some fields (a user may add the ones that cannot be inferred by hand); null when there is none.
 * @throws MqliteError DAMAGED for a file that is not understood, WRONG_KIND for one of a later mqlite
 */
export const readIdentity = (fs: FileSystem, path: string): Partial<StoreIdentity> | null => {
  const bytes = readWholeFile(fs, path);
  if (bytes === null) return null;
  const root = parseIdentity(path, bytes);
  const version = root['formatVersion'];
  if (typeof version === 'number' && version > STORE_FORMAT_VERSION) {
    throw new MqliteError('WRONG_KIND', `${path}: formatVersion ${version} is newer than this mqlite knows (${STORE_FORMAT_VERSION})`, {
      hint: 'install a newer mqlite',
    });
  }
  const identity: Record<string, unknown> = {};
  for (const field of IDENTITY_FIELDS) {
    const value = root[field];
    if (value === undefined) continue;
    const [allowed, test] = RULES[field];
    if (!test(value)) {
      throw new MqliteError('DAMAGED', `${path}: ${field} cannot be ${formatBrokerJson(value)}`, {
        hint: `correct it in the file: ${allowed}`,
      });
    }
    identity[field] = value;
  }
  return identity as Partial<StoreIdentity>;
};

const parseIdentity = (path: string, bytes: Buffer): JsonObject => {
  let reason = 'not a JSON object';
  try {
    const value = parseBrokerJson(bytes.toString('utf8'));
    if (isJsonObject(value)) return value;
  } catch (error) {
    reason = (error as Error).message;
  }
  throw new MqliteError('DAMAGED', `${path}: ${reason}`, { hint: 'correct the file, or move it away to have the values inferred again' });
};

/** Writes `store.json` durably; fields that this version does not know are kept. */
export const writeIdentity = (
  fs: FileSystem,
  path: string,
  identity: StoreIdentity,
  options: { readonly tempDirectory: string; readonly nowMs: number },
): void => {
  validateIdentity(identity);
  const bytes = readWholeFile(fs, path);
  const before = bytes === null ? {} : parseIdentity(path, bytes);
  const next = { createdAt: options.nowMs, ...before, formatVersion: STORE_FORMAT_VERSION, ...identity } as JsonObject;
  writeFileAtomically(fs, path, Buffer.from(formatBrokerJson(next)), { tempDirectory: options.tempDirectory });
};

/** The lines of `broker.conf` with which a broker boots this store as it is. */
export const brokerConfLines = (identity: StoreIdentity, storeDirectory: string, commitLogDirectory: string): string[] => {
  const separator = identity.storeHost.lastIndexOf(':');
  return [
    `brokerClusterName=${identity.clusterName}`,
    `brokerName=${identity.brokerName}`,
    'brokerId=0',
    `brokerIP1=${identity.storeHost.slice(0, separator).replace(/^\[|\]$/g, '')}`,
    `listenPort=${identity.storeHost.slice(separator + 1)}`,
    `storePathRootDir=${storeDirectory}`,
    `storePathCommitLog=${commitLogDirectory}`,
    `mappedFileSizeCommitLog=${identity.segmentSizeBytes}`,
    `mappedFileSizeConsumeQueue=${identity.consumeQueueFileSizeBytes}`,
    `maxHashSlotNum=${identity.indexSlotCount}`,
    `maxIndexNum=${identity.indexMaxCount}`,
    `messageDelayLevel=${identity.messageDelayLevel}`,
    ...(identity.propertyCrc ? ['enabledAppendPropCRC=true'] : []),
  ];
};
