import { beforeEach, describe, expect, it } from 'vitest';
import { repeatBySleeping } from '../../src/base/clock.ts';
import type { Clock, Repetition } from '../../src/base/clock.ts';
import type { Broker } from '../../src/broker/broker.ts';
import { MqliteError } from '../../src/broker/errors.ts';
import GroupsShow from '../../src/commands/groups/show.ts';
import { formatTime } from '../../src/text/numbers.ts';
import type { RunResult } from '../support/fake/run.ts';
import { errorOf, runCommand } from '../support/fake/run.ts';
import { FakeBroker } from '../support/fake-broker.ts';

const QUEUE = { topic: 'Orders', brokerName: 'broker-a', queueId: 0 };
const START_MS = 1_795_000_000_000;

/** Passes by being slept on; between two looks something happens. */
class SteppingClock implements Clock {
  #nowMs = START_MS;
  readonly sleeps: number[] = [];
  between: (time: number) => void | Promise<void> = () => undefined;

  nowMs(): number {
    return this.#nowMs;
  }

  elapsedMs(): number {
    return this.#nowMs - START_MS;
  }

  repeat(delayMs: number, next: () => number): Repetition {
    return repeatBySleeping(this, delayMs, next);
  }

  async sleep(delayMs: number): Promise<void> {
    this.sleeps.push(delayMs);
    await this.between(this.sleeps.length);
    this.#nowMs += delayMs;
  }
}

