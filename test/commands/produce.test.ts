import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import Consume from '../../src/commands/consume.ts';
import Produce from '../../src/commands/produce.ts';
import type { SendOutcome } from '../../src/broker/types.ts';
import { errorOf, runCommand } from '../support/fake/run.ts';
import type { RunOptions } from '../support/fake/run.ts';
import { FakeBroker } from '../support/fake-broker.ts';
import type { FakeStore } from '../support/fake-broker.ts';

describe('produce', () => {
  let broker: FakeBroker;
  let store: FakeStore;
  beforeEach(async () => {
    broker = new FakeBroker();
    ({ store } = broker);
    await broker.createTopic('T', { readQueueNums: 2, writeQueueNums: 2 });
  });
  const produce = (argv: string[], options: RunOptions = {}) => runCommand(Produce, argv, { store, ...options });
  const bodies = (): string[] => store.log.map((record) => record.body.toString());
  const acks = (stdout: string): Record<string, unknown>[] => stdout.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  const file = (text: string): string => {
    const path = join(mkdtempSync(join(tmpdir(), 'mqlite-produce-')), 'input');
    writeFileSync(path, text);
    return path;
  };

  it('sends BODY and says where it went, on stderr', async () => {
    const result = await produce(['T', 'hello', '--tag', 'A', '--key', 'k1', '--key', 'k2', '--property', 'a=b=c', '--queue', '1']);
    expect(store.log[0]).toMatchObject({ tags: 'A', keys: ['k1', 'k2'], queueId: 1, properties: { a: 'b=c' } });
    expect([result.stdout, result.exitCode, result.stderr]).toEqual(['', 0, `mqlite: stored in T, queue 1, offset 0, id ${store.log[0]!.msgId}\n`]);
    expect((await produce(['T', 'quiet', '-q'])).stderr).toBe('');
    expect(result.requests).toMatchObject([{ mode: 'write', create: false, readOnly: false }]);
  });

  it('sends a line a message; \\r stays, a last line without newline counts', async () => {
    const result = await produce(['T'], { stdin: 'a\r\nb\nc' });
    expect(bodies()).toEqual(['a\r', 'b', 'c']);
    expect(result.stderr).toBe('mqlite: 3 messages stored in T\n');
  });

  it('acknowledges each message under --json, with its line', async () => {
    const { stdout, stderr } = await produce(['T', '--json', '--skip-empty'], { stdin: 'a\n\nb\n' });
    expect(acks(stdout).map((ack) => ack['line'])).toEqual([1, 3]);
    expect(Object.keys(acks(stdout)[0]!)).toEqual(['line', 'status', 'topic', 'brokerName', 'queueId', 'queueOffset', 'msgId', 'offsetMsgId']);
    expect(stderr).toBe('');
  });

  it('an empty line ends it with its number; what stands before is stored', async () => {
    const result = await produce(['T'], { stdin: 'a\nb\n\nc\n' });
    expect(bodies()).toEqual(['a', 'b']);
    expect([result.exitCode, result.stderr]).toEqual([2, 'mqlite: 2 messages stored in T\nmqlite: line 3: the body is empty, which RocketMQ refuses\n  Skip empty lines with --skip-empty.\n']);
    expect((await produce(['T', '-q'], { stdin: 'a\n\n' })).stderr).toMatch(/^mqlite: line 2: /);
    expect((await produce(['T'], { stdin: '\na\n' })).stderr).toMatch(/^mqlite: line 1: /);
    const json = await produce(['T', '--json'], { stdin: 'a\n\n' });
    expect(acks(json.stdout)[1]).toMatchObject({ line: 2, topic: 'T', error: { code: 'MESSAGE_ILLEGAL', exitCode: 2 } });
    expect(JSON.parse(json.stderr)).toMatchObject({ error: { code: 'MESSAGE_ILLEGAL', line: 2 } });
  });

  it('a body over the limit is refused before it is gathered', async () => {
    const result = await produce(['T', '-X', 'maxMessageSize=10'], { stdin: `ok\n${'x'.repeat(11)}\n` });
    expect([result.exitCode, bodies()]).toEqual([2, ['ok']]);
    expect(result.stderr).toContain('line 2: the body is larger than 10 bytes');
    expect((await produce(['T', 'x'.repeat(4 * 1024 * 1024 + 1)])).exitCode).toBe(2);
    expect((await produce(['T'], { stdin: 'x'.repeat(4 * 1024 * 1024 + 1) })).stderr).toContain('larger than 4194304 bytes');
  });

  it('--file: one message; with --json-input its lines; a missing file is exit 3 and opens nothing', async () => {
    await produce(['T', '--file', file('two\nlines\n')]);
    expect(bodies()).toEqual(['two\nlines\n']);
    await produce(['T', '--file', file('{"body":"x"}\n{"body":"y"}'), '--json-input']);
    expect(bodies().slice(1)).toEqual(['x', 'y']);
    for (const more of [[], ['--json-input']]) {
      const missing = await produce(['T', '--file', '/no/such/file', ...more]);
      expect([missing.exitCode, missing.requests]).toEqual([3, []]);
      expect(missing.stderr).toContain('/no/such/file: no such file or directory');
    }
  });

  it('a terminal without BODY gets a hint', async () => {
    const result = await produce(['T'], { tty: true });
    expect([result.exitCode, result.requests]).toEqual([2, []]);
    expect(result.stderr).toContain('pipe lines in');
    expect((await produce(['T', 'x'], { tty: true })).exitCode).toBe(0);
  });

  it('a missing topic is made, and said with what was perhaps meant', async () => {
    await broker.createTopic('orders', {});
    const result = await produce(['order', 'x']);
    expect(result.stderr).toContain('mqlite: topic order is new and has 4 queues (did you mean orders?)\n');
    expect(store.topics.get('order')!.config.writeQueueNums).toBe(4);
    await produce(['wide', 'x', '-X', 'defaultTopicQueueNums=9']);
    expect(store.topics.get('wide')!.config.writeQueueNums).toBe(9);
    const refused = await produce(['ordrs', 'x', '--no-create', '--json']);
    expect(errorOf(refused)).toMatchObject({ code: 'TOPIC_NOT_FOUND', exitCode: 3, hint: 'Did you mean orders?' });
    expect(refused.requests).toMatchObject([{ create: false }]);
    expect(store.topics.has('ordrs')).toBe(false);
    await produce(['nothing'], { stdin: '' });
    expect(store.topics.has('nothing')).toBe(false);
  });

  it.each([
    [['T', 'x', '--file', 'f']], [['T', 'x', '--json-input']], [['T', '--keep-id']], [['T', '--json-input', '--keep-queue', '--queue', '1']],
    [['T', 'x', '--queue', '0', '--sharding-key', 'k']], [['T', 'x', '--oneway', '--json']], [['T', 'x', '--oneway', '--flush', 'sync']],
    [['T', 'x', '--property', 'novalue']], [['T', 'x', '--rate', 'fast']], [['T', 'x', '--timeout', '3']], [['T', 'x', '--timeout', '0s']], [['T', 'x', '--batch', '0']], [['T', 'x', '--queue', '-1']],
    [['T', 'x', '--flush', 'maybe']], [['T', 'x', '--compress', 'gzip']], [['T', 'x', 'y']], [[]], [['T', 'x', '--delay', '5q']], [['T', 'x', '--deliver-at', 'soon']], [['T', 'x', '--delay', '3s', '--delay-level', '2']], [['T', 'x', '--delay-level', '-1']], [['T', 'x', '-X', 'sendMsgMaxTimeoutPerRequest=3']],
    [['T', 'x', '--store', 'a', '--namesrv', 'b:1']], [['T', 'x', '--lock-timeout', 'long']], [['T', 'x', '--read-only']],
  ])('refuses %j with one line and nothing sent', async (argv) => {
    const result = await produce([...argv, '--json'], { stdin: 'x\n' });
    expect([result.exitCode, result.stdout, store.log.length]).toEqual([2, '', 0]);
    expect(errorOf(result)).toMatchObject({ code: 'USAGE', exitCode: 2 });
    expect(result.stderr.trim().split('\n')).toHaveLength(1);
  });

  it('passes on what the store refuses, with the line', async () => {
    const result = await produce(['T', '--property', 'DELAY=3', '--json'], { stdin: 'x\n' });
    expect([result.exitCode, store.log.length]).toEqual([2, 0]);
    expect(JSON.parse(result.stderr)).toMatchObject({ error: { line: 1, message: expect.stringContaining('DELAY') as string } });
  });

  it('BODY and a whole file have no lines to number', async () => {
    expect(errorOf(await produce(['T', 'x', '--property', 'DELAY=3', '--json']))).not.toHaveProperty('line');
    expect((await produce(['T', 'x', '--property', 'DELAY=3'])).stderr).toMatch(/^mqlite: property DELAY/);
    expect(await produce(['T', ''])).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/^mqlite: BODY is empty/) as string });
    expect(await produce(['T', '--file', file('')])).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/^mqlite: --file \S+: the file is empty/) as string });
    expect(await produce(['T', 'x'.repeat(200), '-X', 'maxMessageSize=100'])).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/^mqlite: the body is larger than 100 bytes/) as string });
    expect(store.log).toEqual([]);
  });

  it('a file that cannot be read is named', async () => {
    expect(await produce(['T', '--file', tmpdir()])).toMatchObject({ exitCode: 2, stderr: `mqlite: --file ${tmpdir()}: it is a directory\n` });
    expect(await produce(['T', '--file', '/no/such/file', '--json-input'])).toMatchObject({ exitCode: 3, stderr: 'mqlite: --file /no/such/file: no such file or directory\n' });
  });

  it.each([
    [['--tag', ''], '--tag is empty'],
    [['--key', ''], '--key is empty'],
    [['--key', 'a b'], '--key "a b" has a space, which separates keys in RocketMQ'],
  ])('%j says something else than was meant: refused', async (flags, message) => {
    expect(errorOf(await produce(['T', 'x', ...flags, '--json']))).toMatchObject({ code: 'USAGE', message });
    expect(store.log).toEqual([]);
  });

  it('stored but not confirmed is exit 4, with the message acknowledged', async () => {
    const sendBatch = broker.sendBatch.bind(broker);
    broker.sendBatch = async (batch) => (await sendBatch(batch)).map((outcome): SendOutcome => ('error' in outcome ? outcome : { ...outcome, status: 'FLUSH_DISK_TIMEOUT' }));
    const result = await produce(['T', 'x', '--json'], { open: async () => broker });
    expect(acks(result.stdout)).toMatchObject([{ status: 'FLUSH_DISK_TIMEOUT', queueOffset: 0 }]);
    expect(errorOf(result)).toMatchObject({ code: 'NOT_CONFIRMED', exitCode: 4 });
    // Nothing is called stored that was not confirmed.
    expect((await produce(['T'], { stdin: 'a\nb\n', open: async () => broker })).stderr).toMatch(/^mqlite: line 1: stored, but FLUSH_DISK_TIMEOUT\n/);
  });

  it('sends with the options asked for', async () => {
    const batches: number[] = [];
    const sendBatch = broker.sendBatch.bind(broker);
    broker.sendBatch = async (batch) => {
      batches.push(batch.length);
      return sendBatch(batch);
    };
    const started = performance.now();
    const result = await produce(['T', '--batch', '2', '--flush', 'sync', '--rate', '100/s', '--sharding-key', 's'], { stdin: 'x\n'.repeat(10), open: async () => broker });
    expect(result.requests).toMatchObject([{ flush: 'sync' }]);
    expect(batches).toEqual([2, 2, 2, 2, 2]);
    expect(performance.now() - started).toBeGreaterThan(30);
    expect(new Set(store.log.map((record) => record.queueId)).size).toBe(1);
    expect((await produce(['T', '--oneway'], { stdin: 'x\ny\n' })).stderr).toBe('mqlite: 2 messages handed over, not waited for, in T\n');
  });

  it('compresses every body under --compress, large ones under the settings of the Java client', async () => {
    const flags = async (...argv: string[]) => {
      await produce(['T', ...argv], { stdin: `${'x'.repeat(5000)}\nshort\n` });
      return store.log.slice(-2).map((record) => record.sysFlag & 0x700);
    };
    expect(await flags()).toEqual([0, 0]);
    expect(await flags('--compress', 'zlib')).toEqual([0x300, 0x300]);
    expect(await flags('-X', 'compressType=LZ4')).toEqual([0x100, 0]);
    expect(await flags('-X', 'compressMsgBodyOverHowmuch=5')).toEqual([0x300, 0x300]);
  });

  describe('--json-input', () => {
    const send = (lines: unknown[], ...argv: string[]) => produce(['T', '--json-input', ...argv], { stdin: `${lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n')}\n` });

    it('takes all fields, flags fill the gaps', async () => {
      await send([{ body: 'b', tags: 'A', keys: ['x', 'y'], flag: 7, properties: { p: '1', __proto__: undefined }, shardingKey: 's' }, { body: '/w==', bodyEncoding: 'base64', tags: null, keys: 'one' }], '--tag', 'Z', '--property', 'q=2');
      expect(store.log[0]).toMatchObject({ tags: 'A', keys: ['x', 'y'], flag: 7, properties: { p: '1', q: '2', __SHARDINGKEY: 's' } });
      expect(store.log[1]).toMatchObject({ tags: 'Z', keys: ['one'], body: Buffer.from([0xff]), properties: { q: '2' } });
    });

    it('drops the system\'s properties: nothing is delayed because it once was', async () => {
      await send([{ body: 'b', properties: { DELAY: '3', TIMER_DELIVER_MS: '1', TRAN_MSG: 'true', RETRY_TOPIC: 'x', UNIQ_KEY: 'old', mine: '1' } }]);
      expect(store.log[0]!.properties).toEqual({ mine: '1', UNIQ_KEY: store.log[0]!.msgId });
      expect(store.log[0]!.msgId).not.toBe('old');
    });

    it('keeps id and queue when asked to', async () => {
      const id = '7F000001172CB30C025F741118A00000';
      await send([{ body: 'b', msgId: id, queueId: 1 }, { body: 'c', msgId: 'same', offsetMsgId: 'same', queueId: 0 }], '--keep-id', '--keep-queue');
      expect([store.log[0]!.msgId, store.log[0]!.queueId, store.log[1]!.queueId]).toEqual([id, 1, 0]);
      expect(store.log[1]!.msgId).not.toBe('same');
      await send([{ body: 'b', msgId: id }]);
      expect(store.log[2]!.msgId).not.toBe(id);
    });

    it.each<[unknown, string, string]>([
      ['{"body":', 'INVALID_INPUT', 'not JSON'], ['[1]', 'INVALID_INPUT', 'not a JSON object'], ['null', 'INVALID_INPUT', 'not a JSON object'], [{}, 'INVALID_INPUT', '"body" is missing'], [{ body: 1 }, 'INVALID_INPUT', '"body"'],
      [{ body: '' }, 'MESSAGE_ILLEGAL', 'empty'], [{ body: 'a', tag: 'x' }, 'INVALID_INPUT', 'unknown field "tag"'], [{ body: '/w', bodyEncoding: 'hex' }, 'INVALID_INPUT', 'bodyEncoding'],
      [{ body: 'a*b', bodyEncoding: 'base64' }, 'INVALID_INPUT', 'not base64'], [{ body: 'a', keys: [1] }, 'INVALID_INPUT', '"keys"'], [{ body: 'a', properties: { x: 1 } }, 'INVALID_INPUT', 'property "x"'],
      [{ body: 'a', properties: [] }, 'INVALID_INPUT', '"properties"'], [{ body: 'a', flag: 1.5 }, 'INVALID_INPUT', '"flag"'], [{ body: 'a', tags: 3 }, 'INVALID_INPUT', '"tags"'],
    ])('line %j is refused as %s', async (line, code, message) => {
      const result = await send([{ body: 'good' }, line, { body: 'never' }], '--json');
      expect(bodies()).toEqual(['good']);
      expect(JSON.parse(result.stderr)).toMatchObject({ error: { code, line: 2, message: expect.stringContaining(message) as string } });
      expect(acks(result.stdout)).toMatchObject([{ line: 1, status: 'SEND_OK' }, { line: 2, error: { code } }]);
    });

    it('takes delays, each line its own, and refuses two at once and what is none', async () => {
      const inAnHour = Date.now() + 3_600_000;
      const result = await send([{ body: 'level', delayLevel: 3 }, { body: 'ms', delayMs: 60_000 }, { body: 'at', deliverAt: inAnHour }, { body: 'text', deliverAt: '+2h' }, { body: 'now' }], '--json', '--delay', '5m');
      expect(result).toMatchObject({ exitCode: 0 });
      expect(acks(result.stdout).map((ack) => 'recallHandle' in ack)).toEqual([false, true, true, true, true]);
      expect(store.waiting.map(({ message, dueMs }) => [message.body.toString(), Math.round((dueMs - Date.now()) / 60_000)])).toEqual([['level', 0], ['ms', 1], ['at', 60], ['text', 120], ['now', 5]]);
      for (const line of [{ body: 'a', delayMs: 5, delayLevel: 1 }, { body: 'a', delayMs: -1 }, { body: 'a', delayMs: '5s' }, { body: 'a', deliverAt: 'soon' }, { body: 'a', delayLevel: 1.5 }]) {
        expect(errorOf(await send([line], '--json')), JSON.stringify(line)).toMatchObject({ code: 'INVALID_INPUT', exitCode: 2 });
      }
    });

    it('takes back what consume --json prints', async () => {
      await broker.send({ topic: 'T', body: Buffer.from([0, 0xff]), tags: 'A', keys: ['k'], properties: { p: '\u0007"' }, queueId: 1, flag: 3 });
      await broker.send({ topic: 'T', body: Buffer.from('text ü'), queueId: 0 });
      const { stdout } = await runCommand(Consume, ['T', '--until-end', '--json'], { store });
      await produce(['Copy', '--json-input', '--keep-id', '--keep-queue'], { stdin: stdout });
      const essence = (topic: string) => store.log.filter((record) => record.topic === topic).map(({ body, tags, keys, flag, msgId, queueId, properties }) => ({ body, tags, keys, flag, msgId, queueId, properties }));
      expect(essence('Copy')).toEqual(essence('T'));
    });
  });
});
