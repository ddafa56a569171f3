import path from 'node:path';
import { MqliteError } from '../../broker/errors.ts';
import { openLockFile } from '../locks/write-lock.ts';
import { countOf, formatBrokerJson, isJsonObject, newJsonObject, objectAt, objectOrEmpty, parseBrokerJson } from '../state/broker-json.ts';
import type { JsonObject } from '../state/broker-json.ts';
import type { QueueOffset } from '../state/consumer-offsets.ts';
import { readWholeFile, writeFileAtomically } from '../state/file-io.ts';
import type { StoreContext } from '../store-context.ts';

/** [ClientConfig#instanceName] */
export const DEFAULT_INSTANCE = 'DEFAULT';
const INSTANCE_BYTE = 0;
const MAX_INSTANCE_LENGTH = 120;

/** Error: INVALID_INPUT for what is no file name everywhere. */
export const checkInstanceName = (instance: string): void => {
  if (/^[A-Za-z0-9_%|@#-][A-Za-z0-9_%|@#.-]*$/.test(instance) && instance.length <= MAX_INSTANCE_LENGTH) return;
  throw new MqliteError('INVALID_INPUT', `the instance name ${JSON.stringify(instance)} is not one`, { hint: `allowed are 1 to ${MAX_INSTANCE_LENGTH} letters, digits, "_", "-", "%", "@", "#" and, not first, "."` });
};

/**
 * How far one instance of a broadcasting group has read: `mqlite/broadcast/<instance>/<group>.json`, `{"offsetTable":{"<topic>":{"<queueId>":n}}}`,
 * with a lock file beside it that one live process has.
 */
export class BroadcastOffsets {
  readonly #context: StoreContext;
  readonly #path: string;
  readonly #fd: number;
  #value: JsonObject;

  /** Error: LOCKED when a live process consumes as this instance. */
  constructor(context: StoreContext, instance: string, group: string) {
    const { fs, locks, paths } = context;
    this.#context = context;
    const directory = path.join(paths.broadcast, instance);
    fs.makeDirectory(directory);
    this.#path = path.join(directory, `${group}.json`);
    this.#fd = openLockFile(fs, path.join(directory, `${group}.lock`));
    if (!locks.tryLock(this.#fd, INSTANCE_BYTE, 'exclusive')) {
      fs.close(this.#fd);
      throw new MqliteError('LOCKED', `instance ${instance} of group ${group} is being consumed by another process`, { hint: 'give each process an --instance of its own' });
    }
    this.#value = this.#read();
  }

  all(): QueueOffset[] {
    return offsetsIn(this.#value);
  }

  commit(commits: readonly QueueOffset[]): void {
    if (commits.length === 0) return;
    for (const { topic, queueId, offset } of commits) objectAt(objectAt(this.#value, 'offsetTable'), topic)[queueId] = offset;
    writeFileAtomically(this.#context.fs, this.#path, Buffer.from(formatBrokerJson(this.#value)), { tempDirectory: this.#context.paths.temp });
  }

  close(): void {
    this.#context.fs.close(this.#fd);
  }

  #read(): JsonObject {
    try {
      return readTable(this.#context, this.#path) ?? newJsonObject();
    } catch (error) {
      this.close();
      throw error;
    }
  }
}

/** Every instance that has offsets of the group, by name. Looks only. Error: DAMAGED. */
export const instancesOf = (context: StoreContext, group: string): { readonly instance: string; readonly offsets: readonly QueueOffset[] }[] =>
  (context.fs.list(context.paths.broadcast) ?? []).sort().flatMap((instance) => {
    const table = readTable(context, path.join(context.paths.broadcast, instance, `${group}.json`));
    return table === null ? [] : [{ instance, offsets: offsetsIn(table) }];
  });

/** null: there is none. */
const readTable = ({ fs }: StoreContext, file: string): JsonObject | null => {
  const bytes = readWholeFile(fs, file);
  if (bytes === null) return null;
  try {
    const value = parseBrokerJson(bytes.toString('utf8'));
    if (isJsonObject(value)) return value;
  } catch {
    // Said below.
  }
  throw new MqliteError('DAMAGED', `${file} is not a JSON object`, { hint: 'remove it to let the instance start anew' });
};

const offsetsIn = (value: JsonObject): QueueOffset[] => {
  const found: QueueOffset[] = [];
  const table = objectOrEmpty(value, 'offsetTable');
  for (const topic of Object.keys(table)) {
    const queues = objectOrEmpty(table, topic);
    for (const queueId of Object.keys(queues)) {
      const offset = countOf(queues[queueId]);
      if (offset !== null) found.push({ topic, queueId: Number(queueId), offset });
    }
  }
  return found;
};
