import { beforeEach, describe, expect, it } from 'vitest';
import type { Broker } from '../../../src/broker/broker.ts';
import type { EndTransactionRequest, OutgoingMessage, SendResult, TransactionDecision } from '../../../src/broker/types.ts';
import { endRequest, findCommit, findTransaction, listTransactions } from '../../../src/client/transactions.ts';
import type { Message } from '../../../src/record/message.ts';
import type { ContractContext } from '../harness.ts';
import { bodies, expectRefusal, pullAll, readBack, text, tick } from '../harness.ts';

/** Each test has its own: who answers for one is asked about what earlier tests left on a cluster that they share. */
let group = '';
let tests = 0;

const half = (broker: Broker, body: string, more: Partial<OutgoingMessage> = {}): Promise<SendResult> =>
  broker.send(text('Orders', body, { transactional: true, producerGroup: group, queueId: 1, ...more }));

const ending = (sent: SendResult, decision: TransactionDecision, more: Partial<EndTransactionRequest> = {}): EndTransactionRequest => ({
  topic: sent.topic, transactionId: sent.transactionId!, offsetMsgId: sent.offsetMsgId, queueOffset: sent.queueOffset, producerGroup: group, decision, ...more,
});

const visible = async (broker: Broker): Promise<string[]> => {
  const queues = (await broker.listTopics()).some(({ topic }) => topic === 'Orders') ? await broker.queues('Orders') : [];
  return bodies((await Promise.all(queues.map((queue) => pullAll(broker, queue)))).flat());
};

/** When the running test began: a cluster that many tests share keeps the halves of those before. */
let sinceMs = 0;

const states = async (broker: Broker, withEnded = true): Promise<string[]> =>
  (await listTransactions(broker, { withEnded })).filter(({ half: { bornTimestamp } }) => bornTimestamp >= sinceMs).map((transaction) => `${transaction.half.body.toString()} ${transaction.state}`);

/** The transactions as they are; a cluster may take a moment to write down what it was told. */
const expectStates = async (broker: Broker, expected: readonly string[], withEnded = true): Promise<void> => {
  const isAwaited = broker.kind === 'remote';
  for (let left = isAwaited ? 50 : 0; left > 0 && (await states(broker, withEnded)).sort().join() !== [...expected].sort().join(); left--) await tick(100);
  expect(await states(broker, withEnded)).toEqual(expected);
};

const check = (broker: Broker, answer: (message: Message) => TransactionDecision, maxChecks = 15): Promise<void> =>
  broker.checkTransactions(group, async (message) => answer(message), new AbortController().signal, { once: true, timeoutMs: -1, maxChecks });

