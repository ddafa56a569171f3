import { beforeEach, describe, expect, it } from 'vitest';
import type { BrokerAddress, BrokerInfo, ClusterAdmin } from '../../src/broker/cluster-admin.ts';
import BrokerConfigGet from '../../src/commands/broker/config/get.ts';
import BrokerConfigSet from '../../src/commands/broker/config/set.ts';
import ClusterList from '../../src/commands/cluster/list.ts';
import ClusterShow from '../../src/commands/cluster/show.ts';
import { errorOf, runCommand } from '../support/fake/run.ts';
import type { CommandClass, RunResult } from '../support/fake/run.ts';
import { FakeBroker } from '../support/fake-broker.ts';

const STATS = {
  version: 'V5_5_0', bootTimestamp: Date.parse('2026-01-31T12:00:00Z'), messagesInPerSecond: 12.34, messagesOutPerSecond: 4321.6, diskUsedRatio: 0.417,
  commitLogMinOffset: 1024, commitLogMaxOffset: 3 * 1024 * 1024, earliestStoreTimestamp: null, dispatchBehindBytes: 0, properties: { runtime: '[ 1 days ]', putTps: '12.34 1 0' },
};
const master: BrokerInfo = { clusterName: 'c1', brokerName: 'broker-a', brokerId: 0, address: '10.0.0.1:10911', stats: STATS, problem: null };
const slave: BrokerInfo = { ...master, brokerId: 1, address: '10.0.0.2:10911', stats: null, problem: 'broker broker-a: 10.0.0.2:10911 cannot be reached' };
const other: BrokerInfo = { ...master, brokerName: 'broker-b', address: '10.0.0.3:10911', stats: { ...STATS, version: null, diskUsedRatio: null, messagesInPerSecond: null } };

/** A cluster in memory; `obeys` false: it takes settings and keeps what it has. */
class FakeCluster implements ClusterAdmin {
  all = [master, other];
  settings: Record<string, string> = { fileReservedTime: '72', flushDiskType: 'ASYNC_FLUSH', 'odd\u001b': 'x' };
  told: Readonly<Record<string, string>>[] = [];
  asked: BrokerAddress[] = [];
  obeys = true;

  async brokers(): Promise<BrokerInfo[]> {
    return this.all;
  }

  absent(): string[] {
    return [];
  }

  async config(broker: BrokerAddress): Promise<Record<string, string>> {
    this.asked.push(broker);
    return { ...this.settings };
  }

  async configure(broker: BrokerAddress, settings: Readonly<Record<string, string>>): Promise<void> {
    this.asked.push(broker);
    this.told.push(settings);
    if (this.obeys) this.settings = { ...this.settings, ...settings };
  }
}

