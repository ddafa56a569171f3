import { expect, it } from 'vitest';
import type { TransactionListJson } from '../../src/cli/commands/transactions.ts';
import type { JavaSession } from './support/java-client.ts';
import { brokerConfigOf, damageIn, openForWriting, readStore, runMqlite, smallStore } from './support/mqlite.ts';
import { copyStore, temporaryDirectory } from './support/store-copy.ts';
import { describeInterop } from './support/suite.ts';

/**
 * A broker waits 6 s before it asks, asks every 30 s, and keeps decisions in memory for 3 s. Shortened alike: one that asks more often than it
 * writes decisions down asks about decided ones, and commits them again. It counts checks to which nobody answers, too.
 */
const QUICK = { transactionTimeOut: 1000, transactionCheckInterval: 2000, transactionOpBatchInterval: 100, transactionCheckMax: 100 };
/** Two more rounds of checks. */
const QUIET_MS = 5000;
/** The group that `JavaSession.transaction` sends with. */
const JAVA_GROUP = 'interop-transactions';

/** Bodies of the topic's messages as the official client sees them, sorted. */
const seenByClient = async (client: JavaSession, topic: string): Promise<string[]> => {
  const bodies: string[] = [];
  for (const row of await client.pullAll([topic])) bodies.push(Buffer.from((await client.view(row.offsetMsgId)).body!, 'base64').toString());
  return bodies.sort();
};

const transactions = async (store: string): Promise<Record<string, string>> => {
  const { transactions: all } = JSON.parse(await runMqlite(store, ['tx', 'list', '--all', '--json'])) as TransactionListJson;
  return Object.fromEntries(all.map(({ keys, state }) => [keys.join(), state]));
};

const idOf = async (store: string, key: string): Promise<string> => {
  const { transactions: all } = JSON.parse(await runMqlite(store, ['tx', 'list', '--json'])) as TransactionListJson;
  const found = all.find(({ keys }) => keys.includes(key));
  if (found === undefined) throw new Error(`no transaction with key ${key} is pending`);
  return found.transactionId;
};

