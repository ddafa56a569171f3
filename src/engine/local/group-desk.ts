import { MqliteError } from '../../broker/errors.ts';
import type { CommittedOffset, MemberInfo, MessageQueue, OffsetCommit } from '../../broker/types.ts';
import type { StoreReader } from '../read/store-reader.ts';
import type { StoreContext, StoreTables } from '../store-context.ts';
import type { StoreWriter } from '../write/store-writer.ts';
import { GroupMember, readMember } from './group-member.ts';
import type { TopicAdmin } from './topic-admin.ts';

/** Consumer groups of a store: their progress and their members. */
export class GroupDesk {
  readonly #context: StoreContext;
  readonly #tables: StoreTables;
  readonly #reader: StoreReader;
  readonly #admin: TopicAdmin;
  /** Members of this process. */
  readonly #members = new Set<GroupMember>();

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
    return topics.flatMap((name) => this.#admin.queues(name)).map((queue) => this.#committed(group, queue));
  }

  reset(writer: StoreWriter, group: string, offsets: readonly OffsetCommit[]): void {
    this.#admin.requireGroup(group);
    for (const { queue, offset } of offsets) {
      this.#admin.requireQueue(queue.topic, queue.queueId);
      if (!Number.isSafeInteger(offset) || offset < 0) throw new MqliteError('INVALID_INPUT', `offset ${offset} is not a whole number of at least 0`);
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
    const member = readMember(this.#context, group);
    if (member !== null) throw new MqliteError('LOCKED', `group ${group} is being consumed by process ${member.pid}`, { hint: 'stop it first' });
    // Recorded as a reset: other processes must not put back the offsets they remember.
    const offsets = this.#tables.offsets.ofGroup(group).map((known) => ({ ...known, offset: 0 }));
    if (offsets.length > 0) writer.setResetGeneration(this.#tables.resets.record(group, offsets));
    if (this.#tables.groups.get(group) !== null) this.#tables.groups.remove(group);
    this.#tables.offsets.removeGroup(group);
  }

  join(writer: StoreWriter, group: string, topics: readonly string[], idSuffix: string): GroupMember {
    this.#admin.checkGroupName(group);
    const queues = topics.flatMap((topic) => this.#admin.queues(topic));
    const info: MemberInfo = {
      group, clientId: `127.0.0.1@${process.pid}#${idSuffix}`, pid: process.pid, host: '127.0.0.1', topics: [...topics],
      sinceMs: this.#context.clock.nowMs(),
    };
    const member = GroupMember.join(writer, info, queues, (left) => this.#members.delete(left));
    this.#members.add(member);
    if (this.#tables.groups.get(group) === null) this.#tables.groups.create(group);
    return member;
  }

  members(group: string): MemberInfo[] {
    this.#admin.requireGroup(group);
    const member = readMember(this.#context, group);
    return member === null ? [] : [member];
  }

  async leaveAll(): Promise<void> {
    for (const member of [...this.#members]) await member.leave();
  }

  #committed(group: string, queue: MessageQueue): CommittedOffset {
    const reader = this.#reader.queue(queue.topic, queue.queueId);
    const minOffset = reader.minOffset(this.#reader.tail.minOffset());
    const maxOffset = reader.maxOffset();
    const committedOffset = this.#tables.offsets.committed(group, queue.topic, queue.queueId);
    const next = committedOffset === null ? null : Math.max(committedOffset, minOffset);
    return {
      queue, committedOffset, minOffset, maxOffset,
      lag: next === null ? null : Math.max(0, maxOffset - next),
      nextStoreTimestamp: next === null || next >= maxOffset ? null : this.#reader.storeTimestampAt(reader, next),
    };
  }
}