export function transactionContract(context: ContractContext): void {
  describe('transactions', () => {
    beforeEach(() => {
      sinceMs = Date.now();
      group = `payers-${++tests}`;
    });
    it('a half message is nobody\'s before it is committed, and then there with everything it had', async () => {
      const { broker } = context;
      const sent = await half(broker, 'paid', { tags: 'T', keys: ['k1', 'k2'], properties: { colour: 'red' }, flag: 7 });
      expect(sent).toMatchObject({ status: 'SEND_OK', topic: 'Orders', queueId: 1, queueOffset: 0, transactionId: sent.msgId });
      expect(await visible(broker)).toEqual([]);
      await expectStates(broker, ['paid pending']);

      const committed = await broker.endTransaction(ending(sent, 'commit'));
      expect(committed).toMatchObject({ status: 'SEND_OK', topic: 'Orders', queueId: 1, queueOffset: 0, msgId: sent.msgId });
      const message = await readBack(broker, committed!);
      expect(message).toMatchObject({ tags: 'T', keys: ['k1', 'k2'], flag: 7, sysFlag: 8, originTopic: null, reconsumeTimes: 0 });
      expect(message.properties).toMatchObject({ colour: 'red', TRAN_MSG: 'true', PGROUP: group, __transactionId__: sent.transactionId, UNIQ_KEY: sent.msgId });
      expect(message.properties).not.toHaveProperty('REAL_TOPIC');
      expect(message.properties).not.toHaveProperty('REAL_QID');
      expect(message.body.toString()).toBe('paid');
      await expectStates(broker, ['paid ended']);
      await expectStates(broker, [], false);
      expect((await findCommit(broker, await findTransaction(broker, sent.transactionId!)))?.offsetMsgId).toBe(committed!.offsetMsgId);
    });

    it('a rolled back one never appears, an unknown one stays pending', async () => {
      const { broker } = context;
      const rolledBack = await half(broker, 'no');
      const unknown = await half(broker, 'perhaps');
      expect(await broker.endTransaction(ending(rolledBack, 'rollback'))).toBeNull();
      expect(await broker.endTransaction(ending(unknown, 'unknown'))).toBeNull();
      expect(await visible(broker)).toEqual([]);
      await expectStates(broker, ['no ended', 'perhaps pending']);
      expect(await findCommit(broker, await findTransaction(broker, rolledBack.offsetMsgId))).toBeNull();
      await broker.endTransaction(ending(unknown, 'commit'));
      expect(await visible(broker)).toEqual(['perhaps']);
    });

    it('ends a half once, and says how it was ended', async () => {
      const { broker } = context;
      const committed = await half(broker, 'yes');
      const rolledBack = await half(broker, 'no');
      await broker.endTransaction(ending(committed, 'commit'));
      await broker.endTransaction(ending(rolledBack, 'rollback'));
      for (const decision of ['commit', 'rollback'] as const) {
        expect((await expectRefusal(broker.endTransaction(ending(committed, decision)), 'REFUSED')).message).toContain('already committed');
        expect((await expectRefusal(broker.endTransaction(ending(rolledBack, decision)), 'REFUSED')).message).toContain('already rolled back');
      }
      expect(await visible(broker)).toEqual(['yes']);
    });

    it('ends only the half that is meant', async () => {
      const { broker } = context;
      const sent = await half(broker, 'x');
      const other = await broker.send(text('Orders', 'visible', { queueId: 0 }));
      await expectRefusal(broker.endTransaction(ending(sent, 'commit', { producerGroup: 'others' })), 'REFUSED');
      await expectRefusal(broker.endTransaction(ending(sent, 'commit', { queueOffset: sent.queueOffset + 5 })), 'REFUSED');
      await expectRefusal(broker.endTransaction(ending(sent, 'commit', { offsetMsgId: other.offsetMsgId })), 'NOT_FOUND');
      await expectRefusal(broker.endTransaction(ending(sent, 'commit', { offsetMsgId: `${sent.offsetMsgId.slice(0, -8)}0FFFFFFF` })), 'NOT_FOUND');
      await expectRefusal(findTransaction(broker, 'nothing'), 'NOT_FOUND');
      expect(await visible(broker)).toEqual(['visible']);
      await expectStates(broker, ['x pending']);
    });

    it('refuses a transactional message without a producer group and one that is delayed', async () => {
      const { broker } = context;
      await expectRefusal(half(broker, 'x', { producerGroup: undefined }), 'INVALID_INPUT');
      await expectRefusal(half(broker, 'x', { delayLevel: 3 }), 'INVALID_INPUT');
      await expectRefusal(half(broker, 'x', { delayMs: 1000 }), 'INVALID_INPUT');
      await expectStates(broker, []);
    });

    it('ends many with one decision, in their order, and tells which one it could not', async () => {
      const { broker } = context;
      const sent: SendResult[] = [];
      for (let index = 0; index < 700; index++) sent.push(await half(broker, `m${index}`));
      await broker.endTransaction(ending(sent[3]!, 'rollback'));
      const outcomes = await broker.endTransactions(sent.map((one) => ending(one, 'commit')));
      expect(outcomes).toHaveLength(700);
      expect((outcomes[3] as { error: Error }).error.message).toContain('already rolled back');
      expect(outcomes.filter((outcome) => outcome !== null && 'error' in outcome)).toHaveLength(1);
      expect(outcomes[4]).toMatchObject({ topic: 'Orders', queueId: 1, queueOffset: 3, msgId: sent[4]!.msgId });
      expect(await visible(broker)).toEqual(sent.map((_, index) => `m${index}`).filter((_, index) => index !== 3));
      await expectStates(broker, [], false);
    });

    it('a topic deleted meanwhile takes no message', async () => {
      const { broker } = context;
      const sent = await half(broker, 'x');
      await broker.deleteTopic('Orders');
      await expectRefusal(broker.endTransaction(ending(sent, 'commit')), 'TOPIC_NOT_FOUND');
      await expectStates(broker, ['x pending']);
      await broker.endTransaction(ending(sent, 'rollback'));
      await expectStates(broker, ['x ended']);
    });

    it('asks the group\'s live producer about what is pending, and only about that', async () => {
      const { broker } = context;
      await half(broker, 'commit');
      await half(broker, 'rollback');
      await half(broker, 'unknown');
      await half(broker, 'foreign', { producerGroup: 'others' });
      await broker.endTransaction(ending(await half(broker, 'decided'), 'rollback'));
      await tick();
      const asked: string[] = [];
      await check(broker, (message) => {
        asked.push(`${message.body.toString()} for ${message.originTopic}`);
        return message.body.toString() as TransactionDecision;
      });
      expect(asked.sort()).toEqual(['commit for Orders', 'rollback for Orders', 'unknown for Orders']);
      expect(await visible(broker)).toEqual(['commit']);
      expect((await states(broker, false)).sort()).toEqual(['foreign pending', 'unknown pending']);
    });

    it('an answered check is counted, in a new copy of the half or in the message', async () => {
      const { broker } = context;
      const sent = await half(broker, 'late', { flag: 9, properties: { a: 'b' } });
      await tick();
      await check(broker, () => 'unknown');
      await check(broker, () => 'unknown');
      const transaction = await findTransaction(broker, sent.transactionId!);
      expect(transaction).toMatchObject({ state: 'pending', checkTimes: 2 });
      expect(transaction.half.offsetMsgId).not.toBe(sent.offsetMsgId);
      await expectStates(broker, ['late pending']);
      // The old copy no longer counts.
      await expectRefusal(broker.endTransaction(ending(sent, 'commit')), 'REFUSED');
      await check(broker, () => 'commit');
      const [message] = await pullAll(broker, (await broker.queues('Orders'))[1]!);
      expect(message).toMatchObject({ flag: 9, sysFlag: 8 });
      expect(message!.properties).toMatchObject({ a: 'b', TRANSACTION_CHECK_TIMES: '3' });
      await expectStates(broker, ['late ended']);
    });

    it('gives up after so many answers, and keeps the message', async () => {
      const { broker } = context;
      const sent = await half(broker, 'lost');
      await tick();
      let asked = 0;
      for (let round = 0; round < 5; round++) {
        await check(broker, () => {
          asked++;
          return 'unknown';
        }, 3);
      }
      expect(asked).toBe(3);
      const [kept] = await pullAll(broker, (await broker.queues('TRANS_CHECK_MAX_TIME_TOPIC'))[0]!);
      expect(kept).toMatchObject({ msgId: sent.msgId, originTopic: 'Orders' });
      expect(kept!.properties).toMatchObject({ TRANSACTION_CHECK_TIMES: '3', REAL_TOPIC: 'Orders', REAL_QID: '1' });
      await expectStates(broker, ['lost givenUp'], false);
      expect(await visible(broker)).toEqual([]);
    });

    it('asks nobody before the time is up', async () => {
      const { broker } = context;
      await half(broker, 'young');
      const asked: Message[] = [];
      await broker.checkTransactions(group, async (message) => {
        asked.push(message);
        return 'commit';
      }, new AbortController().signal, { once: true, timeoutMs: 60_000 });
      expect(asked).toEqual([]);
    });

    it('checks again and again until it is told to stop', async () => {
      const { broker } = context;
      await half(broker, 'x');
      const stop = new AbortController();
      let asked = 0;
      await broker.checkTransactions(group, async () => {
        if (++asked === 3) stop.abort();
        return 'unknown';
      }, stop.signal, { timeoutMs: -1, intervalMs: 5 });
      expect(asked).toBe(3);
      // The answer of one who was told to stop does not count.
      expect((await listTransactions(broker, { withEnded: false }))[0]).toMatchObject({ checkTimes: 2 });
    });

    it('what is pending and what is decided outlives the broker', async () => {
      if (context.reopen === undefined) return;
      const pending = await half(context.broker, 'later');
      await context.broker.endTransaction(ending(await half(context.broker, 'now'), 'commit'));
      const broker = await context.reopen();
      await expectStates(broker, ['later pending', 'now ended']);
      await broker.endTransaction(endRequest(await findTransaction(broker, pending.msgId), 'commit'));
      expect((await visible(broker)).sort()).toEqual(['later', 'now']);
    });
  });
}
