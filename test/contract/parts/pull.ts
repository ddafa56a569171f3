import { describe, expect, it } from 'vitest';
import type { ContractContext } from '../harness.ts';
import { bodies, expectRefusal, filled, queueOf, text, tick } from '../harness.ts';

export function pullContract(context: ContractContext): void {
  describe('pull', () => {
    it('answers what lies between minimum and maximum', async () => {
      const { broker } = context;
      const queue = await filled(broker, 'T', ['a', 'b', 'c', 'd', 'e']);
      const result = await broker.pull({ queue, offset: 1, maxMessages: 3 });
      expect(result).toMatchObject({ status: 'FOUND', nextOffset: 4, minOffset: 0, maxOffset: 5, damaged: [] });
      expect(bodies(result.messages)).toEqual(['b', 'c', 'd']);
      expect(result.messages.map(({ queueOffset }) => queueOffset)).toEqual([1, 2, 3]);
    });

    it('never answers more than was asked for, and goes to the end', async () => {
      const { broker } = context;
      const queue = await filled(broker, 'T', ['a', 'b', 'c']);
      expect(bodies((await broker.pull({ queue, offset: 0, maxMessages: 1 })).messages)).toEqual(['a']);
      const last = await broker.pull({ queue, offset: 2, maxMessages: 100 });
      expect(last).toMatchObject({ status: 'FOUND', nextOffset: 3 });
      expect(bodies(last.messages)).toEqual(['c']);
    });

    it('has nothing new at the maximum, also of an empty queue', async () => {
      const { broker } = context;
      const queue = await filled(broker, 'T', ['a']);
      expect(await broker.pull({ queue, offset: 1, maxMessages: 1 })).toMatchObject({ status: 'NO_NEW_MESSAGE', messages: [], nextOffset: 1, minOffset: 0, maxOffset: 1 });
      const empty = await filled(broker, 'Empty', []);
      expect(await broker.pull({ queue: empty, offset: 0, maxMessages: 1 })).toMatchObject({ status: 'NO_NEW_MESSAGE', messages: [], nextOffset: 0, minOffset: 0, maxOffset: 0 });
    });

    it('sends a reader beyond the maximum back to it', async () => {
      const { broker } = context;
      const queue = await filled(broker, 'T', ['a']);
      expect(await broker.pull({ queue, offset: 2, maxMessages: 1 })).toMatchObject({ status: 'OFFSET_ILLEGAL', messages: [], nextOffset: 1 });
      expect(await broker.pull({ queue, offset: 1_000_000, maxMessages: 1, suspendMs: 2000 })).toMatchObject({ status: 'OFFSET_ILLEGAL', nextOffset: 1 });
    });

    it('filters by tag, by hash and then for real, and moves past what it left out', async () => {
      const { broker } = context;
      await broker.createTopic('Tags', { readQueueNums: 1, writeQueueNums: 1 });
      // "Aa" and "BB" have one Java hash.
      for (const tags of ['Aa', 'BB', 'C', 'Aa', 'BB', undefined]) await broker.send(text('Tags', tags ?? 'none', { tags }));
      const queue = await queueOf(broker, 'Tags', 0);
      const pull = async (tags: string, offset = 0, maxMessages = 10) => broker.pull({ queue, offset, maxMessages, filter: { tags } });
      const first = await pull('Aa');
      expect(bodies(first.messages)).toEqual(['Aa', 'Aa']);
      expect(first.status).toBe('FOUND');
      expect(first.nextOffset).toBeGreaterThanOrEqual(4);
      expect(bodies((await pull('BB')).messages)).toEqual(['BB', 'BB']);
      expect(bodies((await pull('BB || C')).messages)).toEqual(['BB', 'C', 'BB']);
      expect(bodies((await pull('C||Aa')).messages)).toEqual(['Aa', 'C', 'Aa']);
      expect((await pull('*')).messages).toHaveLength(6);
      expect(bodies((await pull('Aa', 0, 1)).messages)).toEqual(['Aa']);
      expect((await pull('Aa', 0, 1)).nextOffset).toBe(1);
      const rest = await pull('Aa', 4);
      expect(rest).toMatchObject({ status: 'NO_MATCHED_MESSAGE', messages: [], nextOffset: 6 });
      expect(await pull('nobody')).toMatchObject({ status: 'NO_MATCHED_MESSAGE', messages: [], nextOffset: 6 });
    });

    it('does not find a tag in a part of another', async () => {
      const { broker } = context;
      const queue = await filled(broker, 'T', ['x'], { tags: 'Tag' });
      expect((await broker.pull({ queue, offset: 0, maxMessages: 1, filter: { tags: 'tag' } })).messages).toEqual([]);
      expect((await broker.pull({ queue, offset: 0, maxMessages: 1, filter: { tags: 'Ta' } })).messages).toEqual([]);
    });

    it('filters by SQL92, moves past what it left out, and takes what throws for no match', async () => {
      const { broker } = context;
      await broker.createTopic('Sql', { readQueueNums: 1, writeQueueNums: 1 });
      const properties: Record<string, string>[] = [{ a: '6', region: 'eu' }, { a: '5', region: 'eu' }, { a: 'six', region: 'eu' }, { region: 'eu' }, { a: '7', region: 'us' }, { a: '2147483647', region: 'eu', 名: '值' }];
      for (const [index, each] of properties.entries()) await broker.send(text('Sql', `m${index}`, { properties: each, tags: index === 4 ? 'T' : undefined, keys: ['k'] }));
      const queue = await queueOf(broker, 'Sql', 0);
      const pull = async (sql: string, offset = 0, maxMessages = 10) => broker.pull({ queue, offset, maxMessages, filter: { sql } });
      const first = await pull("a > 5 AND region = 'eu'");
      expect(bodies(first.messages)).toEqual(['m0', 'm5']);
      expect(first).toMatchObject({ status: 'FOUND', nextOffset: 6 });
      expect(first.messages[1]!.properties).toMatchObject({ 名: '值' });
      expect(bodies((await pull("NOT (a > 5) OR TAGS = 'T'")).messages)).toEqual(['m1', 'm4']);
      expect(bodies((await pull('a IS NULL')).messages)).toEqual(['m3']);
      expect(bodies((await pull("KEYS = 'k' AND a IN ('six', '7')")).messages)).toEqual(['m2', 'm4']);
      expect(bodies((await pull('TRUE', 2, 2)).messages)).toEqual(['m2', 'm3']);
      expect(await pull("a > 5 AND region = 'eu'", 0, 1)).toMatchObject({ status: 'FOUND', nextOffset: 1 });
      expect(await pull('NULL')).toMatchObject({ status: 'NO_MATCHED_MESSAGE', messages: [], nextOffset: 6 });
    });

    it('refuses a SQL92 expression it does not understand to the end', async () => {
      const { broker } = context;
      const queue = await filled(broker, 'T', ['a']);
      for (const sql of ['', 'a >', 'a + 1 = 2', '5']) await expectRefusal(broker.pull({ queue, offset: 0, maxMessages: 1, filter: { sql } }), 'INVALID_INPUT');
    });

    it('waits for a first message', async () => {
      const { broker } = context;
      const queue = await filled(broker, 'T', ['a']);
      const waiting = broker.pull({ queue, offset: 1, maxMessages: 10, suspendMs: 10_000 });
      const start = Date.now();
      await tick(20);
      await broker.send(text('T', 'b'));
      const result = await waiting;
      expect(bodies(result.messages)).toEqual(['b']);
      expect(result).toMatchObject({ status: 'FOUND', nextOffset: 2 });
      expect(Date.now() - start).toBeLessThan(3000);
    });

    it('waits no longer than it was told, and not at all without a wait', async () => {
      const { broker } = context;
      const queue = await filled(broker, 'T', []);
      const start = Date.now();
      expect((await broker.pull({ queue, offset: 0, maxMessages: 1, suspendMs: 60 })).status).toBe('NO_NEW_MESSAGE');
      expect(Date.now() - start).toBeGreaterThanOrEqual(50);
      expect(Date.now() - start).toBeLessThan(3000);
    });

    it('stops waiting when the signal aborts', async () => {
      const { broker } = context;
      const queue = await filled(broker, 'T', []);
      const stop = new AbortController();
      const waiting = broker.pull({ queue, offset: 0, maxMessages: 1, suspendMs: 20_000, signal: stop.signal });
      setTimeout(() => stop.abort(), 20);
      const start = Date.now();
      expect((await waiting).status).toBe('NO_NEW_MESSAGE');
      expect(Date.now() - start).toBeLessThan(3000);
      expect((await broker.pull({ queue, offset: 0, maxMessages: 1, suspendMs: 20_000, signal: stop.signal })).status).toBe('NO_NEW_MESSAGE');
    });

    it('refuses what does not exist or makes no sense', async () => {
      const { broker } = context;
      const queue = await filled(broker, 'T', ['a']);
      await expectRefusal(broker.pull({ queue: { ...queue, topic: 'Nowhere' }, offset: 0, maxMessages: 1 }), 'TOPIC_NOT_FOUND');
      await expectRefusal(broker.pull({ queue: { ...queue, queueId: 7 }, offset: 0, maxMessages: 1 }), 'NOT_FOUND');
      await expectRefusal(broker.pull({ queue, offset: -1, maxMessages: 1 }), 'INVALID_INPUT');
      await expectRefusal(broker.pull({ queue, offset: 0, maxMessages: 0 }), 'INVALID_INPUT');
    });
  });

  describe('queues, minOffset, maxOffset, offsetByTime', () => {
    it('lists the queues of a topic in order', async () => {
      const { broker } = context;
      await broker.createTopic('Three', { readQueueNums: 3, writeQueueNums: 3 });
      const queues = await broker.queues('Three');
      expect(queues.map(({ topic, queueId }) => [topic, queueId])).toEqual([['Three', 0], ['Three', 1], ['Three', 2]]);
      expect(queues[0]!.brokerName).not.toBe('');
      await expectRefusal(broker.queues('Nowhere'), 'TOPIC_NOT_FOUND');
    });

    it('knows the ends of a queue', async () => {
      const { broker } = context;
      const queue = await filled(broker, 'T', ['a', 'b']);
      expect(await broker.minOffset(queue)).toBe(0);
      expect(await broker.maxOffset(queue)).toBe(2);
      await expectRefusal(broker.minOffset({ ...queue, topic: 'Nowhere' }), 'TOPIC_NOT_FOUND');
      await expectRefusal(broker.maxOffset({ ...queue, topic: 'Nowhere' }), 'TOPIC_NOT_FOUND');
    });

    it('finds offsets by store time', async () => {
      const { broker } = context;
      const queue = await filled(broker, 'T', []);
      for (const body of ['a', 'b', 'c']) {
        await broker.send(text('T', body));
        await broker.send(text('T', body));
        await tick(5);
      }
      const { messages } = await broker.pull({ queue, offset: 0, maxMessages: 10 });
      const times = messages.map(({ storeTimestamp }) => storeTimestamp);
      const lower = (time: number) => times.findIndex((candidate) => candidate >= time);
      const upper = (time: number) => times.filter((candidate) => candidate <= time).length - 1;
      for (const time of [...times, times[1]! + 1, times[3]! + 1, times[2]! - 1]) {
        expect(await broker.offsetByTime(queue, time, 'lower'), `lower ${time} of ${times.join()}`).toBe(lower(time));
        expect(await broker.offsetByTime(queue, time, 'upper'), `upper ${time} of ${times.join()}`).toBe(upper(time));
      }
    });

    it('keeps offsets by time inside the queue', async () => {
      const { broker } = context;
      const queue = await filled(broker, 'T', ['a', 'b', 'c']);
      const future = Date.now() + 3_600_000;
      expect(await broker.offsetByTime(queue, 0, 'lower')).toBe(0);
      expect(await broker.offsetByTime(queue, 0, 'upper')).toBe(0);
      expect(await broker.offsetByTime(queue, future, 'lower')).toBe(3);
      expect(await broker.offsetByTime(queue, future, 'upper')).toBe(2);
      const empty = await filled(broker, 'Empty', []);
      for (const time of [0, future]) {
        expect(await broker.offsetByTime(empty, time, 'lower')).toBe(0);
        expect(await broker.offsetByTime(empty, time, 'upper')).toBe(0);
      }
      await expectRefusal(broker.offsetByTime({ ...queue, topic: 'Nowhere' }, 0, 'lower'), 'TOPIC_NOT_FOUND');
    });
  });
}