describe('groups show --watch', () => {
  let clock: SteppingClock;
  let broker: FakeBroker;
  beforeEach(async () => {
    clock = new SteppingClock();
    broker = new FakeBroker({ clock });
    await broker.createTopic('Orders', { readQueueNums: 1, writeQueueNums: 1 });
    await send(100);
    await broker.createGroup('billing', {});
    broker.store.setOffset('billing', QUEUE, 0);
    // In each look 4 come and 24 go.
    clock.between = async (time) => {
      await send(4);
      broker.store.setOffset('billing', QUEUE, time * 24);
    };
  });
  const send = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n++) await broker.send({ topic: 'Orders', body: Buffer.from('x'), queueId: 0 });
  };
  const watch = (argv: readonly string[], options: { readonly tty?: boolean; readonly open?: () => Promise<Broker>; readonly env?: Record<string, string> } = {}): Promise<RunResult> =>
    runCommand(GroupsShow, ['billing', '--watch', ...argv], { clock, open: async () => broker, ...options });

  it('appends lines on a pipe, with one header', async () => {
    const { stdout, stderr, exitCode } = await watch(['--count', '2']);
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(clock.sleeps).toEqual([2000]);
    const at = (ms: number): string => formatTime(START_MS + ms);
    expect(stdout).toBe([
      'TIME\tGROUP\tTOPIC\tLAG\tBEHIND\tIN\tOUT\tBACKLOG',
      `${at(0)}\tbilling\t-\t100\t0ms\tunknown\tunknown\tunknown`,
      `${at(0)}\tbilling\tOrders\t100\t0ms\tunknown\tunknown\tunknown`,
      `${at(2000)}\tbilling\t-\t80\t2s\t2/s\t12/s\tgone in about 8s`,
      `${at(2000)}\tbilling\tOrders\t80\t2s\t2/s\t12/s\tgone in about 8s`,
      '',
    ].join('\n'));
  });

  it('appends a document a line with --json, on a terminal too', async () => {
    for (const tty of [false, true]) {
      const { stdout } = await watch(['--json', '--count', '3', '--interval', '500ms'], { tty });
      const documents = stdout.trim().split('\n').map((line) => JSON.parse(line) as unknown);
      expect(documents).toHaveLength(3);
      expect(stdout).not.toContain('\u001b');
    }
    expect(clock.sleeps).toEqual([500, 500, 500, 500]);
  });

  it('the documents say how far it is, queue by queue', async () => {
    const { stdout } = await watch(['--json', '--count', '2']);
    expect(JSON.parse(stdout.trim().split('\n')[1]!)).toEqual({
      timestamp: START_MS + 2000, group: 'billing', members: 0, lag: 80, lagMs: 2000, inPerSecond: 2, outPerSecond: 12, backlog: 'shrinking', goneInSeconds: 8,
      topics: [{
        topic: 'Orders', instance: null, lag: 80, lagMs: 2000, inPerSecond: 2, outPerSecond: 12, backlog: 'shrinking', goneInSeconds: 8,
        queues: [{ brokerName: 'broker-a', queueId: 0, committedOffset: 24, minOffset: 0, maxOffset: 104, clientId: null, lag: 80, lagMs: 2000, inPerSecond: 2, outPerSecond: 12, backlog: 'shrinking', goneInSeconds: 8 }],
      }],
    });
  });

  it('draws over what it drew on a terminal, and gives the cursor back', async () => {
    const { stdout, exitCode } = await watch(['--count', '3'], { tty: true });
    expect(exitCode).toBe(0);
    expect(stdout.startsWith('\u001b[?25l\u001b[H\u001b[2J')).toBe(true);
    expect(stdout.endsWith('\u001b[J\u001b[?25h')).toBe(true);
    const frames = stdout.split('\u001b[H').slice(2).map((frame) => frame.replaceAll(/\u001b\[[0-9;?]*[A-Za-z]/g, '').split('\n').map((line) => line.trimEnd()));
    expect(frames).toHaveLength(3);
    expect(frames[2]![1]).toBe('backlog gone in about 6s');
    expect(frames[2]![2]).toMatch(/^GROUP \/ TOPIC \/ QUEUE .* LAG +BEHIND +IN +OUT +GONE IN +MEMBERS +TREND$/);
    expect(frames[2]!.slice(3, 6)).toEqual([
      expect.stringMatching(/^billing +60 +4s +2\/s +12\/s +6s +0 +█▇▅$/), expect.stringMatching(/^ {2}Orders +60 +4s +2\/s +12\/s +6s +█▇▅$/), expect.stringMatching(/^ {4}0 +48 +60 +4s +2\/s +12\/s +6s +█+$/),
    ]);
  });

  it('colours are left out where nobody wants them, the drawing stays', async () => {
    expect((await watch(['--count', '1'], { tty: true })).stdout).toMatch(/\u001b\[1m/);
    const plain = (await watch(['--count', '1'], { tty: true, env: { NO_COLOR: '1' } })).stdout;
    expect(plain).toContain('\u001b[H');
    expect(plain).not.toMatch(/\u001b\[[0-9;]*m/);
  });

  it('counts what does not fit on the screen', async () => {
    await broker.createTopic('Wide', { readQueueNums: 60, writeQueueNums: 60 });
    for (let queueId = 0; queueId < 60; queueId++) broker.store.setOffset('billing', { ...QUEUE, topic: 'Wide', queueId }, 0);
    const { stdout } = await watch(['--count', '1'], { tty: true });
    const lines = stdout.split('\u001b[H')[2]!.split('\n');
    // The last of 24 lines stays free.
    expect(lines).toHaveLength(24);
    expect(lines[22]).toContain('and 45 more rows');
  });

  it('keeps what it knows while a broker does not answer, on a terminal', async () => {
    const committedOffsets = broker.committedOffsets.bind(broker);
    clock.between = (time) => {
      broker.committedOffsets = time === 1 ? async () => { throw new MqliteError('UNREACHABLE', 'broker-a does not answer'); } : committedOffsets;
    };
    const drawn = await watch(['--count', '3'], { tty: true });
    expect(drawn.exitCode).toBe(0);
    const frames = drawn.stdout.split('\u001b[H').slice(2);
    expect(frames.map((frame) => frame.includes('2s old: broker-a does not answer'))).toEqual([false, true, false]);
    expect(frames.every((frame) => frame.includes('Orders'))).toBe(true);
    clock.sleeps.length = 0;
    const piped = await watch(['--count', '3']);
    expect([piped.exitCode, piped.stderr]).toEqual([4, expect.stringContaining('broker-a does not answer')]);
  });

  it('ends when the group is deleted, with the cursor back', async () => {
    clock.between = async () => { await broker.deleteGroup('billing'); };
    const { stdout, stderr, exitCode } = await watch([], { tty: true });
    expect([exitCode, stderr]).toEqual([3, expect.stringContaining('group "billing" is not in')]);
    expect(stdout.endsWith('\u001b[?25h')).toBe(true);
  });

  it('names what is wrong with its flags', async () => {
    expect(errorOf(await watch(['--interval', '50ms', '--json']))).toMatchObject({ code: 'USAGE', message: '--interval 50ms: less than 100ms' });
    expect((await watch(['--interval', 'soon'])).exitCode).toBe(2);
    expect((await watch(['--sample', '1s'])).exitCode).toBe(2);
    expect((await runCommand(GroupsShow, ['billing', '--interval', '1s'], { open: async () => broker })).exitCode).toBe(2);
    expect(errorOf(await runCommand(GroupsShow, ['biling', '--watch', '--json'], { open: async () => broker }))).toMatchObject({ code: 'GROUP_NOT_FOUND', hint: expect.stringContaining('billing') });
  });
});
