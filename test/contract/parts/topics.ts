import { describe, expect, it } from 'vitest';
import type { ContractContext } from '../harness.ts';
import { expectRefusal, pullAll, queueOf, text } from '../harness.ts';

export function topicContract(context: ContractContext): void {
  describe('topics', () => {
    it('creates, lists and describes', async () => {
      const { broker } = context;
      const created = await broker.createTopic('Mine', { readQueueNums: 2, writeQueueNums: 3, perm: 6, order: true });
      expect(created).toMatchObject({ topic: 'Mine', readQueueNums: 2, writeQueueNums: 3, perm: 6, order: true, system: false });
      const listed = (await broker.listTopics()).find(({ topic }) => topic === 'Mine');
      expect(listed).toEqual(created);
      const sent = await broker.send(text('Mine', 'x', { queueId: 1 }));
      const description = await broker.describeTopic('Mine');
      expect(description).toMatchObject({ topic: 'Mine', groups: [] });
      expect(description.queues.find(({ queue }) => queue.queueId === 1)).toMatchObject({ minOffset: 0, maxOffset: 1 });
      expect(description.queues.find(({ queue }) => queue.queueId === 1)!.lastStoreTimestamp).toBeGreaterThan(0);
      expect(description.queues.find(({ queue }) => queue.queueId === 0)).toEqual({ queue: { topic: 'Mine', brokerName: sent.brokerName, queueId: 0 }, minOffset: 0, maxOffset: 0, lastStoreTimestamp: null });
    });

    it('lists topics once each and marks the system ones', async () => {
      const { broker } = context;
      await broker.createTopic('A', {});
      await broker.send(text('B', 'x'));
      const topics = await broker.listTopics();
      const names = topics.map(({ topic }) => topic);
      expect(new Set(names).size).toBe(names.length);
      expect(topics.filter(({ system }) => !system).map(({ topic }) => topic).sort()).toEqual(['A', 'B']);
    });

    it('names the groups of a topic', async () => {
      const { broker } = context;
      await broker.send(text('T', 'x'));
      const member = await broker.joinGroup({ group: 'readers', subscriptions: [{ topic: 'T' }] });
      await member.commit([{ queue: await queueOf(broker, 'T', 0), offset: 0 }]);
      await member.leave();
      expect((await broker.describeTopic('T')).groups).toEqual(['readers']);
    });

    it('refuses to create what exists, to touch what does not', async () => {
      const { broker } = context;
      await broker.createTopic('Mine', {});
      await expectRefusal(broker.createTopic('Mine', {}), 'REFUSED');
      await expectRefusal(broker.describeTopic('Nowhere'), 'TOPIC_NOT_FOUND');
      await expectRefusal(broker.alterTopic('Nowhere', { perm: 4 }), 'TOPIC_NOT_FOUND');
      await expectRefusal(broker.deleteTopic('Nowhere'), 'TOPIC_NOT_FOUND');
      await expectRefusal(broker.createTopic('Bad', { readQueueNums: 0 }), 'INVALID_INPUT');
      await expectRefusal(broker.createTopic('Bad', { writeQueueNums: 1.5 }), 'INVALID_INPUT');
      await expectRefusal(broker.createTopic('Bad', { perm: 99 }), 'INVALID_INPUT');
      expect((await broker.listTopics()).map(({ topic }) => topic)).not.toContain('Bad');
    });

    it('alters what is given and keeps the rest', async () => {
      const { broker } = context;
      await broker.createTopic('Mine', { readQueueNums: 2, writeQueueNums: 2, perm: 6 });
      await broker.send(text('Mine', 'kept', { queueId: 0 }));
      expect(await broker.alterTopic('Mine', { readQueueNums: 4, writeQueueNums: 4, attributes: { 'message.type': 'NORMAL', 'reserve.time': '3600' } })).toMatchObject({ readQueueNums: 4, writeQueueNums: 4, perm: 6, attributes: { 'reserve.time': '3600' } });
      expect(await broker.queues('Mine')).toHaveLength(4);
      expect((await broker.send(text('Mine', 'x', { queueId: 3 }))).queueOffset).toBe(0);
      expect(await broker.maxOffset(await queueOf(broker, 'Mine', 0))).toBe(1);
      const altered = await broker.alterTopic('Mine', { attributes: { 'reserve.time': null } });
      expect(altered.attributes).not.toHaveProperty(['reserve.time']);
      expect(altered.attributes).toMatchObject({ 'message.type': 'NORMAL' });
    });

    it('takes a number of read or write queues alone for both', async () => {
      const { broker } = context;
      expect(await broker.createTopic('R', { readQueueNums: 2 })).toMatchObject({ readQueueNums: 2, writeQueueNums: 2 });
      expect(await broker.createTopic('W', { writeQueueNums: 3 })).toMatchObject({ readQueueNums: 3, writeQueueNums: 3 });
    });

    it('refuses attributes that RocketMQ does not have', async () => {
      const { broker } = context;
      await expectRefusal(broker.createTopic('Bad', { attributes: { colour: 'red' } }), 'INVALID_INPUT');
      await broker.createTopic('Good', {});
      await expectRefusal(broker.alterTopic('Good', { attributes: { colour: 'red' } }), 'INVALID_INPUT');
    });

    it('made smaller, still shows the queues that hold messages', async () => {
      const { broker } = context;
      await broker.createTopic('Mine', { readQueueNums: 4, writeQueueNums: 4 });
      await broker.send(text('Mine', 'kept', { queueId: 3 }));
      await broker.alterTopic('Mine', { readQueueNums: 1, writeQueueNums: 1 });
      expect((await broker.queues('Mine')).map(({ queueId }) => queueId)).toEqual([0, 3]);
      expect((await pullAll(broker, await queueOf(broker, 'Mine', 3))).map(({ body }) => body.toString())).toEqual(['kept']);
      await expectRefusal(broker.send(text('Mine', 'x', { queueId: 3 })), 'NOT_FOUND');
    });

    it('refuses sends where the permission does not allow them', async () => {
      const { broker } = context;
      await broker.createTopic('ReadOnly', { perm: 4 });
      await expectRefusal(broker.send(text('ReadOnly', 'x')), 'PERMISSION_DENIED');
      await broker.alterTopic('ReadOnly', { perm: 6 });
      expect((await broker.send(text('ReadOnly', 'x'))).status).toBe('SEND_OK');
    });

    it('a topic of the same name starts empty', async () => {
      const { broker } = context;
      await broker.createTopic('Again', { readQueueNums: 1, writeQueueNums: 1 });
      const sent = await broker.send(text('Again', 'old', { keys: ['k'] }));
      const member = await broker.joinGroup({ group: 'readers', subscriptions: [{ topic: 'Again' }] });
      await member.commit([{ queue: await queueOf(broker, 'Again', 0), offset: 1 }]);
      await member.leave();
      await broker.deleteTopic('Again');
      expect((await broker.listTopics()).map(({ topic }) => topic)).not.toContain('Again');
      await expectRefusal(broker.queues('Again'), 'TOPIC_NOT_FOUND');
      await expectRefusal(broker.send(text('Again', 'x'), { createTopic: false }), 'TOPIC_NOT_FOUND');
      expect((await broker.queryByMsgId(sent.msgId)).messages).toEqual([]);

      await broker.createTopic('Again', { readQueueNums: 1, writeQueueNums: 1 });
      const queue = await queueOf(broker, 'Again', 0);
      expect(await pullAll(broker, queue)).toEqual([]);
      expect(await broker.minOffset(queue)).toBe(await broker.maxOffset(queue));
      expect((await broker.queryByKey({ topic: 'Again', key: 'k', maxMessages: 5 })).messages).toEqual([]);
      expect((await broker.describeTopic('Again')).groups).toEqual([]);
      expect((await broker.committedOffsets('readers', 'Again'))[0]!.committedOffset).toBeNull();
      await broker.send(text('Again', 'new'));
      expect((await pullAll(broker, queue)).map(({ body }) => body.toString())).toEqual(['new']);
    });
  });
}
