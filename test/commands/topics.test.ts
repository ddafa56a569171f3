import { beforeEach, describe, expect, it } from 'vitest';
import TopicsAlter from '../../src/commands/topics/alter.ts';
import TopicsCreate from '../../src/commands/topics/create.ts';
import TopicsDelete from '../../src/commands/topics/delete.ts';
import TopicsList from '../../src/commands/topics/list.ts';
import TopicsShow from '../../src/commands/topics/show.ts';
import { errorOf, runCommand } from '../support/fake/run.ts';
import { FakeBroker } from '../support/fake-broker.ts';
import type { FakeStore } from '../support/fake-broker.ts';

describe('topics', () => {
  let broker: FakeBroker;
  let store: FakeStore;
  beforeEach(async () => {
    broker = new FakeBroker();
    ({ store } = broker);
    await broker.createTopic('Orders', { readQueueNums: 2, writeQueueNums: 2, attributes: { 'message.type': 'NORMAL' } });
    await broker.createTopic('rmq_sys_wheel_timer', { readQueueNums: 1, writeQueueNums: 1 });
    for (let index = 0; index < 3; index++) await broker.send({ topic: 'Orders', body: Buffer.from(`m${index}`), queueId: 0 });
    const member = await broker.joinGroup({ group: 'billing', subscriptions: [{ topic: 'Orders' }] });
    await member.commit([{ queue: (await broker.queues('Orders'))[0]!, offset: 1 }]);
    await member.leave();
  });

  describe('list', () => {
    it('prints a table, without RocketMQ\'s own topics', async () => {
      const { stdout, stderr, exitCode } = await runCommand(TopicsList, [], { store });
      expect(stdout).toBe('TOPIC\tREAD\tWRITE\tPERM\tORDER\tATTRIBUTES\nOrders\t2\t2\tRW\tno\tmessage.type=NORMAL\n');
      expect([stderr, exitCode]).toEqual(['', 0]);
    });

    it('draws it on a terminal', async () => {
      const { stdout } = await runCommand(TopicsList, ['--all', '--no-color'], { store, tty: true });
      expect(stdout).toContain('│ Orders ');
      expect(stdout).toContain('│ rmq_sys_wheel_timer ');
    });

    it('prints one JSON document', async () => {
      const names = async (...flags: string[]) => ((await runCommand(TopicsList, ['--json', ...flags], { store })).json as { topics: { topic: string }[]; truncated: boolean }).topics.map(({ topic }) => topic);
      expect(await names()).toEqual(['Orders']);
      expect(await names('--all')).toEqual(['Orders', 'rmq_sys_wheel_timer']);
      expect(await names('--system')).toEqual(['rmq_sys_wheel_timer']);
    });

    it('hides what RocketMQ keeps for groups, and says so to who looks', async () => {
      for (const topic of ['%RETRY%billing', '%DLQ%billing']) await broker.createTopic(topic, { readQueueNums: 1, writeQueueNums: 1 });
      const { stdout, stderr } = await runCommand(TopicsList, [], { store });
      expect([stdout.includes('%'), stderr]).toEqual([false, '']);
      expect((await runCommand(TopicsList, [], { store, tty: true })).stderr).toBe("mqlite: 3 more topics of RocketMQ's own: see --all\n");
      expect((await runCommand(TopicsList, ['--all'], { store, tty: true })).stderr).toBe('');
      expect((await runCommand(TopicsList, ['--system'], { store })).stdout.match(/^%\w+%billing/gm)).toEqual(['%DLQ%billing', '%RETRY%billing']);
    });

    it('only looks', async () => {
      expect((await runCommand(TopicsList, ['--read-only'], { store })).requests).toMatchObject([{ mode: 'read', create: false }]);
    });

    it('says that there is nothing but hidden ones', async () => {
      await broker.deleteTopic('Orders');
      expect((await runCommand(TopicsList, [], { store })).stderr).toBe('mqlite: no topics but 1 hidden one; see --all\n');
    });

    it('refuses wrong flags with one line', async () => {
      const both = await runCommand(TopicsList, ['--all', '--system'], { store });
      expect([both.exitCode, both.stdout]).toEqual([2, '']);
      const unknown = await runCommand(TopicsList, ['--systm', '--json'], { store });
      expect(unknown.exitCode).toBe(2);
      expect(errorOf(unknown)).toMatchObject({ code: 'USAGE', message: 'unknown flag --systm', hint: 'Did you mean "--system"?' });
    });
  });

  describe('show', () => {
    it('shows settings, queues and groups', async () => {
      const { stdout } = await runCommand(TopicsShow, ['Orders'], { store });
      expect(stdout).toMatch(/^topic +Orders\nqueues +2 to read, 2 to write\npermission +RW\n/);
      expect(stdout).toContain('messages    3\ngroups      billing\n');
      expect(stdout).toMatch(/\n0\t0\t3\t3\t\d{4}-.*\n1\t0\t0\t0\t-\n$/);
    });

    it('prints one JSON document', async () => {
      expect((await runCommand(TopicsShow, ['Orders', '--json'], { store })).json).toMatchObject({ topic: 'Orders', readQueueNums: 2, groups: ['billing'], queues: [{ minOffset: 0, maxOffset: 3 }, { maxOffset: 0, lastStoreTimestamp: null }] });
    });

    it('asks whether another topic was meant', async () => {
      const result = await runCommand(TopicsShow, ['Order'], { store });
      expect(result).toMatchObject({ exitCode: 3, stdout: '' });
      expect(result.stderr).toMatch(/^mqlite: there is no topic "Order" in .*\n {2}Did you mean "Orders"\?\n$/);
    });

    it('wants a topic', async () => {
      const result = await runCommand(TopicsShow, [], { store });
      expect([result.exitCode, result.stderr]).toEqual([2, 'mqlite: missing TOPIC\n  See the arguments with --help.\n']);
    });
  });

  describe('create', () => {
    it('creates with what the flags say', async () => {
      const result = await runCommand(TopicsCreate, ['New', '--queues', '3', '--write-queues', '2', '--perm', 'r', '--order', '--attribute', 'message.type=FIFO'], { store });
      expect(result).toMatchObject({ exitCode: 0, stdout: 'created topic New: 3 queues to read, 2 to write, R\n' });
      expect(await broker.describeTopic('New')).toMatchObject({ readQueueNums: 3, writeQueueNums: 2, perm: 4, order: true, attributes: { 'message.type': 'FIFO' } });
      expect(result.requests).toMatchObject([{ mode: 'write', create: true }]);
    });

    it('prints one JSON document', async () => {
      expect((await runCommand(TopicsCreate, ['New', '--json'], { store })).json).toEqual({ topic: 'New', readQueueNums: 4, writeQueueNums: 4, perm: 6, order: false, attributes: {}, system: false });
    });

    it.each([
      [['Orders'], 5, 'exists already'],
      [['a b'], 2, 'illegal characters'],
      [['x'.repeat(128)], 2, '128 characters'],
      [['New', '--queues', '0'], 2, '--queues'],
      [['New', '--queues', 'many'], 2, 'many'],
      [['New', '--perm', 'rwz'], 2, '--perm: "rwz" is not a permission'],
      [['New', '--attribute', 'nothing'], 2, 'NAME=VALUE expected'],
      [['New', '--attribute', 'message.typ=FIFO'], 2, 'message.typ'],
      [['New', '--read-only'], 2, '--read-only: "'],
      [['New', '-X', 'noSuchSetting=1'], 2, '-X noSuchSetting: no such setting'],
    ])('refuses %j', async (argv, exitCode, words) => {
      const result = await runCommand(TopicsCreate, argv, { store });
      expect([result.exitCode, result.stdout]).toEqual([exitCode, '']);
      expect(result.stderr).toContain(words);
      expect(result.stderr.split('\n').filter((line) => line.startsWith('mqlite:'))).toHaveLength(1);
    });
  });

  describe('alter', () => {
    it('changes what is named and keeps the rest', async () => {
      const result = await runCommand(TopicsAlter, ['Orders', '--queues', '4', '--remove-attribute', 'message.type'], { store });
      expect(result).toMatchObject({ exitCode: 0, stdout: 'altered topic Orders: 4 queues to read, 4 to write, RW\n', stderr: '' });
      expect(await broker.describeTopic('Orders')).toMatchObject({ perm: 6, attributes: {} });
    });

    it('says which messages a smaller topic hides', async () => {
      await broker.send({ topic: 'Orders', body: Buffer.from('x'), queueId: 1 });
      const { stderr } = await runCommand(TopicsAlter, ['Orders', '--read-queues', '1', '--json'], { store });
      expect(stderr).toContain('1 message in queues 1 lie beyond');
    });

    it('refuses what makes no sense', async () => {
      expect(await runCommand(TopicsAlter, ['Orders'], { store })).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('nothing to change') });
      expect(await runCommand(TopicsAlter, ['Oders', '--perm', 'r'], { store })).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('Did you mean "Orders"?') });
    });
  });

  describe('delete', () => {
    it('names the target and what goes, first, and needs --yes where nobody can be asked', async () => {
      const result = await runCommand(TopicsDelete, ['Orders', '--store', '/tmp/s'], { store });
      expect(result).toMatchObject({ exitCode: 2, stdout: '' });
      const lines = result.stderr.split('\n');
      expect(lines[0]).toBe('mqlite: store /tmp/s (--store)');
      expect(lines[1]).toBe('mqlite: delete topic Orders: 2 queues, 3 messages');
      expect(lines[2]).toContain('billing');
      expect(lines[3]).toContain('a real broker');
      expect(result.stderr).toContain('Add --yes');
      expect(await broker.queues('Orders')).toHaveLength(2);
    });

    it('deletes with --yes', async () => {
      const result = await runCommand(TopicsDelete, ['Orders', '--yes', '--json', '--store', '/tmp/s'], { store });
      expect(result.json).toEqual({ target: 'store /tmp/s (--store)', topic: 'Orders', deleted: true, messages: 3, groups: ['billing'] });
      await expect(broker.queues('Orders')).rejects.toMatchObject({ code: 'TOPIC_NOT_FOUND' });
    });

    it('asks at a terminal', async () => {
      const no = await runCommand(TopicsDelete, ['Orders'], { store, tty: true, stdin: 'y\n' });
      expect(no).toMatchObject({ exitCode: 5, stderr: expect.stringContaining('Delete topic Orders? Type yes: ') });
      expect(await broker.queues('Orders')).toHaveLength(2);
      expect(await runCommand(TopicsDelete, ['Orders'], { store, tty: true, stdin: 'yes\n' })).toMatchObject({ exitCode: 0, stdout: 'deleted topic Orders\n' });
      await expect(broker.queues('Orders')).rejects.toMatchObject({ code: 'TOPIC_NOT_FOUND' });
    });

    it('refuses RocketMQ\'s own and what is not there', async () => {
      expect(await runCommand(TopicsDelete, ['rmq_sys_wheel_timer', '--yes'], { store })).toMatchObject({ exitCode: 5 });
      expect(await runCommand(TopicsDelete, ['Nowhere', '--yes'], { store })).toMatchObject({ exitCode: 3 });
      expect(await runCommand(TopicsDelete, ['Orders', '--yes', '--read-only'], { store })).toMatchObject({ exitCode: 2 });
      expect(await broker.listTopics()).toHaveLength(2);
    });
  });
});
