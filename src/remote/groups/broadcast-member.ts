import { MqliteError } from '../../broker/errors.ts';
import { isGone } from '../../broker/gone.ts';
import { queueKey } from '../../broker/queue-key.ts';
import type { MemberCard, Membership, MessageQueue, OffsetCommit } from '../../broker/types.ts';
import type { Cluster } from '../cluster.ts';
import type { RemotingClient } from '../remoting-client.ts';
import { readableQueues } from '../routes.ts';
import { checkOffset } from '../../broker/check-offset.ts';
import type { Presence } from './presence.ts';

/** How far instances of broadcasting groups have read: kept on this machine, where nobody else's offsets are. */
export interface BroadcastFiles {
  /** Errors: LOCKED when a live process consumes as this instance; DAMAGED; storage failures. */
  open(instance: string, group: string): Promise<BroadcastFile>;
  /** What is kept of the group's instances, by name. Errors: DAMAGED; storage failures. */
  list(group: string): readonly BroadcastInstance[];
}

export interface BroadcastInstance {
  readonly instance: string;
  readonly offsets: readonly OffsetCommit[];
}

export interface BroadcastFile {
  read(): readonly OffsetCommit[];
  /** Replaces what was there; whole, or not at all. */
  write(offsets: readonly OffsetCommit[]): void;
  close(): void;
}

export interface BroadcastMemberParts {
  readonly cluster: Cluster;
  readonly client: RemotingClient;
  readonly info: MemberCard;
  readonly presence: Presence;
  readonly file: BroadcastFile;
  readonly onLeave: (member: BroadcastMember) => void;
}

/** A member of a broadcasting group: it has every queue, and its instance's offsets. [LocalFileOffsetStore] */
export class BroadcastMember implements Membership {
  readonly info: MemberCard;
  readonly awaited = [];
  /** Nobody shares in what it consumes. */
  readonly consumedPerSecond = null;
  readonly #parts: BroadcastMemberParts;
  readonly #offsets: Map<string, OffsetCommit>;
  readonly #owned = new Map<string, MessageQueue>();
  #hasLeft = false;

  constructor(parts: BroadcastMemberParts) {
    this.#parts = parts;
    this.info = parts.info;
    this.#offsets = new Map(parts.file.read().map((commit) => [queueKey(commit.queue), commit]));
  }

  get queues(): readonly MessageQueue[] {
    return [...this.#owned.values()];
  }

  /** Its queues, with what is committed of them. */
  get progress(): readonly { readonly queue: MessageQueue; readonly committedOffset: number | null }[] {
    return this.queues.map((queue) => ({ queue, committedOffset: this.#offsets.get(queueKey(queue))?.offset ?? null }));
  }

  owns(queue: MessageQueue): boolean {
    return this.#owned.has(queueKey(queue));
  }

  /** A topic that the name server does not tell of now keeps the queues that it had; those of a broker that is gone are to be released. */
  async refresh(): Promise<readonly MessageQueue[]> {
    this.#requireMember();
    const { info, cluster } = this.#parts;
    const leaving: MessageQueue[] = [];
    for (const { topic } of info.subscriptions) {
      try {
        const route = await cluster.findRoute(topic);
        if (route === null) continue;
        const wanted = new Map(readableQueues(route).filter(({ queueId }) => info.queueId === null || queueId === info.queueId).map((queue) => [queueKey(queue), queue]));
        leaving.push(...this.queues.filter((queue) => queue.topic === topic && !wanted.has(queueKey(queue))));
        for (const [key, queue] of wanted) this.#owned.set(key, queue);
      } catch (error) {
        if (!isGone(error)) throw error;
      }
    }
    return leaving;
  }

  async release(queues: readonly MessageQueue[]): Promise<void> {
    for (const queue of queues) this.#owned.delete(queueKey(queue));
  }

  async committed(): Promise<readonly OffsetCommit[]> {
    return this.queues.flatMap((queue) => this.#offsets.get(queueKey(queue)) ?? []);
  }

  /** Nobody resets the offsets of an instance: they are its own. */
  async commit(commits: readonly OffsetCommit[]): Promise<readonly OffsetCommit[]> {
    this.#requireMember();
    for (const { queue, offset } of commits) {
      checkOffset(offset);
      if (!this.owns(queue)) throw new MqliteError('REFUSED', `queue ${queue.queueId} of ${queue.topic} on ${queue.brokerName} is not consumed by this member`);
    }
    if (commits.length === 0) return [];
    for (const commit of commits) this.#offsets.set(queueKey(commit.queue), commit);
    this.#parts.file.write([...this.#offsets.values()]);
    return [];
  }

  async leave(): Promise<void> {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    const { presence, client, file, onLeave } = this.#parts;
    await presence.end(this.info.clientId);
    await client.close();
    file.close();
    onLeave(this);
  }

  #requireMember(): void {
    if (this.#hasLeft) throw new MqliteError('REFUSED', `this member has left group ${this.info.group}`);
  }
}
