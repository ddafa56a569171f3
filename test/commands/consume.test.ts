import { beforeEach, describe, expect, it } from 'vitest';
import { CodecError } from '../../src/base/codec-error.ts';
import Consume from '../../src/commands/consume.ts';
import type { Message } from '../../src/record/message.ts';
import type { PullRequest } from '../../src/broker/types.ts';
import { errorOf, runCommand } from '../support/fake/run.ts';
import type { RunOptions } from '../support/fake/run.ts';
import { FakeBroker } from '../support/fake-broker.ts';
import type { FakeStore } from '../support/fake-broker.ts';

const EVIL = '\u001b]52;c;ZXZpbA==\u0007\u202e';

describe('consume', () => {
  let broker: FakeBroker;
  let store: FakeStore;
  beforeEach(async () => {
    broker = new FakeBroker();
    ({ store } = broker);
    await broker.createTopic('T', { readQueueNums: 2, writeQueueNums: 2 });
    await broker.send({ topic: 'T', body: Buffer.from('one'), tags: 'A', keys: ['k1', 'k2'], queueId: 0 });
    await broker.send({ topic: 'T', body: Buffer.from([0xff, 0x0a]), tags: 'B', queueId: 1, properties: { p: 'q' } });
    await broker.send({ topic: 'T', body: Buffer.from('three'), queueId: 0 });
  });
  const consume = (argv: string[], options: RunOptions = {}) => runCommand(Consume, argv, { store, ...options });
  const plain = async (...argv: string[]): Promise<string> => (await consume(['T', '--until-end', '--format', '%p@%o ', ...argv])).stdout.trim();

  it('prints bodies, nothing else, and only looks', async () => {
    const chunks: Buffer[] = [];
    const result = await consume(['T', '--until-end']);
    expect(result.stdout).toBe(`one\n${Buffer.from([0xff, 0x0a]).toString()}\nthree\n`);
    expect([result.stderr, result.exitCode, chunks]).toEqual(['', 0, []]);
    expect(result.requests).toMatchObject([{ mode: 'read', create: false }]);
    expect([store.groups.size, store.offsets.size, store.members.size]).toEqual([0, 0, 0]);
  });

  it('prints NDJSON with every field in order', async () => {
    const { stdout } = await consume(['T', '--until-end', '--json']);
    const lines = stdout.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(Object.keys(lines[0]!)).toEqual([
      'topic', 'originTopic', 'brokerName', 'queueId', 'queueOffset', 'commitLogOffset', 'storeSize', 'msgId', 'offsetMsgId', 'tags', 'keys', 'body', 'bodyEncoding',
      'properties', 'flag', 'sysFlag', 'bodyCRC', 'bornTimestamp', 'bornHost', 'storeTimestamp', 'storeHost', 'reconsumeTimes', 'preparedTransactionOffset',
    ]);
    expect(lines).toMatchObject([{ body: 'one', bodyEncoding: 'utf8', tags: 'A', keys: ['k1', 'k2'] }, { body: '/wo=', bodyEncoding: 'base64', properties: { p: 'q' } }, { tags: null, keys: [] }]);
  });

  it('ranges and filters', async () => {
    expect(await plain()).toBe('0@0 1@0 0@1');
    expect(await plain('--from', '-2')).toBe('1@0 0@1');
    expect(await plain('--from', 'last')).toBe('');
    expect(await plain('--from', '1')).toBe('0@1');
    expect(await plain('--to', '1')).toBe('0@0 1@0');
    expect(await plain('--from', '@-1h')).toBe('0@0 1@0 0@1');
    expect(await plain('--queue', '1')).toBe('1@0');
    expect(await plain('--tag', 'A || B')).toBe('0@0 1@0');
    expect(await plain('--tag', '*')).toBe('0@0 1@0 0@1');
    expect(await plain('--grep', '^t.r')).toBe('0@1');
    expect(await plain('--sql', "p = 'q'")).toBe('1@0');
    expect(await plain('--sql', 'p is null')).toBe('0@0 0@1');
    expect(await plain('--sql', "TAGS = 'A' OR p = 'q'")).toBe('0@0 1@0');
    expect(await plain('--sql', 'p > 1')).toBe('');
    expect(await plain('--group', 'sql', '--sql', "p = 'q'")).toBe('1@0');
    expect(broker.store.offsetOf('sql', { topic: 'T', brokerName: 'broker-a', queueId: 0 })).toBe(2);
    expect(await plain('--count', '2')).toBe('0@0 1@0');
  });

  it('several topics are one stream', async () => {
    await broker.send({ topic: 'U', body: Buffer.from('u') });
    expect((await consume(['U', 'T', '--until-end', '--format', '%t '])).stdout).toBe('T T T U ');
  });

  it('--count ends a follower; unmet it is exit 1, after what there is', async () => {
    expect(await consume(['T', '--count', '3', '-q'])).toMatchObject({ exitCode: 0, stderr: '' });
    const result = await consume(['T', '--count', '4', '--until-end', '--format', '%o']);
    expect([result.stdout, result.exitCode]).toEqual(['001', 1]);
    expect(result.stderr).toBe('mqlite: 3 of 4 messages\n  The stream ended before --count was reached.\n');
    expect(await consume(['T', '--timeout', '30ms'])).toMatchObject({ exitCode: 0 });
    expect(await consume(['T', '--timeout', '30ms', '--count', '9'])).toMatchObject({ exitCode: 1 });
  });

  it('nothing of a message steers a terminal; pipes get the bytes', async () => {
    await broker.createTopic('Evil', { readQueueNums: 1, writeQueueNums: 1 });
    await broker.send({ topic: 'Evil', body: Buffer.from(EVIL), tags: EVIL, keys: [EVIL], properties: { [EVIL]: EVIL }, msgId: EVIL });
    await broker.send({ topic: 'Evil', body: Buffer.concat([Buffer.from(EVIL), Buffer.from([0xff])]) });
    for (const argv of [[], ['--format', String.raw`%v %g %k %h{%k=%v} %i\n`], ['--json']]) {
      const { stdout } = await consume(['Evil', '--until-end', ...argv], { tty: true });
      // oxlint-disable-next-line no-control-regex -- what must not be there
      expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
      if (argv[0] !== '--json') expect(stdout).not.toContain('\u202e');
    }
    expect((await consume(['Evil', '--count', '1'])).stdout).toBe(`${EVIL}\n`);
    expect((await consume(['Evil', '--count', '1', '--format', '%g'])).stdout).toBe(EVIL);
  });

  it('damage is named on stderr and skipped: the rest, then exit 1', async () => {
    const pull = broker.pull.bind(broker);
    broker.pull = async (request: PullRequest) => {
      const result = await pull(request);
      const queue = { topic: 'T', brokerName: 'broker-a', queueId: 1 };
      const first = request.queue.queueId === 1 && request.offset === 0;
      return {
        ...result,
        messages: first ? [] : result.messages.map((message) => (message.queueOffset === 1 ? undecodable(message) : message)),
        damaged: first ? [{ queue, queueOffset: 0, commitLogOffset: 99, file: 'commitlog/0', position: 99, reason: 'CRC mismatch' }] : [],
      };
    };
    for (const argv of [[], ['--json'], ['--format', String.raw`%v\n`], ['--grep', '.']]) {
      const result = await consume(['T', '--until-end', '-q', ...argv], { open: async () => broker });
      expect([result.exitCode, result.stdout.trim().split('\n')]).toEqual([1, [expect.stringContaining('one') as string]]);
      expect(result.stderr).toContain('mqlite: damaged record skipped: T/1@0, commitlog/0 at byte 99: CRC mismatch\n');
      expect(result.stderr).toMatch(/damaged record skipped: T\/0@1, commit-log offset \d+: no zlib/);
      expect(result.stderr).toContain('2 damaged records skipped');
    }
  });

  it('notices of the store go to stderr, -q drops them', async () => {
    const open: RunOptions['open'] = async (request) => {
      request.onNotice('not closed cleanly');
      return new FakeBroker({ store, mode: request.mode });
    };
    expect((await consume(['T', '--until-end'], { open })).stderr).toBe('mqlite: not closed cleanly\n');
    expect((await consume(['T', '--until-end', '-q'], { open })).stderr).toBe('');
  });

  it('NAMESRV_ADDR redirects nothing, and is mentioned', async () => {
    const { stderr, requests } = await consume(['T', '--until-end'], { env: { NAMESRV_ADDR: 'x:1' } });
    expect(stderr).toContain('NAMESRV_ADDR is set, but mqlite works on the local store');
    expect(requests).toMatchObject([{ target: { kind: 'local' } }]);
  });

  it('an unknown topic: the nearest name, exit 3', async () => {
    await broker.createTopic('orders', {});
    expect(errorOf(await consume(['ordres', '--until-end', '--json']))).toMatchObject({ code: 'TOPIC_NOT_FOUND', exitCode: 3, hint: 'Did you mean "orders"?' });
    expect((await consume(['T', '--queue', '9', '--until-end'])).exitCode).toBe(3);
  });

  it.each([
    [[]], [['T', '--from', 'start']], [['T', '--to', '@never']], [['T', '--tag', 'A | B']], [['T', '--sql', '']], [['T', '--sql', 'p = 1', '--tag', 'A']], [['T', '--grep', '(']], [['T', '--format', '%z']],
    [['T', '--count', '0']], [['T', '--queue', '-1']], [['T', '--timeout', '5']], [['T', '--frm', 'first']], [['T', '--from', 'committed']], [['T', '-X', 'pullThreadNums=5']],
    [['T', '--group', 'g', '--read-only']], [['T', '--orderly']], [['T', '--mode', 'pull']], [['T', '--group', 'g', '--orderly', '--broadcast']], [['T', '--group', 'g', '--instance', 'i']],
    [['T', '--group', 'g', '--mode', 'pull', '--orderly']], [['T', '--group', 'g', '--mode', 'pull', '--concurrency', '2']], [['T', '--group', 'g', '--mode', 'pop']], [['T', '--group', 'g', '--mode', 'pull', '-X', 'pullThresholdForAll=10']], [['T', '--group', 'g', '--concurrency', '0']],
    [['T', '--group', 'g', '--orderly', '-X', 'messageModel=BROADCASTING']], [['T', '--group', 'g', '-X', 'allocateMessageQueueStrategy=AllocateMachineRoomNearby']],
    [['T', '--group', 'g', '-X', 'consumeThreadMin=4', '-X', 'consumeThreadMax=3']], [['T', '--group', 'g', '-X', 'consumeFromWhere=CONSUME_FROM_TIMESTAMP', '-X', 'consumeTimestamp=yesterday']],
  ])('refuses %j', async (argv) => {
    const result = await consume([...argv, '--until-end'], {});
    expect([result.exitCode, result.stdout]).toEqual([2, '']);
    expect(result.stderr).toMatch(/^mqlite: .+\n {2}.*(\n {2} *\^)?\n$/);
  });

  it('refuses --json with --format', async () => {
    expect(errorOf(await consume(['T', '--format', '%t', '--json']))).toMatchObject({ code: 'USAGE', message: '--json and --format exclude each other' });
  });

  it.each([['5', '2'], ['@2026-01-02T00:00:00Z', '@2026-01-01T00:00:00Z'], ['@-1h', '@-2h']])('refuses --from %s --to %s', async (from, to) => {
    expect(errorOf(await consume(['T', '--from', from, '--to', to, '--json']))).toMatchObject({ code: 'USAGE', message: '--to lies before --from' });
  });

  it('a range of nothing is fine', async () => {
    expect(await consume(['T', '--from', '1', '--to', '1'])).toMatchObject({ exitCode: 0, stdout: '' });
  });

  it('points at the place in an expression', async () => {
    expect((await consume(['T', '--tag', 'A | B'])).stderr).toBe('mqlite: --tag, character 3: a single "|" separates nothing, write "||"\n  A | B\n    ^\n');
    expect((await consume(['T', '--sql', "p = 'q' and a + 1 > 2"])).stderr).toBe('mqlite: --sql, character 15: "+" is not understood here, wanted: an operator or the end\n  p = \'q\' and a + 1 > 2\n                ^\n');
    expect(errorOf(await consume(['T', '--sql', 'a >', '--json']))).toEqual({
      code: 'USAGE', exitCode: 2, hint: 'Here, behind the mark: a >^',
      message: '--sql, character 4: the expression ends, wanted: a property, a string, a number, TRUE, FALSE or "("',
    });
    expect((await consume(['T', '--format', 'ab%z'])).stderr).toContain('--format, character 3: unknown verb "%z"');
  });

  it('an unexpected error is a bug of mqlite, with its stack under -v', async () => {
    const open = async (): Promise<never> => {
      throw new TypeError('boom');
    };
    const result = await consume(['T'], { open });
    expect([result.exitCode, result.stderr.split('\n')[0]]).toEqual([70, 'mqlite: a bug in mqlite: TypeError: boom']);
    expect(result.stderr).not.toContain('at Object.open (');
    expect((await consume(['T', '-v'], { open })).stderr).toContain('at Object.open (');
  });

  describe('--group', () => {
    const offsets = async () => (await broker.committedOffsets('g', 'T')).map((row) => row.committedOffset);

    it('commits what it printed and goes on from there', async () => {
      const first = await consume(['T', '--group', 'g', '--count', '2', '--format', '%p@%o ']);
      expect([first.stdout, first.requests[0]!.mode]).toEqual(['0@0 1@0 ', 'write']);
      expect(await offsets()).toEqual([1, 1]);
      expect((await consume(['T', '--group', 'g', '--until-end', '--format', '%p@%o '])).stdout).toBe('0@1 ');
      expect(await offsets()).toEqual([2, 1]);
    });

    it('--from another place than the group\'s is exit 2 and points to offsets reset', async () => {
      await consume(['T', '--group', 'g', '--until-end']);
      const result = await consume(['T', '--group', 'g', '--from', 'first', '--json']);
      expect(errorOf(result)).toMatchObject({ code: 'USAGE', hint: 'To start elsewhere: mqlite offsets reset g T --to first --execute' });
    });

    it('settings: autoCommit=false commits nothing', async () => {
      await consume(['T', '--group', 'g', '--until-end', '-X', 'autoCommit=false']);
      expect(await offsets()).toEqual([null, null]);
    });

    it('settings: persistConsumerOffsetInterval is how often it commits', async () => {
      const running = consume(['T', '--group', 'g', '--timeout', '1500ms', '-X', 'persistConsumerOffsetInterval=20', '-X', 'brokerSuspendMaxTimeMillis=10']);
      await expect.poll(() => offsets().catch(() => []), { timeout: 1000 }).toEqual([2, 1]);
      expect(store.members.has('g')).toBe(true);
      await running;
      expect(store.members.has('g')).toBe(false);
    });
  });
});

/** A message whose body cannot be decompressed. */
function undecodable(message: Message): Message {
  return Object.defineProperty({ ...message }, 'body', {
    get() {
      throw new CodecError('DAMAGED', 'no zlib stream');
    },
  }) as Message;
}
