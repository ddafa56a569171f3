import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { endRequest, findCommit, findTransaction, listTransactions } from '../../src/client/transactions.ts';
import { openLocalBroker } from '../../src/engine/open.ts';
import { committedCopy, givenUpCopy, opRecord, realQueueOf, renewedCopy } from '../../src/engine/transaction/half-copies.ts';
import type { PreparedMessage } from '../../src/broker/prepared-message.ts';
import type { Broker } from '../../src/broker/broker.ts';
import type { StoredMessage } from '../../src/record/decode.ts';
import { encodeHost } from '../../src/record/host.ts';
import { parseProperties } from '../../src/record/properties.ts';
import { temporaryDirectory, unpackFixture } from '../support/fixtures.ts';
import { snapshotTree } from '../support/tree-snapshot.ts';

const HALF = 'RMQ_SYS_TRANS_HALF_TOPIC';
const OP = 'RMQ_SYS_TRANS_OP_HALF_TOPIC';

/** What the fixture's README says was done: 3 committed, 3 rolled back, 3 left unknown, of which one was committed by a check-back. */
const TRUTH = ['tx-c0 committed', 'tx-c1 committed', 'tx-c2 committed', 'tx-r0 rolled back', 'tx-r1 rolled back', 'tx-r2 rolled back', 'tx-u0 committed', 'tx-u1 given up 15', 'tx-u2 given up 15'];

const describeAll = async (broker: Broker): Promise<string[]> => {
  const lines: string[] = [];
  for (const transaction of await listTransactions(broker, { withEnded: true })) {
    const commit = transaction.state === 'ended' ? await findCommit(broker, transaction) : null;
    const what = transaction.state === 'givenUp' ? `given up ${transaction.checkTimes}` : transaction.state === 'pending' ? 'pending' : (commit === null ? 'rolled back' : 'committed');
    lines.push(`${transaction.half.keys.join()} ${what}`);
  }
  return lines.sort();
};

/** What is stored of a copy that is not a matter of place or time. */
const essence = (message: PreparedMessage | StoredMessage): object => ({
  topic: message.topic, queueId: message.queueId, flag: message.flag, bornTimestamp: message.bornTimestamp, reconsumeTimes: message.reconsumeTimes,
  preparedTransactionOffset: message.preparedTransactionOffset,
  sysFlag: 'storedSysFlag' in message ? message.storedSysFlag : message.sysFlag,
  bornHost: ('bornHostBytes' in message ? message.bornHostBytes : message.bornHost).toString('hex'),
  body: ('storedBody' in message ? message.storedBody : Buffer.from(message.body)).toString('hex'),
  properties: { ...parseProperties('propertiesText' in message ? message.propertiesText : message.properties) },
});

describe.each(['clean', 'killed'] as const)('transactions in the store of a real broker, %s', (name) => {
  let store: string;
  beforeAll(() => {
    store = unpackFixture(name);
  });
  const record = async (broker: Broker, topic: string, queueId: number, offset: number): Promise<StoredMessage> => {
    const { messages } = await broker.pull({ queue: { topic, brokerName: 'broker-a', queueId }, offset, maxMessages: 1 });
    return messages[0] as StoredMessage;
  };
  const reading = async (look: (broker: Broker) => Promise<void>): Promise<void> => {
    const broker = await openLocalBroker({ storeDirectory: store, mode: 'read' });
    try {
      await look(broker);
    } finally {
      await broker.close();
    }
  };

  it('are what was done to them, and looking changes nothing', async () => {
    const before = snapshotTree(store);
    await reading(async (broker) => {
      expect(await describeAll(broker)).toEqual(TRUTH);
      const open = await listTransactions(broker, { withEnded: false });
      expect(open.map(({ half, state }) => `${half.keys.join()} ${state}`)).toEqual(['tx-u1 givenUp', 'tx-u2 givenUp']);
      const committed = await findTransaction(broker, '7F000001000051AF0000000000016B3A');
      expect(committed).toMatchObject({ state: 'ended', topic: 'Tx', queueId: 1, producerGroup: 'fixture-tx', checkTimes: 1, endedTimestamp: 1795416802421 });
      expect(committed.offsetMsgIds).toEqual(['7F000001000051AF0000000000015FA4', '7F000001000051AF0000000000016B3A']);
    });
    expect(snapshotTree(store)).toEqual(before);
  });

  it('commits, op records, copies and given up halves are the broker\'s own', async () => {
    await reading(async (broker) => {
      const half = await record(broker, HALF, 0, 0);
      expect(essence(committedCopy(half, realQueueOf(half)!, false))).toEqual(essence(await record(broker, 'Tx', 3, 0)));
      // A broker commits the copy that it asked about; an answer given here is counted in the message.
      const asked = await record(broker, HALF, 0, 6);
      const copy = await record(broker, HALF, 0, 9);
      expect(essence(renewedCopy(asked)!)).toEqual(essence(copy));
      const committed = await record(broker, 'Tx', 1, 1);
      expect(essence(committedCopy(copy, realQueueOf(copy)!, false))).toEqual(essence(committed));
      expect(essence(committedCopy(asked, realQueueOf(asked)!, true))).toEqual({ ...essence(committed), preparedTransactionOffset: asked.commitLogOffset });
      const last = await record(broker, HALF, 0, 38);
      expect(essence(givenUpCopy(last))).toEqual(essence(await record(broker, 'TRANS_CHECK_MAX_TIME_TOPIC', 0, 0)));
      const op = await record(broker, OP, 0, 0);
      expect(essence(opRecord([0, 1, 2, 3, 4, 5], encodeHost('127.0.0.1:20911'), op.bornTimestamp))).toEqual(essence(op));
    });
  });

  it('go on on a copy: nothing is asked about again, what is new is committed and counted on', async () => {
    const copy = path.join(temporaryDirectory('copy'), 'store');
    execFileSync('cp', ['-a', '--sparse=always', store, copy]);
    const broker = await openLocalBroker({ storeDirectory: copy, mode: 'write' });
    const asked: string[] = [];
    const ask = (): Promise<void> => broker.checkTransactions('fixture-tx', async (half) => {
      asked.push(half.keys.join());
      return 'unknown';
    }, new AbortController().signal, { once: true, timeoutMs: -1 });
    await ask();
    expect(asked).toEqual([]);
    await broker.send({ topic: 'Tx', body: Buffer.from('new'), keys: ['tx-n0'], transactional: true, producerGroup: 'fixture-tx' });
    await ask();
    expect(asked).toEqual(['tx-n0']);
    const transaction = (await listTransactions(broker, { withEnded: false })).find(({ state }) => state === 'pending')!;
    expect(transaction).toMatchObject({ checkTimes: 1, topic: 'Tx' });
    await broker.endTransaction(endRequest(transaction, 'commit'));
    expect(await describeAll(broker)).toEqual([...TRUTH, 'tx-n0 committed'].sort());
    await broker.close();
    // The next writer's service moves the offsets on: what a broker would read first.
    await (await openLocalBroker({ storeDirectory: copy, mode: 'write' })).close();
    const reader = await openLocalBroker({ storeDirectory: copy, mode: 'read' });
    expect((await reader.committedOffsets('CID_RMQ_SYS_TRANS')).map(({ queue, committedOffset }) => [queue.topic, committedOffset])).toEqual([[HALF, 42], [OP, 4]]);
    await reader.close();
  });
});
