import { writeFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import BenchConsume from '../../src/commands/bench/consume.ts';
import Config from '../../src/commands/config.ts';
import Consume from '../../src/commands/consume.ts';
import Produce from '../../src/commands/produce.ts';
import Tail from '../../src/commands/tail.ts';
import TopicsList from '../../src/commands/topics/list.ts';
import type { ConfigList } from '../../src/cli/config-list.ts';
import { SETTINGS } from '../../src/cli/settings-table.ts';
import { runCommand } from '../support/fake/run.ts';

describe('config', () => {
  it('lists every setting with default, value and effect, and opens nothing', async () => {
    const result = await runCommand(Config, ['--json', '-X', 'sendMsgTimeout=5']);
    const { settings } = result.json as ConfigList;
    expect(settings.map((row) => row.name)).toEqual(SETTINGS.map((setting) => setting.name));
    expect(settings.find((row) => row.name === 'sendMsgTimeout')).toMatchObject({ default: '3000', value: '5', applied: true });
    expect(settings.find((row) => row.name === 'useTLS')).toMatchObject({ default: 'false', value: null, applied: false, here: expect.stringContaining('--tls') as string });
    expect(result.requests).toEqual([]);
  });

  it('settings of clients go to clusters alone, from a profile, too', async () => {
    const settings = ['pollNameServerInterval=1000', 'heartbeatBrokerInterval=5000', 'mqClientApiTimeout=700', 'clientIP=10.1.2.3', 'unitName=u', 'namespaceV2=ns'].flatMap((pair) => ['-X', pair]);
    const { requests } = await runCommand(TopicsList, ['--namesrv', 'a:1', ...settings]);
    expect(requests[0]!.clientSettings).toEqual({ requestTimeoutMs: 700, routeAgeMs: 1000, heartbeatMs: 5000, clientIp: '10.1.2.3', unitName: 'u', namespace: 'ns' });
    expect((await runCommand(TopicsList, ['--namesrv', 'a:1'])).requests[0]!.clientSettings).toBeUndefined();
    const onStore = await runCommand(TopicsList, ['--store', '/s', '-X', 'unitName=u']);
    expect([onStore.exitCode, onStore.requests, onStore.stderr]).toEqual([2, [], 'mqlite: -X unitName has no effect on a store directory (/s)\n  It is for clusters: a directory is used without connections, name servers or heartbeats.\n']);
    const configDirectory = mkdtempSync(join(tmpdir(), 'mqlite-config-'));
    writeFileSync(join(configDirectory, 'profiles.json'), JSON.stringify({ active: 'p', profiles: { p: { namesrv: 'a:1', settings: { namespaceV2: 'ns' } } } }));
    expect((await runCommand(TopicsList, [], { configDirectory })).requests[0]!.clientSettings).toMatchObject({ namespace: 'ns', unitName: undefined });
  });

  it('is written so that a terminal does not break it', async () => {
    // The terminal of the tests has 120 columns: what all settings have to say takes more.
    expect((await runCommand(Config, [], { tty: true, env: { NO_COLOR: '1' } })).stdout).toContain('\nNAME          autoCommit\nJAVA DEFAULT  true\nVALUE         true\n');
    expect((await runCommand(Config, ['autoCommit'], { tty: true, env: { NO_COLOR: '1' } })).stdout).toMatch(/^┌/);
  });

  it('shows one; an unknown one gets the nearest', async () => {
    expect((await runCommand(Config, ['autoCommit'])).stdout).toBe('NAME\tJAVA DEFAULT\tVALUE\tMEANING\tHERE\nautoCommit\ttrue\ttrue\tcommit consumed offsets\tapplied: consume --group; false commits nothing\n');
    const unknown = await runCommand(Config, ['autocomit']);
    expect([unknown.exitCode, unknown.stderr]).toEqual([3, 'mqlite: there is no setting autocomit\n  Did you mean "autoCommit"?\n']);
  });

  it('takes the settings of the profile, and flags over them', async () => {
    const configDirectory = mkdtempSync(join(tmpdir(), 'mqlite-config-'));
    writeFileSync(join(configDirectory, 'profiles.json'), JSON.stringify({ active: 'p', profiles: { p: { store: '/s', settings: { sendMsgTimeout: '1', maxMessageSize: '2' } } } }));
    const { settings } = (await runCommand(Config, ['--json', '-X', 'maxMessageSize=3'], { configDirectory })).json as ConfigList;
    const value = (name: string) => settings.find((row) => row.name === name)!.value;
    expect([value('sendMsgTimeout'), value('maxMessageSize')]).toEqual(['1', '3']);
  });

  it('shows the value that counts where it is not the Java client\'s default', async () => {
    const rows = async (...argv: string[]) => ((await runCommand(Config, ['--json', ...argv])).json as ConfigList).settings;
    const shown = (await rows()).filter((row) => row.value !== null && row.value !== row.default).map((row) => [row.name, row.default, row.value]);
    expect(shown).toEqual([
      ['compressMsgBodyOverHowmuch', '4096', 'no compression'], ['compressType', 'ZLIB', 'no compression'],
      ['consumeFromWhere', 'CONSUME_FROM_LAST_OFFSET', 'CONSUME_FROM_FIRST_OFFSET'], ['consumeThreadMin', '20', '1'], ['consumeThreadMax', '20', '1'],
      ['pullThresholdForTopic', '-1', 'no limit'], ['pullThresholdSizeForTopic', '-1', 'no limit'], ['pullThresholdForAll', '10000', 'no limit'],
      ['pullBatchSize', '32', 'as much as is fast'], ['maxReconsumeTimes', '-1', 'what the group says'],
    ]);
    expect((await rows('-X', 'consumeThreadMin=3', 'consumeThreadMin'))[0]).toMatchObject({ default: '20', value: '3' });
  });
});

describe('a setting without effect in a command', () => {
  it.each([
    [Produce, ['t', 'x', '-X', 'pullBatchSize=1'], '-X pullBatchSize has no effect in this command, but in "consume" and "bench consume"'],
    [Consume, ['t', '-X', 'sendMsgTimeout=1'], '-X sendMsgTimeout has no effect in this command, but in "produce"'],
    [Consume, ['t', '-X', 'autoCommit=false'], '-X autoCommit has no effect without --group'],
    [Consume, ['t', '--group', 'g', '-X', 'consumeTimeout=1'], '-X consumeTimeout has no effect without --exec'],
    [Tail, ['t', '-X', 'autoCommit=false'], '-X autoCommit has no effect in this command, but in "consume"'],
    [TopicsList, ['-X', 'autoCommit=false'], '-X autoCommit has no effect in this command, but in "consume"'],
    [BenchConsume, ['-X', 'autoCommit=false'], '-X autoCommit has no effect in this command, but in "consume"'],
  ] as const)('%o %j is refused, and told where it counts', async (command, argv, message) => {
    const { exitCode, stderr, requests } = await runCommand(command, argv);
    expect([exitCode, stderr.split('\n')[0], requests]).toEqual([2, `mqlite: ${message}`, []]);
    expect(stderr).toContain('It counts in ');
  });

  it('of the profile is for every command', async () => {
    const configDirectory = mkdtempSync(join(tmpdir(), 'mqlite-config-'));
    writeFileSync(join(configDirectory, 'profiles.json'), JSON.stringify({ active: 'p', profiles: { p: { store: '/s', settings: { sendMsgTimeout: '1', autoCommit: 'true' } } } }));
    expect((await runCommand(TopicsList, [], { configDirectory })).exitCode).toBe(0);
  });
});
