import { MqliteError } from '../../broker/errors.ts';
import { filterText, refuseDisagreement } from '../../broker/subscription.ts';
import type { BroadcastProgress, CommittedOffset, JoinRequest, MemberInfo, Membership, MessageQueue, OffsetCommit } from '../../broker/types.ts';
import { ENTRY_RECORD_SIZE, ENTRY_SIZE_BYTES } from '../consume-queue/layout.ts';
import type { TopicAdmin } from '../local/topic-admin.ts';
import { QueueReader } from '../read/queue-reader.ts';
import type { StoreReader } from '../read/store-reader.ts';
import type { StoreContext, StoreTables } from '../store-context.ts';
import type { StoreWriter } from '../write/store-writer.ts';
import { BroadcastMember } from './broadcast-member.ts';
import { checkInstanceName, DEFAULT_INSTANCE, instancesOf } from './broadcast-offsets.ts';
import { checkOffset } from '../../broker/check-offset.ts';
import { GroupMember } from './group-member.ts';
import { MemberDirectory } from './member-directory.ts';
import type { MemberCard } from './member-directory.ts';
import { ownedQueues } from './queue-locks.ts';

/** Consumer groups of a store: their progress and their members. */
export class GroupDesk {
  readonly #context: StoreContext;
  readonly #tables: StoreTables;
  readonly #reader: StoreReader;
  readonly #admin: TopicAdmin;
  /** Members of this process. */
  readonly #members = new Set<Membership>();

  constructor(context: StoreContext, tables: StoreTables, reader: StoreReader, admin: TopicAdmin) {
    this.#context = context;
    this.#tables = tables;
    this.#reader = reader;
    this.#admin = admin;
  }

