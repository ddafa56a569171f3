import { describe, expect, it } from 'vitest';
import type { OutgoingMessage } from '../../../src/broker/types.ts';
import type { ContractContext } from '../harness.ts';
import { expectRefusal, text } from '../harness.ts';

export function refusalContract(context: ContractContext): void {
  describe('refusals', () => {
    const names: Record<string, string> = {
      'an empty topic': '', 'a blank topic': '  ', 'a topic of 128 characters': 'x'.repeat(128), 'a space': 'a b', 'a dot': 'a.b', 'a slash': '../a', 'a letter beyond ASCII': 'Größe',
    };
    it.each(Object.entries(names))('%s', async (_, topic) => {
      const { broker } = context;
      expect((await expectRefusal(broker.send(text(topic, 'x')), 'INVALID_INPUT', 'MESSAGE_ILLEGAL')).exitCode).toBe(2);
      await expectRefusal(broker.createTopic(topic, {}), 'INVALID_INPUT');
      expect((await broker.listTopics()).filter(({ system }) => !system)).toEqual([]);
    });

    it('takes 127 characters, and every legal one', async () => {
      const { broker } = context;
      for (const topic of ['x'.repeat(127), '%a|b_C-9', `%RETRY%${'g'.repeat(120)}`]) {
        expect((await broker.send(text(topic, 'x'))).topic).toBe(topic);
        expect(await broker.maxOffset((await broker.queues(topic))[0]!) + 0).toBeGreaterThanOrEqual(0);
      }
    });

    it.each(['', 'a b', 'x'.repeat(121), 'größe'])('the group %j', async (group) => {
      await expectRefusal(context.broker.createGroup(group, {}), 'INVALID_INPUT');
    });

    const messages: Record<string, { message: Partial<OutgoingMessage>; code: 'MESSAGE_ILLEGAL' | 'INVALID_INPUT' | 'NOT_FOUND' }> = {
      'an empty body': { message: { body: Buffer.alloc(0) }, code: 'MESSAGE_ILLEGAL' },
      'a body of 4 MiB and a byte': { message: { body: Buffer.alloc(4 * 1024 * 1024 + 1, 'x') }, code: 'MESSAGE_ILLEGAL' },
      'properties beyond 32,767 bytes': { message: { properties: { big: 'x'.repeat(32_768) } }, code: 'MESSAGE_ILLEGAL' },
      'keys that make the properties too large': { message: { keys: Array.from({ length: 4000 }, (_, index) => `key-${index}`) }, code: 'MESSAGE_ILLEGAL' },
      'a name of the system': { message: { properties: { DELAY: '3' } }, code: 'INVALID_INPUT' },
      'another': { message: { properties: { TAGS: 'a' } }, code: 'INVALID_INPUT' },
      'a third': { message: { properties: { UNIQ_KEY: 'a' } }, code: 'INVALID_INPUT' },
      'a fourth': { message: { properties: { RETRY_TOPIC: 'a' } }, code: 'INVALID_INPUT' },
      'a separator in a value': { message: { properties: { a: 'b\u0001c' } }, code: 'INVALID_INPUT' },
      'a separator in a name': { message: { properties: { 'a\u0002': 'b' } }, code: 'INVALID_INPUT' },
      'an empty property value': { message: { properties: { a: '' } }, code: 'INVALID_INPUT' },
      'an empty property name': { message: { properties: { '': 'a' } }, code: 'INVALID_INPUT' },
      'a separator in a tag': { message: { tags: 'a\u0002DELAY\u00013' }, code: 'INVALID_INPUT' },
      'a separator in a key': { message: { keys: ['a\u0002b'] }, code: 'INVALID_INPUT' },
      'a queue below zero': { message: { queueId: -1 }, code: 'INVALID_INPUT' },
      'a queue beyond the last': { message: { queueId: 4 }, code: 'NOT_FOUND' },
    };
    it.each(Object.entries(messages))('%s, and nothing is written', async (_, { message, code }) => {
      const { broker } = context;
      const kept = await broker.send(text('T', 'kept', { queueId: 0 }));
      expect((await expectRefusal(broker.send(text('T', 'x', message)), code)).exitCode).toBe(code === 'NOT_FOUND' ? 3 : 2);
      for (const queue of await broker.queues('T')) expect(await broker.maxOffset(queue)).toBe(queue.queueId === 0 ? 1 : 0);
      expect((await broker.send(text('T', 'next', { queueId: 0 }))).queueOffset).toBe(kept.queueOffset + 1);
    });

    it('makes no topic for a message that is refused', async () => {
      const { broker } = context;
      await expectRefusal(broker.send(text('Never', '')), 'MESSAGE_ILLEGAL');
      await expectRefusal(broker.send(text('Never', 'x', { properties: { TAGS: 'a' } })), 'INVALID_INPUT');
      expect((await broker.listTopics()).map(({ topic }) => topic)).not.toContain('Never');
    });

    it('sends nothing to the topics that RocketMQ keeps for itself', async () => {
      const { broker } = context;
      for (const topic of ['SCHEDULE_TOPIC_XXXX', 'RMQ_SYS_TRANS_HALF_TOPIC']) {
        await expectRefusal(broker.send(text(topic, 'x')), 'REFUSED', 'INVALID_INPUT');
      }
    });
  });
}
