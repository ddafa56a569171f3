import { describe, expect, it } from 'vitest';
import type { ContractContext } from '../harness.ts';
import { expectRefusal, filled, queueOf, text } from '../harness.ts';

export function groupContract(context: ContractContext): void {
  describe('groups', () => {
    it('creates, lists and deletes', async () => {
      const { broker } = context;
      const created = await broker.createGroup('readers', { retryMaxTimes: 3, consumeBroadcastEnable: false });
      expect(created).toMatchObject({ group: 'readers', consumeEnable: true, consumeBroadcastEnable: false, retryQueueNums: 1, retryMaxTimes: 3, system: false, configured: true });
      expect((await broker.listGroups()).find(({ group }) => group === 'readers')).toEqual(created);
      await expectRefusal(broker.createGroup('readers', {}), 'REFUSED');
      await broker.deleteGroup('readers');
      expect((await broker.listGroups()).map(({ group }) => group)).not.toContain('readers');
      await expectRefusal(broker.deleteGroup('readers'), 'GROUP_NOT_FOUND');
    });

    it('forgets the offsets of a deleted group', async () => {
      const { broker } = context;
      const queue = await filled(broker, 'T', ['a', 'b']);
      const member = await broker.joinGroup({ group: 'readers', subscriptions: [{ topic: 'T' }] });
      await member.commit([{ queue, offset: 2 }]);
      await member.leave();
      await broker.deleteGroup('readers');
      await expectRefusal(broker.committedOffsets('readers'), 'GROUP_NOT_FOUND');
      await broker.createGroup('readers', {});
      expect((await broker.committedOffsets('readers', 'T'))[0]!.committedOffset).toBeNull();
    });

    it('refuses unknown groups', async () => {
      const { broker } = context;
      await filled(broker, 'T', ['a']);
      await expectRefusal(broker.committedOffsets('nobody'), 'GROUP_NOT_FOUND');
      await expectRefusal(broker.committedOffsets('nobody', 'T'), 'GROUP_NOT_FOUND');
      await expectRefusal(broker.deleteGroup('nobody'), 'GROUP_NOT_FOUND');
    });
  });

  describe('committedOffsets', () => {
    it('knows lag and the next message of every queue, and null where nothing was committed', async () => {
      const { broker } = context;
      await broker.createTopic('T', { readQueueNums: 2, writeQueueNums: 2 });
      for (let index = 0; index < 5; index++) await broker.send(text('T', `m${index}`, { queueId: 0 }));
      const queue = await queueOf(broker, 'T', 0);
      const member = await broker.joinGroup({ group: 'readers', subscriptions: [{ topic: 'T' }] });
      await member.commit([{ queue, offset: 2 }]);
      await member.leave();
      const third = (await broker.pull({ queue, offset: 2, maxMessages: 1 })).messages[0]!;
      const offsets = await broker.committedOffsets('readers');
      expect(offsets).toEqual([
        { queue, committedOffset: 2, minOffset: 0, maxOffset: 5, lag: 3, nextStoreTimestamp: third.storeTimestamp },
        { queue: { ...queue, queueId: 1 }, committedOffset: null, minOffset: 0, maxOffset: 0, lag: null, nextStoreTimestamp: null },
      ]);
      expect(await broker.committedOffsets('readers', 'T')).toEqual(offsets);
    });

    it('has no lag at the end', async () => {
      const { broker } = context;
      const queue = await filled(broker, 'T', ['a', 'b']);
      const member = await broker.joinGroup({ group: 'readers', subscriptions: [{ topic: 'T' }] });
      await member.commit([{ queue, offset: 2 }]);
      await member.leave();
      expect(await broker.committedOffsets('readers')).toMatchObject([{ committedOffset: 2, lag: 0, nextStoreTimestamp: null }]);
    });

    it('answers null for a topic the group never read, and refuses one that is not there', async () => {
      const { broker } = context;
      await broker.createGroup('readers', {});
      await filled(broker, 'T', ['a']);
      expect(await broker.committedOffsets('readers')).toEqual([]);
      expect(await broker.committedOffsets('readers', 'T')).toMatchObject([{ committedOffset: null, lag: null }]);
      await expectRefusal(broker.committedOffsets('readers', 'Nowhere'), 'TOPIC_NOT_FOUND');
    });
  });

  describe('joinGroup, commit, leave', () => {
    it('owns every queue of its topics and is listed while it lives', async () => {
      const { broker } = context;
      await broker.send(text('One', 'x'));
      await broker.createTopic('Two', { readQueueNums: 2, writeQueueNums: 2 });
      const member = await broker.joinGroup({ group: 'readers', subscriptions: [{ topic: 'One' }, { topic: 'Two' }] });
      expect(member.queues.map(({ topic, queueId }) => `${topic}-${queueId}`).sort()).toEqual(['One-0', 'One-1', 'One-2', 'One-3', 'Two-0', 'Two-1']);
      expect(member.info).toMatchObject({ group: 'readers', pid: process.pid, subscriptions: [{ topic: 'One', filter: '*' }, { topic: 'Two', filter: '*' }], messageModel: 'clustering', allocate: 'average', instance: null, orderly: false });
      expect(member.info.clientId).not.toBe('');
      expect(await broker.listMembers('readers')).toEqual([{ ...member.info, queues: member.queues, consumedPerSecond: null }]);
      expect((await broker.listGroups()).map(({ group }) => group)).toContain('readers');
      await member.leave();
      expect(await broker.listMembers('readers')).toEqual([]);
    });

    it('keeps each group its own offsets, in any direction', async () => {
      const { broker } = context;
      const queue = await filled(broker, 'T', ['a', 'b', 'c']);
      const one = await broker.joinGroup({ group: 'one', subscriptions: [{ topic: 'T' }] });
      const two = await broker.joinGroup({ group: 'two', subscriptions: [{ topic: 'T' }] });
      expect(await one.commit([{ queue, offset: 3 }])).toEqual([]);
      await two.commit([{ queue, offset: 1 }]);
      await one.commit([{ queue, offset: 2 }]);
      await one.leave();
      await two.leave();
      expect(await broker.committedOffsets('one')).toMatchObject([{ committedOffset: 2 }]);
      expect(await broker.committedOffsets('two')).toMatchObject([{ committedOffset: 1 }]);
    });

    it('commits for its own queues only, and not below zero', async () => {
      const { broker } = context;
      const queue = await filled(broker, 'T', ['a']);
      const other = await filled(broker, 'Other', ['a']);
      const member = await broker.joinGroup({ group: 'readers', subscriptions: [{ topic: 'T' }] });
      await expectRefusal(member.commit([{ queue: other, offset: 1 }]), 'REFUSED', 'INVALID_INPUT');
      await expectRefusal(member.commit([{ queue, offset: -1 }]), 'INVALID_INPUT');
      await member.leave();
      expect(await broker.committedOffsets('readers', 'Other')).toMatchObject([{ committedOffset: null }]);
    });

    it('refuses topics that are not there and names that are none', async () => {
      const { broker } = context;
      await broker.send(text('T', 'x'));
      await expectRefusal(broker.joinGroup({ group: 'readers', subscriptions: [{ topic: 'Nowhere' }] }), 'TOPIC_NOT_FOUND');
      await expectRefusal(broker.joinGroup({ group: '', subscriptions: [{ topic: 'T' }] }), 'INVALID_INPUT');
      await expectRefusal(broker.joinGroup({ group: 'a b', subscriptions: [{ topic: 'T' }] }), 'INVALID_INPUT');
      const member = await broker.joinGroup({ group: 'readers', subscriptions: [{ topic: 'T' }] });
      await member.leave();
    });
  });

  describe('resetOffsets', () => {
    it('sets offsets of a group that is not running', async () => {
      const { broker } = context;
      const queue = await filled(broker, 'T', ['a', 'b', 'c']);
      const member = await broker.joinGroup({ group: 'readers', subscriptions: [{ topic: 'T' }] });
      await member.commit([{ queue, offset: 3 }]);
      await member.leave();
      await broker.resetOffsets('readers', [{ queue, offset: 1 }]);
      expect(await broker.committedOffsets('readers')).toMatchObject([{ committedOffset: 1, lag: 2 }]);
      const again = await broker.joinGroup({ group: 'readers', subscriptions: [{ topic: 'T' }] });
      await again.leave();
      expect(await broker.committedOffsets('readers')).toMatchObject([{ committedOffset: 1 }]);
    });

    it('is obeyed by a live member: its next commit of the queue does not count and tells it', async () => {
      const { broker } = context;
      await broker.createTopic('T', { readQueueNums: 2, writeQueueNums: 2 });
      for (let index = 0; index < 6; index++) await broker.send(text('T', `m${index}`, { queueId: index % 2 }));
      const [zero, one] = [await queueOf(broker, 'T', 0), await queueOf(broker, 'T', 1)];
      const member = await broker.joinGroup({ group: 'readers', subscriptions: [{ topic: 'T' }] });
      await member.commit([{ queue: zero, offset: 2 }, { queue: one, offset: 2 }]);
      await broker.resetOffsets('readers', [{ queue: zero, offset: 0 }]);
      expect(await member.commit([{ queue: zero, offset: 3 }, { queue: one, offset: 3 }])).toEqual([{ queue: zero, offset: 0 }]);
      expect(await broker.committedOffsets('readers')).toMatchObject([{ committedOffset: 0 }, { committedOffset: 3 }]);
      expect(await member.commit([{ queue: zero, offset: 1 }])).toEqual([]);
      expect(await broker.committedOffsets('readers')).toMatchObject([{ committedOffset: 1 }, { committedOffset: 3 }]);
      await member.leave();
    });

    it('refuses offsets and queues that are none', async () => {
      const { broker } = context;
      const queue = await filled(broker, 'T', ['a']);
      await broker.createGroup('readers', {});
      await expectRefusal(broker.resetOffsets('readers', [{ queue, offset: -1 }]), 'INVALID_INPUT');
      await expectRefusal(broker.resetOffsets('readers', [{ queue, offset: 0.5 }]), 'INVALID_INPUT');
      await expectRefusal(broker.resetOffsets('readers', [{ queue: { ...queue, topic: 'Nowhere' }, offset: 0 }]), 'TOPIC_NOT_FOUND');
      await expectRefusal(broker.resetOffsets('readers', [{ queue, offset: 0 }, { queue: { ...queue, queueId: 9 }, offset: 0 }]), 'NOT_FOUND');
      expect(await broker.committedOffsets('readers', 'T')).toMatchObject([{ committedOffset: null }]);
    });
  });
}
