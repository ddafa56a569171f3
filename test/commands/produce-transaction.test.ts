import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { MqliteError } from '../../src/broker/errors.ts';
import type { EndTransactionRequest, OutgoingMessage, SendOptions, SendOutcome } from '../../src/broker/types.ts';
import { listTransactions } from '../../src/client/transactions.ts';
import Produce from '../../src/commands/produce.ts';
import { errorOf, runCommand } from '../support/fake/run.ts';
import { FakeBroker } from '../support/fake-broker.ts';
import type { FakeStore } from '../support/fake-broker.ts';
import { temporaryDirectory } from '../support/fixtures.ts';

/** Refuses one body. */
class ChoosyBroker extends FakeBroker {
  override async sendBatch(messages: readonly OutgoingMessage[], options?: SendOptions): Promise<SendOutcome[]> {
    const outcomes = await super.sendBatch(messages.filter(({ body }) => !Buffer.from(body).equals(Buffer.from('bad'))), options);
    return messages.map((message): SendOutcome => (Buffer.from(message.body).equals(Buffer.from('bad')) ? { error: new MqliteError('STORAGE_FAILED', 'disk full') } : outcomes.shift()!));
  }
}

describe('produce --transaction', () => {
  let store: FakeStore;
  beforeEach(async () => {
    const broker = new FakeBroker();
    ({ store } = broker);
    await broker.createTopic('Orders', { readQueueNums: 1, writeQueueNums: 1 });
  });
  const visible = (): string[] => store.topics.get('Orders')!.queues[0]!.map(({ body }) => body.toString());
  const pending = async (): Promise<string[]> => (await listTransactions(new FakeBroker({ store }), { withEnded: false })).map(({ half }) => half.body.toString());
  const transaction = (...argv: string[]): string[] => ['Orders', '--transaction', ...argv];

  it('commits all lines together, in their order', async () => {
    const result = await runCommand(Produce, transaction('--group', 'payers', '--key', 'k'), { store, stdin: 'a\nb\nc' });
    expect(result).toMatchObject({ exitCode: 0, stdout: '', stderr: 'mqlite: 3 messages stored in Orders\n' });
    expect(visible()).toEqual(['a', 'b', 'c']);
    expect(store.topics.get('Orders')!.queues[0]![0]!.properties).toMatchObject({ PGROUP: 'payers', TRAN_MSG: 'true', KEYS: 'k' });
    expect(await pending()).toEqual([]);
  });

  it('acknowledges where the messages are, with the transaction of each', async () => {
    const { stdout } = await runCommand(Produce, transaction('--json', '--json-input'), { store, stdin: '{"body":"a"}\n{"body":"Yg==","bodyEncoding":"base64"}\n' });
    const lines = stdout.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toMatchObject([{ line: 1, status: 'SEND_OK', topic: 'Orders', queueOffset: 0 }, { line: 2, topic: 'Orders', queueOffset: 1 }]);
    for (const line of lines) expect(line['transactionId']).toBe(line['msgId']);
    expect(store.topics.get('Orders')!.queues[0]!.map(({ offsetMsgId }) => offsetMsgId)).toEqual(lines.map(({ offsetMsgId }) => offsetMsgId));
  });

  it('takes one message and files, too', async () => {
    const file = join(temporaryDirectory('file'), 'body');
    writeFileSync(file, 'whole\nfile\n');
    await runCommand(Produce, transaction('one'), { store });
    await runCommand(Produce, transaction('--file', file), { store });
    writeFileSync(file, '{"body":"line 1"}\n{"body":"line 2"}\n');
    await runCommand(Produce, transaction('--file', file, '--json-input'), { store });
    expect(visible()).toEqual(['one', 'whole\nfile\n', 'line 1', 'line 2']);
    expect(store.topics.get('Orders')!.queues[0]![0]!.properties).toMatchObject({ PGROUP: 'DEFAULT_PRODUCER' });
  });

  it('what could not be committed comes with what was', async () => {
    class HalfWay extends FakeBroker {
      override async endTransactions(requests: readonly EndTransactionRequest[]): Promise<(SendOutcome | null)[]> {
        return [...(await super.endTransactions(requests.slice(0, 2))), { error: new MqliteError('UNREACHABLE', 'broker-b does not answer') }];
      }
    }
    const result = await runCommand(Produce, transaction(), { open: async () => new HalfWay({ store }), stdin: 'a\nb\nc\n' });
    expect(result).toMatchObject({ exitCode: 4, stderr: 'mqlite: 2 messages stored in Orders\nmqlite: line 3: broker-b does not answer\n' });
    expect(visible()).toEqual(['a', 'b']);
  });

  it('takes the group from the settings', async () => {
    await runCommand(Produce, transaction('x', '-X', 'producerGroup=configured'), { store });
    expect(store.topics.get('Orders')!.queues[0]![0]!.properties).toMatchObject({ PGROUP: 'configured' });
  });

  it.each([['a\n\nc\n', [], 2], ['{"body":"a"}\n{"bod":"b"}\n', ['--json-input'], 2]])('a bad line of %j: nothing is stored at all, and the target not even opened', async (stdin, argv, line) => {
    const result = await runCommand(Produce, transaction('--json', ...argv), { store, stdin });
    expect(result).toMatchObject({ exitCode: 2, requests: [] });
    expect(errorOf(result)).toMatchObject({ line });
    expect(JSON.parse(result.stdout)).toMatchObject({ line, error: { exitCode: 2 } });
    expect(store.log).toEqual([]);
  });

  it('rolls everything back when one message cannot be stored', async () => {
    const open = async () => new ChoosyBroker({ store });
    const result = await runCommand(Produce, transaction('--json', '--batch', '2'), { open, stdin: 'a\nb\nbad\nd\n' });
    expect(result.exitCode).toBe(8);
    expect(errorOf(result)).toMatchObject({ line: 3, message: 'disk full; the transaction is rolled back', hint: 'Nothing of it is visible.' });
    expect(visible()).toEqual([]);
    expect(await pending()).toEqual([]);
  });

  it('an empty input is an empty transaction', async () => {
    expect(await runCommand(Produce, transaction(), { store, stdin: '' })).toMatchObject({ exitCode: 0, stderr: 'mqlite: 0 messages stored in Orders\n' });
    expect(store.log).toEqual([]);
  });

  it.each([
    [['Orders', 'x', '--check', 'true'], '--check needs --transaction'],
    [['Orders', 'x', '--group', 'g'], '--group needs --transaction'],
    [['Orders', 'x', '--transaction', '--oneway'], '--oneway'],
    [['Orders', 'x', '--transaction', '--spool', '/nonexistent/spool'], '--spool'],
    [['Orders', 'x', '--transaction', '--check', ''], '--check has no command'],
    [['Orders', 'x', '--transaction', '--group', 'a b'], 'illegal character'],
  ])('refuses %j', async (argv, words) => {
    const result = await runCommand(Produce, argv, { store });
    expect(result).toMatchObject({ exitCode: 2, stdout: '' });
    expect(result.stderr).toContain(words);
    expect(visible()).toEqual([]);
  });

  it('--check answers for what earlier producers of the group left, and for nobody else', async () => {
    const broker = new FakeBroker({ store });
    const old = { topic: 'Orders', transactional: true, bornTimestamp: Date.now() - 60_000 } as const;
    await broker.send({ ...old, body: Buffer.from('orphan'), producerGroup: 'payers', keys: ['yes'] });
    await broker.send({ ...old, body: Buffer.from('undone'), producerGroup: 'payers', keys: ['no'] });
    await broker.send({ ...old, body: Buffer.from('foreign'), producerGroup: 'others', keys: ['yes'] });
    const asked = join(temporaryDirectory('asked'), 'log');
    const result = await runCommand(Produce, transaction('--group', 'payers', '--check', `echo "$(cat)" >> ${asked}; test "$MQ_KEYS" = yes`), { store, stdin: 'new\n' });
    expect(result.exitCode, result.stderr).toBe(0);
    expect(visible().sort()).toEqual(['new', 'orphan']);
    expect(await pending()).toEqual(['foreign']);
    expect(readFileSync(asked, 'utf8').trim().split('\n').sort()).toEqual(['orphan', 'undone']);
  });

  it('--check with a command that cannot be run: nothing is sent', async () => {
    await new FakeBroker({ store }).send({ topic: 'Orders', transactional: true, bornTimestamp: 1, body: Buffer.from('orphan'), producerGroup: 'payers' });
    const slow = `{"body":"new"}\n`;
    const result = await runCommand(Produce, transaction('--group', 'payers', '--json-input', '--check', 'no-such-program-anywhere'), { store, stdin: slow });
    expect(result).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('could not be run') });
    expect(await pending()).toEqual(['orphan']);
  });

  it('keeps its copy of the input where no other program finds it', async () => {
    const directory = temporaryDirectory('tmp');
    const before = process.env['TMPDIR'];
    process.env['TMPDIR'] = directory;
    try {
      await runCommand(Produce, transaction(), { store, stdin: 'a\n' });
    } finally {
      if (before === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = before;
    }
    expect(execFileSync('find', [directory, '-type', 'f']).toString()).toBe('');
    expect(visible()).toEqual(['a']);
  });
});
