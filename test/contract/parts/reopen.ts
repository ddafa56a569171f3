import { describe, expect, it } from 'vitest';
import type { ContractContext } from '../harness.ts';
import { bodies, expectRefusal, pullAll, queueOf, text } from '../harness.ts';

export function reopenContract(context: ContractContext): void {
  describe('opened again', () => {
    it('has its messages, topics, groups and offsets, and goes on where it was', async ({ task, skip }) => {
      const { broker, reopen } = context;
      if (reopen === undefined) {
        Object.assign(task.meta, { exception: 'this target has no process that could end' });
        return skip();
      }
      await broker.createTopic('T', { readQueueNums: 2, writeQueueNums: 2, perm: 6, order: true });
      const sent = await broker.send(text('T', 'first', { queueId: 1, keys: ['k'], tags: 'A' }));
      await broker.send(text('T', 'second', { queueId: 1 }));
      await broker.createGroup('configured', { retryMaxTimes: 2 });
      const member = await broker.joinGroup({ group: 'readers', subscriptions: [{ topic: 'T' }] });
      await member.commit([{ queue: await queueOf(broker, 'T', 1), offset: 1 }]);
      await member.leave();
      await broker.createTopic('Gone', {});
      await broker.send(text('Gone', 'x'));
      await broker.deleteTopic('Gone');

      const again = await reopen();
      const queue = await queueOf(again, 'T', 1);
      expect(bodies(await pullAll(again, queue))).toEqual(['first', 'second']);
      expect(await again.describeTopic('T')).toMatchObject({ readQueueNums: 2, writeQueueNums: 2, order: true, groups: ['readers'] });
      expect((await again.listGroups()).find(({ group }) => group === 'configured')).toMatchObject({ retryMaxTimes: 2, configured: true });
      expect(await again.committedOffsets('readers')).toMatchObject([{ committedOffset: null }, { committedOffset: 1, lag: 1 }]);
      expect(bodies((await again.queryByMsgId(sent.msgId)).messages)).toEqual(['first']);
      expect(bodies((await again.queryByMsgId(sent.offsetMsgId)).messages)).toEqual(['first']);
      expect(bodies((await again.queryByKey({ topic: 'T', key: 'k', maxMessages: 5 })).messages)).toEqual(['first']);
      await expectRefusal(again.queues('Gone'), 'TOPIC_NOT_FOUND');
      expect((await again.send(text('T', 'third', { queueId: 1 }))).queueOffset).toBe(2);
    });

    it('lets a new member in after the old process closed without leaving', async ({ task, skip }) => {
      const { broker, reopen } = context;
      if (reopen === undefined) {
        Object.assign(task.meta, { exception: 'this target has no process that could end' });
        return skip();
      }
      await broker.send(text('T', 'x'));
      await broker.joinGroup({ group: 'readers', subscriptions: [{ topic: 'T' }] });
      const again = await reopen();
      const member = await again.joinGroup({ group: 'readers', subscriptions: [{ topic: 'T' }] });
      await member.leave();
    });
  });
}
