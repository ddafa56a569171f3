import { beforeEach, describe, expect, it } from 'vitest';
import Tail from '../../src/commands/tail.ts';
import type { LogRecord } from '../../src/broker/types.ts';
import type { Message } from '../../src/record/message.ts';
import { errorOf, runCommand } from '../support/fake/run.ts';
import type { RunOptions } from '../support/fake/run.ts';
import { FakeBroker } from '../support/fake-broker.ts';
import type { FakeStore } from '../support/fake-broker.ts';

describe('tail', () => {
  let broker: FakeBroker;
  let store: FakeStore;
  beforeEach(async () => {
    broker = new FakeBroker();
    ({ store } = broker);
    await broker.createTopic('T', { readQueueNums: 1, writeQueueNums: 1 });
    await broker.createTopic('U', { readQueueNums: 1, writeQueueNums: 1 });
    await broker.send({ topic: 'T', body: Buffer.from('one\ntwo\u001b[31m'), tags: 'A', keys: ['k'] });
    await broker.send({ topic: 'U', body: Buffer.from('three') });
  });
  const tail = (argv: string[], options: RunOptions = {}) => runCommand(Tail, argv, { store, ...options });

  it('starts at the end and shows what comes, of every topic', async () => {
    const reader = new FakeBroker({ store, mode: 'read' });
    const pull = reader.pull.bind(reader);
    let waiting = false;
    reader.pull = (request) => {
      waiting ||= (request.suspendMs ?? 0) > 0;
      return pull(request);
    };
    const running = tail(['--count', '2', '--format', '%t:%v '], { open: async () => reader });
    await expect.poll(() => waiting, { timeout: 10_000 }).toBe(true);
    await broker.send({ topic: 'U', body: Buffer.from('new') });
    await broker.send({ topic: 'T', body: Buffer.from('newer') });
    expect((await running).stdout).toBe('U:new T:newer ');
  });

  it('a message is one line, escaped on a pipe too', async () => {
    const { stdout, requests } = await tail(['T', '--from', 'first', '--until-end', '--plain']);
    expect(stdout).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z {2}T\/0@0 {2}\[A\] {2}key=k {2}one\\ntwo\\e\[31m\n$/);
    expect(requests).toMatchObject([{ mode: 'read' }]);
  });

  it.each([['--plain', '--count', '1'], ['--count', '1'], ['--until-end'], ['--json', '--until-end'], ['--format', '%v', '--count', '1'], ['--timeout', '20ms'], ['--commitlog', '--body', '--until-end']])(
    'whoever asks for lines or for an end gets lines, on a terminal too: %s %s', async (...flags) => {
      const { stdout, exitCode } = await tail([...(flags.includes('--commitlog') ? [] : ['T']), '--from', 'first', ...flags], { tty: true });
      expect({ exitCode, isView: stdout.includes('\u001b[?1049h') }).toEqual({ exitCode: 0, isView: false });
      expect(stdout).toContain('one');
    });

  it('NDJSON and filters', async () => {
    const { stdout } = await tail(['--from', '-2', '--until-end', '--json', '--grep', 'thr']);
    expect(JSON.parse(stdout)).toMatchObject({ topic: 'U', body: 'three' });
    expect((await tail(['--from', 'first', '--until-end', '--tag', 'A', '--format', '%t'])).stdout).toBe('T');
    expect((await tail(['--from', 'first', '--until-end', '--sql', "TAGS IN ('A')", '--format', '%t'])).stdout).toBe('T');
    expect((await tail(['--timeout', '20ms'])).exitCode).toBe(0);
  });

  describe('--commitlog', () => {
    const log = (...argv: string[]) => tail(['--commitlog', '--until-end', ...(argv.includes('--from') ? [] : ['--from', 'first']), ...argv]);

    it('shows each record as JSON, the body only when asked for', async () => {
      const lines = (await log('--json')).stdout.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(Object.keys(lines[0]!).slice(0, 6)).toEqual(['recordType', 'commitLogOffset', 'sizeBytes', 'tagsCode', 'crcOk', 'topic']);
      expect(lines[0]).not.toHaveProperty('body');
      expect(lines).toMatchObject([{ recordType: 'message', tagsCode: 65, crcOk: true, topic: 'T' }, { topic: 'U', tagsCode: 0 }]);
      expect(JSON.parse((await log('--json', '--body', '--from', '-1')).stdout)).toMatchObject({ body: 'three', bodyEncoding: 'utf8' });
    });

    it('shows records as lines', async () => {
      const { stdout } = await log();
      expect(stdout.split('\n')[0]).toMatch(/^ {11}0 {2,}\d+ B {2}T\/0@0 {2}\S+ {2}\[A\]$/);
      expect((await log('--body')).stdout).toContain('one\\ntwo\\e[31m');
    });

    it('filters by topic, tag, body, queue; counts', async () => {
      expect((await log('U')).stdout).toContain('U/0@0');
      expect((await log('U')).stdout).not.toContain('T/0@0');
      expect((await log('--tag', 'A')).stdout).not.toContain('U/0@0');
      expect((await log('--sql', "TAGS = 'A'")).stdout).toBe((await log('--tag', 'A')).stdout);
      expect((await log('--grep', 'thr')).stdout).not.toContain('T/0@0');
      expect((await log('--queue', '1')).stdout).toBe('');
      expect((await log('--count', '1')).stdout.trim().split('\n')).toHaveLength(1);
      expect((await log('--count', '5')).exitCode).toBe(1);
    });

    it('a topic that is not there is said, for a deleted one may still lie in the log', async () => {
      expect(await log('TT')).toMatchObject({ exitCode: 0, stdout: '', stderr: 'mqlite: there is no topic TT; only records that the log still holds of it are shown (Did you mean "T"?)\n' });
    });

    it('follows until the idle time, starts anywhere', async () => {
      const started = performance.now();
      const result = await tail(['--commitlog', '--timeout', '60ms', '--from', String(store.log[1]!.commitLogOffset)]);
      expect([result.exitCode, result.stdout.trim().split('\n').length]).toEqual([0, 1]);
      expect(performance.now() - started).toBeGreaterThan(50);
      expect((await tail(['--commitlog', '--until-end'])).stdout).toBe('');
    });

    it('damage is shown and is exit 1', async () => {
      const records: LogRecord<Message>[] = [
        { recordType: 'damaged', commitLogOffset: 10, sizeBytes: 20, reason: 'bad magic\u001b' },
        { recordType: 'message', commitLogOffset: 30, sizeBytes: 40, tagsCode: -9_007_199_254_740_993n, crcOk: false, message: store.log[0]! },
        { recordType: 'blank', commitLogOffset: 70, sizeBytes: 30 },
      ];
      broker.readLog = async function* readLog() {
        yield records;
      };
      const open: RunOptions['open'] = async () => broker;
      const text = await tail(['--commitlog', '--until-end'], { open });
      expect(text.exitCode).toBe(1);
      expect(text.stdout).toContain('10        20 B  DAMAGED: bad magic\\e\n');
      expect(text.stdout).toContain('40 B  BAD CRC  T/0@0');
      expect(text.stdout).toContain('(blank to the end of the file)');
      const json = await tail(['--commitlog', '--until-end', '--json'], { open });
      expect(json.stdout).toContain('"tagsCode":-9007199254740993,"crcOk":false');
      expect(json.stdout.trim().split('\n').map((line) => (JSON.parse(line) as { recordType: string }).recordType)).toEqual(['damaged', 'message', 'blank']);
      expect(errorOf(json)).toMatchObject({ code: 'VERDICT', message: '2 damaged records in the log' });
    });

    it.each([[['--commitlog', '--format', '%t']], [['--body']], [['--commitlog', '--from', 'committed']], [['--commitlog', '--tag', 'A |']], [['--commitlog', '--sql', 'a !']], [['--sql', 'a', '--tag', 'A']], [['--to', '1']]])('refuses %j', async (argv) => {
      expect((await tail(argv)).exitCode).toBe(2);
    });
  });
});
