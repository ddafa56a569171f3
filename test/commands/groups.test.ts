import { beforeEach, describe, expect, it } from 'vitest';
import { groupText } from '../../src/cli/commands/groups.ts';
import type { GroupJson } from '../../src/cli/commands/groups.ts';
import { outlook } from '../../src/client/group-backlog.ts';
import GroupsCreate from '../../src/commands/groups/create.ts';
import GroupsDelete from '../../src/commands/groups/delete.ts';
import GroupsList from '../../src/commands/groups/list.ts';
import GroupsShow from '../../src/commands/groups/show.ts';
import { errorOf, runCommand } from '../support/fake/run.ts';
import { FakeBroker } from '../support/fake-broker.ts';
import type { FakeStore } from '../support/fake-broker.ts';

describe('groups', () => {
  let broker: FakeBroker;
  let store: FakeStore;
  beforeEach(async () => {
    broker = new FakeBroker();
    ({ store } = broker);
    await broker.createTopic('Orders', { readQueueNums: 2, writeQueueNums: 2 });
    for (let index = 0; index < 4; index++) await broker.send({ topic: 'Orders', body: Buffer.from('x'), queueId: 0 });
    await broker.createGroup('billing', { retryMaxTimes: 3 });
    await broker.resetOffsets('billing', [{ queue: (await broker.queues('Orders'))[0]!, offset: 1 }]);
    store.groups.set('CID_RMQ_SYS_TRANS', { ...store.groups.get('billing')!, group: 'CID_RMQ_SYS_TRANS', system: true });
  });

  it('list prints a table without RocketMQ\'s own groups', async () => {
    const { stdout, exitCode } = await runCommand(GroupsList, [], { store });
    expect([exitCode, stdout]).toEqual([0, 'GROUP\tENABLED\tBROADCAST\tORDERLY\tRETRY QUEUES\tMAX RETRIES\tCONFIGURED\tMEMBERS\nbilling\tyes\tyes\tno\t1\t3\tyes\t0\n']);
  });

  it('list prints one JSON document, with --all everything', async () => {
    const { json } = await runCommand(GroupsList, ['--json', '--all'], { store });
    expect(json).toMatchObject({ groups: [{ group: 'CID_RMQ_SYS_TRANS', system: true }, { group: 'billing', retryMaxTimes: 3, configured: true }], truncated: false });
  });

  it('list hides the group that stands for dealing with dead letters, and says so to who looks', async () => {
    await broker.createGroup('MQLITE_DLQ', {});
    const { stdout, stderr } = await runCommand(GroupsList, [], { store, tty: true });
    expect([stdout.includes('MQLITE_DLQ'), stderr]).toEqual([false, "mqlite: 2 more groups of RocketMQ's own: see --all\n"]);
    expect((await runCommand(GroupsList, ['--all'], { store })).stdout).toContain('MQLITE_DLQ');
  });

  it('list says when there is none', async () => {
    expect((await runCommand(GroupsList, [], {})).stderr).toBe('mqlite: no groups\n');
    expect(await runCommand(GroupsList, ['extra'], { store })).toMatchObject({ exitCode: 2, stdout: '' });
    expect(await runCommand(GroupsList, ['--system'], { store })).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('unknown flag --system') });
  });

  it('show prints settings, members and lag', async () => {
    const member = await broker.joinGroup({ group: 'billing', subscriptions: [{ topic: 'Orders' }] });
    const { stdout } = await runCommand(GroupsShow, ['billing'], { store });
    expect(stdout).toMatch(/^group +billing\nenabled +yes\n/);
    expect(stdout).toContain('retries     at most 3, through 1 queue\n');
    expect(stdout).toContain(`  ${member.info.clientId}, pid ${process.pid} on 127.0.0.1, since `);
    expect(stdout).toContain('    reads Orders; has Orders 0 1; unknown\n');
    expect(stdout).toMatch(/^lag {9}3 messages, \d+ B, \d+ms\nrate {8}0\.0\d\/s in, unknown out\nbacklog {5}unknown$/m);
    expect(stdout).toMatch(/Orders\t2\t3\t\d+ B\t\d+ms\t0\.0\d\/s\n/);
    expect((await runCommand(GroupsShow, ['billing', '--json'], { store })).json).toMatchObject({ group: 'billing', members: [{ pid: process.pid }], topics: [{ topic: 'Orders', queues: 2, lag: 3 }] });
  });

  it('show has the lag of each instance of a broadcasting group, live or not', async () => {
    const [queue] = await broker.queues('Orders');
    const join = (instance: string) => broker.joinGroup({ group: 'caches', subscriptions: [{ topic: 'Orders' }], messageModel: 'broadcasting', instance });
    const [one, two] = [await join('one'), await join('two')];
    await join('three');
    await one.commit([{ queue: queue!, offset: 1 }, { queue: { ...queue!, queueId: 1 }, offset: 0 }]);
    await two.commit([{ queue: queue!, offset: 4 }, { queue: { ...queue!, queueId: 1 }, offset: 0 }]);
    await two.leave();
    const { json } = await runCommand(GroupsShow, ['caches', '--json'], { store });
    expect(json).toMatchObject({
      instances: [
        { instance: 'one', clientId: one.info.clientId, lag: 3, topics: [{ topic: 'Orders', queues: 2, lag: 3 }] },
        { instance: 'three', lag: null, lagMs: null, topics: [] }, { instance: 'two', clientId: null, lag: 0, lagMs: 0 },
      ],
    });
    const { stdout } = await runCommand(GroupsShow, ['caches'], { store });
    expect(stdout).toMatch(/^instances\n {2}one: 3 messages, \d+ B, \d+ms behind\n {2}three: has committed nothing yet\n {2}two, nobody consumes as it: 0 messages, 0 B, 0ms behind$/m);
  });

  it('show never makes an unknown lag 0', async () => {
    await broker.send({ topic: 'Orders', body: Buffer.from('x'), queueId: 1 });
    expect((await runCommand(GroupsShow, ['billing'], { store })).stdout).toContain('Orders\t2\tunknown\tunknown\tunknown\t');
    expect((await runCommand(GroupsShow, ['billing', '--json'], { store })).json).toMatchObject({ lag: null, lagBytes: null, lagMs: null, backlog: 'unknown', goneInSeconds: null, topics: [{ lag: null, lagBytes: null, lagMs: null }] });
  });

  it('show names what a cluster does not tell', async () => {
    const json = (await runCommand(GroupsShow, ['billing', '--json'], { store })).json as GroupJson;
    const text = await groupText({ ...json, lag: 81, lagBytes: null, lagMs: 1000 }, { terminal: false, color: false });
    expect(text).toMatch(/^lag {9}81 messages, size unknown, 1s$/m);
  });

  it('show measures both rates over a sample, and knows when the backlog will be gone', async () => {
    const member = await broker.joinGroup({ group: 'billing', subscriptions: [{ topic: 'Orders' }] });
    const queue = member.queues[0]!;
    const showing = runCommand(GroupsShow, ['billing', '--json', '--sample', '400ms'], { store });
    await new Promise((resolve) => setTimeout(resolve, 150));
    await member.commit([{ queue, offset: 3 }]);
    expect((await showing).json).toMatchObject({ lag: 1, inPerSecond: 0, backlog: 'shrinking' });
    const { outPerSecond, goneInSeconds } = (await showing).json as { outPerSecond: number; goneInSeconds: number };
    expect(outPerSecond).toBeGreaterThan(1);
    expect(goneInSeconds).toBeCloseTo(1 / outPerSecond, 2);
    expect((await runCommand(GroupsShow, ['billing', '--sample', 'x'], { store })).exitCode).toBe(2);
  });

  it.each([
    [0, null, null, { backlog: 'empty', goneInSeconds: 0 }], [5, 1, 2, { backlog: 'shrinking', goneInSeconds: 5 }], [5, 2, 2, { backlog: 'growing', goneInSeconds: null }],
    [5, 0, null, { backlog: 'unknown', goneInSeconds: null }], [null, 0, 1, { backlog: 'unknown', goneInSeconds: null }],
  ] as const)('a backlog of %s, %s in and %s out', (lag, inPerSecond, outPerSecond, expected) => {
    expect(outlook(lag, inPerSecond, outPerSecond)).toEqual(expected);
  });

  it('show wants a group that is there', async () => {
    const result = await runCommand(GroupsShow, ['biling', '--json'], { store });
    expect(result).toMatchObject({ exitCode: 3, stdout: '' });
    expect(errorOf(result)).toMatchObject({ code: 'GROUP_NOT_FOUND', hint: 'Did you mean "billing"?' });
    await broker.createGroup('new', {});
    expect((await runCommand(GroupsShow, ['new', '--json'], { store })).json).toMatchObject({ lag: null, lagBytes: null, lagMs: null, inPerSecond: null, outPerSecond: null, backlog: 'unknown', topics: [] });
    const member = await broker.joinGroup({ group: 'new', subscriptions: [{ topic: 'Orders' }] });
    expect((await runCommand(GroupsShow, ['new', '--json'], { store })).json).toMatchObject({ lag: null, topics: [{ topic: 'Orders', lag: null }] });
    await member.leave();
    expect(await runCommand(GroupsShow, [], { store })).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('missing GROUP') });
  });

  it('create makes a group with what the flags say', async () => {
    expect(await runCommand(GroupsCreate, ['new', '--max-retries', '5', '--no-broadcast', '--orderly'], { store })).toMatchObject({ exitCode: 0, stdout: 'created group new\n' });
    expect(store.groups.get('new')).toMatchObject({ retryMaxTimes: 5, consumeBroadcastEnable: false, consumeMessageOrderly: true, consumeEnable: true });
    expect((await runCommand(GroupsCreate, ['other', '--json'], { store })).json).toMatchObject({ group: 'other', retryMaxTimes: 16, retryQueueNums: 1, configured: true });
  });

  it('create refuses a group that exists', async () => {
    expect(await runCommand(GroupsCreate, ['billing'], { store })).toMatchObject({ exitCode: 5, stdout: '', stderr: expect.stringContaining('group billing exists already') as string });
  });

  it.each([
    [['a b'], 'illegal characters'],
    [['x'.repeat(121)], '121 characters'],
    [['new', '--max-retries', 'x'], '--max-retries'],
    [['new', '--retry-queues', '-1'], '--retry-queues'],
    [['new', '--read-only'], '--read-only'],
  ])('create refuses %j', async (argv, words) => {
    const result = await runCommand(GroupsCreate, argv, { store });
    expect([result.exitCode, result.stdout]).toEqual([2, '']);
    expect(result.stderr).toContain(words);
  });

  it('delete names the target, asks, and forgets', async () => {
    const asked = await runCommand(GroupsDelete, ['billing', '--store', '/tmp/s'], { store });
    expect(asked.exitCode).toBe(2);
    expect(asked.stderr.split('\n').slice(0, 3)).toEqual(['mqlite: store /tmp/s (--store)', 'mqlite: delete group billing', 'mqlite: its offsets on 1 topic are forgotten: Orders']);
    expect(store.groups.has('billing')).toBe(true);
    expect((await runCommand(GroupsDelete, ['billing', '--yes', '--json', '--store', '/tmp/s'], { store })).json).toEqual({ target: 'store /tmp/s (--store)', group: 'billing', deleted: true, topics: ['Orders'] });
    expect(store.groups.has('billing')).toBe(false);
  });

  it('delete refuses live groups, RocketMQ\'s own and what is not there', async () => {
    const member = await broker.joinGroup({ group: 'billing', subscriptions: [{ topic: 'Orders' }] });
    expect(await runCommand(GroupsDelete, ['billing', '--yes'], { store })).toMatchObject({ exitCode: 6, stderr: expect.stringContaining(`pid ${process.pid}`) });
    await member.leave();
    expect(await runCommand(GroupsDelete, ['CID_RMQ_SYS_TRANS', '--yes'], { store })).toMatchObject({ exitCode: 5 });
    expect(await runCommand(GroupsDelete, ['nobody', '--yes'], { store })).toMatchObject({ exitCode: 3 });
    expect(await runCommand(GroupsDelete, ['billing'], { store, tty: true, stdin: '' })).toMatchObject({ exitCode: 5 });
    expect(store.groups.has('billing')).toBe(true);
  });
});
