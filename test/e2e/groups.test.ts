import { setTimeout as sleep } from 'node:timers/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/fixtures.ts';
import type { Child } from '../support/processes.ts';
import { idleShares, jsonLines, outputOf, runCli, startCli } from '../support/processes.ts';

/** Figures about mqlite, not about a machine whose processors are busy with other things at that moment. */
const timing = { retry: 3 };

interface Shown {
  readonly members: readonly { readonly pid: number; readonly queues: readonly { readonly queueId: number }[] }[];
}

const newStore = (queues: number): string => {
  const store = path.join(temporaryDirectory('e2e'), 'store');
  outputOf(['store', 'init'], { store });
  outputOf(['topics', 'create', 't', '--queues', String(queues)], { store });
  outputOf(['groups', 'create', 'g'], { store });
  return store;
};

const member = (store: string, ...args: string[]): Child => startCli(['consume', 't', '--group', 'g', '--format', '%p %o %v\\n', ...args], { store });
const shown = (store: string): Shown => JSON.parse(outputOf(['groups', 'show', 'g', '--json'], { store })) as Shown;
const shares = (store: string): number[] => shown(store).members.map(({ queues }) => queues.length).sort((left, right) => left - right);

async function until(test: () => boolean, what: string, timeoutMs = 10_000): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; !test(); await sleep(20)) if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
}

async function end(...children: readonly Child[]): Promise<void> {
  for (const child of children) child.kill('SIGTERM');
  for (const child of children) expect(await child.finish()).toMatchObject({ code: 143 });
}

