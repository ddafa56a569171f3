import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, writeSync } from 'node:fs';
import path from 'node:path';
import { MqliteError } from '../broker/errors.ts';
import type { OffsetCommit } from '../broker/types.ts';
import type { BroadcastFiles } from '../remote/groups/broadcast-member.ts';
import { naming } from './named-files.ts';

const LOCK_BYTE = 0;

/**
 * Where instances of broadcasting groups of a cluster keep how far they have read:
 * `<data dir>/broadcast/<hex of the name servers>/<instance>/<group>.json`, `{"offsetTable":{"<topic>":{"<brokerName>":{"<queueId>":n}}}}`, with a lock
 * file beside it that one live process has.
 */
export const broadcastFiles = (dataDirectory: string, nameServers: readonly string[]): BroadcastFiles => {
  const directory = path.join(dataDirectory, 'broadcast', Buffer.from([...nameServers].sort().join(';')).toString('hex'));
  return {
    open: (instance, group) => BroadcastOffsetsFile.open(path.join(directory, instance), instance, group),
    list: (group) => instancesIn(directory).flatMap((instance) => {
      const file = path.join(directory, instance, `${group}.json`);
      return existsSync(file) ? [{ instance, offsets: naming(file, () => readOffsets(file)) }] : [];
    }),
  };
};

const instancesIn = (directory: string): string[] => (existsSync(directory) ? naming(directory, () => readdirSync(directory)).sort() : []);

type OffsetTable = Record<string, Record<string, Record<string, number>>>;

class BroadcastOffsetsFile {
  readonly #path: string;
  readonly #lockFd: number;
  readonly #offsets: readonly OffsetCommit[];

  /** Errors: LOCKED when a live process consumes as this instance, DAMAGED, storage failures. */
  static async open(directory: string, instance: string, group: string): Promise<BroadcastOffsetsFile> {
    // The native module is loaded on use.
    const { nativeFileLocks } = await import('../engine/files/file-locks.ts');
    const file = path.join(directory, `${group}.json`);
    return naming(file, () => {
      mkdirSync(directory, { recursive: true });
      const lockFd = openSync(path.join(directory, `${group}.lock`), 'a+');
      try {
        if (!nativeFileLocks.tryLock(lockFd, LOCK_BYTE, 'exclusive')) {
          throw new MqliteError('LOCKED', `instance ${instance} of group ${group} is being consumed by another process`, { hint: 'give each process an --instance of its own' });
        }
        return new BroadcastOffsetsFile(file, lockFd, readOffsets(file));
      } catch (error) {
        closeSync(lockFd);
        throw error;
      }
    });
  }

  private constructor(file: string, lockFd: number, offsets: readonly OffsetCommit[]) {
    this.#path = file;
    this.#lockFd = lockFd;
    this.#offsets = offsets;
  }

  read(): readonly OffsetCommit[] {
    return this.#offsets;
  }

  /** Written beside, synced and renamed: a reader, or a machine that fails, never meets half a file. */
  write(offsets: readonly OffsetCommit[]): void {
    const offsetTable: OffsetTable = bare();
    for (const { queue: { topic, brokerName, queueId }, offset } of offsets) ((offsetTable[topic] ??= bare())[brokerName] ??= bare())[queueId] = offset;
    naming(this.#path, () => {
      const temporary = `${this.#path}.tmp`;
      const fd = openSync(temporary, 'w');
      try {
        writeSync(fd, `${JSON.stringify({ offsetTable })}\n`);
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      renameSync(temporary, this.#path);
    });
  }

  close(): void {
    closeSync(this.#lockFd);
  }
}

/** `__proto__` is a name like any other. */
const bare = <T>(): Record<string, T> => Object.create(null) as Record<string, T>;

const readOffsets = (file: string): OffsetCommit[] => {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  try {
    const { offsetTable } = JSON.parse(text) as { readonly offsetTable: OffsetTable };
    return Object.entries(offsetTable).flatMap(([topic, brokers]) => Object.entries(brokers).flatMap(([brokerName, queues]) =>
      Object.entries(queues).map(([queueId, offset]) => ({ queue: { topic, brokerName, queueId: wholeNumber(Number(queueId)) }, offset: wholeNumber(offset) }))));
  } catch (error) {
    throw new MqliteError('DAMAGED', `${file} is not a file of offsets`, { hint: 'remove it to let the instance start anew', cause: error });
  }
};

const wholeNumber = (value: number): number => {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new RangeError(`${value} is not a whole number of at least 0`);
};
