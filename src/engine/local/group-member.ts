import path from 'node:path';
import { MqliteError } from '../../broker/errors.ts';
import type { MemberInfo, Membership, MessageQueue, OffsetCommit } from '../../broker/types.ts';
import { toMqliteError } from '../files/storage-errors.ts';
import { openLockFile } from '../locks/write-lock.ts';
import { isLocked } from '../locks/lock-holder.ts';
import { readWholeFile, writeFileAtomically } from '../state/file-io.ts';
import type { QueueOffset } from '../state/consumer-offsets.ts';
import type { StoreContext } from '../store-context.ts';
import type { StoreWriter } from '../write/store-writer.ts';

const MEMBER_BYTE = 0;

/** A group's name may hold characters that make poor file names (`%`, `|`); hex is safe and reversible. */
const groupDirectory = (context: StoreContext, group: string): string => path.join(context.paths.groups, Buffer.from(group).toString('hex'));

/** The one live member of a group: its lock file is locked by a living process, or it is not there. */
export const readMember = (context: StoreContext, group: string): MemberInfo | null => {
  const directory = groupDirectory(context, group);
  if (!isLocked(context.fs, path.join(directory, 'member.lock'))) return null;
  const bytes = readWholeFile(context.fs, path.join(directory, 'member.json'));
  if (bytes === null) return null;
  try {
    return JSON.parse(bytes.toString('utf8')) as MemberInfo;
  } catch {
    return null;
  }
};

/** Membership of this process in a group. Consuming needs the group's member lock, which vanishes with the process. */
export class GroupMember implements Membership {
  readonly info: MemberInfo;
  readonly queues: readonly MessageQueue[];
  readonly #writer: StoreWriter;
  readonly #onLeave: (member: GroupMember) => void;
  #fd: number;
  /** Of the resets file: those up to here are obeyed. The shared state's number only says that there are new ones, and may lag after a crash. */
  #resetGeneration: number;
  #announced = -1;

  private constructor(writer: StoreWriter, info: MemberInfo, queues: readonly MessageQueue[], fd: number, onLeave: (member: GroupMember) => void) {
    this.#writer = writer;
    this.info = info;
    this.queues = queues;
    this.#fd = fd;
    this.#onLeave = onLeave;
    this.#resetGeneration = writer.tables.resets.generation();
  }

  /** Throws LOCKED when the group has a live member. */
  static join(writer: StoreWriter, info: MemberInfo, queues: readonly MessageQueue[], onLeave: (member: GroupMember) => void): GroupMember {
    const { context } = writer;
    const { fs, locks, paths } = context;
    const directory = groupDirectory(context, info.group);
    fs.makeDirectory(directory);
    const fd = openLockFile(fs, path.join(directory, 'member.lock'));
    if (!locks.tryLock(fd, MEMBER_BYTE, 'exclusive')) {
      fs.close(fd);
      const other = readMember(context, info.group);
      throw new MqliteError('LOCKED', `group ${info.group} is being consumed by ${other === null ? 'another process' : `process ${other.pid}`}`, {
        hint: 'stop that one first, or consume with another --group',
      });
    }
    writeFileAtomically(fs, path.join(directory, 'member.json'), Buffer.from(JSON.stringify(info)), { tempDirectory: paths.temp, sync: false });
    return new GroupMember(writer, info, queues, fd, onLeave);
  }

  async commit(commits: readonly OffsetCommit[]): Promise<readonly OffsetCommit[]> {
    this.#requireMember();
    // Asked once a second by a consumer that has nothing to do.
    if (commits.length === 0 && this.#writer.failure === null && this.#writer.published.resetGeneration() === this.#announced) return [];
    for (const commit of commits) this.#check(commit);
    try {
      return await this.#writer.locked(() => this.#commit(commits));
    } catch (error) {
      throw toMqliteError(error, `committing offsets of ${this.info.group}`);
    }
  }

  #commit(commits: readonly OffsetCommit[]): OffsetCommit[] {
    // Left while waiting for the lock: another member may own the group, and its offsets, by now.
    this.#requireMember();
    const resets = this.#newResets();
    const kept = commits.filter(({ queue }) => !resets.some((reset) => reset.topic === queue.topic && reset.queueId === queue.queueId));
    // Durably: an unsynced file under a new name may be empty after a power cut, and its .bak, written the same way, no better.
    if (kept.length > 0) this.#writer.tables.offsets.commit(this.info.group, kept.map(toQueueOffset));
    this.#announced = this.#writer.state.resetGeneration;
    if (resets.length > 0) this.#resetGeneration = this.#writer.tables.resets.generation();
    return this.#owned(resets);
  }

  async leave(): Promise<void> {
    if (this.#fd < 0) return;
    this.#writer.context.fs.close(this.#fd);
    this.#fd = -1;
    this.#onLeave(this);
  }

  #requireMember(): void {
    if (this.#fd < 0) throw new MqliteError('REFUSED', `this member has left group ${this.info.group}`);
  }

  /** Resets of this group since the last successful commit. Only a change of what is announced costs a file. */
  #newResets(): QueueOffset[] {
    const { state, tables } = this.#writer;
    return state.resetGeneration === this.#announced ? [] : tables.resets.since(this.info.group, this.#resetGeneration);
  }

  #owned(resets: readonly QueueOffset[]): OffsetCommit[] {
    return this.queues.flatMap((queue) => {
      const reset = resets.find(({ topic, queueId }) => topic === queue.topic && queueId === queue.queueId);
      return reset === undefined ? [] : [{ queue, offset: reset.offset }];
    });
  }

  #check({ queue, offset }: OffsetCommit): void {
    if (!Number.isSafeInteger(offset) || offset < 0) throw new MqliteError('INVALID_INPUT', `offset ${offset} is not a whole number of at least 0`);
    if (!this.queues.some((owned) => owned.topic === queue.topic && owned.queueId === queue.queueId)) {
      throw new MqliteError('REFUSED', `queue ${queue.queueId} of ${queue.topic} is not consumed by this member`);
    }
  }
}

const toQueueOffset = ({ queue, offset }: OffsetCommit): QueueOffset => ({ topic: queue.topic, queueId: queue.queueId, offset });
