import { expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { BrokerListJson } from '../../src/cli/commands/brokers.ts';
import { openRemoteBroker } from '../../src/remote/open.ts';
import type { LogRow } from '../../src/tui/rows.ts';
import { LogsReader } from '../../src/tui/sources/logs-reader.ts';
import { Cluster } from './support/cluster.ts';
import { mqliteOnCluster, runOnCluster } from './support/remote-cli.ts';
import { describeInterop } from './support/suite.ts';

/** What the view reads of two logs: back to the start, in the order of store time, and what comes then; RocketMQ's own topics are no hindrance. */
async function logInView(namesrv: string, produce: () => Promise<unknown>): Promise<void> {
  const broker = await openRemoteBroker({ nameServers: [namesrv], mode: 'read' });
  const reader = new LogsReader({ broker, clock: systemClock, topics: [], filter: null, onDamage: () => undefined });
  const { signal } = new AbortController();
  try {
    await reader.begin({ at: 'last' }, signal);
    const rows = await reader.older(1000, signal) as LogRow[];
    const logged = rows.filter(({ record }) => record?.topic === 'Logged');
    expect(logged).toHaveLength(12);
    expect(new Set(logged.map(({ record }) => record!.brokerName))).toEqual(new Set(['broker-a', 'broker-b']));
    const times = rows.map(({ storeTimestamp }) => storeTimestamp!);
    expect(times).toEqual([...times].sort((left, right) => left - right));
    await produce();
    await expect.poll(async () => (await reader.arrivals(500)).rows().some(({ record }) => record?.topic === 'Logged'), { timeout: 30_000 }).toBe(true);
  } finally {
    reader.close();
    await broker.close();
  }
}

describeInterop('brokers of a cluster', () => {
  it('are listed, shown and configured; one that does not answer is said to be silent', async () => {
    const cluster = await Cluster.start({ brokers: [{ name: 'broker-a' }, { name: 'broker-b' }] });
    const run = (...args: string[]) => runOnCluster([...args, '--namesrv', cluster.namesrv]);
    try {
      const [a, b] = [cluster.broker('broker-a').address, cluster.broker('broker-b').address];
      const list = await run('cluster', 'list', '--json');
      expect(list, list.stderr).toMatchObject({ code: 0, stderr: '' });
      const { brokers } = JSON.parse(list.stdout) as BrokerListJson;
      expect(brokers).toMatchObject([
        { clusterName: 'DefaultCluster', brokerName: 'broker-a', brokerId: 0, address: a, problem: null, stats: { version: 'V5_5_0', dispatchBehindBytes: 0, properties: { brokerVersionDesc: 'V5_5_0' } } },
        { clusterName: 'DefaultCluster', brokerName: 'broker-b', brokerId: 0, address: b, problem: null },
      ]);
      for (const { stats } of brokers) {
        expect(Math.abs(Date.now() - stats!.bootTimestamp!)).toBeLessThan(300_000);
        expect(stats!.commitLogMaxOffset).toBeGreaterThanOrEqual(0);
        // A broker has no rates before it has counted for a while, and an empty log begins nowhere: then they are unknown, and not 0.
        for (const name of ['messagesInPerSecond', 'messagesOutPerSecond'] as const) if (stats![name] !== null) expect(stats![name], name).toBeGreaterThanOrEqual(0);
      }
      const table = await run('cluster', 'list');
      expect(table.stdout.split('\n').map((line) => line.split('\t').slice(0, 5).join(' '))).toEqual(['CLUSTER BROKER ID ADDRESS VERSION', `DefaultCluster broker-a 0 ${a} V5_5_0`, `DefaultCluster broker-b 0 ${b} V5_5_0`, '']);
      expect((await run('cluster', 'show', 'broker-b')).stdout).toMatch(new RegExp(`^address +${b}$`, 'm'));

      expect(await run('broker', 'config', 'get', 'broker-a', 'fileReservedTime')).toMatchObject({ code: 0, stdout: 'fileReservedTime=100000\n' });
      expect(await run('broker', 'config', 'set', 'broker-a', 'fileReservedTime=48')).toMatchObject({ code: 0, stderr: 'mqlite: nothing was changed; add --execute to do it\n' });
      expect((await run('broker', 'config', 'get', 'broker-a', 'fileReservedTime')).stdout).toBe('fileReservedTime=100000\n');
      expect(await run('broker', 'config', 'set', 'broker-a', 'fileReservedTime=48', '--execute')).toMatchObject({ code: 0, stdout: expect.stringContaining('changed 1 setting, read back and right') as string });
      expect((await run('broker', 'config', 'get', 'broker-a', 'fileReservedTime')).stdout).toBe('fileReservedTime=48\n');
      expect((await run('broker', 'config', 'get', 'broker-b', 'fileReservedTime')).stdout).toBe('fileReservedTime=100000\n');
      expect(await run('broker', 'config', 'set', 'broker-a', 'noSuchSetting=1', '--execute')).toMatchObject({ code: 3 });
      expect(await run('broker', 'config', 'set', 'broker-a', 'fileReservedTime=soon', '--execute')).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('a whole number (now 48)') as string });
      expect(await run('broker', 'config', 'set', 'broker-a', 'flushDiskType=SOMETIMES', '--execute')).toMatchObject({ code: expect.not.toSatisfy((code: unknown) => code === 0) as number });

      // Each broker has a log of its own: they are shown as one, by store time, and followed.
      expect(await run('topics', 'create', 'Logged', '--queues', '2')).toMatchObject({ code: 0 });
      const produced = await runOnCluster(['produce', 'Logged', '--batch', '1', '--in-flight', '1', '--namesrv', cluster.namesrv], { input: Array.from({ length: 12 }, (_, index) => `m${index}\n`).join('') });
      expect(produced, produced.stderr).toMatchObject({ code: 0 });
      const logOf = async (...words: string[]) => (await run('tail', '--commitlog', ...words, '--until-end', '--json', '--body')).stdout.trim().split('\n').filter((line) => line !== '')
        .map((line) => JSON.parse(line) as { topic?: string; body?: string; brokerName: string; storeTimestamp: number }).filter(({ topic }) => topic === 'Logged');
      const logged = await logOf('--from', 'first');
      expect(logged.map(({ body }) => body)).toEqual(Array.from({ length: 12 }, (_, index) => `m${index}`));
      expect(new Set(logged.map(({ brokerName }) => brokerName))).toEqual(new Set(['broker-a', 'broker-b']));
      expect((await logOf('--from=-3')).map(({ body }) => body)).toEqual(['m9', 'm10', 'm11']);
      expect(await run('tail', '--commitlog', '--from', '0', '--until-end')).toMatchObject({ code: 5, stderr: expect.stringContaining('the cluster has 2') as string });
      await logInView(cluster.namesrv, () => run('produce', 'Logged', 'seen'));
      const follower = mqliteOnCluster(['tail', '--commitlog', 'Logged', '--body', '--count', '2', '--namesrv', cluster.namesrv]);
      // It starts at the end, whenever that is: what is stored meanwhile is sent until it has seen enough.
      while (follower.exit === null) await run('produce', 'Logged', 'later');
      expect(follower.exit, follower.stderr).toMatchObject({ code: 0 });
      expect(follower.stdout).toMatch(/^broker-[ab] .*later$/m);

      // Each broker numbers its queues from 0.
      const cells = async (...words: string[]) => (await run(...words)).stdout.split('\n').filter((line) => line.includes('\t')).map((line) => line.split('\t'));
      const queues = [['broker-a', '0'], ['broker-a', '1'], ['broker-b', '0'], ['broker-b', '1']];
      expect((await cells('topics', 'show', 'Logged')).map((row) => row.slice(0, 2))).toEqual([['BROKER', 'QUEUE'], ...queues]);
      expect((await cells('message', 'find', 'Logged', '--from', '0'))[0]!.slice(0, 4)).toEqual(['STORED', 'BROKER', 'QUEUE', 'OFFSET']);
      expect((await run('produce', 'Logged', 'one')).stderr).toMatch(/stored in Logged, queue [01] of broker-[ab], offset/);
      expect(await run('groups', 'create', 'billing')).toMatchObject({ code: 0 });
      expect((await cells('offsets', 'reset', 'billing', 'Logged', '--to', 'last', '--execute')).map((row) => row.slice(2, 4))).toEqual([['BROKER', 'QUEUE'], ...queues]);
      const exported = (await run('offsets', 'export', 'billing')).stdout;
      await run('offsets', 'reset', 'billing', 'Logged', '--to', 'first', '--execute');
      expect(await runOnCluster(['offsets', 'import', '-', '--execute', '--namesrv', cluster.namesrv], { input: exported })).toMatchObject({ code: 0, stdout: expect.stringContaining('set 4 offsets, read back and right') as string });
      expect((await run('offsets', 'export', 'billing')).stdout).toBe(exported);
      expect((await cells('delay', 'levels')).map(([level]) => level)).toEqual(['LEVEL', ...Array.from({ length: 18 }, (_, index) => String(index + 1))]);

      // A broker is no name server.
      for (const words of [['cluster', 'list'], ['produce', 'Logged', 'x']]) {
        expect(await runOnCluster([...words, '--namesrv', b])).toMatchObject({ code: 7, stdout: '', stderr: expect.stringContaining(`${b} is a broker`) as string });
      }

      // Alive and deaf: of one that died the name server forgets at once.
      process.kill(cluster.broker('broker-b').pid, 'SIGSTOP');
      const partial = await run('cluster', 'list');
      process.kill(cluster.broker('broker-b').pid, 'SIGCONT');
      expect([partial.code, partial.stdout.split('\n')[2]], partial.stderr).toEqual([1, expect.stringContaining('no answer')]);
      expect(partial.stderr).toContain(b);
    } finally {
      await cluster.end();
    }
  });

  it('a name server that is not there: exit 4 in time, one line', async () => {
    for (const args of [['cluster', 'list'], ['topics', 'list']]) {
      const { code, stdout, stderr, elapsedMs } = await runOnCluster([...args, '--namesrv', '127.0.0.1:1']);
      expect([code, stdout]).toEqual([4, '']);
      expect(stderr).toContain('127.0.0.1:1');
      expect(elapsedMs).toBeLessThan(5000);
    }
  });
});
