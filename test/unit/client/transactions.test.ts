import { describe, expect, it } from 'vitest';
import { reduceTransactions } from '../../../src/client/transactions.ts';
import type { TransactionRecords } from '../../../src/client/transactions.ts';
import type { Message } from '../../../src/record/message.ts';

let place = 0;
const record = (queueOffset: number, more: Partial<Message> & { readonly properties: Readonly<Record<string, string>> }): Message => ({
  topic: '', originTopic: null, brokerName: 'b', queueId: 0, queueOffset, commitLogOffset: place += 100, storeSize: 100, msgId: more.properties['UNIQ_KEY'] ?? '', offsetMsgId: `AT${queueOffset}`,
  tags: null, keys: [], body: Buffer.alloc(0), flag: 0, sysFlag: 0, bodyCRC: 1, bornTimestamp: 1000, bornHost: '', storeTimestamp: 1000 + place, storeHost: '', reconsumeTimes: 0, preparedTransactionOffset: 0, ...more,
});
const half = (queueOffset: number, id: string, more: Readonly<Record<string, string>> = {}): Message =>
  record(queueOffset, { properties: { UNIQ_KEY: id, __transactionId__: id, REAL_TOPIC: 'T', REAL_QID: '1', PGROUP: 'g', ...more } });
const op = (body: string, more: Readonly<Record<string, string>> = {}, tags = 'd'): Message => record(0, { body: Buffer.from(body), tags, properties: { TAGS: tags, ...more } });
const states = (records: Partial<TransactionRecords>): string[] =>
  reduceTransactions({ halves: [], ops: [], givenUp: [], halfOffset: 0, ...records }).map(({ transactionId, state, half: { queueOffset }, checkTimes }) => `${transactionId} ${state} at ${queueOffset}, ${checkTimes} checks`);
const times = (count: number) => ({ TRANSACTION_CHECK_TIMES: String(count) });

describe('transactions of the half, op and give-up topics', () => {
  it('a broker\'s op record names many halves; the old form names one; other tags and rubbish name none', () => {
    const halves = [0, 1, 2, 3, 4].map((offset) => half(offset, `t${offset}`));
    expect(states({ halves, ops: [op('0,2,'), op('3'), op('1,', {}, 'x'), op('x,,-1,4.5,99999999999999999999,')] })).toEqual([
      't0 ended at 0, 0 checks', 't1 pending at 1, 0 checks', 't2 ended at 2, 0 checks', 't3 ended at 3, 0 checks', 't4 pending at 4, 0 checks',
    ]);
  });

  it('the newest copy counts, whether the old one was stepped over or named', () => {
    const copies = [half(0, 't'), half(1, 't', times(1)), half(2, 't', times(2))];
    expect(states({ halves: copies, halfOffset: 2 })).toEqual(['t pending at 2, 2 checks']);
    expect(states({ halves: copies, ops: [op('0,', { MQLITE_RENEWED: '1' }), op('1,', { MQLITE_RENEWED: '2' })] })).toEqual(['t pending at 2, 2 checks']);
    expect(states({ halves: copies })).toEqual(['t pending at 2, 2 checks']);
    expect(states({ halves: copies, ops: [op('2,')] })).toEqual(['t ended at 2, 2 checks']);
  });

  it('a decision about an old copy ends the newer one, too: it was on its way when the copy was stored', () => {
    expect(states({ halves: [half(0, 't'), half(1, 't', times(1))], ops: [op('0,')], halfOffset: 1 })).toEqual(['t ended at 1, 1 checks']);
  });

  it('so does one about the first copy of a half with an immunity time, of which the copy keeps the offset', () => {
    const immune = { CHECK_IMMUNITY_TIME_IN_SECONDS: '60' };
    const copy = half(5, 't', { ...immune, TRAN_PREPARED_QUEUE_OFFSET: '0' });
    expect(states({ halves: [half(0, 't', immune), copy], halfOffset: 5 })).toEqual(['t pending at 5, 0 checks']);
    expect(states({ halves: [copy], halfOffset: 5, ops: [op('0,')] })).toEqual(['t ended at 5, 0 checks']);
  });

  it('messages that share an id are transactions of their own', () => {
    expect(states({ halves: [half(0, 't'), half(1, 't')], ops: [op('0,')] })).toEqual(['t ended at 0, 0 checks', 't pending at 1, 0 checks']);
    const first = half(0, 't');
    const other = record(1, { bodyCRC: 2, properties: half(1, 't', times(1)).properties });
    expect(states({ halves: [first, other], ops: [op('0,')] })).toEqual(['t ended at 0, 0 checks', 't pending at 1, 1 checks']);
  });

  it('given up ones are known by what is kept of them, with and without their halves', () => {
    const kept = record(0, { properties: half(0, 't', times(15)).properties, storeTimestamp: 9000 });
    expect(states({ halves: [half(3, 't', times(15))], givenUp: [kept], halfOffset: 4 })).toEqual(['t givenUp at 3, 15 checks']);
    expect(states({ givenUp: [kept] })).toEqual(['t givenUp at 0, 15 checks']);
    expect(reduceTransactions({ halves: [], ops: [], givenUp: [kept], halfOffset: 0 })[0]).toMatchObject({ endedTimestamp: 9000, producerGroup: 'g', topic: 'T', queueId: 1 });
  });

  it('passed over without any trace of a decision: not pending, and nobody claims to know when', () => {
    const [transaction] = reduceTransactions({ halves: [half(0, 't')], ops: [], givenUp: [], halfOffset: 1 });
    expect(transaction).toMatchObject({ state: 'ended', endedTimestamp: null });
  });

  it('a half that was damaged says what is left of it', () => {
    const [transaction] = reduceTransactions({ halves: [record(0, { properties: { MQLITE_DAMAGED: 'x' }, msgId: 'AT0' })], ops: [], givenUp: [], halfOffset: 0 });
    expect(transaction).toMatchObject({ state: 'pending', transactionId: 'AT0', topic: null, queueId: null, producerGroup: '', checkTimes: 0 });
  });
});
