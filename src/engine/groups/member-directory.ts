import path from 'node:path';
import type { MemberCard } from '../../broker/types.ts';
import type { FileStat } from '../files/file-system.ts';
import { openIfThere } from '../files/open-if-there.ts';
import { readWholeFile, removeFile, writeFileAtomically, writeTempFile } from '../state/file-io.ts';
import type { StoreContext } from '../store-context.ts';
import type { CommitWindow } from '../../broker/commit-rate.ts';
import { commitsPerSecond } from '../../broker/commit-rate.ts';

const MEMBER_BYTE = 0;
const MEMBER_SUFFIX = '.json';
const RATE_SUFFIX = '.rate';
/** A directory that was changed longer ago than this, in ms, would show a later change by its time, however coarse that is. */
const SETTLED_MS = 3000;
/** So many cards stay open, so that to ask again whether a member lives is one system call. */
const MAX_OPEN_CARDS = 64;

export type { MemberCard };

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
  /** Cards by client id: they never change. */
  #cards = new Map<string, MemberCard>();
  /** Descriptors of the others' cards, by client id. */
  readonly #open = new Map<string, number>();
  /** The member of this process that looks: it knows that it lives. */
  #ownId = '';
  #clientIds: readonly string[] = [];
  /** The directory when it was last listed; null: it must be listed anew. */
  #listed: Pick<FileStat, 'inode' | 'modifiedMs'> | null = null;

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
    this.#ownId = card.clientId;
    return fd;
  }

  leave(clientId: string, fd: number): void {
    this.close();
    this.#ownId = '';
    try {
      this.#remove(clientId);
    } catch {
      // Without its lock the card is that of a dead member, which others remove.
    }
    this.#context.fs.close(fd);
  }

  /** Cards of the living, by client id. Looks only. */
  living(): MemberCard[] {
    try {
      return this.#look(() => {});
    } finally {
      this.close();
    }
  }

  /** The same, and removes what the dead left behind. To be closed after the last time. */
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

  /** Lets go of the others' cards; looking opens them again. */
  close(): void {
    for (const fd of this.#open.values()) this.#context.fs.close(fd);
    this.#open.clear();
  }

  /** Several times a second for members that have nothing to do: while nobody comes or goes, one stat and a lock try for each other. */
  #look(onDead: (clientId: string) => void): MemberCard[] {
    const cards = new Map<string, MemberCard>();
    const clientIds = this.#list();
    for (const clientId of clientIds) {
      if (clientId !== this.#ownId && !this.#isAlive(clientId)) {
        onDead(clientId);
        continue;
      }
      const card = this.#cards.get(clientId) ?? (this.#read(clientId, MEMBER_SUFFIX) as MemberCard | null);
      if (card !== null) cards.set(clientId, card);
    }
    this.#cards = cards;
    return [...cards.values()];
  }

  #list(): readonly string[] {
    const { fs, clock } = this.#context;
    const now = fs.stat(this.#directory);
    if (now === null) return [];
    if (this.#listed?.inode === now.inode && this.#listed.modifiedMs === now.modifiedMs) return this.#clientIds;
    this.#listed = clock.nowMs() - now.modifiedMs > SETTLED_MS ? now : null;
    const names = fs.list(this.#directory) ?? [];
    this.#clientIds = names.filter((name) => name.endsWith(MEMBER_SUFFIX)).map((name) => name.slice(0, -MEMBER_SUFFIX.length)).sort();
    const present = new Set(this.#clientIds);
    for (const clientId of this.#open.keys()) if (!present.has(clientId)) this.#closeCard(clientId);
    return this.#clientIds;
  }

  /** Asked with a shared lock, which nobody gets while the member lives. */
  #isAlive(clientId: string): boolean {
    const { fs, locks } = this.#context;
    const fd = this.#open.get(clientId) ?? openIfThere(fs, this.#file(clientId, MEMBER_SUFFIX));
    if (fd === null) return false;
    this.#open.set(clientId, fd);
    const isAlive = !locks.tryLock(fd, MEMBER_BYTE, 'shared');
    if (!isAlive || this.#open.size > MAX_OPEN_CARDS) this.#closeCard(clientId);
    return isAlive;
  }

  #closeCard(clientId: string): void {
    const fd = this.#open.get(clientId);
    if (fd !== undefined) this.#context.fs.close(fd);
    this.#open.delete(clientId);
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
  const fd = openIfThere(fs, file);
  if (fd === null) return false;
  try {
    return !locks.tryLock(fd, MEMBER_BYTE, 'shared');
  } finally {
    fs.close(fd);
  }
};
