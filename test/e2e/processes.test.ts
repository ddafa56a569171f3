import { setTimeout as sleep } from 'node:timers/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/fixtures.ts';
import { bundleWorker, Child, cleanEnvironment, idleShares, outputOf, runCli, startCli, startWorker } from '../support/processes.ts';
import type { WorkerTask } from './workers/engine.ts';

let script: string;
beforeAll(() => {
  script = bundleWorker(path.join(import.meta.dirname, 'workers', 'engine.ts'));
});

/** Figures about mqlite, not about a machine whose processors are busy with other things at that moment. */
const timing = { retry: 3 };

const newStore = (): string => path.join(temporaryDirectory('e2e'), 'store');
const worker = (task: WorkerTask): Child => startWorker(script, task);
const ready = (child: Child): Promise<void> => child.until(() => child.lines.includes('{"ready":true}'), 'ready');
const answer = <T>(child: Child): T => JSON.parse(child.lines.at(-1)!) as T;

describe('two writers', () => {
  it('that flood one store each get at least 30 %', timing, async () => {
    const store = newStore();
    const floods = ['a', 'b'].map((topic) => worker({ op: 'flood', store, topic, ms: 3000, batch: 200 }));
    await Promise.all(floods.map(ready));
    for (const flood of floods) flood.end('go\n');
    for (const flood of floods) expect(await flood.finish()).toEqual({ code: 0, signal: null });
    const counts = floods.map((flood) => answer<{ count: number }>(flood).count);
    const total = counts[0]! + counts[1]!;
    expect(Math.min(...counts) / total, `${counts.join(' and ')} messages`).toBeGreaterThanOrEqual(0.3);
    for (const [index, topic] of ['a', 'b'].entries()) {
      const { queues } = JSON.parse(outputOf(['topics', 'show', topic, '--json'], { store })) as { queues: { maxOffset: number }[] };
      expect(queues.reduce((sum, queue) => sum + queue.maxOffset, 0)).toBe(counts[index]! + 200);
    }
    expect(runCli(['store', 'verify'], { store }).status).toBe(0);
  });

  it('of which one sends single messages: it is not starved by a flood', async () => {
    const store = newStore();
    const flood = worker({ op: 'flood', store, topic: 'flood', ms: 3000, batch: 1000 });
    const single = worker({ op: 'clock', store, topic: 'single', count: 100, intervalMs: 1 });
    await Promise.all([ready(flood), ready(single)]);
    flood.end('go\n');
    single.end('go\n');
    await single.finish();
    expect(flood.exit, 'the flood was over first').toBeNull();
    await flood.finish();
  });
});

describe('a follower in another process', () => {
  it.each([
    ['consume', ['consume', 'ticks']],
    ['tail', ['tail', 'ticks', '--format', String.raw`%v\n`]],
    ['consume --group', ['consume', 'ticks', '--group', 'g']],
  ])('%s prints a message at most 50 ms after it was sent (p99)', timing, async (_, args) => {
    const store = newStore();
    outputOf(['produce', 'ticks', 'first'], { store });
    const follower = startCli(args, { store });
    const sender = worker({ op: 'clock', store, topic: 'ticks', count: 300, intervalMs: 7 });
    await ready(sender);
    // The follower is known to follow once it has printed a message sent since it started.
    if (args[0] === 'consume') await follower.until(() => follower.lines.length === 1, 'the first message');
    else await sleep(700);
    sender.end('go\n');
    await sender.finish();
    await follower.until(() => follower.lines.length >= (args[0] === 'consume' ? 301 : 300), 'the last message', 5000);
    const delaysMs = follower.lines.map((line, index) => (line === 'first' ? 0 : Number(follower.arrivedNs[index]! - BigInt(line)) / 1e6)).sort((a, b) => a - b);
    expect(delaysMs[Math.floor(delaysMs.length * 0.99) - 1], `median ${delaysMs[150]!.toFixed(1)} ms, longest ${delaysMs.at(-1)!.toFixed(1)} ms`).toBeLessThanOrEqual(50);
    follower.kill('SIGINT');
    expect(await follower.finish()).toEqual({ code: 130, signal: null });
  });
});

