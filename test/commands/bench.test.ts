import { describe, expect, it } from 'vitest';
import BenchConsume from '../../src/commands/bench/consume.ts';
import BenchProduce from '../../src/commands/bench/produce.ts';
import { errorOf, runCommand } from '../support/fake/run.ts';
import { FakeBroker } from '../support/fake-broker.ts';

interface Bench {
  readonly messages: number;
  readonly seconds: number;
  readonly messagesPerSecond: number;
  readonly indexedMessagesPerSecond: number | null;
  readonly latencyMs: Record<string, number>;
}

describe('bench', () => {
  it('produce: as many messages as asked for, of the shape asked for', async () => {
    const { store } = new FakeBroker();
    const result = await runCommand(BenchProduce, ['--count', '300', '--size', '128', '--queues', '3', '--keys', '2', '--in-flight', '64', '--flush', 'sync', '--json'], { store });
    const bench = result.json as Bench;
    expect(result.requests).toMatchObject([{ mode: 'write', create: true, flush: 'sync' }]);
    expect(bench).toMatchObject({ messages: 300, sizeBytes: 128 });
    expect(Object.keys(bench)).toEqual(['messages', 'sizeBytes', 'seconds', 'messagesPerSecond', 'indexedMessagesPerSecond', 'mebibytesPerSecond', 'latencyMs']);
    expect(Object.keys(bench.latencyMs)).toEqual(['p50', 'p99', 'p999', 'max']);
    expect(bench.messagesPerSecond).toBeGreaterThanOrEqual(bench.indexedMessagesPerSecond!);
    expect(store.log).toHaveLength(300);
    expect(store.topics.get('bench')!.config.writeQueueNums).toBe(3);
    expect(store.log.every((record) => record.body.length === 128 && record.keys.length === 2 && record.tags === 'bench')).toBe(true);
    expect(new Set(store.log.flatMap((record) => record.keys)).size).toBe(600);
  });

  it('produce: waits until the last message is readable and its key findable', async () => {
    const broker = new FakeBroker();
    await broker.createTopic('bench', { readQueueNums: 1, writeQueueNums: 1 });
    const maxOffset = broker.maxOffset.bind(broker);
    let looks = 0;
    broker.maxOffset = async (queue) => (looks++ < 3 ? 0 : maxOffset(queue));
    let searches = 0;
    const queryByKey = broker.queryByKey.bind(broker);
    broker.queryByKey = async (query) => (searches++ < 2 ? { messages: [], truncated: false } : queryByKey(query));
    let closed = false;
    broker.close = async () => {
      closed = true;
    };
    await runCommand(BenchProduce, ['--count', '5', '--queues', '1'], { open: async () => broker });
    expect([looks >= 4, searches, closed]).toEqual([true, 3, true]);
  });

  it('produce: without keys nothing is indexed; wrong queues are refused', async () => {
    const { store } = new FakeBroker();
    const result = await runCommand(BenchProduce, ['mine', '--count', '5', '--keys', '0'], { store });
    expect(result.stdout).toMatch(/^messages +5 of 1,024 bytes in /);
    expect(result.stdout).not.toContain('indexed');
    expect(errorOf(await runCommand(BenchProduce, ['mine', '--queues', '5', '--json'], { store }))).toMatchObject({ code: 'USAGE', message: 'topic mine has 4 queues, not 5' });
    expect((await runCommand(BenchProduce, ['--count', 'x'], { store })).exitCode).toBe(2);
  });

  it('consume: reads all, or a count', async () => {
    const { store } = new FakeBroker();
    await runCommand(BenchProduce, ['--count', '100', '--size', '10'], { store });
    expect((await runCommand(BenchConsume, ['--json'], { store })).json).toMatchObject({ messages: 100, sizeBytes: 10, indexedMessagesPerSecond: null });
    expect((await runCommand(BenchConsume, ['--count', '7', '--json'], { store })).json).toMatchObject({ messages: 7 });
    const missing = await runCommand(BenchConsume, ['bnch', '--json'], { store });
    expect(errorOf(missing)).toMatchObject({ code: 'TOPIC_NOT_FOUND', exitCode: 3, hint: 'Did you mean "bench"?' });
  });

  it('draws on a terminal: progress on stderr, the latencies on stdout, in what the locale has', async () => {
    const { store } = new FakeBroker();
    const result = await runCommand(BenchProduce, ['--count', '3000', '--size', '10'], { store, tty: true, env: { LANG: 'en_US.UTF-8' } });
    expect(result.stderr).toContain('\rsending    0 %      0 of 3,000\u001b[K');
    expect(result.stderr.endsWith('\r\u001b[K')).toBe(true);
    expect(result.stdout).toMatch(/^messages +3,000 .*\nthroughput .*\nindexed .*\nlatency ms .*\n\n≤ /);
    const rows = result.stdout.split('\n').filter((line) => line.startsWith('≤'));
    expect(rows.reduce((sum, row) => sum + Number(/([\d,]+) +<?[\d.]+ %/.exec(row)![1]!.replaceAll(',', '')), 0)).toBe(3000);
    expect(rows.join(' ').match(/p\d[\d.]*|max/g)).toEqual(['p50', 'p99', 'p99.9', 'max']);

    const plain = await runCommand(BenchConsume, [], { store, tty: true });
    expect(plain.stderr).toContain('\rreading    0 %      0 of 3,000\u001b[K');
    expect(plain.stdout).toMatch(/\n<= .*#.*\n/);
    expect(`${plain.stdout}${plain.stderr}`.replaceAll('\u001b', '')).toMatch(/^[\r\n -~]+$/);
  });

  it('consume --group: progress of what was asked for', async () => {
    const { store } = new FakeBroker();
    await runCommand(BenchProduce, ['--count', '20', '--size', '10'], { store });
    const result = await runCommand(BenchConsume, ['--group', 'g', '--count', '10'], { store, tty: true });
    expect(result.stderr).toContain('\rconsuming    0 %   0 of 10\u001b[K');
    expect(result.stdout).toContain('messages     10 of ');
  });

  it('consume --group --warmup: measures what comes behind the first ones', async () => {
    const { store } = new FakeBroker();
    await runCommand(BenchProduce, ['--count', '20', '--size', '10'], { store });
    const result = async (...words: string[]) => (await runCommand(BenchConsume, [...words, '--json'], { store })).json as { messages: number; sizeBytes: number };
    expect(await result('--group', 'all', '--warmup', '5')).toMatchObject({ messages: 15, sizeBytes: 10 });
    expect(await result('--group', 'some', '--warmup', '5', '--count', '10')).toMatchObject({ messages: 10, sizeBytes: 10 });
    expect(await result('--group', 'none', '--warmup', '20')).toMatchObject({ messages: 0, sizeBytes: 0 });
    expect(await result('--group', 'fewer', '--warmup', '50')).toMatchObject({ messages: 0, sizeBytes: 0 });
  });

  it('draws nothing on a pipe, under --json and -q', async () => {
    const { store } = new FakeBroker();
    const piped = await runCommand(BenchProduce, ['--count', '5'], { store });
    expect(piped.stdout.trimEnd().split('\n').map((line) => line.split(' ')[0])).toEqual(['messages', 'throughput', 'indexed', 'latency']);
    expect(piped.stderr).not.toContain('sending');
    const json = await runCommand(BenchProduce, ['--count', '5', '--json'], { store, tty: true, env: { LANG: 'C.UTF-8' } });
    expect(json.stdout.trimEnd().split('\n')).toHaveLength(1);
    expect(json.stderr).not.toContain('\r');
    expect((await runCommand(BenchConsume, ['-q'], { store, tty: true })).stderr).toBe('');
  });
});
