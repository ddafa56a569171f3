import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ValidateFunction } from 'ajv/dist/2020.js';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import Config from '../../src/commands/config.ts';
import Consume from '../../src/commands/consume.ts';
import BenchConsume from '../../src/commands/bench/consume.ts';
import BenchProduce from '../../src/commands/bench/produce.ts';
import DelayCancel from '../../src/commands/delay/cancel.ts';
import DelayDeliver from '../../src/commands/delay/deliver.ts';
import DelayLevels from '../../src/commands/delay/levels.ts';
import DelayList from '../../src/commands/delay/list.ts';
import DlqExport from '../../src/commands/dlq/export.ts';
import DlqList from '../../src/commands/dlq/list.ts';
import DlqPurge from '../../src/commands/dlq/purge.ts';
import DlqRedrive from '../../src/commands/dlq/redrive.ts';
import DlqShow from '../../src/commands/dlq/show.ts';
import GroupsCreate from '../../src/commands/groups/create.ts';
import GroupsDelete from '../../src/commands/groups/delete.ts';
import GroupsList from '../../src/commands/groups/list.ts';
import GroupsShow from '../../src/commands/groups/show.ts';
import MessageFind from '../../src/commands/message/find.ts';
import MessageGet from '../../src/commands/message/get.ts';
import OffsetsExport from '../../src/commands/offsets/export.ts';
import OffsetsImport from '../../src/commands/offsets/import.ts';
import OffsetsList from '../../src/commands/offsets/list.ts';
import OffsetsReset from '../../src/commands/offsets/reset.ts';
import OffsetsShow from '../../src/commands/offsets/show.ts';
import Produce from '../../src/commands/produce.ts';
import ProfileCreate from '../../src/commands/profile/create.ts';
import ProfileDelete from '../../src/commands/profile/delete.ts';
import ProfileList from '../../src/commands/profile/list.ts';
import ProfileShow from '../../src/commands/profile/show.ts';
import ProfileUse from '../../src/commands/profile/use.ts';
import StoreClean from '../../src/commands/store/clean.ts';
import StoreDump from '../../src/commands/store/dump.ts';
import StoreInfo from '../../src/commands/store/info.ts';
import StoreInit from '../../src/commands/store/init.ts';
import StoreRecover from '../../src/commands/store/recover.ts';
import StoreVerify from '../../src/commands/store/verify.ts';
import Tail from '../../src/commands/tail.ts';
import TopicsAlter from '../../src/commands/topics/alter.ts';
import TopicsCreate from '../../src/commands/topics/create.ts';
import TopicsDelete from '../../src/commands/topics/delete.ts';
import TopicsList from '../../src/commands/topics/list.ts';
import TopicsShow from '../../src/commands/topics/show.ts';
import TxCheck from '../../src/commands/tx/check.ts';
import TxCommit from '../../src/commands/tx/commit.ts';
import TxList from '../../src/commands/tx/list.ts';
import TxRollback from '../../src/commands/tx/rollback.ts';
import TxShow from '../../src/commands/tx/show.ts';
import type { CommandClass, RunOptions } from '../support/fake/run.ts';
import { runCommand } from '../support/fake/run.ts';
import { FakeBroker } from '../support/fake-broker.ts';
import type { FakeStore } from '../support/fake-broker.ts';
import { temporaryDirectory, unpackFixture } from '../support/fixtures.ts';

const SCHEMAS = join(import.meta.dirname, '..', '..', 'docs', 'json');
const COMMANDS = join(import.meta.dirname, '..', '..', 'src', 'commands');
const schemaFiles = readdirSync(SCHEMAS).filter((file) => file.endsWith('.schema.json'));

const ajv = new Ajv2020({ strict: true, strictTypes: false, allErrors: true });
for (const file of schemaFiles) ajv.addSchema(JSON.parse(readFileSync(join(SCHEMAS, file), 'utf8')) as object);

