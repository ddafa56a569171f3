import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import Consume from '../../src/commands/consume.ts';
import { errorOf, runCommand } from '../support/fake/run.ts';
import { FakeBroker } from '../support/fake-broker.ts';
import type { FakeStore } from '../support/fake-broker.ts';
import { temporaryDirectory } from '../support/fixtures.ts';

describe('consume --exec', () => {
  let broker: FakeBroker;
  let store: FakeStore;
  let directory: string;
  beforeEach(async () => {
    directory = temporaryDirectory('exec');
    broker = new FakeBroker();
    ({ store } = broker);
    await broker.createTopic('T', { readQueueNums: 1, writeQueueNums: 1 });
    for (const body of ['one', 'two', 'three']) await broker.send({ topic: 'T', body: Buffer.from(body), tags: body, properties: { colour: 'red' } });
  });
  const consume = (...argv: string[]) => runCommand(Consume, ['T', '--group', 'g', '--until-end', ...argv], { store });
  const file = (name: string): string => join(directory, name);
  const read = (name: string): string => (existsSync(file(name)) ? readFileSync(file(name), 'utf8') : '');
  const committed = () => store.offsetOf('g', { topic: 'T', brokerName: 'broker-a', queueId: 0 });
  const retries = () => store.topics.get('SCHEDULE_TOPIC_XXXX')?.queues.flat() ?? [];
  /** Appends the body and a newline to `seen`, then ends as `ending` says for the body "two". */
  const command = (ending: string): string => `b=$(cat); echo "$b" >> ${file('seen')}; if [ "$b" = two ]; then ${ending}; fi`;

  it('runs a command for each message, in order, and commits', async () => {
    const result = await consume('--exec', `cat >> ${file('bodies')}; echo "$MQ_TOPIC $MQ_QUEUE_ID $MQ_QUEUE_OFFSET $MQ_TAGS $MQ_RECONSUME_TIMES $MQ_PROPERTY_colour" >> ${file('env')}`);
    expect([result.exitCode, result.stdout, result.stderr]).toEqual([0, '', '']);
    expect(read('bodies')).toBe('onetwothree');
    expect(read('env')).toBe('T 0 0 one 0 red\nT 0 1 two 0 red\nT 0 2 three 0 red\n');
    expect(committed()).toBe(3);
    expect((await broker.describeTopic('%RETRY%g')).readQueueNums).toBe(1);
  });

  it('sends back what a command fails on, and goes on', async () => {
    const result = await consume('--exec', command('exit 3'));
    expect(result).toMatchObject({ exitCode: 0, stderr: 'mqlite: T queue 0, offset 1: exit code 3\nmqlite: T queue 0, offset 1: failed, the first time: comes again later\n' });
    expect(read('seen')).toBe('one\ntwo\nthree\n');
    expect(committed()).toBe(3);
    expect(retries()).toMatchObject([{ reconsumeTimes: 1, originTopic: 'T', properties: { REAL_TOPIC: '%RETRY%g', DELAY: '3' } }]);
  });

  it('consumes retries too, and shows the topic they came from', async () => {
    await broker.createTopic('%RETRY%g', { readQueueNums: 1, writeQueueNums: 1 });
    await broker.send({ topic: '%RETRY%g', body: Buffer.from('again'), origin: { topic: 'First', offsetMsgId: 'X' } });
    await consume('--exec', `echo "$MQ_TOPIC" >> ${file('topics')}`);
    expect(read('topics')).toBe('T\nT\nT\nFirst\n');
    expect(store.offsetOf('g', { topic: '%RETRY%g', brokerName: 'broker-a', queueId: 0 })).toBe(1);
  });

  it('buries what failed too often', async () => {
    const { stderr } = await consume('--exec', command('exit 1'), '--max-reconsume', '0');
    expect(stderr).toContain('failed, the first time: dead, in %DLQ%g\n');
    expect(store.topics.get('%DLQ%g')!.queues[0]).toMatchObject([{ reconsumeTimes: 1 }]);
    expect(retries()).toEqual([]);
  });

  it('rests after 75, then gives the same message again, and sends nothing back', async () => {
    const before = Date.now();
    const { stderr, exitCode } = await consume('--suspend', '200ms', '--exec', command(`[ -e ${file('up')} ] || { touch ${file('up')}; exit 75; }`));
    expect(exitCode).toBe(0);
    expect(stderr).toBe('mqlite: T queue 0, offset 1: exit code 75, so what is downstream is gone: the queue rests for 200ms, then the same message again\n');
    expect(Date.now() - before).toBeGreaterThanOrEqual(200);
    expect(read('seen')).toBe('one\ntwo\ntwo\nthree\n');
    expect([committed(), retries()]).toEqual([3, []]);
  });

  it('says what is left where the time ends while a queue rests', async () => {
    const argv = ['T', '--group', 'g', '--timeout', '100ms', '--suspend', '1m', '--exec', command('exit 75')];
    const { exitCode, stderr } = await runCommand(Consume, argv, { store });
    expect([exitCode, stderr.split('\n').slice(1)]).toEqual([0, ['mqlite: ended while its queue rests: T queue 0, offset 1 is not consumed, and comes first the next time', '']]);
    expect(committed()).toBe(1);
  });

  it.each([126, 127])('ends 2 after %i, and neither consumes the message nor sends it back', async (code) => {
    const result = await consume('--exec', command(`exit ${code}`));
    expect(result).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(`exit code ${code}: there is no such command, or it cannot be run`) });
    expect(read('seen')).toBe('one\ntwo\n');
    expect([committed(), retries()]).toEqual([1, []]);
  });

  it('a command that is not there consumes nothing', async () => {
    for (const words of [['--exec', 'no-such-command-here 2>/dev/null'], ['--exec', '--', join(directory, 'missing')]]) {
      expect(await consume(...words)).toMatchObject({ exitCode: 2, stdout: '' });
      expect([committed() ?? 0, retries()]).toEqual([0, []]);
    }
  });

  it('runs words without a shell, and takes none of them for its own', async () => {
    const result = await consume('--exec', '--', '/bin/sh', '-c', `echo "$1 $2" >> ${file('words')}`, 'sh', '--json', '$HOME *');
    expect([result.exitCode, result.stderr]).toEqual([0, '']);
    expect(read('words')).toBe('--json $HOME *\n'.repeat(3));
  });

  it('gives only what is wanted, and consumes the rest', async () => {
    expect((await consume('--grep', '^t', '--exec', command('true'))).exitCode).toBe(0);
    expect(read('seen')).toBe('two\nthree\n');
    expect(committed()).toBe(3);
  });

  it('counts what the command was given', async () => {
    expect((await consume('--count', '2', '--exec', command('true'))).exitCode).toBe(0);
    expect(read('seen')).toBe('one\ntwo\n');
    expect(committed()).toBe(2);
    const short = await consume('--count', '2', '--exec', command('true'));
    expect([short.exitCode, short.stderr]).toEqual([1, expect.stringContaining('1 of 2 messages')]);
  });

  it('in order, what is tried again in place counts once, when it is given up, as often as it was tried', async () => {
    const fast = ['-X', 'suspendCurrentQueueTimeMillis=10'];
    const { exitCode, stderr } = await consume('--orderly', '--count', '2', ...fast, '--max-reconsume', '1', '--exec', command('exit 1'));
    expect(exitCode).toBe(0);
    expect(read('seen')).toBe('one\ntwo\ntwo\n');
    expect(stderr).toContain('failed, 2 times now: dead, in %DLQ%g\n');
    expect(store.topics.get('%DLQ%g')!.queues[0]).toMatchObject([{ reconsumeTimes: 2 }]);
    expect(committed()).toBe(2);
  });

  it.each([
    [['T', '--exec', 'true'], '--exec needs --group'], [['T', '--group', 'g', '--exec', ' '], '--exec has no command'], [['T', '--group', 'g', '--exec', '--'], '--exec has no command'],
    [['T', '--group', 'g', '--exec', 'true', '--format', 'x'], '--format and --exec exclude'],
    [['T', '--group', 'g', '--suspend', '1s'], '--suspend goes with --exec'], [['T', '--group', 'g', '--max-reconsume', '1'], '--max-reconsume goes with --exec'],
    [['T', '--group', 'g', '--exec', 'true', '--suspend', 'long'], '--suspend'], [['T', '--group', 'g', '--exec', 'true', '--max-reconsume', '-1'], '--max-reconsume'],
  ])('refuses %j', async (argv, words) => {
    const result = await runCommand(Consume, argv, { store });
    expect([result.exitCode, result.stdout, result.requests]).toEqual([2, '', []]);
    expect(result.stderr).toContain(words);
  });

  it('--json prints what became of each message, and nothing of what the command prints', async () => {
    const lines = async (...argv: string[]) => (await consume('--json', ...argv)).stdout.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    const first = await lines('--exec', command('exit 3'), '--count', '2');
    expect(first).toEqual([
      { topic: 'T', originTopic: null, brokerName: 'broker-a', queueId: 0, queueOffset: 0, msgId: store.log[0]!.msgId, offsetMsgId: store.log[0]!.offsetMsgId, reconsumeTimes: 0, exitCode: 0, signal: null, outcome: 'consumed' },
      expect.objectContaining({ queueOffset: 1, exitCode: 3, outcome: 'reconsumeLater' }),
    ]);
    await broker.send({ topic: 'T', body: Buffer.from('two') });
    expect((await lines('--exec', `echo mess; ${command('kill -9 $$')}`, '--max-reconsume', '0')).map(({ queueOffset, exitCode, signal, outcome }) => [queueOffset, exitCode, signal, outcome])).toEqual([
      [2, 0, null, 'consumed'], [3, null, 'SIGKILL', 'dead'],
    ]);
    for (const body of ['one', 'two']) await broker.send({ topic: 'T', body: Buffer.from(body) });
    expect((await lines('--orderly', '-X', 'suspendCurrentQueueTimeMillis=10', '--max-reconsume', '1', '--exec', command('exit 1'))).map(({ queueOffset, reconsumeTimes, outcome }) => [queueOffset, reconsumeTimes, outcome])).toEqual([
      [4, 0, 'consumed'], [5, 0, 'reconsumeLater'], [5, 1, 'reconsumeLater'], [5, 1, 'dead'],
    ]);
  });

  it('errors are JSON where that was asked for', async () => {
    expect(errorOf(await runCommand(Consume, ['T', '--json', '--exec', 'true'], { store }))).toMatchObject({ code: 'USAGE' });
  });
});
