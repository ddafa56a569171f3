import path from 'node:path';
import type { MessageQueue } from '../../broker/types.ts';
import { openLockFile } from '../locks/write-lock.ts';
import { readWholeFile } from '../state/file-io.ts';
import type { StoreContext } from '../store-context.ts';
import { groupDirectory, isLockedFile } from './member-directory.ts';

const OWNER_BYTE = 0;
const SUFFIX = '.lock';

/**
 * The locks that make a queue of a group one member's at a time: `mqlite/groups/<hex of the group>/queues/<topic>/<queueId>.lock`, a file
 * each (a platform may lock whole files only), with the owner's client id in it for those who look. Never removed: a lock must not move
 * to another inode.
 */
export class QueueLocks {
  readonly #context: StoreContext;
  readonly #directory: string;
  readonly #clientId: Buffer;
  readonly #held = new Map<string, { readonly queue: MessageQueue; readonly fd: number }>();

  constructor(context: StoreContext, group: string, clientId: string) {
    this.#context = context;
    this.#directory = queuesDirectory(context, group);
    this.#clientId = Buffer.from(clientId);
  }

  get queues(): MessageQueue[] {
    return [...this.#held.values()].map(({ queue }) => queue);
  }

  has(queue: MessageQueue): boolean {
    return this.#held.has(keyOf(queue));
  }

  /** Takes the queue unless somebody else has it. */
  tryTake(queue: MessageQueue): boolean {
    if (this.has(queue)) return true;
    const { fs, locks } = this.#context;
    const directory = path.join(this.#directory, queue.topic);
    if (fs.stat(directory) === null) fs.makeDirectory(directory);
    const fd = openLockFile(fs, path.join(directory, `${queue.queueId}${SUFFIX}`));
    try {
      if (!locks.tryLock(fd, OWNER_BYTE, 'exclusive')) {
        fs.close(fd);
        return false;
      }
      fs.write(fd, this.#clientId, 0, this.#clientId.length, 0);
      fs.truncate(fd, this.#clientId.length);
    } catch (error) {
      fs.close(fd);
      throw error;
    }
    this.#held.set(keyOf(queue), { queue, fd });
    return true;
  }

  release(queue: MessageQueue): void {
    const held = this.#held.get(keyOf(queue));
    if (held === undefined) return;
    this.#held.delete(keyOf(queue));
    this.#context.fs.close(held.fd);
  }

  releaseAll(): void {
    for (const queue of this.queues) this.release(queue);
  }
}

const queuesDirectory = (context: StoreContext, group: string): string => path.join(groupDirectory(context, group), 'queues');

const keyOf = ({ topic, queueId }: MessageQueue): string => `${topic}/${queueId}`;

/** Owned queues of a group by client id, as of now. Looks only. */
export const ownedQueues = (context: StoreContext, group: string): Map<string, MessageQueue[]> => {
  const owned = new Map<string, MessageQueue[]>();
  const directory = queuesDirectory(context, group);
  for (const topic of (context.fs.list(directory) ?? []).sort()) {
    const names = (context.fs.list(path.join(directory, topic)) ?? []).filter((name) => name.endsWith(SUFFIX));
    for (const queueId of names.map((name) => Number.parseInt(name, 10)).sort((left, right) => left - right)) {
      const file = path.join(directory, topic, `${queueId}${SUFFIX}`);
      if (!isLockedFile(context, file)) continue;
      const clientId = readWholeFile(context.fs, file)?.toString('utf8') ?? '';
      owned.set(clientId, [...(owned.get(clientId) ?? []), { topic, brokerName: context.identity.brokerName, queueId }]);
    }
  }
  return owned;
};
