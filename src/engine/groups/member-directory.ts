import path from 'node:path';
import type { MemberInfo } from '../../broker/types.ts';
import { readWholeFile, removeFile, writeFileAtomically, writeTempFile } from '../state/file-io.ts';
import type { StoreContext } from '../store-context.ts';
import type { CommitWindow } from './commit-rate.ts';
import { commitsPerSecond } from './commit-rate.ts';

const MEMBER_BYTE = 0;
const MEMBER_SUFFIX = '.json';
const RATE_SUFFIX = '.rate';

/** What a member says of itself, once. */
export type MemberCard = Omit<MemberInfo, 'queues' | 'consumedPerSecond'>;

/** A group's name may hold characters that make poor file names (`%`, `|`); hex is safe and reversible. */
export const groupDirectory = (context: StoreContext, group: string): string => path.join(context.paths.groups, Buffer.from(group).toString('hex'));

/**
 * The members of a group: `mqlite/groups/<hex of the group>/members/<clientId>.json`, each locked by its process from before it has its
 * name until the process ends, however it ends. So a file whose lock is free belongs to a dead member. Beside it `<clientId>.rate`
 * says how fast the member commits.
 */
export class MemberDirectory {
  readonly #context: StoreContext;
  readonly #directory: string;
  /** Cards by file name: they never change. */
  #cards = new Map<string, MemberCard>();

  constructor(context: StoreContext, group: string) {
    this.#context = context;
    this.#directory = path.join(groupDirectory(context, group), 'members');
  }

  /** Makes the card of a member of this process visible; the descriptor holds its lock. */
  enter(card: MemberCard): number {
    const { fs, locks, paths } = this.#context;
    fs.makeDirectory(this.#directory);
    const temporary = writeTempFile(fs, card.clientId, Buffer.from(JSON.stringify(card)), { tempDirectory: paths.temp, sync: false });
    const fd = fs.open(temporary, 'write');
    locks.tryLock(fd, MEMBER_BYTE, 'exclusive');
    fs.rename(temporary, this.#file(card.clientId, MEMBER_SUFFIX));
    return fd;
  }

  leave(clientId: string, fd: number): void {
    try {
      this.#remove(clientId);
    } catch {
      // Without its lock the card is that of a dead member, which others remove.
    }
    this.#context.fs.close(fd);
  }

  /** Cards of the living, by client id. Looks only. */
  living(): MemberCard[] {
    return this.#look(() => {});
  }

  /** The same, and removes what the dead left behind. */
  tidy(): MemberCard[] {
    return this.#look((clientId) => this.#remove(clientId));
  }

  publishRate(clientId: string, window: CommitWindow): void {
    writeFileAtomically(this.#context.fs, this.#file(clientId, RATE_SUFFIX), Buffer.from(JSON.stringify(window)), { tempDirectory: this.#context.paths.temp, sync: false });
  }

  consumedPerSecond(clientId: string): number | null {
    const window = this.#read(clientId, RATE_SUFFIX);
    return window === null ? null : commitsPerSecond(window as CommitWindow, this.#context.clock.nowMs());
  }

  #look(onDead: (clientId: string) => void): MemberCard[] {
    const cards = new Map<string, MemberCard>();
    for (const name of (this.#context.fs.list(this.#directory) ?? []).sort()) {
      if (!name.endsWith(MEMBER_SUFFIX)) continue;
      const clientId = name.slice(0, -MEMBER_SUFFIX.length);
      if (!isLockedFile(this.#context, this.#file(clientId, MEMBER_SUFFIX))) {
        onDead(clientId);
        continue;
      }
      const card = this.#cards.get(clientId) ?? (this.#read(clientId, MEMBER_SUFFIX) as MemberCard | null);
      if (card !== null) cards.set(clientId, card);
    }
    this.#cards = cards;
    return [...cards.values()];
  }

  #read(clientId: string, suffix: string): unknown {
    const bytes = readWholeFile(this.#context.fs, this.#file(clientId, suffix));
    if (bytes === null) return null;
    try {
      return JSON.parse(bytes.toString('utf8'));
    } catch {
      return null;
    }
  }

  #remove(clientId: string): void {
    removeFile(this.#context.fs, this.#file(clientId, MEMBER_SUFFIX));
    removeFile(this.#context.fs, this.#file(clientId, RATE_SUFFIX));
  }

  #file(clientId: string, suffix: string): string {
    return path.join(this.#directory, clientId + suffix);
  }
}

/** Whether a living process has the file locked; asked with a shared lock for a moment, which an owner who tries at that moment outwaits. */
export const isLockedFile = ({ fs, locks }: StoreContext, file: string): boolean => {
  let fd: number;
  try {
    fd = fs.open(file, 'read');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
  try {
    return !locks.tryLock(fd, MEMBER_BYTE, 'shared');
  } finally {
    fs.close(fd);
  }
};
