import { describe, expect, it } from 'vitest';
import type { Broker } from '../../../src/broker/broker.ts';
import type { Message } from '../../../src/record/message.ts';
import type { ContractContext } from '../harness.ts';
import { expectRefusal, pullAll, queueOf, readBack, text } from '../harness.ts';

const SCHEDULE = 'SCHEDULE_TOPIC_XXXX';

async function stored(broker: Broker, topic: string, body: string): Promise<Message> {
  return readBack(broker, await broker.send(text(topic, body, { tags: 'TagA', keys: ['k1', 'k2'], properties: { colour: 'red' }, flag: 42 })));
}

const only = async (broker: Broker, topic: string, queueId = 0): Promise<Message[]> => pullAll(broker, await queueOf(broker, topic, queueId));

export function retryContract(context: ContractContext): void {
  describe('sending back', () => {
    it('keeps a retry until its delay is over, with everything that the record had', async () => {
      const { broker } = context;
      const original = await stored(broker, 'Orders', 'first');
      expect(await broker.sendBack(original, { group: 'billing' })).toEqual({ topic: '%RETRY%billing', reconsumeTimes: 1, isDead: false });
      expect(await broker.describeTopic('%RETRY%billing')).toMatchObject({ readQueueNums: 1, writeQueueNums: 1, perm: 6, system: false });
      expect((await broker.listGroups()).map(({ group }) => group)).toContain('billing');
      const [retry, ...more] = await only(broker, SCHEDULE, 2);
      expect(more).toEqual([]);
      expect(retry).toMatchObject({
        originTopic: 'Orders', tags: 'TagA', keys: ['k1', 'k2'], flag: 42, reconsumeTimes: 1, msgId: original.msgId, bornTimestamp: original.bornTimestamp,
        preparedTransactionOffset: 0,
      });
      expect(retry!.body.toString()).toBe('first');
      expect(retry!.properties).toEqual({
        ...original.properties, RETRY_TOPIC: 'Orders', ORIGIN_MESSAGE_ID: original.offsetMsgId, WAIT: 'false', DELAY: '3', REAL_TOPIC: '%RETRY%billing', REAL_QID: '0',
      });
      expect((await broker.queues('Orders')).length).toBe(4);
    });

    it('comes again after its delay, and only then', async () => {
      const { broker } = context;
      const original = await stored(broker, 'Orders', 'soon');
      await broker.sendBack(original, { group: 'billing', delayLevel: 1 });
      const [waiting] = await only(broker, SCHEDULE, 0);
      const queue = await queueOf(broker, '%RETRY%billing', 0);
      const { messages: [again] } = await broker.pull({ queue, offset: 0, maxMessages: 1, suspendMs: 10_000 });
      expect(again).toMatchObject({ topic: '%RETRY%billing', originTopic: 'Orders', reconsumeTimes: 1, tags: 'TagA', keys: ['k1', 'k2'], msgId: original.msgId });
      expect(again!.body.toString()).toBe('soon');
      expect(again!.properties).toMatchObject({ RETRY_TOPIC: 'Orders', ORIGIN_MESSAGE_ID: original.offsetMsgId, DELAY: '1', WAIT: 'false', colour: 'red' });
      expect(again!.storeTimestamp - waiting!.storeTimestamp).toBeGreaterThanOrEqual(1000);
      expect(again!.storeTimestamp - waiting!.storeTimestamp).toBeLessThan(3000);
    });

    it('waits longer each time, and keeps where a message first came from', async () => {
      const { broker } = context;
      const original = await stored(broker, 'Orders', 'again');
      await broker.sendBack(original, { group: 'billing' });
      const [first] = await only(broker, SCHEDULE, 2);
      await broker.sendBack(first!, { group: 'billing' });
      const [second] = await only(broker, SCHEDULE, 3);
      expect(second).toMatchObject({ reconsumeTimes: 2, originTopic: 'Orders' });
      expect(second!.properties).toMatchObject({ DELAY: '4', RETRY_TOPIC: 'Orders', ORIGIN_MESSAGE_ID: original.offsetMsgId });
      await broker.sendBack(second!, { group: 'billing', delayLevel: 99 });
      const [third] = await only(broker, SCHEDULE, 17);
      expect(third).toMatchObject({ reconsumeTimes: 3 });
      expect(third!.properties['DELAY']).toBe('18');
    });

    it('buries a message that came back often enough, once', async () => {
      const { broker } = context;
      const original = await stored(broker, 'Orders', 'dead');
      expect(await broker.sendBack(original, { group: 'billing', maxReconsumeTimes: 1 })).toMatchObject({ isDead: false, reconsumeTimes: 1 });
      const [retry] = await only(broker, SCHEDULE, 2);
      expect(await broker.sendBack(retry!, { group: 'billing', maxReconsumeTimes: 1 })).toEqual({ topic: '%DLQ%billing', reconsumeTimes: 2, isDead: true });
      expect(await broker.describeTopic('%DLQ%billing')).toMatchObject({ readQueueNums: 1, writeQueueNums: 1, perm: 6 });
      const letters = await only(broker, '%DLQ%billing');
      expect(letters).toHaveLength(1);
      expect(letters[0]).toMatchObject({ reconsumeTimes: 2, originTopic: 'Orders', tags: 'TagA' });
      expect(letters[0]!.properties).toMatchObject({ DELAY: '0', WAIT: 'false', RETRY_TOPIC: 'Orders', ORIGIN_MESSAGE_ID: original.offsetMsgId, colour: 'red' });
    });

    it('takes the maximum and the number of retry queues from the group', async () => {
      const { broker } = context;
      await broker.createGroup('strict', { retryMaxTimes: 0 });
      await broker.createGroup('careless', { retryQueueNums: 0 });
      await broker.createGroup('wide', { retryQueueNums: 3 });
      const original = await stored(broker, 'Orders', 'x');
      expect(await broker.sendBack(original, { group: 'strict' })).toMatchObject({ topic: '%DLQ%strict', isDead: true });
      expect(await broker.sendBack(original, { group: 'strict', maxReconsumeTimes: 5 })).toMatchObject({ isDead: false });
      const before = (await only(broker, SCHEDULE, 2)).length;
      expect(await broker.sendBack(original, { group: 'careless' })).toEqual({ topic: null, reconsumeTimes: 0, isDead: false });
      expect(await only(broker, SCHEDULE, 2)).toHaveLength(before);
      await broker.sendBack(original, { group: 'wide' });
      expect(await broker.queues('%RETRY%wide')).toHaveLength(3);
    });

    it('buries at once below level 0', async () => {
      const { broker } = context;
      const original = await stored(broker, 'Orders', 'x');
      expect(await broker.sendBack(original, { group: 'billing', delayLevel: -1 })).toMatchObject({ topic: '%DLQ%billing', reconsumeTimes: 1, isDead: true });
    });

    it('refuses what is not there', async () => {
      const { broker } = context;
      const original = await stored(broker, 'Orders', 'x');
      await expectRefusal(broker.sendBack(original, { group: 'no spaces' }), 'INVALID_INPUT');
      const gone = { ...original, commitLogOffset: original.commitLogOffset + 1, offsetMsgId: `${original.offsetMsgId.slice(0, -4)}0BAD` };
      await expectRefusal(broker.sendBack(gone, { group: 'billing' }), 'NOT_FOUND');
    });
  });

  describe('a message for a retry topic', () => {
    it('tells the group where it came from', async () => {
      const { broker } = context;
      const origin = { topic: 'Orders', offsetMsgId: '7F00000100002A9F0000000000000ABC' };
      const again = await readBack(broker, await broker.send(text('%RETRY%billing', 'again', { origin })));
      expect(again).toMatchObject({ topic: '%RETRY%billing', originTopic: 'Orders', reconsumeTimes: 0 });
      expect(again.properties).toMatchObject({ RETRY_TOPIC: 'Orders', ORIGIN_MESSAGE_ID: origin.offsetMsgId });
    });

    it('alone has an origin', async () => {
      await expectRefusal(context.broker.send(text('Orders', 'x', { origin: { topic: 'A', offsetMsgId: 'B' } })), 'INVALID_INPUT');
    });
  });
}