describe('members of a group in processes of their own', () => {
  it.each([[[]], [['--orderly']]])('three share the queues; one is killed, and within 1 s the others have its queues: nothing is lost %j', timing, async (args) => {
    const store = newStore(6);
    const members = [member(store, ...args), member(store, ...args), member(store, ...args)];
    await until(() => shares(store).join() === '2,2,2', 'two queues each');
    outputOf(['produce', 't'], { store, input: Array.from({ length: 60 }, (_, index) => `before-${index}\n`).join('') });
    await until(() => members.reduce((sum, { lines }) => sum + lines.length, 0) === 60, 'the first messages');
    const victim = members[0]!;
    const lost = shown(store).members.find(({ pid }) => pid === victim.pid)!.queues.map(({ queueId }) => queueId);
    expect(lost).toHaveLength(2);
    const producer = startCli(['produce', 't', '--json-input', '--keep-queue'], { store });
    victim.kill('SIGKILL');
    const killedNs = process.hrtime.bigint();
    producer.end(lost.map((queueId) => `${JSON.stringify({ body: 'after', queueId })}\n`).join(''));
    expect(await producer.finish()).toEqual({ code: 0, signal: null });
    const survivors = members.slice(1);
    const arrived = (): bigint[] => survivors.flatMap(({ lines, arrivedNs }) => arrivedNs.filter((_, index) => lines[index]!.endsWith(' after')));
    await until(() => arrived().length === 2, 'what was produced after the kill');
    const tookMs = Number(arrived().reduce((latest, time) => (time > latest ? time : latest)) - killedNs) / 1e6;
    process.stderr.write(`rebalance after a kill: ${Math.round(tookMs)} ms, with a process that produces\n`);
    expect(tookMs).toBeLessThan(1000);
    // At least once: what the victim had not committed comes again.
    const all = members.flatMap(({ lines }) => lines.map((line) => line.split(' ').slice(0, 2).join(' ')));
    expect(new Set(all).size).toBe(62);
    const mine = survivors.flatMap(({ lines }) => lines.map((line) => line.split(' ').slice(0, 2).join(' ')));
    expect(new Set(mine).size).toBe(mine.length);
    await end(...survivors);
    expect(outputOf(['consume', 't', '--group', 'g', '--until-end'], { store })).toBe('');
  });

  it('a member that leaves hands over at once; one that comes gets its share; nobody sees a message of another', async () => {
    const store = newStore(4);
    const first = member(store);
    await until(() => shares(store).join() === '4', 'all queues');
    outputOf(['produce', 't'], { store, input: Array.from({ length: 40 }, (_, index) => `a${index}\n`).join('') });
    await first.until(() => first.lines.length === 40, 'all messages');
    const second = member(store);
    await until(() => shares(store).join() === '2,2', 'half of the queues each');
    outputOf(['produce', 't'], { store, input: Array.from({ length: 40 }, (_, index) => `b${index}\n`).join('') });
    await until(() => first.lines.length + second.lines.length === 80, 'all of the second batch');
    expect([first.lines.length, second.lines.length]).toEqual([60, 20]);
    await end(first);
    outputOf(['produce', 't'], { store, input: 'c0\nc1\nc2\nc3\n' });
    await second.until(() => second.lines.length === 24, 'the third batch', 3000);
    await end(second);
    const { groups } = JSON.parse(outputOf(['groups', 'list', '--json'], { store })) as { groups: { group: string; members: number }[] };
    expect(groups).toMatchObject([{ group: 'g', members: 0 }]);
  });

  it('a run that ends at the end waits for its share of the queues', async () => {
    const store = newStore(2);
    const first = member(store);
    await until(() => shares(store).join() === '2', 'both queues');
    outputOf(['produce', 't'], { store, input: 'a\nb\n' });
    await first.until(() => first.lines.length === 2, 'both messages');
    const second = startCli(['consume', 't', '--group', 'g', '--until-end', '--json'], { store });
    expect(await second.finish()).toEqual({ code: 0, signal: null });
    expect(jsonLines(second.lines.join('\n'))).toEqual([]);
    await until(() => shares(store).join() === '2', 'the queue comes back');
    await end(first);
  });

  it('a reset is obeyed by the live member that has the queue, within 1 s', timing, async () => {
    const store = newStore(2);
    const members = [member(store), member(store, '--concurrency', '1')];
    await until(() => shares(store).join() === '1,1', 'a queue each');
    const other = startCli(['consume', 't', '--group', 'g', '--tag', 'x'], { store });
    expect(await other.finish()).toMatchObject({ code: 5 });
    expect(other.stderr).toMatch(/127\.0\.0\.1@\d+#\w+ \(process \d+\) filters t by "\*", 127\.0\.0\.1@\d+#\w+ \(this one\) by "x"/);
    outputOf(['produce', 't'], { store, input: 'a\nb\nc\nd\n' });
    await until(() => members.every(({ lines }) => lines.length === 2), 'two messages each');
    outputOf(['offsets', 'reset', 'g', 't', '--to', 'first', '--execute'], { store });
    const started = Date.now();
    await until(() => members.every(({ lines }) => lines.length === 4), 'both again');
    expect(Date.now() - started).toBeLessThan(1000);
    await end(...members);
  });

  it.each([[[]], [['--orderly']]])('an idle member among others hardly uses a processor %j', async (args) => {
    const store = newStore(8);
    const members = [member(store, ...args), member(store, ...args)];
    await until(() => shares(store).join() === '4,4', 'four queues each');
    const used = (await idleShares(members.map(({ pid }) => pid))).map((share) => share * 100);
    await end(...members);
    process.stderr.write(`idle members: ${used.map((percent) => percent.toFixed(2)).join(' % and ')} %\n`);
    for (const percent of used) expect(percent).toBeLessThanOrEqual(1);
  });

  it('broadcasting: everybody gets everything; one instance is one process at a time', async () => {
    const store = newStore(2);
    const one = member(store, '--broadcast', '--instance', 'one');
    const two = member(store, '--broadcast', '--instance', 'two');
    await until(() => shares(store).join() === '2,2', 'every queue each');
    outputOf(['produce', 't'], { store, input: 'a\nb\n' });
    await until(() => one.lines.length === 2 && two.lines.length === 2, 'both messages each');
    const again = runCli(['consume', 't', '--group', 'g', '--broadcast', '--instance', 'one'], { store });
    expect([again.status, again.stderr]).toEqual([6, expect.stringContaining('instance one of group g') as string]);
    await end(one, two);
    outputOf(['produce', 't', 'c'], { store });
    expect(outputOf(['consume', 't', '--group', 'g', '--broadcast', '--instance', 'one', '--until-end'], { store })).toBe('c\n');
    expect(outputOf(['consume', 't', '--group', 'g', '--broadcast', '--instance', 'new', '--until-end'], { store }).split('\n')).toHaveLength(4);
    expect(runCli(['consume', 't', '--group', 'g', '--broadcast', '--instance', 'one', '--from', 'first'], { store }).status).toBe(2);
  });
});
