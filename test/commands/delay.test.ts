import { beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import DelayCancel from '../../src/commands/delay/cancel.ts';
import DelayDeliver from '../../src/commands/delay/deliver.ts';
import DelayLevels from '../../src/commands/delay/levels.ts';
import DelayList from '../../src/commands/delay/list.ts';
import Produce from '../../src/commands/produce.ts';
import { FakeBroker } from '../support/fake-broker.ts';
import type { CommandClass } from '../support/fake/run.ts';
import { errorOf, runCommand } from '../support/fake/run.ts';

const NOW = 1_795_000_000_000;

describe('delay', () => {
  let nowMs = NOW;
  const clock = { ...systemClock, nowMs: () => nowMs };
  let broker: FakeBroker;
  beforeEach(async () => {
    nowMs = NOW;
    broker = new FakeBroker({ clock });
    await broker.createTopic('Orders', { readQueueNums: 1, writeQueueNums: 1 });
    await broker.send({ topic: 'Orders', body: Buffer.from('in ten'), msgId: 'TEN', delayMs: 600_000 });
    await broker.send({ topic: 'Orders', body: Buffer.from('at five'), msgId: 'FIVE', deliverAtMs: NOW + 300_000 });
    await broker.send({ topic: 'Orders', body: Buffer.from('level'), msgId: 'LEVEL', delayLevel: 5 });
    await broker.send({ topic: '%RETRY%billing', body: Buffer.from('again'), msgId: 'AGAIN', delayLevel: 3 });
  });
  const run = (command: CommandClass, ...argv: string[]) => runCommand(command, argv, { store: broker.store, clock });

  it('list: what, where to, when, how it was asked for, in the order of time', async () => {
    const { stdout } = await run(DelayList);
    expect(stdout.split('\n').map((line) => line.split('\t').slice(1, 6).join(' '))).toEqual([
      'IN TOPIC QUEUE ASKED BY MSGID', '10s %RETRY%billing 0 retry of billing, level 3 AGAIN', '1m Orders 0 level 5 LEVEL', '5m Orders 0 deliver-at FIVE', '10m Orders 0 delay 10m TEN', '',
    ].map((line) => (line.startsWith('10s') ? line.replace(/ \d (?=retry)/, ` ${broker.store.waiting[3]!.queueId} `) : line)));
    const { json } = await run(DelayList, '--json');
    expect(json).toMatchObject({
      truncated: false,
      delayed: [
        { topic: '%RETRY%billing', deliverTimestamp: NOW + 10_000, overdue: false, asked: { by: 'retry', level: 3, group: 'billing' }, recallHandle: null },
        { asked: { by: 'level', level: 5 } }, { asked: { by: 'deliver-at' } },
        { topic: 'Orders', queueId: 0, deliverTimestamp: NOW + 600_000, asked: { by: 'delay', delayMs: 600_000 }, message: { msgId: 'TEN', body: 'in ten', topic: 'rmq_sys_wheel_timer' } },
      ],
    });
  });

  it('list: by topic, what is overdue, and no more than asked for', async () => {
    nowMs = NOW + 60_000;
    const ids = async (...argv: string[]) => ((await run(DelayList, ...argv, '--json')).json as { delayed: { message: { msgId: string } }[] }).delayed.map(({ message }) => message.msgId);
    expect(await ids('Orders')).toEqual(['LEVEL', 'FIVE', 'TEN']);
    expect(await ids('--overdue')).toEqual(['AGAIN', 'LEVEL']);
    expect(await ids('--limit', '1')).toEqual(['AGAIN']);
    expect((await run(DelayList, '--limit', '1')).stderr).toContain('more than 1 message');
    expect((await run(DelayList)).stdout).toContain('\toverdue\t');
    await broker.createTopic('Nothing', { readQueueNums: 1, writeQueueNums: 1 });
    expect(await run(DelayList, 'Nothing')).toMatchObject({ exitCode: 0, stdout: '', stderr: expect.stringContaining('none of 4 waiting messages') as string });
    expect(await run(DelayList, 'Nonsense')).toMatchObject({ exitCode: 3, stdout: '', stderr: expect.stringContaining('Nonsense') as string });
    expect(await ids('%RETRY%billing')).toEqual(['AGAIN']);
    expect(broker.store.waiting).toHaveLength(4);
  });

  it('a level beyond the last is the last, and that is said', async () => {
    const { exitCode, stderr } = await runCommand(Produce, ['Orders', 'x', '--delay-level', '99'], { store: broker.store, clock });
    expect([exitCode, stderr.split('\n')[0]]).toEqual([0, 'mqlite: there is no delay level 99: RocketMQ takes the highest, 18 (see "mqlite delay levels")']);
    expect((await runCommand(Produce, ['Orders', 'x', '--delay-level', '18'], { store: broker.store, clock })).stderr).not.toContain('highest');
  });

  it('levels: the delay and how many wait', async () => {
    const { stdout } = await run(DelayLevels);
    expect(stdout.split('\n').slice(0, 6)).toEqual(['LEVEL\tDELAY\tWAITING', '1\t1s\t0', '2\t5s\t0', '3\t10s\t1', '4\t30s\t0', '5\t1m\t1']);
  });

  it('cancel: takes messages back by id and by handle, and no more than once', async () => {
    const { json } = await run(DelayList, '--json');
    const handle = (json as { delayed: { recallHandle: string }[] }).delayed[2]!.recallHandle;
    const result = await run(DelayCancel, 'TEN', handle);
    expect(result).toMatchObject({ exitCode: 0, stdout: 'cancelled TEN for Orders\ncancelled FIVE for Orders\n' });
    expect(result.stderr).toContain('store ');
    expect(broker.store.waiting.map(({ record }) => record.msgId)).toEqual(['LEVEL', 'AGAIN']);
    expect(errorOf(await run(DelayCancel, 'TEN', '--json'))).toMatchObject({ code: 'REFUSED', exitCode: 5 });
  });

  it.each(['LEVEL', 'AGAIN'])('cancel and deliver refuse %s, which waits at a level, and do nothing of what else was asked', async (id) => {
    for (const command of [DelayCancel, DelayDeliver]) {
      const result = await run(command, 'TEN', id, '--json');
      expect([result.exitCode, result.stdout]).toEqual([5, '']);
      expect(errorOf(result).message).toMatch(/delay level/);
    }
    expect(broker.store.waiting).toHaveLength(4);
  });

  it('an id that nobody has: not found', async () => {
    for (const command of [DelayCancel, DelayDeliver]) expect(errorOf(await run(command, 'NOBODY', '--json'))).toMatchObject({ code: 'NOT_FOUND', exitCode: 3 });
  });

  it('deliver: now, once', async () => {
    expect(await run(DelayDeliver, 'FIVE')).toMatchObject({ exitCode: 0, stdout: 'delivered FIVE in Orders, queue 0, offset 0\n' });
    expect(broker.store.topics.get('Orders')!.queues[0]!.map(({ body }) => body.toString())).toEqual(['at five']);
    expect(await run(DelayDeliver, 'FIVE')).toMatchObject({ exitCode: 5, stdout: '' });
  });

  it('produce says when, and that a time has passed', async () => {
    expect((await run(Produce, 'Orders', 'x', '--delay', '30s')).stderr).toContain(`to be delivered in Orders, queue 0, at ${new Date(NOW + 30_000).toISOString().replace('T', ' ')}`);
    expect((await run(Produce, 'Orders', 'x', '--deliver-at', '-1h')).stderr).toContain('the time to deliver a message had passed: delivered at once');
    expect(errorOf(await run(Produce, 'Orders', 'x', '--delay', '4d', '--json'))).toMatchObject({ exitCode: 2, message: expect.stringContaining('3 days') as string });
  });
});
