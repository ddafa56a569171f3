import { describe, expect, it } from 'vitest';
import type { ContractContext } from '../harness.ts';
import { bodies, expectRefusal, readBack, text, tick } from '../harness.ts';

export function queryContract(context: ContractContext): void {
  describe('queryByMsgId', () => {
    it('finds by either id, with the topic and without', async () => {
      const { broker } = context;
      await broker.send(text('One', 'other'));
      const sent = await broker.send(text('Two', 'wanted', { keys: ['k'] }));
      await broker.send(text('Three', 'other'));
      for (const id of [sent.msgId, sent.offsetMsgId]) {
        for (const topic of [undefined, 'Two']) {
          const { messages, truncated } = await broker.queryByMsgId(id, topic);
          expect(bodies(messages), `${id} in ${topic}`).toEqual(['wanted']);
          expect(truncated).toBe(false);
          expect(messages[0]).toMatchObject({ msgId: sent.msgId, offsetMsgId: sent.offsetMsgId, queueId: sent.queueId, queueOffset: sent.queueOffset });
        }
      }
      expect(bodies((await broker.queryByMsgId(sent.offsetMsgId.toLowerCase())).messages)).toEqual(['wanted']);
    });

    it('finds every message that was given the same id', async () => {
      const { broker } = context;
      const msgId = 'AC1100020B5D30946E09000000000001';
      await broker.send(text('One', 'a', { msgId }));
      await broker.send(text('Two', 'b', { msgId }));
      expect(bodies((await broker.queryByMsgId(msgId)).messages).sort()).toEqual(['a', 'b']);
      expect(bodies((await broker.queryByMsgId(msgId, 'One')).messages)).toEqual(['a']);
    });

    it('answers nothing for ids that nobody has', async () => {
      const { broker } = context;
      const sent = await broker.send(text('One', 'a'));
      const elsewhere = `0A000001${sent.offsetMsgId.slice(8)}`;
      const between = `${sent.offsetMsgId.slice(0, -4)}FFF1`;
      for (const id of ['AC1100020B5D30946E0900000000FFFF', 'no id at all', elsewhere, between]) {
        expect(await broker.queryByMsgId(id), id).toEqual({ messages: [], truncated: false });
      }
      await broker.send(text('Two', 'b'));
      expect((await broker.queryByMsgId(sent.msgId, 'Two')).messages).toEqual([]);
      await expectRefusal(broker.queryByMsgId(sent.msgId, 'Nowhere'), 'TOPIC_NOT_FOUND');
    });
  });

  describe('queryByKey', () => {
    it('finds by key in one topic, exactly', async () => {
      const { broker } = context;
      await broker.send(text('Orders', 'both', { keys: ['k1', 'k2'] }));
      await broker.send(text('Orders', 'second', { keys: ['k2'] }));
      await broker.send(text('Orders', 'collides', { keys: ['Aa'] }));
      await broker.send(text('Orders', 'with this', { keys: ['BB'] }));
      await broker.send(text('Other', 'elsewhere', { keys: ['k1'] }));
      const find = async (key: string) => bodies((await broker.queryByKey({ topic: 'Orders', key, maxMessages: 10 })).messages).sort();
      expect(await find('k1')).toEqual(['both']);
      expect(await find('k2')).toEqual(['both', 'second']);
      expect(await find('Aa')).toEqual(['collides']);
      expect(await find('BB')).toEqual(['with this']);
      expect(await find('K1')).toEqual([]);
      expect(await find('k')).toEqual([]);
      await expectRefusal(broker.queryByKey({ topic: 'Nowhere', key: 'k', maxMessages: 1 }), 'TOPIC_NOT_FOUND');
    });

    it('says when there is more', async () => {
      const { broker } = context;
      for (let index = 0; index < 5; index++) await broker.send(text('Many', `m${index}`, { keys: ['k'] }));
      const four = await broker.queryByKey({ topic: 'Many', key: 'k', maxMessages: 4 });
      expect(four.messages).toHaveLength(4);
      expect(four.truncated).toBe(true);
      const five = await broker.queryByKey({ topic: 'Many', key: 'k', maxMessages: 5 });
      expect(five.messages).toHaveLength(5);
      expect(five.truncated).toBe(false);
      await expectRefusal(broker.queryByKey({ topic: 'Many', key: 'k', maxMessages: 0 }), 'INVALID_INPUT');
    });

    it('keeps to a range of store times, ends included', async () => {
      const { broker } = context;
      const times: number[] = [];
      for (const body of ['a', 'b', 'c']) {
        times.push((await readBack(broker, await broker.send(text('Timed', body, { keys: ['k'] })))).storeTimestamp);
        await tick(5);
      }
      const find = async (beginTimestamp?: number, endTimestamp?: number) =>
        bodies((await broker.queryByKey({ topic: 'Timed', key: 'k', maxMessages: 10, beginTimestamp, endTimestamp })).messages).sort();
      expect(await find()).toEqual(['a', 'b', 'c']);
      expect(await find(times[1])).toEqual(['b', 'c']);
      expect(await find(undefined, times[1])).toEqual(['a', 'b']);
      expect(await find(times[1], times[1])).toEqual(['b']);
      expect(await find(times[0]! + 1, times[2]! - 1)).toEqual(['b']);
      expect(await find(times[2]! + 1)).toEqual([]);
    });
  });
}
