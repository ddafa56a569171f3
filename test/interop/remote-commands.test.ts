import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, afterAll, beforeAll, expect, inject, it } from 'vitest';
import { Cluster } from './support/cluster.ts';
import { JavaClient, type JavaSession } from './support/java-client.ts';
import { TESTED_VERSIONS } from './support/jvm.ts';
import { mqliteOnCluster, runOnCluster, type CliResult } from './support/remote-cli.ts';
import { temporaryDirectory } from './support/store-copy.ts';

const manifest = JSON.parse(readFileSync(new URL('../../oclif.manifest.json', import.meta.url), 'utf8')) as { readonly commands: Readonly<Record<string, unknown>> };
const COMMANDS = Object.keys(manifest.commands);

/** The command that the words begin with. */
const idOf = (words: readonly string[]): string => COMMANDS.find((id) => id === words.slice(0, id.split(':').length).join(':')) ?? '';

/** Works on a directory alone: a name server is a usage error. */
const isOfStores = (id: string): boolean => id.startsWith('store:');
/** Has no target. */
const WITHOUT_TARGET: readonly string[] = ['config', 'completion'];

/** Every command that has a meaning on a cluster, one after the other, on each release, with members of the official client beside it. */
describe.skipIf(inject('interopSkipReason') !== null).each(TESTED_VERSIONS)('every command on a cluster of %s', (version) => {
  let cluster: Cluster;
  let java: JavaClient;
  let session: JavaSession;
  const home = temporaryDirectory('home');
  const ran = new Set<string>();

  beforeAll(async () => {
    cluster = await Cluster.start({ version, brokers: [{ name: 'broker-a', config: { transactionCheckInterval: 600_000, transactionOpMsgMaxSize: 1, recallMessageEnable: true, traceTopicEnable: true } }] });
    java = new JavaClient();
    session = await java.connect(cluster.broker('broker-a'));
  }, 300_000);
  afterAll(async () => {
    await java?.close();
    await cluster?.end();
  });

  const env = { HOME: home, XDG_CONFIG_HOME: join(home, 'config'), XDG_DATA_HOME: join(home, 'data') };
  async function tryRun(words: readonly string[], input?: string): Promise<CliResult> {
    ran.add(idOf(words));
    return runOnCluster(words[0] === 'profile' ? words : [...words, '--namesrv', cluster.namesrv], { env, ...(input === undefined ? {} : { input }) });
  }
  /** Its standard output; it must end with 0. */
  async function run(words: readonly string[], input?: string): Promise<string> {
    const { code, stdout, stderr } = await tryRun(words, input);
    expect({ words, code, stderr: code === 0 ? '' : stderr }).toEqual({ words, code: 0, stderr: '' });
    return stdout;
  }
  async function json<T>(words: readonly string[], input?: string): Promise<T> {
    return JSON.parse(await run([...words, '--json'], input)) as T;
  }
  const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');
  const ndjson = <T>(text: string): T[] => lines(text).map((line) => JSON.parse(line) as T);
  /** Asks until the answer is right: what a broker does by itself takes it a while. */
  async function until(what: string, isRight: () => Promise<boolean>, timeoutMs = 60_000): Promise<void> {
    for (const endMs = Date.now() + timeoutMs; !(await isRight());) {
      if (Date.now() > endMs) throw new Error(`it did not come to that: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  it('topics, messages, tail, trace, bench', async () => {
    await run(['topics', 'create', 'Orders', '--queues', '2']);
    expect(lines(await run(['topics', 'list'])).some((line) => line.startsWith('Orders'))).toBe(true);
    await run(['topics', 'alter', 'Orders', '--queues', '4']);
    expect(await json(['topics', 'show', 'Orders'])).toMatchObject({ topic: 'Orders', readQueueNums: 4, writeQueueNums: 4, queues: Array.from({ length: 4 }, (_, queueId) => ({ queue: { brokerName: 'broker-a', queueId }, minOffset: 0, maxOffset: 0 })) });

    const [sent] = ndjson<{ msgId: string; offsetMsgId: string }>(await run(['produce', 'Orders', 'the first', '--tag', 'created', '--key', 'o-1', '--property', 'region=eu', '--json']));
    await session.send([{ topic: 'Orders', queueId: 1, body: 'by Java', tags: 'paid', keys: 'o-2', properties: { region: 'us' } }]);
    const browsed = async (...words: string[]): Promise<string[]> => lines(await run(['consume', 'Orders', '--until-end', ...words])).sort();
    expect(await browsed()).toEqual(['by Java', 'the first']);
    expect(await browsed('--tag', 'paid || gone')).toEqual(['by Java']);
    expect(await browsed('--sql', 'region = \'eu\'')).toEqual(['the first']);
    expect(lines(await run(['tail', 'Orders', '--plain', '--from', 'first', '--until-end', '--format', '%v\\n'])).sort()).toEqual(['by Java', 'the first']);
    expect(ndjson<{ topic?: string }>(await run(['tail', '--commitlog', '--from', 'first', '--until-end', '--json'])).filter(({ topic }) => topic === 'Orders')).toHaveLength(2);

    expect(await json(['message', 'get', sent!.msgId, '--topic', 'Orders'])).toMatchObject({ messages: [{ body: 'the first', offsetMsgId: sent!.offsetMsgId }] });
    expect(await json(['message', 'get', sent!.offsetMsgId])).toMatchObject({ messages: [{ body: 'the first', msgId: sent!.msgId }] });
    await until('the key is in the index', async () => (await tryRun(['message', 'find', 'Orders', '--key', 'o-2', '--json'])).stdout.includes('by Java'));
    const [traced] = await session.send([{ topic: 'Orders', queueId: 0, body: 'traced' }], { trace: true });
    await until('the trace is there', async () => (await tryRun(['message', 'trace', traced!.msgId])).stdout.includes('Orders'));

    expect(await json(['bench', 'produce', 'Bench', '--count', '500', '--size', '100'])).toMatchObject({ messages: 500 });
    expect(await json(['bench', 'consume', 'Bench', '--count', '500'])).toMatchObject({ messages: 500 });
    await run(['topics', 'delete', 'Bench', '--yes']);
    expect(await run(['topics', 'list'])).not.toMatch(/^Bench\b/m);
  });

  it('groups together with members of the official client, offsets, reset', async () => {
    await run(['topics', 'create', 'Work', '--queues', '4']);
    await run(['groups', 'create', 'workers']);
    expect(await run(['groups', 'list'])).toMatch(/^workers\b/m);
    await session.join({ member: 'one', group: 'workers', topic: 'Work' });
    const member = mqliteOnCluster(['consume', 'Work', '--group', 'workers', '--namesrv', cluster.namesrv], env);
    // The rebalance is seen on both sides: each has two of the four queues.
    await until('both share the queues', async () => (await session.memberState('one')).queues.filter((queue) => queue.includes('/Work/')).length === 2);
    const shares = async (): Promise<string[]> => (await json<{ members: { client: { language: string } | null; queues: { topic: string }[] }[] }>(['groups', 'show', 'workers']))
      .members.map(({ client, queues }) => `${client?.language} ${queues.filter(({ topic }) => topic === 'Work').length}`).sort();
    await until('both say so', async () => (await shares()).join() === 'JAVA 2,NODE_JS 2');
    await run(['produce', 'Work', '--batch', '1'], Array.from({ length: 40 }, (_, index) => `job ${index}\n`).join(''));
    await until('all was consumed, once', async () => (await session.memberState('one')).seen.length + lines(member.stdout).length === 40);
    expect((await session.memberState('one')).seen.length).toBeGreaterThan(0);
    expect(lines(member.stdout).length).toBeGreaterThan(0);

    // Ctrl-C in the middle of a long poll: the broker hears of it at once, not after its two minutes.
    const startedMs = Date.now();
    member.kill('SIGINT');
    expect((await member.exited).code).toBe(130);
    await until('the broker sees that it left', async () => (await json<{ members: unknown[] }>(['groups', 'show', 'workers'])).members.length === 1, 10_000);
    expect(Date.now() - startedMs).toBeLessThan(10_000);
    await until('its queues have a new owner', async () => (await session.memberState('one')).queues.filter((queue) => queue.includes('/Work/')).length === 4);
    await session.leave('one');

    await until('everything is committed', async () => (await json<{ totalLag: number | null }>(['offsets', 'show', 'workers'])).totalLag === 0);
    expect(await run(['offsets', 'list'])).toContain('workers');
    const exported = join(home, 'offsets.json');
    await run(['offsets', 'export', 'workers', '--file', exported]);
    expect(await run(['offsets', 'reset', 'workers', 'Work', '--to', 'first'])).toContain(cluster.namesrv);
    await run(['offsets', 'reset', 'workers', 'Work', '--to', 'first', '--execute']);
    expect(lines(await run(['consume', 'Work', '--group', 'workers', '--until-end']))).toHaveLength(40);
    await run(['offsets', 'reset', 'workers', 'Work', '--to', 'first', '--execute']);
    await run(['offsets', 'import', exported, '--execute']);
    expect(await run(['consume', 'Work', '--group', 'workers', '--until-end'])).toBe('');
    await run(['groups', 'delete', 'workers', '--yes']);
    expect(await run(['groups', 'list'])).not.toMatch(/^workers\b/m);
  });

  it('delayed messages', async () => {
    expect(lines(await run(['delay', 'levels'])).length).toBeGreaterThan(18);
    await run(['produce', 'Later', 'at a level', '--delay-level', '18']);
    await run(['produce', 'Later', 'soon', '--delay', '2s']);
    const [timer] = ndjson<{ msgId: string; recallHandle: string }>(await run(['produce', 'Later', 'in an hour', '--delay', '1h', '--json']));
    await until('those that wait long are listed', async () => {
      const { delayed } = await json<{ delayed: { asked: { level?: number }; message: { msgId: string } }[] }>(['delay', 'list']);
      return delayed.some(({ asked }) => asked.level === 18) && delayed.some(({ message }) => message.msgId === timer!.msgId);
    });
    await run(['delay', 'cancel', timer!.msgId]);
    await until('it is gone', async () => !(await run(['delay', 'list', '--json'])).includes(timer!.msgId));
    expect(await tryRun(['delay', 'deliver', timer!.msgId])).toMatchObject({ code: 5 });
    await until('the other one is there', async () => (await run(['consume', 'Later', '--until-end'])) === 'soon\n');
  });

  it('retries and dead letters', async () => {
    await run(['topics', 'create', 'Bad', '--queues', '1']);
    await run(['produce', 'Bad', 'poison', '--key', 'p']);
    await session.consume({ group: 'poisoned', topic: 'Bad', count: 1, fail: true, maxReconsumeTimes: 0, timeoutMs: 20_000 });
    await until('it is dead', async () => (await tryRun(['dlq', 'show', 'poisoned', '0', '--json'])).stdout.includes('poison'));
    expect(await run(['dlq', 'list'])).toContain('poisoned');
    expect(ndjson<{ body: string; originTopic: string }>(await run(['dlq', 'export', 'poisoned']))).toMatchObject([{ body: 'poison', originTopic: 'Bad' }]);
    expect(await run(['dlq', 'redrive', 'poisoned', '--dry-run'])).toContain('1');
    await run(['dlq', 'redrive', 'poisoned']);
    // To the group alone: its next member gets it.
    expect(lines(await run(['consume', 'Bad', '--group', 'poisoned', '--count', '1', '--timeout', '30s']))).toEqual(['poison']);
    await run(['dlq', 'purge', 'poisoned', '--execute']);
    expect(await tryRun(['dlq', 'redrive', 'poisoned'])).toMatchObject({ code: 3 });
    // A command that fails sends the message back: it comes again after the first delay.
    await run(['produce', 'Bad', 'twice']);
    const marker = join(home, 'failed-once');
    const attempts = await run(['consume', 'Bad', '--group', 'again', '--count', '3', '--timeout', '60s', '--exec', `cat; echo; test -e '${marker}' || { touch '${marker}'; exit 1; }`]);
    expect(lines(attempts).sort()).toEqual(['poison', 'poison', 'twice']);
  });

  it('in order, with locks that the official client respects', async () => {
    await run(['topics', 'create', 'Steps', '--queues', '2']);
    await run(['produce', 'Steps', '--sharding-key', 'k'], Array.from({ length: 20 }, (_, index) => `${index}\n`).join(''));
    expect(lines(await run(['consume', 'Steps', '--group', 'ordered', '--orderly', '--count', '20', '--timeout', '30s', '--exec', 'cat; echo'])).filter((line) => /^\d+$/.test(line))).toEqual(Array.from({ length: 20 }, (_, index) => String(index)));
  });

  it('transactions, those of the official client too', async () => {
    await run(['produce', 'Money', 'settled', '--transaction', '--group', 'bank']);
    expect(await run(['consume', 'Money', '--until-end'])).toBe('settled\n');
    const halves = await session.transaction('unknown', ['one', 'two', 'three'].map((body) => ({ topic: 'Money', body })));
    const list = async (): Promise<string> => run(['tx', 'list', '--json']);
    await until('they are listed', async () => (await list()).includes(halves[2]!.msgId));
    expect(await run(['tx', 'show', halves[0]!.msgId])).toContain('Money');
    await run(['tx', 'commit', halves[0]!.msgId]);
    await run(['tx', 'rollback', halves[1]!.msgId]);
    await until('the decisions are known', async () => !(await list()).includes(halves[1]!.msgId));
    expect(lines(await run(['consume', 'Money', '--until-end'])).sort()).toEqual(['one', 'settled']);
    // A broker asks at its own times; that it is answered is in remote-transactions.test.ts.
    expect(await tryRun(['tx', 'check', '--group', 'nobody', '--exec', 'exit 0', '--timeout', '1s'])).toMatchObject({ stderr: expect.not.stringContaining('BUG') as string });
  });

  it('the cluster and profiles', async () => {
    expect(await run(['cluster', 'list'])).toContain(`V${version.replaceAll('.', '_')}`);
    expect(await run(['cluster', 'show', 'broker-a'])).toContain(cluster.broker('broker-a').address);
    await run(['broker', 'config', 'set', 'broker-a', 'fileReservedTime=48', '--execute']);
    expect(await run(['broker', 'config', 'get', 'broker-a', 'fileReservedTime'])).toBe('fileReservedTime=48\n');
    await run(['profile', 'create', 'here', '--namesrv', cluster.namesrv]);
    await run(['profile', 'use', 'here']);
    expect(await run(['profile', 'list'])).toContain('here');
    expect(await run(['profile', 'show'])).toContain(cluster.namesrv);
    expect((await runOnCluster(['topics', 'list'], { env })).stdout).toContain('Orders');
    await run(['profile', 'delete', 'here']);
  });

  it('moves a topic into a directory and back', async () => {
    const store = join(home, 'store');
    const bodies = [...Array.from({ length: 300 }, (_, index) => `message ${index} 中文`), 'x'.repeat(50_000)];
    await run(['produce', 'Moved', '--tag', 'T', '--key', 'k'], `${bodies.join('\n')}\n`);
    const out = await run(['consume', 'Moved', '--until-end', '--json']);
    expect(await runOnCluster(['produce', 'Moved', '--store', store, '--json-input'], { env, input: out })).toMatchObject({ code: 0 });
    const local = await runOnCluster(['consume', 'Moved', '--store', store, '--until-end', '--json'], { env });
    await run(['produce', 'Back', '--json-input'], local.stdout);
    type Row = { readonly body: string; readonly tags: string; readonly keys: string[]; readonly properties: Record<string, string> };
    const content = (text: string): unknown[] => ndjson<Row>(text).map(({ body, tags, keys }) => ({ body, tags, keys })).sort((left, right) => (left.body < right.body ? -1 : 1));
    const expected = bodies.map((body) => ({ body, tags: 'T', keys: ['k'] })).sort((left, right) => (left.body < right.body ? -1 : 1));
    expect(content(local.stdout)).toEqual(expected);
    expect(content(await run(['consume', 'Back', '--until-end', '--json']))).toEqual(expected);
    const theirs = await session.pullAll(['Back']);
    expect(theirs.map(({ bodyLength }) => bodyLength).sort((left, right) => left - right)).toEqual(bodies.map((body) => Buffer.byteLength(body)).sort((left, right) => left - right));
  });

  it('the shell: commands at a prompt, and what completes them', async () => {
    expect((await tryRun(['shell', '-c', 'topics list; produce Typed "one; two"; set topic Typed; consume --until-end | tr o 0'])).stdout).toMatch(/^Orders\b[^]*^0ne; tw0$/m);
    expect(await tryRun(['shell', '-c', 'topics show Nowhere; topics list'])).toMatchObject({ code: 3, stdout: '' });
    ran.add('completion:candidates');
    const candidates = await runOnCluster(['completion', 'candidates', '--', 'topics', 'show', 'Ord'], { env: { ...env, MQLITE_NAMESRV: cluster.namesrv } });
    expect(candidates).toMatchObject({ code: 0, stderr: '' });
  });

  it('and no command is left out', async () => {
    for (const id of COMMANDS.filter(isOfStores)) {
      const { code, stderr } = await tryRun([...id.split(':'), '--namesrv', cluster.namesrv].slice(0, -2));
      expect([id, code], stderr).toEqual([id, 2]);
    }
    expect(COMMANDS.filter((id) => !ran.has(id) && !WITHOUT_TARGET.includes(id))).toEqual([]);
  });
});
