import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import type { SendResult } from '../../src/broker/types.ts';
import MessageTrace from '../../src/commands/message/trace.ts';
import { errorOf, runCommand } from '../support/fake/run.ts';
import { FakeBroker } from '../support/fake-broker.ts';
import type { FakeStore } from '../support/fake-broker.ts';

/** Traces of the message AC11…0001, two of each kind (see test/unit/record/trace.test.ts). */
const golden = readFileSync(new URL('../fixtures/trace-5.5.0.ndjson', import.meta.url), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as { kind: string; keys: string[]; body: string });
const ID = 'AC1100020B5D30946E09000000000001';
const TIME = new Date(1_795_418_257_748).toISOString();

describe('message trace', () => {
  let store: FakeStore;
  let broker: FakeBroker;
  let sent: SendResult;
  const tell = async (...kinds: string[]): Promise<void> => {
    for (const kind of kinds) {
      const { keys, body } = golden.find((row) => row.kind === kind)!;
      await broker.send({ topic: 'RMQ_SYS_TRACE_TOPIC', body: Buffer.from(body), keys });
    }
  };
  beforeEach(async () => {
    broker = new FakeBroker();
    ({ store } = broker);
    sent = await broker.send({ topic: 'Orders', body: Buffer.from('hello'), msgId: ID });
  });

  it('shows who sent a message and who consumed it', async () => {
    await tell('Pub', 'SubBefore', 'SubAfter', 'EndTransaction', 'Recall');
    const { stdout, exitCode } = await runCommand(MessageTrace, [ID], { store });
    expect(exitCode).toBe(0);
    const rows = stdout.trimEnd().split('\n').map((line) => line.split('\t'));
    expect(rows[0]).toEqual(['TIME', 'EVENT', 'GROUP', 'CLIENT', 'COST', 'RESULT']);
    expect(rows.slice(1).map(([, event, group, , cost, result]) => [event, group, cost, result])).toEqual([
      ['published', 'payers', '86 ms', 'half message of Orders at 127.0.0.2:10911'],
      ['transactionEnded', 'payers', '-', 'COMMIT_MESSAGE'],
      ['recalled', 'payers', '-', 'from Orders'],
      ['consumed', 'payers', '86 ms', 'success'],
    ]);
    expect(new Date(rows[1]![0]!).toISOString()).toBe(TIME);
  });

  it('as JSON: by unique id, by key and by offset id the same', async () => {
    await tell('Pub', 'SubBefore');
    const byId = await runCommand(MessageTrace, [ID, '--json'], { store });
    expect(byId.json).toMatchObject({
      id: ID, traceTopic: 'RMQ_SYS_TRACE_TOPIC', truncated: false,
      events: [{ event: 'published', msgId: ID, tags: 'paid', keys: ['order-17', '客户'], clientHost: expect.stringMatching(/:\d+$/) as string }, { event: 'consumed', result: null, costMs: null, retryTimes: 0 }],
    });
    const { events } = byId.json as { events: unknown };
    expect((await runCommand(MessageTrace, ['order-17', '--json'], { store })).json).toMatchObject({ id: 'order-17', events });
    expect((await runCommand(MessageTrace, [sent.offsetMsgId, '--json'], { store })).json).toMatchObject({ id: ID, events });
  });

  it('an end without its beginning, and a beginning without its end, are told as such', async () => {
    await tell('SubAfter');
    expect((await runCommand(MessageTrace, [ID, '--json'], { store })).json).toMatchObject({ events: [{ event: 'consumed', retryTimes: null, result: 'success', costMs: 86, timestamp: 1_795_418_257_748 - 86 }] });
  });

  it('says when more was told than it read', async () => {
    await tell('Pub', 'Recall');
    const { json, stderr } = await runCommand(MessageTrace, [ID, '--max', '1', '--json'], { store });
    expect(json).toMatchObject({ truncated: true });
    expect(stderr).toContain('only 1 trace message read; there are more (--max)');
  });

  it('ends 3 where nobody told anything, and says why that may be', async () => {
    await tell('Pub');
    const other = await runCommand(MessageTrace, ['another-id', '--json'], { store });
    expect([other.exitCode, errorOf(other)]).toMatchObject([3, { code: 'NOT_FOUND', message: 'no client told anything of another-id in RMQ_SYS_TRACE_TOPIC', hint: expect.stringContaining('enableMsgTrace') as string }]);
    const untraced = await runCommand(MessageTrace, [ID, '--json'], { store: new FakeBroker().store });
    expect([untraced.exitCode, errorOf(untraced)]).toMatchObject([3, { code: 'TOPIC_NOT_FOUND', hint: expect.stringContaining('enableMsgTrace') as string }]);
    expect(await runCommand(MessageTrace, [ID, '--trace-topic', 'Nowhere'], { store })).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('there is no topic "Nowhere"') as string });
    expect(await runCommand(MessageTrace, [' '], { store })).toMatchObject({ exitCode: 2 });
  });
});
