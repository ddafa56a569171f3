import { allocateQueues } from '../../../src/broker/allocate.ts';
import { MqliteError } from '../../../src/broker/errors.ts';
import { filterText, refuseDisagreement } from '../../../src/broker/subscription.ts';
import type { JoinRequest, Membership, MessageQueue, OffsetCommit } from '../../../src/broker/types.ts';
import type { FakeStore } from './store.ts';
import { checkWhole } from './validate.ts';

let serial = 0;

const keyOf = ({ topic, queueId }: MessageQueue): string => `${topic} ${queueId}`;

/** A member of a group of a FakeStore: queues are taken and released as the engine's members do, by looking at the others. */
export class FakeMember implements Membership {
  readonly info: Membership['info'];
  awaited: readonly MessageQueue[] = [];
  readonly #store: FakeStore;
  readonly #queuesOf: (topic: string) => MessageQueue[];
  readonly #pending = new Map<string, number>();
  #owned: MessageQueue[] = [];
  #isLive = true;

  constructor(store: FakeStore, request: JoinRequest, queuesOf: (topic: string) => MessageQueue[]) {
    const { group, subscriptions, messageModel = 'clustering', allocate = 'average', orderly = false, queueId = null } = request;
    this.#store = store;
    this.#queuesOf = queuesOf;
    this.info = {
      group, clientId: `127.0.0.1@${process.pid}#${String(serial++).padStart(6, '0')}`, pid: process.pid, host: '127.0.0.1', sinceTimestamp: store.clock.nowMs(),
      subscriptions: subscriptions.map(({ topic, filter }) => ({ topic, filter: filterText(filter) })),
      messageModel, allocate, instance: messageModel === 'broadcasting' ? request.instance ?? 'DEFAULT' : null, orderly, queueId,
    };
    refuseDisagreement(this.info, this.#living.map(({ info }) => info));
    if (this.info.instance !== null && this.#living.some(({ info }) => info.instance === this.info.instance)) throw new MqliteError('LOCKED', `instance ${this.info.instance} of ${group} is live`);
    store.members.set(group, [...this.#living, this]);
    this.#rebalance();
  }

  get queues(): readonly MessageQueue[] {
    return this.#owned;
  }

  async refresh(): Promise<readonly MessageQueue[]> {
    this.#requireLive();
    return this.#rebalance();
  }

  #rebalance(): MessageQueue[] {
    const { group, clientId, allocate, queueId, subscriptions, messageModel } = this.info;
    const others = this.#living.filter((member) => member !== this);
    const retryTopic = `%RETRY%${group}`;
    const wanted = [...subscriptions.map(({ topic }) => topic), retryTopic].flatMap((topic) => {
      const subscribers = this.#living.filter(({ info }) => topic === retryTopic || info.subscriptions.some((subscription) => subscription.topic === topic));
      const queues = this.#queuesOf(topic).filter((queue) => queueId === null || topic === retryTopic || queue.queueId === queueId);
      if (messageModel === 'broadcasting') return topic === retryTopic ? [] : queues;
      return allocateQueues(allocate, clientId, subscribers.map(({ info }) => info.clientId), queues);
    });
    const isFree = (queue: MessageQueue): boolean => messageModel === 'broadcasting' || !others.some((member) => member.queues.some((owned) => keyOf(owned) === keyOf(queue)));
    const gained = wanted.filter((queue) => !this.#owns(queue) && isFree(queue));
    this.#owned = [...this.#owned, ...gained];
    this.awaited = wanted.filter((queue) => !this.#owns(queue));
    return this.#owned.filter((queue) => !wanted.some((other) => keyOf(other) === keyOf(queue)));
  }

  async release(queues: readonly MessageQueue[]): Promise<void> {
    this.#owned = this.#owned.filter((queue) => !queues.some((gone) => keyOf(gone) === keyOf(queue)));
  }

  async committed(): Promise<readonly OffsetCommit[]> {
    return this.#owned.flatMap((queue) => {
      const offset = this.#isBroadcast ? this.#broadcast.get(keyOf(queue)) ?? null : this.#store.offsetOf(this.info.group, queue);
      return offset === null ? [] : [{ queue, offset }];
    });
  }

  async commit(commits: readonly OffsetCommit[]): Promise<readonly OffsetCommit[]> {
    this.#requireLive();
    const foreign = commits.find(({ queue }) => !this.#owns(queue));
    if (foreign !== undefined) throw new MqliteError('REFUSED', `queue ${foreign.queue.queueId} of ${foreign.queue.topic} is not consumed by this member`);
    for (const { queue, offset } of commits) {
      checkWhole(offset, 'offset', 0);
      if (this.#isBroadcast) this.#broadcast.set(keyOf(queue), offset);
      else if (!this.#pending.has(keyOf(queue))) this.#store.setOffset(this.info.group, queue, offset);
    }
    const resets = this.#owned.flatMap((queue) => {
      const offset = this.#pending.get(keyOf(queue));
      return offset === undefined ? [] : [{ queue, offset }];
    });
    this.#pending.clear();
    return resets;
  }

  /** Somebody set the offset of a queue from outside. */
  reset(queue: MessageQueue, offset: number): void {
    if (!this.#isBroadcast) this.#pending.set(keyOf(queue), offset);
  }

  async leave(): Promise<void> {
    this.#isLive = false;
    this.#owned = [];
    const left = this.#living.filter((member) => member !== this);
    if (left.length === 0) this.#store.members.delete(this.info.group);
    else this.#store.members.set(this.info.group, left);
  }

  get #living(): FakeMember[] {
    return this.#store.members.get(this.info.group) ?? [];
  }

  get #isBroadcast(): boolean {
    return this.info.messageModel === 'broadcasting';
  }

  get #broadcast(): Map<string, number> {
    const key = `${this.info.instance} ${this.info.group}`;
    const known = this.#store.broadcasts.get(key) ?? new Map<string, number>();
    this.#store.broadcasts.set(key, known);
    return known;
  }

  #owns(queue: MessageQueue): boolean {
    return this.#owned.some((owned) => keyOf(owned) === keyOf(queue));
  }

  #requireLive(): void {
    if (!this.#isLive) throw new MqliteError('REFUSED', `this member has left group ${this.info.group}`);
  }
}
