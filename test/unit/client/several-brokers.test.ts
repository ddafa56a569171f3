import { describe, expect, it } from 'vitest';
import type { Broker } from '../../../src/broker/broker.ts';
import type { MessageQueue } from '../../../src/broker/types.ts';
import { findDelayed, waitingAtLevels } from '../../../src/client/delayed.ts';
import { listTransactions } from '../../../src/client/transactions.ts';
import { decodeRecord } from '../../../src/record/decode.ts';
import type { Message } from '../../../src/record/message.ts';
import { GIVE_UP_TOPIC, HALF_TOPIC, OP_HALF_TOPIC } from '../../../src/record/transaction.ts';
import { recordBytes, type RecordOptions } from '../../support/scripted-cluster.ts';

/** Two brokers with queues of system topics, which each of them keeps for itself. */
const twoBrokers = (records: Readonly<Record<string, readonly RecordOptions[]>>, committed: Readonly<Record<string, number>>): Broker => {
  const keyOf = ({ brokerName, topic }: MessageQueue): string => `${brokerName} ${topic}`;
  const of = (queue: MessageQueue): Message[] => (records[keyOf(queue)] ?? []).map((record, queueOffset) => decodeRecord(recordBytes({ ...record, queueOffset, queueId: queue.queueId }), 0, queue.brokerName));
  const queues = async (topic: string): Promise<MessageQueue[]> => ['a', 'b'].filter((brokerName) => `${brokerName} ${topic}` in records).map((brokerName) => ({ topic, brokerName, queueId: 0 }));
  return {
    queues,
    minOffset: async () => 0,
    maxOffset: async (queue: MessageQueue) => of(queue).length,
    offsetByTime: async () => 0,
    pull: async ({ queue, offset }: { readonly queue: MessageQueue; readonly offset: number }) => ({ status: 'FOUND', messages: of(queue).slice(offset), nextOffset: of(queue).length, minOffset: 0, maxOffset: of(queue).length, damaged: [] }),
    committedOffsets: async (_group: string, topic: string) => (await queues(topic)).map((queue) => ({ queue, committedOffset: committed[keyOf(queue)] ?? 0 })),
    delayProgress: async (brokerName: string) => ({ levels: [{ level: 1, delayMs: brokerName === 'a' ? 1000 : 2000, queueId: 0, nextOffset: brokerName === 'a' ? 1 : 0 }], timer: null }),
  } as unknown as Broker;
};

describe('a cluster of several brokers', () => {
  const half = (body: string, commitLogOffset: number): RecordOptions => ({ topic: HALF_TOPIC, body, commitLogOffset, bornTimestamp: commitLogOffset, properties: { UNIQ_KEY: body, PGROUP: 'g', REAL_TOPIC: 'T', REAL_QID: '0' } });
  const op = (offsets: string): RecordOptions => ({ topic: OP_HALF_TOPIC, body: offsets, properties: { TAGS: 'd' } });

  it('the halves of each are ended by its own records, and passed over by its own offset', async () => {
    const broker = twoBrokers({
      [`a ${HALF_TOPIC}`]: [half('a0', 100), half('a1', 300), half('a2', 500)], [`a ${OP_HALF_TOPIC}`]: [op('1,')],
      [`b ${HALF_TOPIC}`]: [half('b0', 200), half('b1', 400)], [`b ${OP_HALF_TOPIC}`]: [op('0,')],
      [`b ${GIVE_UP_TOPIC}`]: [],
    }, { [`a ${HALF_TOPIC}`]: 1 });
    const states = async (withEnded: boolean) => (await listTransactions(broker, { withEnded })).map(({ half: { body, brokerName }, state }) => `${body.toString()} ${brokerName} ${state}`);
    expect(await states(true)).toEqual(['a0 a ended', 'b0 b ended', 'a1 a ended', 'b1 b pending', 'a2 a pending']);
    expect(await states(false)).toEqual(['b1 b pending', 'a2 a pending']);
  });

  it('what is delayed waits by the levels and the progress of its own broker', async () => {
    const delayed = (body: string): RecordOptions => ({ topic: 'SCHEDULE_TOPIC_XXXX', body, storeTimestamp: 5000, properties: { UNIQ_KEY: body, REAL_TOPIC: 'T', REAL_QID: '3', DELAY: '1' } });
    const broker = twoBrokers({ 'a SCHEDULE_TOPIC_XXXX': [delayed('a0'), delayed('a1')], 'b SCHEDULE_TOPIC_XXXX': [delayed('b0'), delayed('b1')] }, {});
    const found = await findDelayed(broker, new AbortController().signal);
    expect(found.delayed.map(({ message, deliverTimestamp }) => `${message.body.toString()} ${deliverTimestamp}`).sort()).toEqual(['a1 6000', 'b0 7000', 'b1 7000']);
    expect((await waitingAtLevels(broker)).map(({ brokerName, delayMs, waiting }) => `${brokerName} ${delayMs} ${waiting}`)).toEqual(['a 1000 1', 'b 2000 2']);
  });
});
