import { describe, expect, it } from 'vitest';
import { bodies, expectRefusal, filled, pullAll, queueOf, readBack, text } from '../harness.ts';
import type { ContractContext } from '../harness.ts';

export function requestContract(context: ContractContext): void {
  describe('request and reply', () => {
    it('a request is an ordinary message, and gets the reply that is meant for it', async () => {
      const { broker } = context;
      const queue = await filled(broker, 'Questions', []);
      const asked = [broker.request(text('Questions', 'one?'), 10_000), broker.request(text('Questions', 'two?'), 10_000)];
      const answered = (async () => {
        let offset = 0;
        while (offset < 2) {
          const { messages, nextOffset } = await broker.pull({ queue, offset, maxMessages: 1, suspendMs: 5000 });
          for (const message of messages) {
            expect(message.properties).toMatchObject({ TTL: '10000' });
            const sent = await broker.reply(message, Buffer.from(`${message.body.toString()} yes`));
            expect(sent).toMatchObject({ status: 'SEND_OK', topic: 'DefaultCluster_REPLY_TOPIC' });
            expect((await readBack(broker, sent)).properties).toMatchObject({ MSG_TYPE: 'reply', CORRELATION_ID: message.properties['CORRELATION_ID'] });
          }
          offset = nextOffset;
        }
      })();
      expect(bodies(await Promise.all(asked))).toEqual(['one? yes', 'two? yes']);
      await answered;
      expect(bodies(await pullAll(broker, await queueOf(broker, 'Questions', 0)))).toEqual(['one?', 'two?']);
    });

    it('without a reply it is over in time, and when it is called off', async () => {
      const { broker } = context;
      await filled(broker, 'Questions', []);
      await expectRefusal(broker.request(text('Questions', 'anybody?'), 30), 'TIMED_OUT');
      const off = new AbortController();
      const asked = expectRefusal(broker.request(text('Questions', 'anybody?'), 60_000, off.signal), 'TIMED_OUT');
      off.abort();
      await asked;
    });

    it('only a request can be replied to', async () => {
      const { broker } = context;
      const queue = await filled(broker, 'Plain', ['no question']);
      await expectRefusal(broker.reply((await pullAll(broker, queue))[0]!, Buffer.from('x')), 'INVALID_INPUT');
      await expectRefusal(broker.request(text('Plain', 'x'), 0), 'INVALID_INPUT');
      await expectRefusal(broker.request(text('Missing', 'x'), 100), 'TOPIC_NOT_FOUND');
    });
  });
}