function validator(name: string): ValidateFunction {
  const validate = ajv.getSchema(`${name}.schema.json`);
  if (validate === undefined) throw new Error(`docs/json has no ${name}.schema.json`);
  return validate;
}

function expectValid(name: string, value: unknown): void {
  const validate = validator(name);
  validate(value);
  expect(validate.errors ?? [], `${name}: ${JSON.stringify(value)?.slice(0, 400)}`).toEqual([]);
}

const documents = (text: string): unknown[] => text.trim().split('\n').map((line) => JSON.parse(line) as unknown);

/** They print what other commands print, or a script of a shell; the candidates are for such scripts alone. */
const WITHOUT_JSON = ['shell', 'completion-index', 'completion-candidates'];

describe('docs/json', () => {
  it('has one schema per command, and none without', () => {
    const ids = readdirSync(COMMANDS, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(COMMANDS.length + 1, -3).replaceAll('/', '-')).filter((id) => !WITHOUT_JSON.includes(id));
    expect(schemaFiles.map((file) => file.replace('.schema.json', '')).sort()).toEqual([...ids, 'consume-exec', 'groups-show-watch', 'common', 'error', 'message'].sort());
  });

  it('every schema refuses what it does not know', () => {
    for (const file of schemaFiles.filter((name) => !name.startsWith('common'))) {
      const validate = validator(file.replace('.schema.json', ''));
      for (const value of [null, 1, [], {}, { more: 1 }]) expect(validate(value), `${file} takes ${JSON.stringify(value)}`).toBe(false);
    }
  });

  describe('what the commands print', () => {
    let store: FakeStore;
    let broker: FakeBroker;
    beforeEach(async () => {
      broker = new FakeBroker();
      ({ store } = broker);
      await broker.createTopic('Orders', { readQueueNums: 2, writeQueueNums: 2, attributes: { 'message.type': 'NORMAL' } });
      for (let index = 0; index < 4; index++) await broker.send({ topic: 'Orders', body: index === 3 ? Buffer.from([0xff]) : Buffer.from('x'), keys: ['k'], tags: index === 0 ? undefined : 'A', queueId: 0 });
      await broker.send({ topic: 'Orders', body: Buffer.from('later'), msgId: 'DELAYED0001', delayMs: 3_600_000 });
      await broker.send({ topic: 'Orders', body: Buffer.from('at'), deliverAtMs: Date.now() + 3_600_000 });
      await broker.send({ topic: 'Orders', body: Buffer.from('level'), delayLevel: 3 });
      await broker.joinGroup({ group: 'billing', subscriptions: [{ topic: 'Orders' }] });
      await broker.resetOffsets('billing', [{ queue: (await broker.queues('Orders'))[0]!, offset: 1 }]);
      await broker.createGroup('idle', {});
      for (let index = 0; index < 2; index++) await broker.sendBack(store.log[index]!, { group: 'idle', delayLevel: -1 });
      for (const msgId of ['tx-1', 'tx-2']) await broker.send({ topic: 'Orders', body: Buffer.from('half'), msgId, transactional: true, producerGroup: 'payers' });
    });

    const cases: readonly [string, CommandClass, string[], RunOptions?][] = [
      ['topics-list', TopicsList, ['--all']],
      ['topics-show', TopicsShow, ['Orders']],
      ['topics-create', TopicsCreate, ['New']],
      ['topics-alter', TopicsAlter, ['Orders', '--perm', 'r']],
      ['topics-delete', TopicsDelete, ['Orders', '--yes']],
      ['groups-list', GroupsList, []],
      ['groups-show', GroupsShow, ['billing']],
      ['groups-create', GroupsCreate, ['new']],
      ['groups-delete', GroupsDelete, ['idle', '--yes']],
      ['offsets-list', OffsetsList, []],
      ['offsets-show', OffsetsShow, ['billing']],
      ['offsets-reset', OffsetsReset, ['billing', 'Orders', '--to', 'first']],
      ['offsets-reset', OffsetsReset, ['billing', 'Orders', '--to', 'last', '--execute']],
      ['offsets-export', OffsetsExport, []],
      ['offsets-import', OffsetsImport, ['-', '--execute'], { stdin: '{"offsets":[{"group":"g","topic":"Orders","brokerName":"b","queueId":0,"committedOffset":1}]}' }],
      ['dlq-list', DlqList, []],
      ['dlq-list', DlqList, ['idle']],
      ['dlq-show', DlqShow, ['idle', '0']],
      ['dlq-export', DlqExport, ['idle']],
      ['dlq-redrive', DlqRedrive, ['idle', '--dry-run']],
      ['dlq-redrive', DlqRedrive, ['idle', '--store', temporaryDirectory('schemas')]],
      ['dlq-purge', DlqPurge, ['idle']],
      ['dlq-purge', DlqPurge, ['idle', '--execute']],
      ['message-get', MessageGet, ['7F00000100002A9F0000000000000000']],
      ['message-find', MessageFind, ['Orders', '--key', 'k']],
      ['config', Config, []],
      ['tx-list', TxList, ['--all']],
      ['tx-show', TxShow, ['tx-1']],
      ['tx-commit', TxCommit, ['tx-1']],
      ['tx-rollback', TxRollback, ['tx-2']],
      ['tx-check', TxCheck, ['--group', 'payers', '--exec', 'exit 75', '--older-than', '0s']],
      ['produce', Produce, ['Orders', 'together', '--transaction']],
      ['produce', Produce, ['Orders', 'hello']],
      ['produce', Produce, ['Orders', 'hello', '--delay', '1h']],
      ['delay-list', DelayList, []],
      ['delay-levels', DelayLevels, []],
      ['delay-cancel', DelayCancel, ['DELAYED0001']],
      ['delay-deliver', DelayDeliver, ['DELAYED0001']],
      ['consume', Consume, ['Orders', '--until-end']],
      ['groups-show-watch', GroupsShow, ['billing', '--watch', '--count', '2', '--interval', '100ms']],
      ['consume-exec', Consume, ['Orders', '--group', 'commands', '--until-end', '--exec', 'true']],
      ['tail', Tail, ['Orders', '--from', 'first', '--until-end']],
      ['tail', Tail, ['--commitlog', '--from', 'first', '--until-end']],
      ['tail', Tail, ['--commitlog', '--body', '--from', 'first', '--until-end']],
      ['bench-produce', BenchProduce, ['Bench', '--count', '10']],
      ['bench-consume', BenchConsume, ['Orders', '--count', '4']],
    ];
    it.each(cases)('%s', async (name, command, argv, options) => {
      const result = await runCommand(command, [...argv, '--json'], { ...options, store });
      expect([result.exitCode, result.stdout === ''], result.stderr).toEqual([0, false]);
      for (const document of name === 'offsets-export' ? [result.json] : documents(result.stdout)) expectValid(name, document);
    });

    it('profile-*', async () => {
      const configDirectory = temporaryDirectory('profiles');
      const run = async (command: CommandClass, ...argv: string[]) => (await runCommand(command, [...argv, '--json'], { configDirectory })).json;
      expectValid('profile-create', await run(ProfileCreate, 'dev', '--store', '/s', '--commitlog-dir', '/l', '-X', 'sendMsgTimeout=1000'));
      expectValid('profile-create', await run(ProfileCreate, 'prod', '--namesrv', 'a:1'));
      expectValid('profile-use', await run(ProfileUse, 'dev'));
      expectValid('profile-use', await run(ProfileUse, '--none'));
      expectValid('profile-list', await run(ProfileList));
      expectValid('profile-show', await run(ProfileShow, 'dev'));
      expectValid('profile-show', await run(ProfileShow));
      expectValid('profile-delete', await run(ProfileDelete, 'dev'));
    });

    it('produce, a message that is refused', async () => {
      const { stdout, stderr, exitCode } = await runCommand(Produce, ['Orders', '--json'], { store, stdin: 'a\n\n' });
      expect(exitCode).toBe(2);
      for (const document of documents(stdout)) expectValid('produce', document);
      expect(documents(stdout).at(-1)).toHaveProperty('error');
      expectValid('error', documents(stderr).at(-1));
    });

    it.each<[CommandClass, string[]]>([[TopicsShow, ['Nowhere']], [TopicsShow, []], [MessageGet, ['none']], [OffsetsReset, ['billing', 'Orders', '--to', 'x']], [StoreInfo, ['--store', '/nonexistent']]])('errors', async (command, argv) => {
      const { stderr, exitCode } = await runCommand(command, [...argv, '--json'], { store });
      const document = documents(stderr).at(-1) as { error: { exitCode: number } };
      expectValid('error', document);
      expect(document.error.exitCode).toBe(exitCode);
    });
  });

  describe('what the store commands print over a broker\'s store', () => {
    let store: string;
    beforeAll(() => {
      store = unpackFixture('killed');
    });
    const run = async (command: CommandClass, ...argv: string[]) => documents((await runCommand(command, [...argv, '--json', '--store', store])).stdout);

    it.each<[string, CommandClass, string[]]>([
      ['store-info', StoreInfo, []], ['store-verify', StoreVerify, []], ['store-recover', StoreRecover, ['--dry-run']], ['store-clean', StoreClean, ['--dry-run', '--older-than', '0']],
      ...['commitlog', 'consumequeue', 'index', 'checkpoint', 'topics', 'offsets', 'state'].map((family): [string, CommandClass, string[]] => ['store-dump', StoreDump, [family]]),
    ])('%s', async (name, command, argv) => {
      const found = await run(command, ...argv);
      expect(found.length).toBeGreaterThan(0);
      for (const document of found) expectValid(name, document);
    });

    it('store-init', async () => {
      expectValid('store-init', (await runCommand(StoreInit, ['--json', '--store', join(temporaryDirectory('init'), 's')])).json);
    });

    it('store-verify with damage', async () => {
      const damaged = unpackFixture('clean');
      const { writeFileSync } = await import('node:fs');
      writeFileSync(join(damaged, 'consumequeue', 'Orders', '0', '00000000000000000000'), Buffer.alloc(20, 1), { flag: 'r+' });
      const result = await runCommand(StoreVerify, ['--json', '--store', damaged]);
      expect(result.exitCode).toBe(1);
      expectValid('store-verify', result.json);
      expectValid('error', documents(result.stderr).at(-1));
      expectValid('store-recover', (await runCommand(StoreRecover, ['--json', '--store', damaged])).json);
    });
  });

  it('integers are printed exactly, tags codes beyond 2^53 too', async () => {
    const far = 9_007_199_254_740_991;
    const broker = new FakeBroker();
    await broker.createTopic('T', { readQueueNums: 1, writeQueueNums: 1 });
    await broker.send({ topic: 'T', body: Buffer.from('x'), bornTimestamp: far, queueId: 0 });
    const { stdout } = await runCommand(MessageFind, ['T', '--from', '0', '--json'], { store: broker.store });
    expect(stdout).toContain(`"bornTimestamp":${far},`);
    const tagsCode = -9_223_372_036_854_775_808n;
    const open = async () => Object.assign(new FakeBroker({ store: broker.store }), {
      readLog: async function* readLog() {
        yield [{ recordType: 'message', commitLogOffset: 0, sizeBytes: 1, tagsCode, crcOk: true, message: broker.store.log[0]! }];
      },
    });
    const log = await runCommand(Tail, ['--commitlog', '--from', 'first', '--until-end', '--json'], { open: open as unknown as NonNullable<RunOptions['open']> });
    expect(log.stdout).toContain(`"tagsCode":${tagsCode},`);
  });
});
