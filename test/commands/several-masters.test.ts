import { beforeEach, describe, expect, it } from 'vitest';
import type { DelayProgress } from '../../src/broker/types.ts';
import DelayLevels from '../../src/commands/delay/levels.ts';
import DlqList from '../../src/commands/dlq/list.ts';
import DlqShow from '../../src/commands/dlq/show.ts';
import MessageFind from '../../src/commands/message/find.ts';
import OffsetsExport from '../../src/commands/offsets/export.ts';
import OffsetsImport from '../../src/commands/offsets/import.ts';
import OffsetsReset from '../../src/commands/offsets/reset.ts';
import OffsetsShow from '../../src/commands/offsets/show.ts';
import Produce from '../../src/commands/produce.ts';
import TopicsShow from '../../src/commands/topics/show.ts';
import TxList from '../../src/commands/tx/list.ts';
import { runCommand } from '../support/fake/run.ts';
import type { CommandClass, RunOptions, RunResult } from '../support/fake/run.ts';
import { TwoMasters } from '../support/fake/two-masters.ts';

describe('queues of several masters, which number them alike', () => {
  let cluster: TwoMasters;
  beforeEach(async () => {
    cluster = new TwoMasters();
    await cluster.createTopic('Orders', { readQueueNums: 2, writeQueueNums: 2 });
    for (let index = 0; index < 3; index++) await cluster.send({ topic: 'Orders', body: Buffer.from(`m${index}`), keys: [index < 2 ? 'both' : 'one'], queueId: index % 2 });
    await cluster.createGroup('billing', {});
    await cluster.resetOffsets('billing', (await cluster.queues('Orders')).map((queue) => ({ queue, offset: 1 })));
  });
  const run = (command: CommandClass, argv: readonly string[], options: RunOptions = {}): Promise<RunResult> => runCommand(command, [...argv, '--namesrv', 'n:9876'], { ...options, open: async () => cluster });
  const cells = (text: string): string[][] => text.split('\n').filter((line) => line.includes('\t')).map((line) => line.split('\t'));

  it('topics show names the broker of each', async () => {
    expect(cells((await run(TopicsShow, ['Orders'])).stdout).map((row) => row.slice(0, 4))).toEqual([['BROKER', 'QUEUE', 'MIN OFFSET', 'MAX OFFSET'], ['broker-a', '0', '0', '2'], ['broker-b', '0', '0', '1']]);
  });

  it('offsets show and reset, too', async () => {
    expect(cells((await run(OffsetsShow, ['billing'])).stdout).map((row) => row.slice(0, 4))).toEqual([['TOPIC', 'BROKER', 'QUEUE', 'COMMITTED'], ['Orders', 'broker-a', '0', '1'], ['Orders', 'broker-b', '0', '1']]);
    expect(cells((await run(OffsetsReset, ['billing', 'Orders', '--to', 'last'])).stdout).map((row) => row.slice(0, 6))).toEqual([
      ['GROUP', 'TOPIC', 'BROKER', 'QUEUE', 'COMMITTED', 'NEW'], ['billing', 'Orders', 'broker-a', '0', '1', '2'], ['billing', 'Orders', 'broker-b', '0', '1', '1'],
    ]);
  });

  it('a reset that was not kept says on which broker, a queue that is none which there are', async () => {
    cluster.resetOffsets = async () => {};
    expect((await run(OffsetsReset, ['billing', 'Orders', '--to', 'first', '--execute'])).stderr).toContain('billing Orders queue 0 of broker-b is at 1 instead of 0');
    expect((await run(OffsetsReset, ['billing', 'Orders', '--to', 'first', '--queue', '7'])).stderr).toContain('It has the queues 0.');
  });

  it('offsets go back to the queues that they were exported from', async () => {
    const [first, second] = await cluster.queues('Orders');
    await cluster.resetOffsets('billing', [{ queue: first!, offset: 2 }, { queue: second!, offset: 0 }]);
    const { stdout } = await run(OffsetsExport, []);
    await cluster.resetOffsets('billing', [{ queue: first!, offset: 1 }, { queue: second!, offset: 1 }]);
    expect(await run(OffsetsImport, ['-', '--execute'], { stdin: stdout })).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('set 2 offsets, read back and right\n') as string });
    expect((await cluster.committedOffsets('billing')).map(({ committedOffset }) => committedOffset)).toEqual([2, 0]);
  });

  it('offsets of other brokers are not put where they do not belong', async () => {
    const entry = (brokerName: string, queueId: number) => ({ group: 'billing', topic: 'Orders', brokerName, queueId, committedOffset: 0 });
    const refused = async (...offsets: object[]) => run(OffsetsImport, ['-', '--execute'], { stdin: JSON.stringify({ offsets }) });
    expect(await refused(entry('broker-x', 0))).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('has no queues on a broker broker-x\n  It has some on broker-a, broker-b') as string });
    expect(await refused(entry('broker-b', 1))).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('has no queue 1 on broker-b') as string });
    const onOne = await runCommand(OffsetsImport, ['-', '--execute'], { store: cluster.store, stdin: JSON.stringify({ offsets: [entry('broker-a', 0), entry('broker-b', 0)] }) });
    expect(onOne).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('two offsets of group billing would go to queue 0 of Orders on broker-a') as string });
    expect((await cluster.committedOffsets('billing')).map(({ committedOffset }) => committedOffset)).toEqual([1, 1]);
  });

  it('message find does where what was found is of several', async () => {
    const found = async (...flags: string[]): Promise<string[][]> => cells((await run(MessageFind, ['Orders', ...flags])).stdout).map((row) => row.slice(1, 4));
    expect(await found('--key', 'both')).toEqual([['BROKER', 'QUEUE', 'OFFSET'], ['broker-a', '0', '0'], ['broker-b', '0', '0']]);
    expect(new Set((await found('--from=-1h')).map((row) => row.join(' ')))).toEqual(new Set(['BROKER QUEUE OFFSET', 'broker-a 0 0', 'broker-a 0 1', 'broker-b 0 0']));
    expect(await found('--key', 'one')).toMatchObject([['QUEUE', 'OFFSET', 'MSGID'], ['0', '1', expect.anything()]]);
  });

  it('dead letters: each broker has some, and counts from 0', async () => {
    const topic = '%DLQ%billing';
    await cluster.createTopic(topic, { readQueueNums: 2, writeQueueNums: 2 });
    const [first, second] = [0, 1].map((queueId) => cluster.store.append({ topic, body: Buffer.from(`dead ${queueId}`) }, queueId, { RETRY_TOPIC: 'Orders' }, 1));
    expect(cells((await run(DlqList, ['billing'])).stdout).map((row) => row.slice(1, 5))).toEqual([['MSGID', 'ORIGIN TOPIC', 'BROKER', 'OFFSET'], [first!.msgId, 'Orders', 'broker-a', '0'], [second!.msgId, 'Orders', 'broker-b', '0']]);
    expect((await run(DlqList, ['billing', '--json'])).json).toMatchObject({ deadLetters: [{ brokerName: 'broker-a', queueId: 0 }, { brokerName: 'broker-b', queueId: 0 }] });
    expect((await run(DlqShow, ['billing', '0'])).stderr).toMatch(/^mqlite: 2 dead letters are called 0; not shown: /);
    // Purged on one broker only.
    await cluster.createGroup('MQLITE_DLQ', {});
    await cluster.resetOffsets('MQLITE_DLQ', [{ queue: (await cluster.queues(topic))[0]!, offset: 0 }, { queue: (await cluster.queues(topic))[1]!, offset: 1 }]);
    expect((await run(DlqList, ['--json'])).json).toMatchObject({ groups: [{ group: 'billing', count: 1 }] });
  });

  it('tx list names the broker that has the half message', async () => {
    const topic = 'RMQ_SYS_TRANS_HALF_TOPIC';
    for (const name of [topic, 'RMQ_SYS_TRANS_OP_HALF_TOPIC']) await cluster.createTopic(name, { readQueueNums: 2, writeQueueNums: 2 });
    for (const queueId of [0, 1]) cluster.store.append({ topic, body: Buffer.from('half'), msgId: `tx-${queueId}` }, queueId, { PGROUP: 'payers', REAL_TOPIC: 'Orders', REAL_QID: '0' }, 0);
    expect(cells((await run(TxList, [])).stdout).map((row) => row.slice(2, 7))).toEqual([
      ['TOPIC', 'BROKER', 'QUEUE', 'GROUP', 'TRANSACTION'], ['Orders', 'broker-a', '0', 'payers', 'tx-0'], ['Orders', 'broker-b', '0', 'payers', 'tx-1'],
    ]);
  });

  describe('delay levels', () => {
    const levels: Record<string, number[]> = {};
    beforeEach(async () => {
      Object.assign(levels, { 'broker-a': [1000, 5000, 10_000], 'broker-b': [1000, 5000, 10_000] });
      await cluster.createTopic('SCHEDULE_TOPIC_XXXX', { readQueueNums: 6, writeQueueNums: 6 });
      for (const queueId of [1, 4, 4, 5]) cluster.store.append({ topic: 'SCHEDULE_TOPIC_XXXX', body: Buffer.from('later') }, queueId, {}, 0);
      cluster.delayProgress = async (brokerName?: string): Promise<DelayProgress> =>
        ({ levels: levels[brokerName!]!.map((delayMs, index) => ({ level: index + 1, delayMs, queueId: index, nextOffset: 0 })), timer: null });
    });

    it('are one row each where the masters agree, with what waits on all of them', async () => {
      const { stdout, stderr } = await run(DelayLevels, []);
      expect([cells(stdout), stderr]).toEqual([[['LEVEL', 'DELAY', 'WAITING'], ['1', '1s', '0'], ['2', '5s', '3'], ['3', '10s', '1']], '']);
      expect(((await run(DelayLevels, ['--json'])).json as { levels: unknown[] }).levels).toHaveLength(6);
    });

    it('are one for each broker where they do not', async () => {
      levels['broker-b'] = [1000, 6000];
      const { stdout, stderr } = await run(DelayLevels, []);
      expect(cells(stdout)).toEqual([['LEVEL', 'BROKER', 'DELAY', 'WAITING'], ['1', 'all', '1s', '0'], ['2', 'broker-a', '5s', '1'], ['2', 'broker-b', '6s', '2'], ['3', 'broker-a', '10s', '0']]);
      expect(stderr).toBe('mqlite: the brokers have different delays at levels 2, 3: a message waits as long as the broker says that stores it\n');
    });
  });

  it('produce says which broker has it', async () => {
    expect((await run(Produce, ['Orders', 'x', '--queue', '1'])).stderr).toMatch(/^mqlite: stored in Orders, queue 0 of broker-b, offset 1, id \w+\n$/);
    expect((await run(Produce, ['Orders'], { stdin: 'a\nb\n' })).stderr).toBe('mqlite: 2 messages stored in Orders\n');
  });

  it('what is stored stays so where the queues cannot be told', async () => {
    cluster.queues = () => Promise.reject(new Error('gone'));
    expect(await run(Produce, ['Orders', 'x', '--queue', '1'])).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(/^mqlite: stored in Orders, queue 0, offset 1, id/) });
  });
});
