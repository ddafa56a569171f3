import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { EndTransactionRequest } from '../broker/types.ts';
import { MqliteError } from '../broker/errors.ts';
import { naming, syncDirectory } from './named-files.ts';
import type { RemoteTarget } from './target.ts';

/** Where decisions about transactions on a cluster are kept, each in a file until it is carried out. */
export const decisionDirectory = (target: RemoteTarget, dataDirectory: string): string =>
  path.join(dataDirectory, 'transactions', Buffer.from([...target.addresses].sort().join(';')).toString('hex'));

const SUFFIX = '.json';
const LOCK_BYTE = 0;

/**
 * A decision that outlives its process. A cluster ends every half message by itself: of one who dies in between, the rest is ended by
 * `tx commit --resume`. Its file is locked for as long as its process is at it.
 */
export class DecisionNote {
  readonly requests: readonly EndTransactionRequest[];
  readonly #file: string;
  readonly #fd: number;

  private constructor(file: string, fd: number, requests: readonly EndTransactionRequest[]) {
    this.#file = file;
    this.#fd = fd;
    this.requests = requests;
  }

  /** On disk when it returns. */
  static async write(directory: string, requests: readonly EndTransactionRequest[]): Promise<DecisionNote> {
    const { nativeFileLocks } = await import('../engine/files/file-locks.ts');
    return naming(directory, () => {
      mkdirSync(directory, { recursive: true });
      const file = path.join(directory, `${randomUUID()}${SUFFIX}`);
      const fd = openSync(`${file}.new`, 'wx+', 0o600);
      nativeFileLocks.tryLock(fd, LOCK_BYTE, 'exclusive');
      const bytes = Buffer.from(JSON.stringify({ requests }));
      for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
      fsyncSync(fd);
      renameSync(`${file}.new`, file);
      syncDirectory(directory);
      return new DecisionNote(file, fd, requests);
    });
  }

  /** Those whose processes are gone. Error: DAMAGED, naming the file. */
  static async left(directory: string): Promise<DecisionNote[]> {
    const { nativeFileLocks } = await import('../engine/files/file-locks.ts');
    return naming(directory, () => {
      if (!existsSync(directory)) return [];
      const notes: DecisionNote[] = [];
      for (const name of readdirSync(directory).filter((one) => one.endsWith(SUFFIX)).sort()) {
        const file = path.join(directory, name);
        const fd = openSync(file, 'r+');
        let note: DecisionNote | undefined;
        try {
          // Gone since: carried out by its own process, or by another that resumes.
          if (nativeFileLocks.tryLock(fd, LOCK_BYTE, 'exclusive') && existsSync(file)) notes.push(note = new DecisionNote(file, fd, parse(file)));
        } catch (error) {
          for (const other of notes) other.leave();
          throw error;
        } finally {
          if (note === undefined) closeSync(fd);
        }
      }
      return notes;
    });
  }

  /** It is carried out. */
  done(): void {
    naming(this.#file, () => unlinkSync(this.#file));
    closeSync(this.#fd);
  }

  /** Others may carry it out. */
  leave(): void {
    closeSync(this.#fd);
  }
}

function parse(file: string): readonly EndTransactionRequest[] {
  const damaged = (): never => {
    throw new MqliteError('DAMAGED', `${file}: not a decision about transactions`, { hint: 'It names half messages to be committed; see "mqlite tx list", and move it away.' });
  };
  try {
    const { requests } = JSON.parse(readFileSync(file, 'utf8')) as { readonly requests?: unknown };
    const texts = ['topic', 'transactionId', 'offsetMsgId', 'producerGroup', 'decision'];
    const isRequest = (one: Readonly<Record<string, unknown>> | null): boolean => one !== null && texts.every((name) => typeof one[name] === 'string') && typeof one['queueOffset'] === 'number';
    return Array.isArray(requests) && requests.every(isRequest) ? requests as EndTransactionRequest[] : damaged();
  } catch (error) {
    if (error instanceof SyntaxError) return damaged();
    throw error;
  }
}