  committedOffsets(group: string, topic?: string): CommittedOffset[] {
    this.#admin.requireGroup(group);
    const known = new Set(this.#tables.offsets.ofGroup(group).map((offset) => offset.topic));
    const topics = topic === undefined ? [...known].sort().filter((name) => this.#admin.find(name) !== null) : [topic];
    return topics.flatMap((name) => this.#admin.queues(name)).map((queue) => this.#progress(queue, this.#tables.offsets.committed(group, queue.topic, queue.queueId)));
  }

  broadcastOffsets(group: string): BroadcastProgress[] {
    this.#admin.requireGroup(group);
    return instancesOf(this.#context, group).map(({ instance, offsets }) => {
      const committed = new Map(offsets.map(({ topic, queueId, offset }) => [`${topic}/${queueId}`, offset]));
      const topics = [...new Set(offsets.map(({ topic }) => topic))].sort().filter((topic) => this.#admin.find(topic) !== null);
      return { instance, offsets: topics.flatMap((topic) => this.#admin.queues(topic)).map((queue) => this.#progress(queue, committed.get(`${queue.topic}/${queue.queueId}`) ?? null)) };
    });
  }

  reset(writer: StoreWriter, group: string, offsets: readonly OffsetCommit[]): void {
    this.#admin.requireGroup(group);
    for (const { queue, offset } of offsets) {
      this.#admin.requireQueue(queue.topic, queue.queueId);
      checkOffset(offset);
    }
    const resets = offsets.map(({ queue, offset }) => ({ topic: queue.topic, queueId: queue.queueId, offset }));
    writer.setResetGeneration(this.#tables.resets.record(group, resets));
    this.#tables.offsets.commit(group, resets);
    for (const reset of resets) {
      const stored = this.#tables.offsets.committed(group, reset.topic, reset.queueId);
      if (stored !== reset.offset) throw new MqliteError('NOT_CONFIRMED', `${reset.topic} queue ${reset.queueId}: the offset is ${stored} after the reset to ${reset.offset}`);
    }
  }

  remove(writer: StoreWriter, group: string): void {
    this.#admin.requireGroup(group);
    const member = new MemberDirectory(this.#context, group).living()[0];
    if (member !== undefined) throw new MqliteError('LOCKED', `group ${group} is being consumed by process ${member.pid}`, { hint: 'stop it first' });
    // Recorded as a reset: other processes must not put back the offsets they remember.
    const offsets = this.#tables.offsets.ofGroup(group).map((known) => ({ ...known, offset: 0 }));
    if (offsets.length > 0) writer.setResetGeneration(this.#tables.resets.record(group, offsets));
    if (this.#tables.groups.get(group) !== null) this.#tables.groups.remove(group);
    this.#tables.offsets.removeGroup(group);
  }

  /** Under the write lock: of two that arrive together and disagree, one is refused. */
  join(writer: StoreWriter, request: JoinRequest, idSuffix: string): Membership {
    const { group } = request;
    this.#admin.checkGroupName(group);
    const info = this.#card(request, `127.0.0.1@${process.pid}#${idSuffix}`);
    this.#mayConsume(info);
    const directory = new MemberDirectory(this.#context, group);
    try {
      refuseDisagreement(info, directory.tidy());
    } finally {
      directory.close();
    }
    const onLeave = (left: Membership): void => void this.#members.delete(left);
    const { instance } = info;
    const member = instance === null
      ? new GroupMember({ writer, admin: this.#admin, directory, info, onLeave })
      : new BroadcastMember({ context: writer.context, admin: this.#admin, directory, info: { ...info, instance }, onLeave });
    this.#members.add(member);
    if (this.#tables.groups.get(group) === null) this.#tables.groups.create(group);
    return member;
  }

  members(group: string): MemberInfo[] {
    this.#admin.requireGroup(group);
    const directory = new MemberDirectory(this.#context, group);
    const living = directory.living();
    if (living.length === 0) return [];
    const owned = ownedQueues(this.#context, group);
    return living.map((card) => ({
      ...card,
      queues: card.messageModel === 'clustering' ? owned.get(card.clientId) ?? [] : card.subscriptions.flatMap(({ topic }) => (this.#admin.find(topic) === null ? [] : this.#admin.queues(topic))),
      consumedPerSecond: card.messageModel === 'clustering' ? directory.consumedPerSecond(card.clientId) : null,
    }));
  }

  /** The sum of what the queue's entries say of their records. null for batch queues, whose entries cover several. */
  backlogBytes(queue: MessageQueue, offset: number): number | null {
    this.#admin.requireQueue(queue.topic, queue.queueId);
    const reader = this.#reader.queue(queue.topic, queue.queueId);
    if (!(reader instanceof QueueReader)) return null;
    const end = reader.maxOffset();
    let bytes = 0;
    for (let next = Math.max(offset, reader.minOffset(this.#reader.tail.minOffset())); next < end;) {
      const count = reader.read(next, end - next);
      if (count === 0) return null;
      for (let index = 0; index < count; index++) bytes += reader.entries.readInt32BE(index * ENTRY_SIZE_BYTES + ENTRY_RECORD_SIZE);
      next += count;
    }
    return bytes;
  }

  #card(request: JoinRequest, clientId: string): MemberCard {
    const messageModel = request.messageModel ?? 'clustering';
    const subscriptions = request.subscriptions.map(({ topic, filter }) => {
      this.#admin.require(topic);
      return { topic, filter: filterText(filter) };
    });
    const instance = messageModel === 'broadcasting' ? request.instance ?? DEFAULT_INSTANCE : null;
    if (instance !== null) checkInstanceName(instance);
    return {
      group: request.group, clientId, pid: process.pid, host: '127.0.0.1', sinceTimestamp: this.#context.clock.nowMs(), subscriptions, messageModel,
      allocate: request.allocate ?? 'average', instance, orderly: request.orderly ?? false, queueId: request.queueId ?? null,
    };
  }

  /** [PullMessageProcessor: consumeEnable, consumeBroadcastEnable] */
  #mayConsume({ group, messageModel }: MemberCard): void {
    const config = this.#tables.groups.get(group);
    if (config === null) return;
    if (!config.consumeEnable) throw new MqliteError('PERMISSION_DENIED', `group ${group} may not consume (consumeEnable is false)`, { hint: 'consume with another --group' });
    if (messageModel === 'broadcasting' && !config.consumeBroadcastEnable) {
      throw new MqliteError('PERMISSION_DENIED', `group ${group} may not broadcast (consumeBroadcastEnable is false)`, { hint: 'leave --broadcast out, or consume with another --group' });
    }
  }

  async leaveAll(): Promise<void> {
    for (const member of [...this.#members]) await member.leave();
  }

  #progress(queue: MessageQueue, committedOffset: number | null): CommittedOffset {
    const reader = this.#reader.queue(queue.topic, queue.queueId);
    const minOffset = reader.minOffset(this.#reader.tail.minOffset());
    const maxOffset = reader.maxOffset();
    const next = committedOffset === null ? null : Math.max(committedOffset, minOffset);
    return {
      queue, committedOffset, minOffset, maxOffset,
      lag: next === null ? null : Math.max(0, maxOffset - next),
      nextStoreTimestamp: next === null || next >= maxOffset ? null : this.#reader.storeTimestampAt(reader, next),
    };
  }
}

/** A member that has just entered takes its queues. Not under the write lock: there may be a thousand. */
export const takeQueues = async (member: Membership): Promise<Membership> => {
  try {
    await member.refresh();
  } catch (error) {
    await member.leave();
    throw error;
  }
  return member;
};