describe('the brokers of a cluster', () => {
  let cluster: FakeCluster;
  beforeEach(() => {
    cluster = new FakeCluster();
  });
  const run = (command: CommandClass, argv: readonly string[], tty = false): Promise<RunResult> =>
    runCommand(command, [...argv, '--namesrv', 'n:9876'], { tty, open: async ({ mode }) => new FakeBroker({ kind: 'remote', target: 'n:9876', mode, cluster }) });

  it.each([[ClusterList, []], [ClusterShow, ['b']], [BrokerConfigGet, ['b']], [BrokerConfigSet, ['b', 'a=1']]] as [CommandClass, string[]][])('%o is refused on a store directory, which is not opened', async (command, argv) => {
    const result = await runCommand(command, [...argv, '--store', '/s']);
    expect([result.exitCode, result.requests]).toEqual([2, []]);
    expect(result.stderr).toContain('works on a cluster, not on a store directory (/s)');
  });

  it.each([
    // Without a file a broker tells -1, which the port has as null.
    [null, 0, '0 B'], [-1, 0, '0 B'], [0, 0, '0 B'], [4096, 4096, '0 B'], [0, 2048, '2 KiB'], [null, 2048, 'unknown'], [0, null, 'unknown'], [null, null, 'unknown'],
  ])('a log from %s to %s is one of %s', async (commitLogMinOffset, commitLogMaxOffset, size) => {
    cluster.all = [{ ...master, stats: { ...STATS, commitLogMinOffset, commitLogMaxOffset } }];
    expect((await run(ClusterList, [])).stdout.split('\n')[1]!.split('\t')[7]).toBe(size);
    expect((await run(ClusterShow, ['broker-a'])).stdout).toContain(`commit log      ${size}, disk 42 % full`);
  });

  it('list shows them all; what is not known is unknown', async () => {
    const { stdout, exitCode } = await run(ClusterList, []);
    expect(exitCode).toBe(0);
    expect(stdout.split('\n').map((line) => line.split('\t'))).toMatchObject([
      ['CLUSTER', 'BROKER', 'ID', 'ADDRESS', 'VERSION', 'IN/S', 'OUT/S', 'LOG', 'DISK', 'UP SINCE'],
      ['c1', 'broker-a', '0', '10.0.0.1:10911', 'V5_5_0', '12.3', '4322', '3 MiB', '42 %', expect.stringContaining('2026') as string],
      ['c1', 'broker-b', '0', '10.0.0.3:10911', 'unknown', 'unknown', '4322', '3 MiB', 'unknown', expect.stringContaining('2026') as string],
      [''],
    ]);
    expect((await run(ClusterList, ['--json'])).json).toEqual({ brokers: [master, other], truncated: false });
  });

  it('list ends 1 when one does not answer, and shows the others', async () => {
    cluster.all = [master, slave];
    const { stdout, stderr, exitCode } = await run(ClusterList, []);
    expect([exitCode, stdout.split('\n')]).toMatchObject([1, [expect.anything(), expect.stringContaining('V5_5_0') as string, expect.stringContaining('no answer') as string, '']]);
    expect(stderr).toContain('1 of 2 brokers did not answer: broker-a:1; broker broker-a: 10.0.0.2:10911 cannot be reached');
    const json = await run(ClusterList, ['--json']);
    expect([json.exitCode, json.json, errorOf(json).code]).toEqual([1, { brokers: [master, slave], truncated: false }, 'VERDICT']);
  });

  it('show finds a broker by name, name and id, or address', async () => {
    cluster.all = [slave, master, other];
    for (const [text, expected] of [['broker-a', master], ['broker-a:0', master], ['10.0.0.3:10911', other], ['broker-b', other]] as const) {
      expect((await run(ClusterShow, [text, '--json'])).json).toEqual(expected);
    }
    expect((await run(ClusterShow, ['broker-a'])).stdout).toMatch(/^broker +broker-a, id 0 \(master\)\n[^]*commit log +3 MiB, disk 42 % full\n[^]* {2}putTps +12\.34 1 0\n/);
    expect(await run(ClusterShow, ['broker-a:1'])).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('(slave)') as string });
    expect(await run(ClusterShow, ['broker-c'])).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('there is no broker "broker-c"') as string });
  });

  it('config get shows all settings or those named', async () => {
    expect((await run(BrokerConfigGet, ['broker-a'])).stdout).toBe('fileReservedTime=72\nflushDiskType=ASYNC_FLUSH\nodd\u001b=x\n');
    expect((await run(BrokerConfigGet, ['broker-a', 'odd\u001b'], true)).stdout).not.toContain('\u001b=');
    expect((await run(BrokerConfigGet, ['broker-a', 'flushDiskType', '--json'])).json).toEqual({ brokerName: 'broker-a', brokerId: 0, address: '10.0.0.1:10911', config: { flushDiskType: 'ASYNC_FLUSH' } });
    expect(await run(BrokerConfigGet, ['broker-a', 'flushDiskTyp'])).toMatchObject({ exitCode: 3, stdout: '', stderr: expect.stringContaining('flushDiskType') as string });
  });

  it('config set plans, and with --execute does it and reads it back', async () => {
    const plan = await run(BrokerConfigSet, ['broker-b', 'fileReservedTime=48', 'flushDiskType=ASYNC_FLUSH']);
    expect(plan.stdout).toBe('target: cluster n:9876 (--namesrv), broker broker-b:0 (10.0.0.3:10911)\nSETTING\tNOW\tTHEN\nfileReservedTime\t72\t48\n');
    expect([plan.exitCode, plan.stderr, cluster.settings['fileReservedTime'], plan.requests[0]!.mode]).toEqual([0, 'mqlite: nothing was changed; add --execute to do it\n', '72', 'read']);
    const done = await run(BrokerConfigSet, ['broker-b', 'fileReservedTime=48', '--execute', '--json']);
    expect(done.json).toEqual({
      target: 'cluster n:9876 (--namesrv)', brokerName: 'broker-b', brokerId: 0, address: '10.0.0.3:10911', executed: true, verified: true,
      settings: [{ name: 'fileReservedTime', value: '72', newValue: '48' }],
    });
    expect([cluster.settings['fileReservedTime'], done.requests[0]!.mode, new Set(cluster.asked.map(({ address }) => address))]).toEqual(['48', 'write', new Set(['10.0.0.3:10911'])]);
    expect(await run(BrokerConfigSet, ['broker-b', 'fileReservedTime=48', '--execute'])).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('has these settings already') as string });
  });

  it('config set says no success for what the broker did not take', async () => {
    cluster.obeys = false;
    const { exitCode, stdout, stderr } = await run(BrokerConfigSet, ['broker-a', 'fileReservedTime=48', '--execute']);
    expect([exitCode, stdout.includes('changed')]).toEqual([1, false]);
    expect(stderr).toContain('the broker has fileReservedTime=72 after it was told 48');
  });

  it.each([
    [[], 2, 'no setting to change'],
    [['fileReservedTime'], 2, '"fileReservedTime" is no setting'],
    [['=1'], 2, '"=1" is no setting'],
    [['fileReservedTime=1', 'fileReservedTime=2'], 2, 'given twice'],
    [['fileReservdTime=1'], 3, 'the broker has no setting "fileReservdTime"'],
  ])('config set refuses %j', async (pairs, exitCode, words) => {
    const result = await run(BrokerConfigSet, ['broker-a', ...pairs, '--execute']);
    expect([result.exitCode, result.stdout]).toEqual([exitCode, '']);
    expect(result.stderr).toContain(words);
    expect(cluster.settings['fileReservedTime']).toBe('72');
  });

  describe('config set and the kind of the present value', () => {
    beforeEach(() => {
      cluster.settings = { fileReservedTime: '72', ratio: '0.8', traceOn: 'false', osPageCacheBusyTimeOutMills: '-1', deleteWhen: '10', bindAddress: '0.0.0.0', namesrvAddr: '', brokerName: '7' };
    });

    it.each([
      ['fileReservedTime=abc', 'fileReservedTime is a whole number (now 72)'], ['fileReservedTime=', 'a whole number'], ['fileReservedTime=1.5', 'a whole number'], ['fileReservedTime=true', 'a whole number'],
      ['osPageCacheBusyTimeOutMills=-', 'a whole number (now -1)'], ['traceOn=1', 'traceOn is true or false (now false)'], ['traceOn=TRUE', 'true or false'], ['ratio=much', 'ratio is a number (now 0.8)'],
    ])('refuses %s before anything is sent', async (pair, words) => {
      for (const more of [[], ['--execute']]) {
        const result = await run(BrokerConfigSet, ['broker-a', 'deleteWhen=11', pair, ...more]);
        expect([result.exitCode, result.stdout, result.stderr.split('\n').length, cluster.told]).toEqual([2, '', 2, []]);
        expect(result.stderr).toContain(words);
      }
    });

    it.each(['fileReservedTime=-48', 'traceOn=true', 'ratio=1', 'ratio=0.75', 'deleteWhen=04;16', 'bindAddress=host', 'namesrvAddr=1', 'brokerName=b'])('takes %s', async (pair) => {
      expect(await run(BrokerConfigSet, ['broker-a', pair, '--execute'])).toMatchObject({ exitCode: 0 });
      expect(cluster.told).toEqual([Object.fromEntries([pair.split('=')])]);
    });
  });

  it('config set knows a fraction again as Java writes it', async () => {
    cluster.settings = { ratio: '0.8' };
    cluster.configure = async (_, settings) => {
      cluster.settings = { ...cluster.settings, ...Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, value.includes('.') ? value : `${value}.0`])) };
    };
    expect(await run(BrokerConfigSet, ['broker-a', 'ratio=1', '--execute'])).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('read back and right') as string });
    expect(await run(BrokerConfigSet, ['broker-a', 'ratio=1.00'])).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('has these settings already') as string });
  });

  it('config set under --read-only is a usage error', async () => {
    expect(await run(BrokerConfigSet, ['broker-a', 'fileReservedTime=48', '--execute', '--read-only'])).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--read-only') as string });
  });
});
