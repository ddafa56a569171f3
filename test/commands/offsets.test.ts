import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { MessageQueue } from '../../src/broker/types.ts';
import OffsetsExport from '../../src/commands/offsets/export.ts';
import OffsetsImport from '../../src/commands/offsets/import.ts';
import OffsetsList from '../../src/commands/offsets/list.ts';
import OffsetsReset from '../../src/commands/offsets/reset.ts';
import OffsetsShow from '../../src/commands/offsets/show.ts';
import { errorOf, runCommand } from '../support/fake/run.ts';
import { FakeBroker } from '../support/fake-broker.ts';
import type { FakeStore } from '../support/fake-broker.ts';

const START = Date.parse('2026-01-31T12:00:00Z');

describe('offsets', () => {
  let broker: FakeBroker;
  let store: FakeStore;
  let queues: MessageQueue[];
  let nowMs: number;
  const clock = { nowMs: () => nowMs, elapsedMs: () => nowMs, repeat: () => ({ within: () => {} }), sleep: async () => {} };
  const committed = async (group = 'billing') => (await broker.committedOffsets(group, 'Orders')).map(({ committedOffset }) => committedOffset);

  beforeEach(async () => {
    nowMs = START;
    broker = new FakeBroker({ clock });
    ({ store } = broker);
    await broker.createTopic('Orders', { readQueueNums: 2, writeQueueNums: 2 });
    queues = await broker.queues('Orders');
    for (let index = 0; index < 10; index++) {
      await broker.send({ topic: 'Orders', body: Buffer.from(`m${index}`), queueId: index % 2 });
      nowMs += 60_000;
    }
    await broker.createGroup('billing', {});
    await broker.resetOffsets('billing', [{ queue: queues[0]!, offset: 2 }, { queue: queues[1]!, offset: 5 }]);
  });

  describe('list and show', () => {
    it('list has a line per group and topic', async () => {
      const { stdout, exitCode } = await runCommand(OffsetsList, [], { store });
      expect([exitCode, stdout]).toEqual([0, 'GROUP\tTOPIC\tQUEUES\tLAG\tOLDEST WAITING\nbilling\tOrders\t2\t3\t2026-01-31 12:04:00.000Z\n']);
      expect((await runCommand(OffsetsList, ['--json', '--group', 'billing', '--topic', 'Orders'], { store })).json)
        .toEqual({ offsets: [{ group: 'billing', topic: 'Orders', queues: 2, lag: 3, oldestStoreTimestamp: START + 240_000 }], truncated: false });
    });

    it('list refuses what is not there', async () => {
      expect(await runCommand(OffsetsList, ['--topic', 'Oders'], { store })).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('Did you mean "Orders"?') });
      expect(await runCommand(OffsetsList, ['--group', 'biling'], { store })).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('Did you mean "billing"?') });
      expect(await runCommand(OffsetsList, ['billing'], { store })).toMatchObject({ exitCode: 2 });
    });

    it('show has a line per queue and a total', async () => {
      const { stdout } = await runCommand(OffsetsShow, ['billing'], { store });
      expect(stdout).toBe('TOPIC\tQUEUE\tCOMMITTED\tMIN\tMAX\tLAG\tNEXT STORED\nOrders\t0\t2\t0\t5\t3\t2026-01-31 12:04:00.000Z\nOrders\t1\t5\t0\t5\t0\t-\ntotal lag: 3\n');
    });

    it('show says unknown where nothing was committed', async () => {
      await broker.createGroup('fresh', {});
      const { stdout } = await runCommand(OffsetsShow, ['fresh', '--topic', 'Orders'], { store });
      expect(stdout).toContain('Orders\t0\t-\t0\t5\tunknown\t-\n');
      expect(stdout).toContain('total lag: unknown\n');
      expect((await runCommand(OffsetsShow, ['fresh', '--topic', 'Orders', '--json'], { store })).json).toMatchObject({ group: 'fresh', totalLag: null, offsets: [{ committedOffset: null, lag: null }, { lag: null }], truncated: false });
      expect(await runCommand(OffsetsShow, ['fresh'], { store })).toMatchObject({ exitCode: 0, stderr: 'mqlite: group fresh has no committed offsets\n' });
    });

    it('show refuses what is not there', async () => {
      expect(await runCommand(OffsetsShow, ['nobody'], { store })).toMatchObject({ exitCode: 3, stdout: '' });
      expect(await runCommand(OffsetsShow, [], { store })).toMatchObject({ exitCode: 2 });
    });
  });

  describe('reset', () => {
    it('prints a plan that names the target first, and changes nothing', async () => {
      const result = await runCommand(OffsetsReset, ['billing', 'Orders', '--to', 'first', '--store', '/tmp/s'], { store, clock });
      expect(result.exitCode).toBe(0);
      expect(result.stdout.split('\n')[0]).toBe('target: store /tmp/s (--store)');
      expect(result.stdout).toContain('billing\tOrders\t0\t2\t0\t-2\t5\t\nbilling\tOrders\t1\t5\t0\t-5\t5\t\n');
      expect(result.stderr).toBe('mqlite: nothing was changed; add --execute to do it\n');
      expect(result.requests).toMatchObject([{ mode: 'read' }]);
      expect(await committed()).toEqual([2, 5]);
    });

    it.each([
      ['first', [0, 0]], ['last', [5, 5]], ['3', [3, 3]], ['+1', [3, 5]], ['-1', [1, 4]], ['-100', [0, 0]], ['100', [5, 5]],
      ['@2026-01-31T12:04:00Z', [2, 2]], ['@-5m', [3, 2]], ['@2030-01-01T00:00:00Z', [5, 5]],
    ])('--to %s --execute', async (to, expected) => {
      const result = await runCommand(OffsetsReset, ['billing', 'Orders', '--to', to, '--execute', '--json'], { store, clock });
      expect(result).toMatchObject({ exitCode: 0, stderr: '' });
      expect(result.json).toMatchObject({ executed: true, verified: true, truncated: false });
      expect((result.json as { resets: { targetOffset: number }[] }).resets.map(({ targetOffset }) => targetOffset)).toEqual(expected);
      expect(await committed()).toEqual(expected);
    });

    it('says what was kept inside the queue', async () => {
      const { stdout } = await runCommand(OffsetsReset, ['billing', 'Orders', '--to', '100'], { store, clock });
      expect(stdout).toContain('\t5\t+3\t0\tkept inside 0 to 5\n');
    });

    it('takes queues', async () => {
      await runCommand(OffsetsReset, ['billing', 'Orders', '--to', 'first', '--queue', '1', '--execute'], { store, clock });
      expect(await committed()).toEqual([2, 0]);
    });

    it('tells about live members, which obey', async () => {
      const member = await broker.joinGroup({ group: 'billing', subscriptions: [{ topic: 'Orders' }] });
      const { stderr } = await runCommand(OffsetsReset, ['billing', 'Orders', '--to', 'first', '--execute'], { store, clock });
      expect(stderr).toContain(`has 1 live member (pid ${process.pid})`);
      expect(await member.commit([{ queue: queues[0]!, offset: 4 }])).toHaveLength(2);
      expect(await committed()).toEqual([0, 0]);
    });

    it('ends 1 when the reset was not kept', async () => {
      const open = async () => {
        const stubborn = new FakeBroker({ store });
        stubborn.resetOffsets = async () => {};
        return stubborn;
      };
      const result = await runCommand(OffsetsReset, ['billing', 'Orders', '--to', 'first', '--execute', '--json'], { open, clock });
      expect([result.exitCode, result.stdout]).toEqual([1, '']);
      expect(errorOf(result)).toMatchObject({ code: 'VERDICT', message: expect.stringContaining('billing Orders queue 0 is at 2 instead of 0') });
    });

    it.each([
      [['billing', 'Orders'], 2, '--to'],
      [['billing', 'Orders', '--to', 'somewhere'], 2, '--to: "somewhere" is not a place'],
      [['billing', 'Orders', '--to', '@yesterday'], 2, '--to: "yesterday" is not a time'],
      [['billing', 'Orders', '--to', 'first', '--queue', '9'], 3, 'no queue 9'],
      [['billing', 'Oders', '--to', 'first'], 3, 'Did you mean "Orders"?'],
      [['bllling', 'Orders', '--to', 'first'], 3, 'Did you mean "billing"?'],
      [['billing', 'Orders', '--to', 'first', '--execute', '--read-only'], 2, '--read-only'],
      [['billing'], 2, 'missing TOPIC'],
    ])('refuses %j', async (argv, exitCode, words) => {
      const result = await runCommand(OffsetsReset, argv, { store, clock });
      expect([result.exitCode, result.stdout]).toEqual([exitCode, '']);
      expect(result.stderr).toContain(words);
      expect(await committed()).toEqual([2, 5]);
    });

    it('cannot count from an offset that is not there', async () => {
      await broker.createGroup('fresh', {});
      expect(await runCommand(OffsetsReset, ['fresh', 'Orders', '--to', '+1'], { store, clock })).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('no committed offset to count from') });
    });
  });

  describe('export and import', () => {
    const file = () => join(mkdtempSync(join(tmpdir(), 'mqlite-offsets-')), 'offsets.json');

    it('brings offsets from one store to another', async () => {
      const path = file();
      expect(await runCommand(OffsetsExport, ['--file', path], { store })).toMatchObject({ exitCode: 0, stdout: '', stderr: `mqlite: 2 offsets of 1 group in ${path}\n` });
      const exported = await runCommand(OffsetsExport, ['billing', '--topic', 'Orders'], { store });
      expect(exported.json).toEqual({
        offsets: [
          { group: 'billing', topic: 'Orders', brokerName: 'broker-a', queueId: 0, committedOffset: 2 },
          { group: 'billing', topic: 'Orders', brokerName: 'broker-a', queueId: 1, committedOffset: 5 },
        ],
        truncated: false,
      });
      expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(exported.json);

      await broker.deleteGroup('billing');
      const plan = await runCommand(OffsetsImport, [path], { store });
      expect(plan.stderr).toContain('1 group will be created: billing');
      expect(plan.stderr).toContain('nothing was changed');
      expect(store.groups.has('billing')).toBe(false);
      expect(await runCommand(OffsetsImport, ['-', '--execute'], { store, stdin: exported.stdout })).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('set 2 offsets, read back and right\n') });
      expect(await committed()).toEqual([2, 5]);
    });

    it.each([
      ['no JSON', 'not JSON'],
      ['[]', '{"offsets":[…]} expected'],
      ['{"offsets":[{"group":"g","topic":"Orders","brokerName":"b","queueId":-1,"committedOffset":1}]}', 'offsets[0].queueId'],
      ['{"offsets":[{"group":"g","topic":"Orders","brokerName":"b","queueId":0,"committedOffset":1.5}]}', 'offsets[0].committedOffset'],
      ['{"offsets":[null]}', 'offsets[0].group'],
      ['{"offsets":[{"group":"g","topic":"Orders","brokerName":"b","queueId":0,"committedOffset":1},{"group":"g","topic":"Orders","brokerName":"b","queueId":0,"committedOffset":2}]}', 'a second time'],
    ])('import refuses %s', async (text, words) => {
      const result = await runCommand(OffsetsImport, ['-', '--execute'], { store, stdin: text });
      expect([result.exitCode, result.stdout]).toEqual([2, '']);
      expect(result.stderr).toContain(words);
    });

    it('import writes nothing when one entry is wrong', async () => {
      const entry = (more: object) => ({ group: 'new', topic: 'Orders', brokerName: 'broker-a', queueId: 0, committedOffset: 1, ...more });
      const run = async (...offsets: object[]) => runCommand(OffsetsImport, ['-', '--execute'], { store, stdin: JSON.stringify({ offsets }) });
      expect(await run(entry({}), entry({ topic: 'Oders' }))).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('Did you mean "Orders"?') });
      expect(await run(entry({}), entry({ queueId: 7 }))).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('no queue 7') });
      expect(store.groups.has('new')).toBe(false);
      const missing = await runCommand(OffsetsImport, [file()], { store });
      expect(missing.exitCode).toBe(3);
      expect(missing.stderr).toContain('no such file');
    });

    it('export refuses what is not there', async () => {
      expect(await runCommand(OffsetsExport, ['biling'], { store })).toMatchObject({ exitCode: 3 });
      expect(await runCommand(OffsetsExport, ['--topic', 'Nowhere'], { store })).toMatchObject({ exitCode: 3 });
      expect(await runCommand(OffsetsExport, ['--file', '/nonexistent/dir/x'], { store })).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('no such file or directory') });
    });
  });
});
