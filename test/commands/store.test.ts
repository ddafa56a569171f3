import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync, utimesSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import StoreClean from '../../src/commands/store/clean.ts';
import StoreDump from '../../src/commands/store/dump.ts';
import StoreInfo from '../../src/commands/store/info.ts';
import StoreInit from '../../src/commands/store/init.ts';
import StoreRecover from '../../src/commands/store/recover.ts';
import StoreVerify from '../../src/commands/store/verify.ts';
import { openLocalBroker } from '../../src/engine/open.ts';
import { errorOf, runCommand } from '../support/fake/run.ts';
import type { CommandClass } from '../support/fake/run.ts';
import { readTruth, temporaryDirectory, unpackFixture } from '../support/fixtures.ts';

/** Names, lengths and times of everything under a directory. */
function tree(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true }).map((entry) => {
    const path = join(entry.parentPath, entry.name);
    const { size, mtimeMs, ino } = statSync(path);
    return `${path} ${size} ${mtimeMs} ${ino}`;
  }).sort();
}

function flipBit(file: string, position: number): void {
  const fd = openSync(file, 'r+');
  const byte = Buffer.alloc(1);
  readSync(fd, byte, 0, 1, position);
  byte[0]! ^= 1;
  writeSync(fd, byte, 0, 1, position);
  closeSync(fd);
}

