import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandSpec, messageEnvironment, resultText, runCommand, wasKilled } from '../../../src/cli/run-command.ts';
import { FakeBroker } from '../../support/fake-broker.ts';
import type { Message } from '../../../src/record/message.ts';

const message = async (body: string | Buffer = 'hello', more: object = {}): Promise<Message> => {
  const broker = new FakeBroker();
  await broker.send({ topic: 'Orders', body: Buffer.from(body), queueId: 1, tags: 'TagA', keys: ['k1', 'k2'], properties: { 'a.b-c': 'ü', amount: '7' } });
  return { ...broker.store.log[0]!, ...more };
};
const shell = (text: string) => commandSpec('--exec', text, []);
const idle = new AbortController().signal;

describe('commandSpec', () => {
  it('is a shell, or the program itself', () => {
    expect(shell('exit 3')).toEqual({ file: '/bin/sh', args: ['-c', 'exit 3'] });
    expect(commandSpec('--exec', '', ['prog', '--flag', 'x y'])).toEqual({ file: 'prog', args: ['--flag', 'x y'] });
    for (const [text, words] of [['', []], ['  ', []], ['a', ['b']]] as const) expect(() => commandSpec('--exec', text, words)).toThrow(/--exec has/);
  });
});

describe('messageEnvironment', () => {
  it('has everything that is not the body', async () => {
    expect(messageEnvironment(await message('x', { originTopic: 'First', topic: '%RETRY%g', reconsumeTimes: 2 }))).toMatchObject({
      MQ_TOPIC: 'First', MQ_QUEUE_ID: '1', MQ_QUEUE_OFFSET: '0', MQ_TAGS: 'TagA', MQ_KEYS: 'k1 k2', MQ_RECONSUME_TIMES: '2', MQ_PROPERTY_a_b_c: 'ü', MQ_PROPERTY_amount: '7',
      MQ_PROPERTY_KEYS: 'k1 k2',
    });
  });

  it('holds nothing that cannot be passed on', async () => {
    const environment = messageEnvironment(await message('x', { tags: 'a\0b', properties: { 'x=y\0': 'v\0w' } }));
    expect(environment).toMatchObject({ MQ_TAGS: 'ab', MQ_PROPERTY_x_y_: 'vw' });
  });
});

describe('runCommand', () => {
  it('gives the body, whatever bytes it has, and the environment', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'mqlite-exec-'));
    const body = Buffer.alloc(300_000, 0).fill('\xff\n', 5, 9, 'latin1');
    const result = await runCommand(shell(`cat > ${directory}/body; printf %s "$MQ_TOPIC $MQ_KEYS" > ${directory}/env`), await message(body), idle);
    expect(result).toEqual({ exitCode: 0, signal: null });
    expect(readFileSync(join(directory, 'body')).equals(body)).toBe(true);
    expect(readFileSync(join(directory, 'env'), 'utf8')).toBe('Orders k1 k2');
  });

  it.each([['exit 0', 0], ['exit 3', 3], ['exit 75', 75], ['no-such-command-here', 127]])('%s ends %i, also when the body is not read', async (text, exitCode) => {
    expect(await runCommand(shell(`${text} 2>/dev/null`), await message(Buffer.alloc(1_000_000, 1)), idle)).toEqual({ exitCode, signal: null });
  });

  it('says of a program what a shell would', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'mqlite-exec-'));
    writeFileSync(join(directory, 'plain'), 'text', { mode: 0o644 });
    expect(await runCommand({ file: join(directory, 'missing'), args: [] }, await message(), idle)).toEqual({ exitCode: 127, signal: null });
    expect(await runCommand({ file: join(directory, 'plain'), args: [] }, await message(), idle)).toEqual({ exitCode: 126, signal: null });
  });

  it('tells which signal ended it', async () => {
    const result = await runCommand(shell('kill -KILL $$'), await message(), idle);
    expect([result, resultText(result), wasKilled(result)]).toEqual([{ exitCode: null, signal: 'SIGKILL' }, 'killed by SIGKILL', true]);
    expect(wasKilled({ exitCode: 143, signal: null })).toBe(true);
    expect(wasKilled({ exitCode: 126, signal: null })).toBe(false);
  });

  it('tells the command to end, and waits until it has', async () => {
    const stop = new AbortController();
    const running = runCommand({ file: '/bin/sh', args: ['-c', 'trap "exit 9" TERM; while :; do sleep 0.05; done'] }, await message(), stop.signal);
    setTimeout(() => stop.abort(), 300);
    expect(await running).toEqual({ exitCode: 9, signal: null });
  });
});
