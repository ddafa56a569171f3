import { MqliteError } from '../../broker/errors.ts';
import type { Membership, MessageQueue, OffsetCommit } from '../../broker/types.ts';
import { toMqliteError } from '../files/storage-errors.ts';
import type { TopicAdmin } from '../local/topic-admin.ts';
import type { StoreContext } from '../store-context.ts';
import { BroadcastOffsets } from './broadcast-offsets.ts';
import { checkOffset } from '../../broker/check-offset.ts';
import { toQueueOffset } from './group-member.ts';
import type { MemberCard, MemberDirectory } from './member-directory.ts';

export interface BroadcastMemberParts {
  readonly context: StoreContext;
  readonly admin: TopicAdmin;
  readonly directory: MemberDirectory;
  readonly info: MemberCard & { readonly instance: string };
  readonly onLeave: (member: BroadcastMember) => void;
}

/** A member of a broadcasting group: it has every queue, and its instance's offsets. [LocalFileOffsetStore] */
export class BroadcastMember implements Membership {
  readonly info: MemberCard;
  readonly awaited = [];
  readonly #parts: BroadcastMemberParts;
  readonly #offsets: BroadcastOffsets;
  #queues: readonly MessageQueue[];
  #fd: number;

  /** Error: LOCKED when the instance is live already. */
  constructor(parts: BroadcastMemberParts) {
    const { context, info, directory } = parts;
    this.#parts = parts;
    this.info = info;
    this.#queues = this.#allQueues();
    this.#offsets = new BroadcastOffsets(context, info.instance, info.group);
    this.#fd = directory.enter(info);
  }

  get queues(): readonly MessageQueue[] {
    return this.#queues;
  }

  async refresh(): Promise<readonly MessageQueue[]> {
    this.#requireMember();
    try {
      this.#queues = this.#allQueues();
    } catch (error) {
      throw toMqliteError(error, `looking for the queues of ${this.info.group}`);
    }
    return [];
  }

  async release(): Promise<void> {}

  async committed(): Promise<readonly OffsetCommit[]> {
    const known = new Map(this.#offsets.all().map(({ topic, queueId, offset }) => [`${topic}/${queueId}`, offset]));
    return this.#queues.flatMap((queue) => {
      const offset = known.get(`${queue.topic}/${queue.queueId}`);
      return offset === undefined ? [] : [{ queue, offset }];
    });
  }

  /** Nobody resets the offsets of an instance: they are its own. */
  async commit(commits: readonly OffsetCommit[]): Promise<readonly OffsetCommit[]> {
    this.#requireMember();
    for (const { offset } of commits) checkOffset(offset);
    try {
      this.#offsets.commit(commits.map(toQueueOffset));
    } catch (error) {
      throw toMqliteError(error, `committing offsets of ${this.info.group}`);
    }
    return [];
  }

  async leave(): Promise<void> {
    if (this.#fd < 0) return;
    this.#parts.directory.leave(this.info.clientId, this.#fd);
    this.#fd = -1;
    this.#offsets.close();
    this.#parts.onLeave(this);
  }

  #allQueues(): MessageQueue[] {
    const { admin, info } = this.#parts;
    return info.subscriptions.flatMap(({ topic }) => admin.queues(topic)).filter(({ queueId }) => info.queueId === null || queueId === info.queueId);
  }

  #requireMember(): void {
    if (this.#fd < 0) throw new MqliteError('REFUSED', `this member has left group ${this.info.group}`);
  }
}