describeInterop('transactions', (world) => {
  it('written by mqlite: a broker asks about the pending ones alone, and what was committed is there once', async () => {
    const store = await smallStore('transactions');
    const broker = await openForWriting(store);
    const ids: Record<string, Awaited<ReturnType<typeof broker.send>>> = {};
    for (const body of ['r0', 'p0', 'c0', 'p1', 'r1', 'c1', 'p2']) {
      ids[body] = await broker.send({ topic: 'Tx', body: Buffer.from(body), keys: [body], transactional: true, producerGroup: 'payers' });
    }
    const end = async (body: string, decision: 'commit' | 'rollback'): Promise<void> => {
      const sent = ids[body]!;
      await broker.endTransaction({ topic: 'Tx', transactionId: sent.transactionId!, offsetMsgId: sent.offsetMsgId, queueOffset: sent.queueOffset, producerGroup: 'payers', decision });
    };
    for (const body of ['c0', 'c1']) await end(body, 'commit');
    for (const body of ['r0', 'r1']) await end(body, 'rollback');
    // Somebody was asked about p2 here, and did not know.
    await broker.checkTransactions('payers', async (half) => {
      if (half.keys.join() !== 'p2') throw new Error('asked about too many');
      return 'unknown';
    }, new AbortController().signal, { once: true, timeoutMs: -1 }).catch(() => undefined);
    await broker.close();
    await runMqlite(store, ['produce', 'Tx', '--transaction', '--group', 'payers', '--key', 'batch'], { input: 'b0\nb1\n' });

    const { broker: real, client } = await world.broker({ storeDirectory: copyStore(store), config: { ...(await brokerConfigOf(store)), ...QUICK } });
    expect(await seenByClient(client, 'Tx')).toEqual(['b0', 'b1', 'c0', 'c1']);
    const asked = await client.answerChecks({ group: 'payers', topic: 'Tx', decisions: { p0: 'commit', p1: 'rollback', p2: 'commit' }, count: 3, quietMs: QUIET_MS });
    expect([...new Set(asked.map(({ body }) => body))].sort()).toEqual(['p0', 'p1', 'p2']);
    expect(asked[0]).toMatchObject({ topic: 'Tx', transactionId: ids[asked[0]!.body]!.transactionId });
    expect(await seenByClient(client, 'Tx')).toEqual(['b0', 'b1', 'c0', 'c1', 'p0', 'p2']);
    await client.close();
    await real.stop();
    expect(real.complaints()).toEqual([]);

    expect(await transactions(real.storeDirectory)).toEqual({ r0: 'rolledBack', p0: 'committed', c0: 'committed', p1: 'rolledBack', r1: 'rolledBack', c1: 'committed', p2: 'committed', batch: 'committed' });
    expect((await readStore(real.storeDirectory, ['Tx'])).length).toBe(6);
    expect(await damageIn(real.storeDirectory)).toEqual([]);
  });

  it('pending in a broker\'s store: mqlite commits, rolls back and leaves, and the broker agrees', async () => {
    const first = await world.broker({ storeDirectory: temporaryDirectory('transactions'), config: { mappedFileSizeCommitLog: 1_048_576, ...QUICK } });
    for (const decision of ['commit', 'rollback'] as const) await first.client.transaction(decision, [{ topic: 'Tx', body: decision, keys: decision }]);
    await first.client.transaction('unknown', ['u0', 'u1', 'u2', 'u3'].map((key) => ({ topic: 'Tx', body: key, keys: key })));
    // A copy of the half with one check on it, as a broker stores it.
    expect(await first.client.answerChecks({ group: JAVA_GROUP, topic: 'Tx', decisions: {}, count: 4 })).not.toEqual([]);
    await first.client.close();
    await first.broker.stop();

    const store = copyStore(first.broker.storeDirectory);
    expect(await transactions(store)).toEqual({ commit: 'committed', rollback: 'rolledBack', u0: 'pending', u1: 'pending', u2: 'pending', u3: 'pending' });
    await runMqlite(store, ['tx', 'commit', await idOf(store, 'u0')]);
    await runMqlite(store, ['tx', 'rollback', await idOf(store, 'u1')]);
    await runMqlite(store, ['tx', 'check', '--group', JAVA_GROUP, '--exec', 'test "$MQ_KEYS" = u3 && exit 0; exit 75']);
    expect(await transactions(store)).toEqual({ commit: 'committed', rollback: 'rolledBack', u0: 'committed', u1: 'rolledBack', u2: 'pending', u3: 'committed' });
    await runMqlite(store, ['tx', 'commit', (await readStore(store, ['Tx'])).find(({ properties }) => properties['KEYS'] === 'u0')!.msgId], { expect: 5 });

    const second = await world.broker({ storeDirectory: store, config: { ...(await brokerConfigOf(store)), ...QUICK } });
    const asked = await second.client.answerChecks({ group: JAVA_GROUP, topic: 'Tx', decisions: { u2: 'commit' }, count: 1, quietMs: QUIET_MS });
    expect([...new Set(asked.map(({ body }) => body))]).toEqual(['u2']);
    expect(await seenByClient(second.client, 'Tx')).toEqual(['commit', 'u0', 'u2', 'u3']);
    await second.client.close();
    await second.broker.stop();
    expect(second.broker.complaints()).toEqual([]);
    expect(await damageIn(store)).toEqual([]);
  });

  it('a broker killed with its decisions still in memory: mqlite does not commit a message twice', async () => {
    // Long enough for every machine: with the default of 3 s the decision may be written before the kill.
    const config = { mappedFileSizeCommitLog: 1_048_576, transactionOpBatchInterval: 600_000 };
    const { broker, client } = await world.broker({ storeDirectory: temporaryDirectory('transactions'), config });
    await client.transaction('commit', [{ topic: 'Tx', body: 'once', keys: 'once' }]);
    await broker.kill();
    const store = broker.storeDirectory;
    expect((await readStore(store, ['Tx'])).length).toBe(1);
    const id = await idOf(store, 'once');
    expect(await runMqlite(store, ['tx', 'commit', id])).toMatch(/^committed transaction .*: Tx, queue \d, offset 0\n$/);
    expect((await readStore(store, ['Tx'])).length).toBe(1);
    expect(await transactions(store)).toEqual({ once: 'committed' });
  });
});