describe('an attached process that has nothing to do', () => {
  it('uses at most 1 % of a processor, a writer, a follower, a log follower and a group member alike', async () => {
    const store = newStore();
    outputOf(['produce', 'quiet', 'first'], { store });
    const idle = worker({ op: 'idle', store });
    const others = [['consume', 'quiet'], ['tail', '--commitlog'], ['consume', 'quiet', '--group', 'g']].map((args) => startCli(args, { store }));
    await ready(idle);
    await Promise.all([0, 2].map((index) => others[index]!.until(() => others[index]!.lines.length === 1, 'the first message')));
    const used = (await idleShares([idle, ...others].map(({ pid }) => pid))).map((share) => share * 100);
    idle.end();
    await idle.finish();
    for (const child of others) {
      child.kill('SIGTERM');
      expect(await child.finish()).toEqual({ code: 143, signal: null });
    }
    expect(Math.max(...used), `${used.map((percent) => percent.toFixed(2)).join(' %, ')} %`).toBeLessThanOrEqual(1);
  });
});

describe('locks', () => {
  it('a process stopped with the write lock held: exit 6 after --lock-timeout, and all goes on when it does', async () => {
    const store = newStore();
    const holder = worker({ op: 'interrupted', store, topic: 't', before: 1, count: 50, bodyBytes: 100, at: 2, torn: false, signal: 'SIGSTOP' });
    await holder.until(() => holder.lines.length === 1, 'the first acknowledgement');
    await sleep(200);
    const started = Date.now();
    const refused = runCli(['produce', 't', 'x', '--lock-timeout', '500ms', '--json'], { store });
    expect({ status: refused.status, code: (JSON.parse(refused.stderr.trim().split('\n').at(-1)!) as { error: { code: string } }).error.code }).toEqual({ status: 6, code: 'LOCKED' });
    expect(Date.now() - started).toBeGreaterThanOrEqual(500);
    expect(Date.now() - started).toBeLessThan(5000);
    // Looking needs no lock.
    expect(outputOf(['consume', 't', '--until-end'], { store })).toBe('before-0\n');
    holder.kill('SIGCONT');
    expect(await holder.finish()).toEqual({ code: 0, signal: null });
    outputOf(['produce', 't', 'after'], { store });
    expect(outputOf(['consume', 't', '--until-end'], { store }).split('\n')).toHaveLength(53);
  });

  it('a lock like a JVM holds it: refused at once, with its pid; looking works', async () => {
    const store = newStore();
    outputOf(['produce', 't', 'first'], { store });
    const python = "import fcntl,os,sys\nf=os.open(sys.argv[1],os.O_RDWR)\nfcntl.lockf(f,fcntl.LOCK_EX,1)\nprint('locked',flush=True)\nsys.stdin.read()";
    const holder = new Child('python3', ['-c', python, path.join(store, 'lock')], cleanEnvironment());
    await holder.until(() => holder.lines.length === 1, 'the lock');
    const started = Date.now();
    const { status, stderr } = runCli(['produce', 't', 'second'], { store });
    expect(Date.now() - started).toBeLessThan(2000);
    expect({ status, stderr }).toEqual({ status: 6, stderr: expect.stringContaining(`(pid ${holder.pid})`) as string });
    expect(outputOf(['consume', 't', '--until-end'], { store })).toBe('first\n');
    expect(outputOf(['topics', 'list'], { store })).toContain('t');
    holder.end();
    await holder.finish();
    outputOf(['produce', 't', 'second'], { store });
  });

  it('a tool that has the store to itself: writers wait for it, and do not call it a broker', async () => {
    const store = newStore();
    outputOf(['produce', 't', 'first'], { store });
    // A lock as `store recover` and `store clean` hold it: of an open file description, which shows no pid.
    const python = "import fcntl,os,struct,sys\nf=os.open(sys.argv[1],os.O_RDWR)\nfcntl.fcntl(f,37,struct.pack('hhqqi4x',fcntl.F_WRLCK,0,0,1,0))\nprint('locked',flush=True)\nsys.stdin.read()";
    const holder = new Child('python3', ['-c', python, path.join(store, 'lock')], cleanEnvironment());
    await holder.until(() => holder.lines.length === 1, 'the lock');
    const { status, stderr } = runCli(['produce', 't', 'x', '--lock-timeout', '300ms'], { store });
    expect({ status, stderr }).toEqual({ status: 6, stderr: expect.not.stringContaining('broker') as string });
    const waiting = startCli(['produce', 't', 'second'], { store });
    await sleep(500);
    holder.end();
    expect(await waiting.finish()).toEqual({ code: 0, signal: null });
    expect(outputOf(['consume', 't', '--until-end'], { store }).split('\n').sort()).toEqual(['', 'first', 'second']);
  });
});
