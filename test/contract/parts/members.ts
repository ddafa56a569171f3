import { describe, expect, it } from 'vitest';
import type { JoinRequest, Membership, MessageQueue } from '../../../src/broker/types.ts';
import type { ContractContext } from '../harness.ts';
import { expectRefusal, filled, queueOf, text } from '../harness.ts';

const ids = (queues: readonly MessageQueue[]): number[] => queues.map(({ queueId }) => queueId).sort((left, right) => left - right);

/** What the runtime does until everybody has what is his: look, give up what is another's, look again. */
async function settle(...members: readonly Membership[]): Promise<void> {
  for (let round = 0; round < 2; round++) for (const member of members) await member.release(await member.refresh());
}

export function memberContract(context: ContractContext): void {
  const join = (topic: string, more: Partial<JoinRequest> = {}): Promise<Membership> => context.broker.joinGroup({ group: 'readers', subscriptions: [{ topic }], ...more });

  describe('several members of a group', () => {
    it('share the queues: one is given up before another has it, and what was committed is where that goes on', async () => {
      const { broker } = context;
      await broker.createTopic('T', { readQueueNums: 4, writeQueueNums: 4 });
      for (let queueId = 0; queueId < 4; queueId++) for (let index = 0; index < 3; index++) await broker.send(text('T', 'x', { queueId }));
      const first = await join('T');
      expect(ids(first.queues)).toEqual([0, 1, 2, 3]);
      const second = await join('T');
      expect([ids(second.queues), await second.refresh()]).toEqual([[], []]);
      expect(first.info.clientId).not.toBe(second.info.clientId);
      const lost = await first.refresh();
      expect(lost).toHaveLength(2);
      expect(ids(first.queues)).toEqual([0, 1, 2, 3]);
      await first.commit(lost.map((queue) => ({ queue, offset: 2 })));
      await first.release(lost);
      await expectRefusal(first.commit([{ queue: lost[0]!, offset: 3 }]), 'REFUSED');
      await second.refresh();
      expect(ids(second.queues)).toEqual(ids(lost));
      expect(ids(first.queues)).toHaveLength(2);
      expect((await second.committed()).map(({ offset }) => offset)).toEqual([2, 2]);
      expect(await first.committed()).toEqual([]);
      const listed = await broker.listMembers('readers');
      expect(listed.map(({ clientId }) => clientId).sort()).toEqual([first.info.clientId, second.info.clientId].sort());
      for (const member of [first, second]) expect(ids(listed.find(({ clientId }) => clientId === member.info.clientId)!.queues)).toEqual(ids(member.queues));
      await first.leave();
      await second.refresh();
      expect(ids(second.queues)).toEqual([0, 1, 2, 3]);
      await second.leave();
      expect(await broker.listMembers('readers')).toEqual([]);
    });

    it.each([
      ['average', [[0, 1], [2], [3]]], ['circle', [[0, 3], [1], [2]]],
    ] as const)('%s: as the Java clients share them out', async (allocate, expected) => {
      await context.broker.createTopic('T', { readQueueNums: 4, writeQueueNums: 4 });
      const members = [await join('T', { allocate }), await join('T', { allocate }), await join('T', { allocate })].sort((left, right) => (left.info.clientId < right.info.clientId ? -1 : 1));
      await settle(...members);
      expect(members.map(({ queues }) => ids(queues))).toEqual(expected);
      for (const member of members) await member.leave();
    });

    it('a topic\'s queues go only to those who read it', async () => {
      const { broker } = context;
      await broker.createTopic('One', { readQueueNums: 2, writeQueueNums: 2 });
      await broker.createTopic('Two', { readQueueNums: 2, writeQueueNums: 2 });
      const one = await join('One');
      const both = await join('One', { subscriptions: [{ topic: 'One' }, { topic: 'Two' }] });
      await settle(one, both);
      expect(one.queues.map(({ topic }) => topic)).toEqual(['One']);
      expect(both.queues.map(({ topic }) => topic).sort()).toEqual(['One', 'Two', 'Two']);
      await one.leave();
      await both.leave();
    });

    it('have the queues of the group\'s retries, once there are any', async () => {
      const { broker } = context;
      await filled(broker, 'T', ['a']);
      const member = await join('T');
      expect(member.queues.map(({ topic }) => topic)).toEqual(['T']);
      await broker.createTopic('%RETRY%readers', { readQueueNums: 1, writeQueueNums: 1 });
      await member.refresh();
      expect(member.queues.map(({ topic }) => topic).sort()).toEqual(['%RETRY%readers', 'T']);
      await member.leave();
    });

    it('see queues that a topic gains', async () => {
      const { broker } = context;
      await filled(broker, 'T', ['a']);
      const member = await join('T');
      await broker.alterTopic('T', { readQueueNums: 3, writeQueueNums: 3 });
      await member.refresh();
      expect(ids(member.queues)).toEqual([0, 1, 2]);
      await member.leave();
    });

    it('must agree: on filters, on how queues are shared out, on order, on the queue, on the model; both are named', async () => {
      await filled(context.broker, 'T', ['a']);
      await filled(context.broker, 'U', ['a']);
      const first = await join('T', { subscriptions: [{ topic: 'T', filter: { tags: 'A' } }] });
      const different: Partial<JoinRequest>[] = [{}, { subscriptions: [{ topic: 'T', filter: { tags: 'B' } }] }, { allocate: 'circle', subscriptions: [{ topic: 'U' }] }, { queueId: 0, subscriptions: [{ topic: 'U' }] }, { messageModel: 'broadcasting' }];
      for (const more of different) {
        const { message } = await expectRefusal(join('T', more), 'REFUSED');
        expect(message).toContain(first.info.clientId);
        expect(message).toContain('(this one)');
      }
      const other = await join('U');
      await other.leave();
      await first.leave();
      for (const orderly of [true, false]) {
        const one = await join('T', { orderly });
        // Order would not outlive a queue that moves, be it that of the retries.
        for (const topic of ['T', 'U']) {
          const { message } = await expectRefusal(join(topic, { orderly: !orderly }), 'REFUSED');
          expect(message).toContain(one.info.clientId);
          expect(message).toMatch(orderly ? /keeps the order.*\(this one\) does not keep/ : /does not keep the order.*\(this one\) keeps/);
        }
        await (await join('T', { orderly })).leave();
        await one.leave();
      }
    });

    it('a reset reaches the owner, whoever that is', async () => {
      const { broker } = context;
      await broker.createTopic('T', { readQueueNums: 2, writeQueueNums: 2 });
      for (let queueId = 0; queueId < 2; queueId++) for (let index = 0; index < 5; index++) await broker.send(text('T', 'x', { queueId }));
      const members = [await join('T'), await join('T')];
      await settle(...members);
      for (const member of members) await member.commit(member.queues.map((queue) => ({ queue, offset: 5 })));
      const queue = members[0]!.queues[0]!;
      await broker.resetOffsets('readers', [{ queue, offset: 1 }]);
      expect(await members[1]!.commit([])).toEqual([]);
      expect(await members[0]!.commit([{ queue, offset: 5 }])).toEqual([{ queue, offset: 1 }]);
      expect((await broker.committedOffsets('readers')).find((row) => row.queue.queueId === queue.queueId)!.committedOffset).toBe(1);
      for (const member of members) await member.leave();
    });

    it('one queue only, for all of them', async () => {
      await context.broker.createTopic('T', { readQueueNums: 3, writeQueueNums: 3 });
      const member = await join('T', { queueId: 1 });
      expect(ids(member.queues)).toEqual([1]);
      await member.leave();
    });

    it('are let in as the group\'s settings say', async () => {
      const { broker } = context;
      await filled(broker, 'T', ['a']);
      await broker.createGroup('readers', { consumeBroadcastEnable: false });
      await expectRefusal(join('T', { messageModel: 'broadcasting' }), 'PERMISSION_DENIED');
      await (await join('T')).leave();
      await broker.createGroup('shut', { consumeEnable: false });
      await expectRefusal(broker.joinGroup({ group: 'shut', subscriptions: [{ topic: 'T' }] }), 'PERMISSION_DENIED');
    });
  });

  describe('broadcasting', () => {
    it('gives every instance every queue, and each its own offsets, which outlive it', async () => {
      const { broker } = context;
      const queue = await filled(broker, 'T', ['a', 'b', 'c']);
      const one = await join('T', { messageModel: 'broadcasting', instance: 'one' });
      const two = await join('T', { messageModel: 'broadcasting', instance: 'two' });
      expect([one.queues, two.queues, await one.refresh()]).toEqual([[queue], [queue], []]);
      await one.commit([{ queue, offset: 3 }]);
      await two.commit([{ queue, offset: 1 }]);
      await expectRefusal(join('T', { messageModel: 'broadcasting', instance: 'one' }), 'LOCKED');
      await one.leave();
      const again = await join('T', { messageModel: 'broadcasting', instance: 'one' });
      expect([await again.committed(), await two.committed()]).toEqual([[{ queue, offset: 3 }], [{ queue, offset: 1 }]]);
      expect(await broker.committedOffsets('readers', 'T')).toMatchObject([{ committedOffset: null }]);
      expect(await broker.broadcastOffsets('readers')).toMatchObject([
        { instance: 'one', offsets: [{ queue, committedOffset: 3, maxOffset: 3, lag: 0 }] }, { instance: 'two', offsets: [{ queue, committedOffset: 1, lag: 2 }] },
      ]);
      await expectRefusal(broker.broadcastOffsets('nobody'), 'GROUP_NOT_FOUND');
      await broker.createGroup('others', {});
      expect(await broker.broadcastOffsets('others')).toEqual([]);
      await again.leave();
      await two.leave();
    });
  });

  it('backlogBytes: the size of the records from an offset on, or null', async () => {
    const { broker } = context;
    const queue = await filled(broker, 'T', ['a', 'bb', 'ccc']);
    const { messages } = await broker.pull({ queue, offset: 1, maxMessages: 9 });
    const expected = broker.supports('lag-bytes') ? messages.reduce((sum, { storeSize }) => sum + storeSize, 0) : null;
    expect(await broker.backlogBytes(queue, 1)).toBe(expected);
    expect(await broker.backlogBytes(queue, 3)).toBe(broker.supports('lag-bytes') ? 0 : null);
    expect(await queueOf(broker, 'T', 0)).toEqual(queue);
  });
}