describe('store', () => {
  const commands: readonly [string, CommandClass, string[]][] = [
    ['init', StoreInit, []], ['info', StoreInfo, []], ['verify', StoreVerify, []], ['dump', StoreDump, ['commitlog']], ['recover', StoreRecover, []], ['clean', StoreClean, []],
  ];

  it.each(commands)('%s works on no cluster', async (_, command, argv) => {
    const result = await runCommand(command, [...argv, '--namesrv', '127.0.0.1:9876']);
    expect([result.exitCode, result.stdout]).toEqual([2, '']);
    expect(result.stderr).toMatch(/^mqlite: ".*" works on a store directory, not on a cluster \(cluster 127.0.0.1:9876 \(--namesrv\)\)\n {2}Name a directory with --store DIR\.\n$/);
  });

  it.each(commands.filter(([name]) => name !== 'init'))('%s needs a store that is there', async (_, command, argv) => {
    const result = await runCommand(command, [...argv, '--store', '/nonexistent/store', '--json']);
    expect([result.exitCode, result.stdout]).toEqual([3, '']);
    expect(errorOf(result)).toMatchObject({ code: 'STORE_NOT_FOUND' });
  });

  it.each(commands.filter(([name]) => ['init', 'recover', 'clean'].includes(name)))('%s writes nothing under --read-only', async (_, command, argv) => {
    const directory = temporaryDirectory('read-only');
    expect(await runCommand(command, [...argv, '--store', directory, '--read-only'])).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--read-only') });
    expect(readdirSync(directory)).toEqual([]);
  });

  describe('over a broker\'s store', () => {
    let store: string;
    let before: string[];
    beforeAll(() => {
      store = unpackFixture('clean');
      before = tree(store);
    });

    it('info tells what it is and holds', async () => {
      const { stdout, exitCode } = await runCommand(StoreInfo, ['--store', store, '--queues']);
      expect(exitCode).toBe(0);
      expect(stdout).toMatch(/^store +\/.*\n/);
      expect(stdout).toMatch(/\nclosed +cleanly\n/);
      expect(stdout).toMatch(/\nsegments +\d+ of 1 MiB/);
      expect(stdout).toContain('\nOrders\t0\tsimple\t0\t10\t1\n');
      const { json } = await runCommand(StoreInfo, ['--store', store, '--json']);
      expect(json).toMatchObject({ storeDirectory: store, cleanlyClosed: true, identity: { brokerName: 'broker-a', segmentSizeBytes: 1_048_576 }, messages: readTruth().length });
    });

    it('info --broker-conf prints what a broker needs', async () => {
      const { stdout } = await runCommand(StoreInfo, ['--store', store, '--broker-conf']);
      expect(stdout).toMatch(/(^|\n)brokerName=broker-a\n/);
      expect(stdout).toMatch(/(^|\n)mappedFileSizeCommitLog=1048576\n/);
      expect(stdout.split('\n').slice(0, -1).every((line) => /^[A-Za-z]\w+=.+$/.test(line))).toBe(true);
    });

    it('verify finds it sound', async () => {
      const { stdout, exitCode } = await runCommand(StoreVerify, ['--store', store]);
      expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/^sound: \d+ records in \d+ segments? \(.*\), \d+ entries in \d+ queues, \d+ index entries; /)]);
      expect((await runCommand(StoreVerify, ['--store', store, '--json'])).json).toMatchObject({ ok: true, damage: [], damageCount: 0 });
    });

    it('dump prints one object a line', async () => {
      const dump = async (...argv: string[]) => (await runCommand(StoreDump, [...argv, '--store', store])).stdout.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
      const records = await dump('commitlog', '--limit', '3');
      expect(records).toHaveLength(3);
      expect(records[0]).toMatchObject({ position: 0, commitLogOffset: 0 });
      const entries = await dump('consumequeue', '--topic', 'Orders', '--queue', '0', '--from', '4');
      expect(entries).toHaveLength(6);
      const expected = readTruth().find((row) => row.topic === 'Orders' && row.queueId === 0 && row.queueOffset === 4)!;
      expect(entries[0]).toMatchObject({ position: 80, commitLogOffset: expected.commitLogOffset });
      expect(await dump('checkpoint')).toMatchObject([{ case: 'ok' }]);
      expect((await dump('topics')).map(({ topicName }) => topicName)).toContain('Orders');
      expect((await dump('offsets')).length).toBeGreaterThan(0);
      expect((await dump('index', '--limit', '2')).length).toBe(2);
    });

    it.each([
      [['nonsense'], 2, 'is not a family of files'],
      [['commitlg'], 2, 'Did you mean "commitlog"?'],
      [[], 2, 'missing WHAT'],
      [['consumequeue', '--queue', '1'], 2, '--topic'],
      [['consumequeue', '--topic', 'Nowhere'], 3, 'Nowhere'],
      [['commitlog', '--limit', '0'], 2, '--limit'],
    ])('dump refuses %j', async (argv, exitCode, words) => {
      const result = await runCommand(StoreDump, [...argv, '--store', store]);
      expect([result.exitCode, result.stdout]).toEqual([exitCode, '']);
      expect(result.stderr).toContain(words);
    });

    it('refuses wrong flags', async () => {
      expect(await runCommand(StoreInfo, ['--store', store, '--queues', '--broker-conf'])).toMatchObject({ exitCode: 2, stdout: '' });
      expect(await runCommand(StoreInfo, ['--store', store, 'extra'])).toMatchObject({ exitCode: 2, stdout: '' });
      expect(await runCommand(StoreVerify, ['--store', store, '--fast'])).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('unknown flag --fast') });
      expect(await runCommand(StoreRecover, ['--store', store, '--lock-timeout', 'soon'])).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--lock-timeout') });
      expect(await runCommand(StoreClean, ['--store', store, '--older-than', 'old'])).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--older-than: "old" is not a duration') });
      expect(await runCommand(StoreInit, ['--store', store])).toMatchObject({ exitCode: 5, stderr: expect.stringContaining('is a store already') });
    });

    it('recover and clean have nothing to do, and dry runs write nothing', async () => {
      expect(await runCommand(StoreRecover, ['--store', store, '--dry-run'])).toMatchObject({ exitCode: 0, stdout: 'nothing to recover\n', stderr: `mqlite: store ${store} (--store)\n` });
      expect(await runCommand(StoreClean, ['--store', store, '--dry-run', '--older-than', '36500d'])).toMatchObject({ exitCode: 0, stdout: 'nothing has expired\n' });
    });

    it('none of them wrote a byte', () => {
      expect(tree(store)).toEqual(before);
    });
  });

  it('verify says what the end of a killed store is, and ends 0', async () => {
    const store = unpackFixture('killed');
    const result = await runCommand(StoreVerify, ['--store', store]);
    expect(result.exitCode).toBe(0);
    expect(result.stderr).toContain('was not closed');
    expect((await runCommand(StoreInfo, ['--store', store])).stdout).toMatch(/\nclosed +no: in use, or its last writer died/);
  });

  it('verify names a flipped bit by file and position and ends 1; recover mends it', async () => {
    const store = unpackFixture('clean');
    const log = join(store, 'commitlog', readdirSync(join(store, 'commitlog')).sort()[0]!);
    const row = readTruth().find(({ topic, queueId, queueOffset }) => topic === 'Orders' && queueId === 1 && queueOffset === 2)!;
    flipBit(log, row.commitLogOffset + 90);
    const text = await runCommand(StoreVerify, ['--store', store]);
    expect(text.exitCode).toBe(1);
    expect(text.stdout).toContain(`damage: ${log} at ${row.commitLogOffset}: `);
    expect(text.stderr).toMatch(/^mqlite: .*\d+ damaged places? in .*, the first: /m);
    expect(text.stderr).toContain(log);
    const json = await runCommand(StoreVerify, ['--store', store, '--json']);
    expect([json.exitCode, errorOf(json).code]).toEqual([1, 'VERDICT']);
    expect(json.json).toMatchObject({ ok: false, damage: expect.arrayContaining([expect.objectContaining({ file: log, position: row.commitLogOffset, queue: expect.objectContaining({ topic: 'Orders', queueId: 1 }), queueOffset: 2 })]) });

    const before = readFileSync(log);
    const dry = await runCommand(StoreRecover, ['--store', store, '--dry-run', '--json']);
    expect(dry).toMatchObject({ exitCode: 0, json: { dryRun: true, ok: false } });
    expect(readFileSync(log).equals(before)).toBe(true);
    const recovered = await runCommand(StoreRecover, ['--store', store]);
    expect(recovered.exitCode).toBe(0);
    expect(recovered.stdout).toContain('done: replace-record: ');
    expect(recovered.stderr.split('\n')[0]).toBe(`mqlite: store ${store} (--store)`);
    expect(await runCommand(StoreVerify, ['--store', store])).toMatchObject({ exitCode: 0 });
  });

  it('init makes a store of the sizes asked for, that can be written', async () => {
    const store = join(temporaryDirectory('init'), 'new');
    const argv = ['--store', store, '--segment-size', '64k', '--queue-file-entries', '100', '--index-slots', '10', '--index-entries', '40', '--broker-name', 'b', '--store-host', '10.0.0.1:1', '--property-crc'];
    const { stdout, exitCode } = await runCommand(StoreInit, argv);
    expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/\nsegments +0 of 64 KiB/)]);
    const { json } = await runCommand(StoreInfo, ['--store', store, '--json']);
    expect(json).toMatchObject({ identity: { segmentSizeBytes: 65_536, consumeQueueFileSizeBytes: 2000, indexSlotCount: 10, indexMaxCount: 40, brokerName: 'b', storeHost: '10.0.0.1:1', propertyCrc: true } });
    const broker = await openLocalBroker({ storeDirectory: store, mode: 'write' });
    expect(await broker.send({ topic: 'T', body: Buffer.from('x') })).toMatchObject({ status: 'SEND_OK', brokerName: 'b' });
    await broker.close();
  });

  it.each([
    [['--segment-size', 'big'], '--segment-size: "big" is not a size'],
    [['--segment-size', '1'], 'segmentSizeBytes cannot be 1'],
    [['--store-host', 'localhost'], 'storeHost cannot be'],
    [['--index-entries', '1'], '--index-entries'],
  ])('init refuses %j', async (argv, words) => {
    const store = join(temporaryDirectory('init'), 'new');
    expect(await runCommand(StoreInit, ['--store', store, ...argv])).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining(words) });
    expect(readdirSync(join(store, '..'))).toEqual([]);
  });

  it('clean shows what would go, asks, and removes', async () => {
    const store = join(temporaryDirectory('clean'), 'new');
    await runCommand(StoreInit, ['--store', store, '--segment-size', '4k']);
    const broker = await openLocalBroker({ storeDirectory: store, mode: 'write' });
    for (let index = 0; index < 9; index++) await broker.send({ topic: 'T', body: Buffer.alloc(2000, 'x'), queueId: 0 });
    await broker.close();
    const segments = () => readdirSync(join(store, 'commitlog')).sort();
    const files = segments();
    expect(files.length).toBeGreaterThan(3);
    const old = Date.now() / 1000 - 80 * 3600;
    for (const file of files.slice(0, 2)) utimesSync(join(store, 'commitlog', file), old, old);

    const asked = await runCommand(StoreClean, ['--store', store]);
    expect([asked.exitCode, asked.stdout]).toEqual([2, '']);
    expect(asked.stderr.split('\n')[0]).toBe(`mqlite: store ${store} (--store)`);
    expect(asked.stderr).toContain(`would remove ${join(store, 'commitlog', files[0]!)}`);
    expect(asked.stderr).toContain('Add --yes');
    expect((await runCommand(StoreClean, ['--store', store, '--dry-run', '--json'])).json).toMatchObject({ dryRun: true, files: [{ family: 'commitlog' }, { family: 'commitlog' }] });
    expect(segments()).toEqual(files);
    const done = await runCommand(StoreClean, ['--store', store, '--yes']);
    expect([done.exitCode, done.stdout]).toEqual([0, expect.stringContaining('removed 2 files, ')]);
    expect(segments()).toEqual(files.slice(2));
    expect(await runCommand(StoreVerify, ['--store', store])).toMatchObject({ exitCode: 0 });
  });
});
