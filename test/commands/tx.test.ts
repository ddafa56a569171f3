import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import TxCheck from '../../src/commands/tx/check.ts';
import TxCommit from '../../src/commands/tx/commit.ts';
import TxList from '../../src/commands/tx/list.ts';
import TxRollback from '../../src/commands/tx/rollback.ts';
import TxShow from '../../src/commands/tx/show.ts';
import { openLocalBroker } from '../../src/engine/open.ts';
import type { SendResult } from '../../src/broker/types.ts';
import type { TransactionListJson } from '../../src/cli/commands/transactions.ts';
import { errorOf, runCommand } from '../support/fake/run.ts';
import { FakeBroker } from '../support/fake-broker.ts';
import type { FakeStore } from '../support/fake-broker.ts';
import { temporaryDirectory, unpackFixture } from '../support/fixtures.ts';
import { snapshotTree } from '../support/tree-snapshot.ts';

describe('tx', () => {
  let broker: FakeBroker;
  let store: FakeStore;
  let sent: SendResult[];
  beforeEach(async () => {
    broker = new FakeBroker();
    ({ store } = broker);
    await broker.createTopic('Orders', { readQueueNums: 1, writeQueueNums: 1 });
    sent = [];
    for (const key of ['a', 'b', 'c']) {
      sent.push(await broker.send({ topic: 'Orders', body: Buffer.from(`body ${key}`), keys: [key], msgId: `tx-${key}`, bornTimestamp: Date.now() - 60_000, transactional: true, producerGroup: key === 'c' ? 'others' : 'payers' }));
    }
  });
  const states = async (...argv: string[]): Promise<string[]> => {
    const { json } = await runCommand(TxList, ['--json', ...argv], { store });
    return (json as TransactionListJson).transactions.map(({ transactionId, state }) => `${transactionId} ${state}`);
  };
  const visible = (): string[] => store.topics.get('Orders')!.queues[0]!.map(({ body }) => body.toString());

  it('list shows what is pending, with --all what is decided', async () => {
    await runCommand(TxCommit, ['tx-a'], { store });
    await runCommand(TxRollback, ['tx-b'], { store });
    expect(await states()).toEqual(['tx-c pending']);
    expect(await states('--all')).toEqual(['tx-a committed', 'tx-b rolledBack', 'tx-c pending']);
    expect(await states('--all', '--group', 'payers')).toEqual(['tx-a committed', 'tx-b rolledBack']);
    const { stdout } = await runCommand(TxList, [], { store });
    expect(stdout).toMatch(/^BORN\tSTATE\tTOPIC\tQUEUE\tGROUP\tTRANSACTION\tKEYS\tWHY\n.*\tpending\tOrders\t0\tothers\ttx-c\tc\tgroup others has not decided, nobody was asked\n$/);
    const limited = await runCommand(TxList, ['--all', '--limit', '1', '--json'], { store });
    expect(limited.json).toMatchObject({ transactions: [{ transactionId: 'tx-a', delivered: { queueOffset: 0 } }], truncated: true });
    expect(limited.stderr).toContain('2 transactions more; see --limit');
  });

  it('list says when there is nothing, and does not open for writing', async () => {
    const empty = await runCommand(TxList, [], {});
    expect(empty).toMatchObject({ exitCode: 0, stderr: 'mqlite: no transaction is pending or was given up; see --all\n' });
    expect(empty.requests.map(({ mode }) => mode)).toEqual(['read']);
    expect((await runCommand(TxList, ['--json'], {})).json).toEqual({ transactions: [], truncated: false });
    expect((await runCommand(TxShow, ['tx-a'], { store })).requests.map(({ mode }) => mode)).toEqual(['read']);
  });

  it('show takes every id a transaction has', async () => {
    for (const id of ['tx-a', sent[0]!.offsetMsgId, sent[0]!.offsetMsgId.toLowerCase()]) {
      expect((await runCommand(TxShow, [id, '--json'], { store })).json).toMatchObject({ transactionId: 'tx-a', state: 'pending', topic: 'Orders', queueId: 0, half: { body: 'body a', topic: 'RMQ_SYS_TRANS_HALF_TOPIC' } });
    }
    await runCommand(TxCommit, ['tx-a'], { store });
    const { stdout } = await runCommand(TxShow, ['tx-a'], { store });
    expect(stdout).toMatch(/state {8}committed at .*\nwhy {10}committed\nmeant for {4}Orders, queue 0\nmessage {6}offset 0, 7F/);
    expect(stdout).toContain('body a');
  });

  it('commit makes the message visible, rollback does not, and neither does anything twice', async () => {
    expect(await runCommand(TxCommit, ['tx-a'], { store })).toMatchObject({ exitCode: 0, stdout: 'committed transaction tx-a: Orders, queue 0, offset 0\n' });
    expect(await runCommand(TxRollback, [sent[1]!.offsetMsgId], { store })).toMatchObject({ exitCode: 0, stdout: 'rolled back transaction tx-b\n' });
    expect(visible()).toEqual(['body a']);
    for (const command of [TxCommit, TxRollback]) {
      const again = await runCommand(command, ['tx-a', '--json'], { store });
      expect([again.exitCode, errorOf(again)]).toMatchObject([5, { code: 'REFUSED', message: 'transaction tx-a is already committed: Orders, queue 0, offset 0' }]);
      expect(errorOf(await runCommand(command, ['tx-b', '--json'], { store }))).toMatchObject({ code: 'REFUSED', message: 'transaction tx-b is already rolled back' });
    }
    expect(visible()).toEqual(['body a']);
  });

  it.each([
    ['show', TxShow, ['nothing'], 3, 'no transaction in /fake/store has the id nothing'],
    ['commit', TxCommit, ['nothing'], 3, 'See "mqlite tx list --all"'],
    ['commit', TxCommit, [], 2, 'missing ID'],
    ['commit', TxCommit, ['--resume'], 5, '--resume is for clusters'],
    ['rollback', TxRollback, [], 2, 'missing ID'],
    ['rollback', TxRollback, ['tx-a', '--read-only'], 2, '--read-only'],
    ['check', TxCheck, ['--group', 'payers'], 2, 'missing --exec'],
    ['check', TxCheck, ['--exec', 'true'], 2, 'missing --group'],
    ['check', TxCheck, ['--group', 'payers', '--exec', ' '], 2, '--exec has no command'],
    ['check', TxCheck, ['--group', 'payers', '--exec', 'true', '--older-than', '5q'], 2, '--older-than'],
    ['check', TxCheck, ['--group', 'payers', '--exec', 'no-such-program-anywhere'], 2, 'could not be run (exit code 127)'],
  ] as const)('%s %s %j: exit %d', async (_, command, argv, exitCode, words) => {
    const result = await runCommand(command, [...argv, '--store', '/fake/store'], { store });
    expect([result.exitCode, result.stdout]).toEqual([exitCode, '']);
    expect(result.stderr).toContain(words);
    expect(await states()).toEqual(['tx-a pending', 'tx-b pending', 'tx-c pending']);
  });

  it('check asks the command about the group\'s halves, each with its body and environment', async () => {
    const file = join(temporaryDirectory('check'), 'asked');
    const command = `printf '%s %s %s %s\n' "$(cat)" "$MQ_TOPIC" "$MQ_KEYS" "$MQ_PROPERTY_PGROUP" >> ${file}; case "$MQ_KEYS" in a) exit 0;; *) exit 1;; esac`;
    const result = await runCommand(TxCheck, ['--group', 'payers', '--exec', command], { store });
    expect(result).toMatchObject({ exitCode: 0, stdout: 'asked about 2 transactions of payers: 1 committed, 1 rolled back, 0 not known yet\n' });
    expect(readFileSync(file, 'utf8')).toBe('body a Orders a payers\nbody b Orders b payers\n');
    expect(visible()).toEqual(['body a']);
    expect(await states()).toEqual(['tx-c pending']);
  });

  it.each([['exit 75'], ['exit 3'], ['kill -9 $$']])('check: %s says that nobody knows, which is counted, and given up in the end', async (command) => {
    const check = (): Promise<{ json: unknown }> => runCommand(TxCheck, ['--group', 'others', '--exec', command, '--max-checks', '2', '--json'], { store });
    for (let round = 1; round <= 2; round++) expect((await check()).json).toEqual({ producerGroup: 'others', asked: 1, committed: 0, rolledBack: 0, unknown: 1 });
    expect((await check()).json).toMatchObject({ asked: 0 });
    expect(await states('--group', 'others')).toEqual(['tx-c givenUp']);
    const { stdout } = await runCommand(TxList, ['--group', 'others'], { store });
    expect(stdout).toContain('asked 2 times, and group others did not know');
    expect(errorOf(await runCommand(TxCommit, ['tx-c', '--json'], { store }))).toMatchObject({ code: 'REFUSED', message: expect.stringContaining('tx-c was given up'), hint: expect.stringContaining('TRANS_CHECK_MAX_TIME_TOPIC') });
  });

  it('check leaves young ones to their producer', async () => {
    expect((await runCommand(TxCheck, ['--group', 'payers', '--exec', 'exit 0', '--older-than', '2m', '--json'], { store })).json).toMatchObject({ asked: 0 });
    expect(await states()).toHaveLength(3);
  });

  it('on a broker\'s store: what was given up and why, and nothing is changed', async () => {
    const directory = unpackFixture('killed');
    const before = snapshotTree(directory);
    const open = () => openLocalBroker({ storeDirectory: directory, mode: 'read' });
    const { stdout } = await runCommand(TxList, [], { open });
    expect(stdout.split('\n').slice(1, -1).map((line) => line.split('\t').slice(1, 5).concat(line.split('\t').slice(6)))).toEqual([
      ['given up', 'Tx', '2', 'fixture-tx', 'tx-u1', 'asked 15 times, and group fixture-tx did not know'],
      ['given up', 'Tx', '3', 'fixture-tx', 'tx-u2', 'asked 15 times, and group fixture-tx did not know'],
    ]);
    expect((await runCommand(TxShow, ['7F000001000051AF00000000000151D9', '--json'], { open })).json).toMatchObject({ state: 'committed', topic: 'Tx', queueId: 3, delivered: { queueOffset: 0 } });
    expect(snapshotTree(directory)).toEqual(before);
  });

  it('writes nothing into a directory without a store', async () => {
    const directory = join(temporaryDirectory('none'), 'store');
    const open = (request: { readonly mode: 'read' | 'write' }) => openLocalBroker({ storeDirectory: directory, mode: request.mode });
    expect(await runCommand(TxCommit, ['x'], { open })).toMatchObject({ exitCode: 3 });
    expect(existsSync(directory)).toBe(false);
  });
});
