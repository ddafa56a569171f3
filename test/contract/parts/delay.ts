import { describe, expect, it } from 'vitest';
import type { ContractContext } from '../harness.ts';
import { bodies, expectRefusal, pullAll, queueOf, text } from '../harness.ts';

const IN_AN_HOUR_MS = 3_600_000;

export function delayContract(context: ContractContext): void {
  /** A topic of one queue, and what its first pull brings, waited for. */
  const awaited = async (topic: string): Promise<{ readonly body: string; readonly atMs: number; readonly properties: Readonly<Record<string, string>> }> => {
    const { messages } = await context.broker.pull({ queue: await queueOf(context.broker, topic, 0), offset: 0, maxMessages: 1, suspendMs: 10_000 });
    return { body: messages[0]!.body.toString(), atMs: Date.now(), properties: messages[0]!.properties };
  };
  const oneQueue = (topic: string): Promise<unknown> => context.broker.createTopic(topic, { readQueueNums: 1, writeQueueNums: 1 });

  describe('delayed messages', () => {
    it.each([
      ['delayLevel', { delayLevel: 1 }, 1000], ['delayMs', { delayMs: 700 }, 700],
    ] as const)('%s: delivered once, not early, soon after it is due', async (_, delay, delayMs) => {
      const { broker } = context;
      await oneQueue('Late');
      const sentMs = Date.now();
      const sent = await broker.send(text('Late', 'later', { ...delay, tags: 'T', keys: ['k'], properties: { a: 'b' } }));
      expect(sent).toMatchObject({ status: 'SEND_OK', topic: 'Late', queueId: 0 });
      expect(sent.deliverAtMs).toBeGreaterThanOrEqual(sentMs + delayMs);
      expect(await pullAll(broker, await queueOf(broker, 'Late', 0))).toEqual([]);
      const { body, atMs, properties } = await awaited('Late');
      expect(body).toBe('later');
      expect(atMs).toBeGreaterThanOrEqual(sent.deliverAtMs!);
      // A broker looks once a second.
      expect(atMs).toBeLessThan(sent.deliverAtMs! + 2000);
      expect(properties).toMatchObject({ TAGS: 'T', KEYS: 'k', a: 'b', UNIQ_KEY: sent.msgId, REAL_TOPIC: 'Late', REAL_QID: '0' });
      expect(bodies(await pullAll(broker, await queueOf(broker, 'Late', 0)))).toEqual(['later']);
    });

    it('deliverAtMs: in order of time, those of one second too', async () => {
      const { broker } = context;
      await oneQueue('Ordered');
      const now = Date.now();
      // All of them are stored before the first is due, on a busy machine too.
      for (const after of [2400, 1800, 2100]) await broker.send(text('Ordered', `at ${after}`, { deliverAtMs: now + after }));
      const queue = await queueOf(broker, 'Ordered', 0);
      while ((await broker.maxOffset(queue)) < 3) await broker.pull({ queue, offset: await broker.maxOffset(queue), maxMessages: 1, suspendMs: 2000 });
      expect(bodies(await pullAll(broker, queue))).toEqual(['at 1800', 'at 2100', 'at 2400']);
    });

    it('a time that has passed: delivered at once', async () => {
      const { broker } = context;
      await oneQueue('Past');
      const sent = await broker.send(text('Past', 'now', { deliverAtMs: Date.now() - 5000 }));
      expect(sent.deliverAtMs).toBeUndefined();
      expect(sent.recallHandle).toBeUndefined();
      expect(bodies(await pullAll(broker, await queueOf(broker, 'Past', 0)))).toEqual(['now']);
    });

    it('above the last level counts as the last', async () => {
      const { broker } = context;
      const sentMs = Date.now();
      const { deliverAtMs } = await broker.send(text('T', 'x', { delayLevel: 99 }));
      expect(deliverAtMs! - sentMs).toBeGreaterThanOrEqual(7_200_000);
      expect(deliverAtMs! - sentMs).toBeLessThan(7_205_000);
    });

    it('refuses two ways at once, times that are none, and what is too far ahead', async () => {
      const { broker } = context;
      await expectRefusal(broker.send(text('T', 'x', { delayLevel: 1, delayMs: 5 })), 'INVALID_INPUT');
      await expectRefusal(broker.send(text('T', 'x', { delayMs: 5, deliverAtMs: Date.now() })), 'INVALID_INPUT');
      for (const delayMs of [-1, 1.5, Number.NaN]) await expectRefusal(broker.send(text('T', 'x', { delayMs })), 'INVALID_INPUT');
      expect((await expectRefusal(broker.send(text('T', 'x', { delayMs: 259_200_001 })), 'MESSAGE_ILLEGAL')).message).toMatch(/3 days/);
      await expectRefusal(broker.send(text('T', 'x', { deliverAtMs: Date.now() + 260_000_000 })), 'MESSAGE_ILLEGAL');
    });

    it('sendBatch takes delays, each message its own', async () => {
      const { broker } = context;
      await oneQueue('Batch');
      const outcomes = await broker.sendBatch([text('Batch', 'now'), text('Batch', 'later', { delayMs: IN_AN_HOUR_MS }), text('Batch', 'never', { delayMs: -1 })]);
      expect(outcomes.map((outcome) => 'error' in outcome)).toEqual([false, false, true]);
      expect(outcomes[1]).toMatchObject({ recallHandle: expect.stringMatching(/^[\w-]+=*$/) as string });
      expect(bodies(await pullAll(broker, await queueOf(broker, 'Batch', 0)))).toEqual(['now']);
    });

    it('recall takes a timer message back, once', async () => {
      const { broker } = context;
      if (!broker.supports('recall')) return;
      await oneQueue('Recalled');
      // A cluster wants more than 3 s to take something back.
      const kept = await broker.send(text('Recalled', 'kept', { delayMs: 4500 }));
      const gone = await broker.send(text('Recalled', 'gone', { delayMs: 4500 }));
      expect(Buffer.from(gone.recallHandle!, 'base64url').toString()).toMatch(new RegExp(`^v1 Recalled ${gone.brokerName} \\d+ ${gone.msgId}$`));
      expect(await broker.recall('Recalled', gone.recallHandle!)).toBe(gone.msgId);
      await expectRefusal(broker.recall('Recalled', gone.recallHandle!), 'REFUSED');
      expect((await awaited('Recalled')).body).toBe('kept');
      expect(bodies(await pullAll(broker, await queueOf(broker, 'Recalled', 0)))).toEqual(['kept']);
      await expectRefusal(broker.recall('Recalled', kept.recallHandle!), 'REFUSED');
    });

    it('recall refuses handles of nobody, of others, and of other topics', async () => {
      const { broker } = context;
      if (!broker.supports('recall')) return;
      const { recallHandle, brokerName } = await broker.send(text('T', 'x', { delayMs: IN_AN_HOUR_MS }));
      const handle = (topic: string, broker_: string, id: string): string => Buffer.from(`v1 ${topic} ${broker_} ${Date.now() + 5000} ${id}`).toString('base64url');
      await expectRefusal(broker.recall('T', 'nonsense'), 'INVALID_INPUT');
      await expectRefusal(broker.recall('Other', recallHandle!), 'INVALID_INPUT');
      await expectRefusal(broker.recall('T', handle('T', 'nobody', 'ABC')), 'INVALID_INPUT');
      await expectRefusal(broker.recall('T', handle('T', brokerName, 'ABC')), 'NOT_FOUND');
    });

    it('deliverNow delivers before the time, and not again', async () => {
      const { broker } = context;
      if (!broker.supports('forced-delivery')) return;
      await oneQueue('Forced');
      const { recallHandle, msgId } = await broker.send(text('Forced', 'now after all', { delayMs: 1500, tags: 'T' }));
      const delivered = await broker.deliverNow('Forced', recallHandle!);
      expect(delivered).toMatchObject({ topic: 'Forced', queueId: 0, queueOffset: 0, msgId });
      expect(await awaited('Forced')).toMatchObject({ body: 'now after all', properties: { TAGS: 'T' } });
      await expectRefusal(broker.deliverNow('Forced', recallHandle!), 'REFUSED');
      await broker.pull({ queue: await queueOf(broker, 'Forced', 0), offset: 1, maxMessages: 1, suspendMs: 2200 });
      expect(bodies(await pullAll(broker, await queueOf(broker, 'Forced', 0)))).toEqual(['now after all']);
    });

    it('delayProgress tells what of the system topics still waits', async () => {
      const { broker } = context;
      await broker.send(text('T', 'level', { delayLevel: 18 }));
      await broker.send(text('T', 'timer', { delayMs: IN_AN_HOUR_MS }));
      const { levels, timer } = await broker.delayProgress();
      expect(levels[17]).toEqual({ level: 18, delayMs: 7_200_000, queueId: 17, nextOffset: 0 });
      expect(levels).toHaveLength(18);
      const [waits] = await pullAll(broker, await queueOf(broker, 'SCHEDULE_TOPIC_XXXX', 17));
      expect(waits).toMatchObject({ originTopic: 'T', properties: { DELAY: '18', REAL_TOPIC: 'T' } });
      const [timed] = await pullAll(broker, await queueOf(broker, 'rmq_sys_wheel_timer', 0));
      expect(timed!.properties).toMatchObject({ REAL_TOPIC: 'T', TIMER_DELAY_MS: String(IN_AN_HOUR_MS) });
      expect(timer!.doneInSecond).toEqual([]);
      expect(Number(timed!.properties['TIMER_OUT_MS'])).toBeGreaterThan(timer!.lastReadTimeMs);
    });

    it('what waits outlives the broker', async () => {
      const { reopen, broker } = context;
      if (reopen === undefined) return;
      await oneQueue('Kept');
      await broker.send(text('Kept', 'level', { delayLevel: 1 }));
      const { deliverAtMs } = await broker.send(text('Kept', 'timer', { delayMs: 1100 }));
      await reopen();
      const queue = await queueOf(context.broker, 'Kept', 0);
      for (let end = await context.broker.maxOffset(queue); end < 2; end = await context.broker.maxOffset(queue)) await context.broker.pull({ queue, offset: end, maxMessages: 1, suspendMs: 3000 });
      expect(Date.now()).toBeGreaterThanOrEqual(deliverAtMs!);
      expect(bodies(await pullAll(context.broker, queue)).sort()).toEqual(['level', 'timer']);
    });
  });
}
