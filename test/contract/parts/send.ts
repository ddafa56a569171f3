import { describe, expect, it } from 'vitest';
import { javaHashCode } from '../../../src/base/java-hash.ts';
import type { ContractContext } from '../harness.ts';
import { bodies, expectRefusal, pullAll, queueOf, readBack, text } from '../harness.ts';

export function sendContract(context: ContractContext): void {
  describe('send', () => {
    it('stores every field as it was given', async () => {
      const { broker } = context;
      const bornTimestamp = Date.now() - 5000;
      const before = Date.now();
      const sent = await broker.send({
        topic: 'Orders', body: Buffer.from([0, 1, 0xff, 0xfe, 10]), tags: 'TagA', keys: ['k1', 'k2'], properties: { colour: 'grün', 'x.y': '1' },
        flag: -7, queueId: 2, msgId: '7F0000010B5D30946E0900000000ABCD', bornTimestamp,
      });
      expect(sent).toMatchObject({ status: 'SEND_OK', topic: 'Orders', queueId: 2, queueOffset: 0, msgId: '7F0000010B5D30946E0900000000ABCD' });
      expect(sent.offsetMsgId).toMatch(/^(?:[0-9A-F]{32}|[0-9A-F]{56})$/);
      const message = await readBack(broker, sent);
      expect([...message.body]).toEqual([0, 1, 0xff, 0xfe, 10]);
      expect(message).toMatchObject({
        topic: 'Orders', originTopic: null, brokerName: sent.brokerName, queueId: 2, queueOffset: 0, msgId: sent.msgId, offsetMsgId: sent.offsetMsgId,
        tags: 'TagA', keys: ['k1', 'k2'], flag: -7, bornTimestamp, reconsumeTimes: 0, preparedTransactionOffset: 0,
      });
      expect(message.properties).toMatchObject({ colour: 'grün', 'x.y': '1', TAGS: 'TagA', KEYS: 'k1 k2', UNIQ_KEY: sent.msgId });
      expect(message.sysFlag & 1).toBe(0);
      expect(message.storeTimestamp).toBeGreaterThanOrEqual(before - 1);
      expect(message.storeTimestamp).toBeLessThanOrEqual(Date.now() + 1);
      expect(message.bornHost).toMatch(/:\d+$/);
      expect(message.storeHost).toMatch(/:\d+$/);
    });

    it('gives a message without tags, keys and id what RocketMQ gives it', async () => {
      const { broker } = context;
      const sent = await broker.send(text('Plain', 'x'));
      const message = await readBack(broker, sent);
      expect(message).toMatchObject({ tags: null, keys: [], flag: 0, msgId: sent.msgId });
      expect(message.properties['UNIQ_KEY']).toBe(sent.msgId);
      expect(sent.msgId).toMatch(/^(?:[0-9A-F]{32}|[0-9A-F]{56})$/);
      expect((await broker.send(text('Plain', 'x'))).msgId).not.toBe(sent.msgId);
    });

    it('makes an unknown topic with 4 queues, and keeps to createTopic: false', async () => {
      const { broker } = context;
      await expectRefusal(broker.send(text('Fresh', 'x'), { createTopic: false }), 'TOPIC_NOT_FOUND');
      expect((await broker.listTopics()).map(({ topic }) => topic)).not.toContain('Fresh');
      await broker.send(text('Fresh', 'x'));
      expect(await broker.queues('Fresh')).toHaveLength(4);
      expect(await broker.describeTopic('Fresh')).toMatchObject({ readQueueNums: 4, writeQueueNums: 4, perm: 6, order: false, system: false });
      await broker.send(text('Fresh', 'y'), { createTopic: false });
    });

    it('goes round the queues, one after the other', async () => {
      const { broker } = context;
      const ids: number[] = [];
      for (let index = 0; index < 9; index++) ids.push((await broker.send(text('Round', `m${index}`))).queueId);
      for (let index = 1; index < ids.length; index++) expect(ids[index]).toBe((ids[index - 1]! + 1) % 4);
    });

    it('starts the round at random', async () => {
      const { broker } = context;
      const starts = new Set<number>();
      for (let index = 0; index < 40; index++) starts.add((await broker.send(text(`Start${index}`, 'x'))).queueId);
      // 40 topics that all begin alike happen by chance once in 4^39.
      expect(starts.size).toBeGreaterThan(1);
    });

    it('goes round only the queues that may be written', async () => {
      const { broker } = context;
      await broker.createTopic('Half', { readQueueNums: 4, writeQueueNums: 2 });
      const ids = new Set<number>();
      for (let index = 0; index < 8; index++) ids.add((await broker.send(text('Half', 'x'))).queueId);
      expect(ids).toEqual(new Set([0, 1]));
      await expectRefusal(broker.send(text('Half', 'x', { queueId: 2 })), 'INVALID_INPUT', 'NOT_FOUND');
    });

    it('puts a sharding key where Java does', async () => {
      const { broker } = context;
      await broker.createTopic('Shards', { readQueueNums: 3, writeQueueNums: 3 });
      // The hash of the last is Integer.MIN_VALUE, whose absolute value does not exist: [SelectMessageQueueByHash#select] takes the remainder first.
      expect(javaHashCode('polygenelubricants')).toBe(-2_147_483_648);
      const expected = { a: 97 % 3, order_17: Math.abs(javaHashCode('order_17') % 3), 'negative-hash': Math.abs(javaHashCode('negative-hash') % 3), polygenelubricants: 2 };
      for (const [shardingKey, queueId] of Object.entries(expected)) {
        const sent = await broker.send(text('Shards', 'x', { shardingKey }));
        expect(sent.queueId, shardingKey).toBe(queueId);
        expect((await readBack(broker, sent)).properties['__SHARDINGKEY']).toBe(shardingKey);
      }
    });

    it('numbers each queue without a gap', async () => {
      const { broker } = context;
      const seen = new Map<number, number>();
      for (let index = 0; index < 20; index++) {
        const sent = await broker.send(text('Numbers', `m${index}`, { queueId: index % 3 }));
        expect(sent.queueOffset).toBe(seen.get(sent.queueId) ?? 0);
        seen.set(sent.queueId, sent.queueOffset + 1);
      }
      expect(bodies(await pullAll(broker, await queueOf(broker, 'Numbers', 1)))).toEqual(['m1', 'm4', 'm7', 'm10', 'm13', 'm16', 'm19']);
      expect(await broker.maxOffset(await queueOf(broker, 'Numbers', 3))).toBe(0);
    });

    it.each(['zlib', 'lz4', 'zstd'] as const)('compresses with %s and gives the body back', async (compress) => {
      const { broker } = context;
      const body = Buffer.from('a body that can be compressed. '.repeat(400));
      const sent = await broker.send({ topic: 'Small', body, compress });
      const message = await readBack(broker, sent);
      expect(message.body.equals(body)).toBe(true);
      // The body is given decompressed, so the bit that says otherwise is not shown. [MessageDecoder#decode]
      expect(message.sysFlag & 1).toBe(0);
      expect((message.sysFlag >> 8) & 7).toBe({ lz4: 1, zstd: 2, zlib: 3 }[compress]);
    });

    it('takes a body of 4 MiB', async () => {
      const { broker } = context;
      const sent = await broker.send({ topic: 'Big', body: Buffer.alloc(4 * 1024 * 1024, 'x') });
      expect((await readBack(broker, sent)).body).toHaveLength(4 * 1024 * 1024);
    });

    it('takes a flush mode for one message', async () => {
      const { broker } = context;
      expect((await broker.send(text('Sync', 'a'), { flush: 'sync' })).status).toBe('SEND_OK');
      expect((await broker.send(text('Sync', 'b'), { flush: 'async' })).status).toBe('SEND_OK');
    });

    it('does not keep the buffer it was given', async () => {
      const { broker } = context;
      const body = Buffer.from('first');
      const sent = await broker.send({ topic: 'Mine', body });
      body.fill('x');
      expect((await readBack(broker, sent)).body.toString()).toBe('first');
    });
  });

  describe('sendBatch', () => {
    it('stores in order, one outcome each, round the queues', async () => {
      const { broker } = context;
      const outcomes = await broker.sendBatch(Array.from({ length: 12 }, (_, index) => text('Batch', `m${index}`)));
      expect(outcomes).toHaveLength(12);
      const counts = [0, 0, 0, 0];
      for (const outcome of outcomes) {
        if ('error' in outcome) throw outcome.error;
        expect(outcome.queueOffset).toBe(counts[outcome.queueId]);
        counts[outcome.queueId]!++;
      }
      expect(counts).toEqual([3, 3, 3, 3]);
      const offsets: number[] = [];
      for (const outcome of outcomes) if (!('error' in outcome)) offsets.push((await readBack(broker, outcome)).commitLogOffset);
      expect(offsets).toEqual([...offsets].sort((left, right) => left - right));
    });

    it('takes messages of several topics', async () => {
      const { broker } = context;
      const outcomes = await broker.sendBatch([text('One', 'a'), text('Two', 'b'), text('One', 'c')]);
      expect(outcomes.map((outcome) => ('error' in outcome ? outcome.error.message : outcome.topic))).toEqual(['One', 'Two', 'One']);
    });

    it('keeps out the bad ones only', async () => {
      const { broker } = context;
      const outcomes = await broker.sendBatch([text('Mixed', 'a', { queueId: 0 }), text('Mixed', '', { queueId: 0 }), text('Mixed', 'c', { queueId: 0 })]);
      expect(outcomes.map((outcome) => ('error' in outcome ? (outcome.error as { code?: string }).code : outcome.queueOffset))).toEqual([0, 'MESSAGE_ILLEGAL', 1]);
      expect(bodies(await pullAll(broker, await queueOf(broker, 'Mixed', 0)))).toEqual(['a', 'c']);
    });

    it('answers an empty batch with no outcomes', async () => {
      expect(await context.broker.sendBatch([])).toEqual([]);
    });
  });
}
