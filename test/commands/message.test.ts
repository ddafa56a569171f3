import { beforeEach, describe, expect, it } from 'vitest';
import { CodecError } from '../../src/base/codec-error.ts';
import type { SendResult } from '../../src/broker/types.ts';
import MessageFind from '../../src/commands/message/find.ts';
import MessageGet from '../../src/commands/message/get.ts';
import { errorOf, runCommand } from '../support/fake/run.ts';
import { FakeBroker } from '../support/fake-broker.ts';
import type { FakeStore } from '../support/fake-broker.ts';

const START = Date.parse('2026-01-31T12:00:00Z');

describe('message', () => {
  let store: FakeStore;
  let sent: SendResult[];
  let nowMs: number;
  const clock = { nowMs: () => nowMs, elapsedMs: () => nowMs, repeat: () => ({ within: () => {} }), sleep: async () => {} };
  beforeEach(async () => {
    nowMs = START;
    const broker = new FakeBroker({ clock });
    ({ store } = broker);
    sent = [];
    for (let index = 0; index < 6; index++) {
      sent.push(await broker.send({ topic: 'Orders', body: Buffer.from(`body ${index}`), keys: [index < 4 ? 'k' : 'other'], tags: 'TagA', properties: { user: 'ü' } }));
      nowMs += 60_000;
    }
    await broker.send({ topic: 'Other', body: Buffer.from([0xff, 0xfe]), msgId: sent[0]!.msgId });
    await broker.send({ topic: 'Evil', body: Buffer.from('\u001b]52;c;x\u0007'), tags: '\u202e', keys: ['\u001b[31m'], properties: { '\u001b[2J': '\u001b]0;title\u0007' } });
  });

  describe('get', () => {
    it('shows the message of an offset id', async () => {
      const { stdout, stderr, exitCode } = await runCommand(MessageGet, [sent[2]!.offsetMsgId], { store });
      expect([exitCode, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(/^topic +Orders\n/);
      expect(stdout).toContain(sent[2]!.msgId);
      expect(stdout).toMatch(/property user +ü\n/);
      expect(stdout).toMatch(/\n\nbody 2\n$/);
    });

    it('looks for a unique id in every topic and says in how many', async () => {
      const { json, stderr } = await runCommand(MessageGet, [sent[1]!.msgId, '--json'], { store });
      expect(json).toMatchObject({ messages: [{ topic: 'Orders', msgId: sent[1]!.msgId, offsetMsgId: sent[1]!.offsetMsgId, body: 'body 1', bodyEncoding: 'utf8', keys: ['k'], tags: 'TagA' }], truncated: false });
      expect(stderr).toBe('mqlite: looked in 3 topics; --topic is quicker\n');
      expect((await runCommand(MessageGet, [sent[1]!.msgId, '--topic', 'Orders'], { store })).stderr).toBe('');
    });

    it('shows all that have the id', async () => {
      const { json, stderr } = await runCommand(MessageGet, [sent[0]!.msgId, '--json'], { store });
      expect(json).toMatchObject({ messages: [{ topic: 'Orders' }, { topic: 'Other', body: '//4=', bodyEncoding: 'base64' }] });
      expect(stderr).toContain('2 messages have this id');
    });

    it('lets no message command the terminal', async () => {
      const id = store.log.at(-1)!.msgId;
      const { stdout } = await runCommand(MessageGet, [id], { store, tty: true });
      expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f\u202e]/);
      expect(stdout).toContain('\\e]52;c;x\\a');
      expect((await runCommand(MessageGet, [id], { store })).stdout).toContain('\u001b]52;c;x\u0007');
    });

    it('ends 3 where there is none, and says where it looked', async () => {
      const result = await runCommand(MessageGet, ['AC1100020B5D30946E0900000000FFFF', '--json'], { store });
      expect([result.exitCode, result.stdout]).toEqual([3, '']);
      expect(errorOf(result)).toMatchObject({ code: 'NOT_FOUND', message: 'no message in any of 3 topics has the id AC1100020B5D30946E0900000000FFFF' });
      expect(await runCommand(MessageGet, [sent[1]!.msgId, '--topic', 'Other'], { store })).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('Leave out --topic') });
    });

    it('refuses wrong uses', async () => {
      expect(await runCommand(MessageGet, [], { store })).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('missing ID') });
      expect(await runCommand(MessageGet, [''], { store })).toMatchObject({ exitCode: 2 });
      expect(await runCommand(MessageGet, [sent[0]!.msgId, '--topic', 'Oders'], { store })).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('Did you mean "Orders"?') });
    });
  });

  describe('find', () => {
    const bodies = (json: unknown) => (json as { messages: { body: string }[] }).messages.map(({ body }) => body);

    it('finds by key', async () => {
      const { stdout, exitCode } = await runCommand(MessageFind, ['Orders', '--key', 'other'], { store });
      expect(exitCode).toBe(0);
      expect(stdout).toMatch(/^STORED\tQUEUE\tOFFSET\tMSGID\tTAGS\tKEYS\tBODY\n2026-01-31 12:04:00.000Z\t\d\t\d\t\w{32}\tTagA\tother\tbody 4\n.*body 5\n$/);
      expect(bodies((await runCommand(MessageFind, ['Orders', '--key', 'k', '--json'], { store })).json)).toEqual(['body 0', 'body 1', 'body 2', 'body 3']);
    });

    it.each([
      [['--from', '2026-01-31T12:01:00Z', '--to', '2026-01-31T12:03:00Z'], ['body 1', 'body 2', 'body 3']],
      [['--from', '@2026-01-31T12:04:00Z'], ['body 4', 'body 5']],
      [['--to', String(START)], ['body 0']],
      [['--from=-2m'], ['body 4', 'body 5']],
      [['--key', 'k', '--from', '2026-01-31T12:02:00Z'], ['body 2', 'body 3']],
      [['--key', 'k', '--to', '2026-01-31T12:01:00Z'], ['body 0', 'body 1']],
    ])('finds by time %j', async (argv, expected) => {
      expect(bodies((await runCommand(MessageFind, ['Orders', ...argv, '--json'], { store, clock })).json)).toEqual(expected);
    });

    it.each([['--key', 'k'], ['--from', '0']])('says when there is more (%s)', async (...argv) => {
      const { json, stderr, exitCode } = await runCommand(MessageFind, ['Orders', ...argv, '--max', '3', '--json'], { store, clock });
      expect(json).toMatchObject({ truncated: true });
      expect(bodies(json)).toEqual(['body 0', 'body 1', 'body 2']);
      expect([exitCode, stderr]).toEqual([0, 'mqlite: only 3 shown; there are more (--max)\n']);
    });

    it('finding nothing is an empty list and ends 3', async () => {
      const result = await runCommand(MessageFind, ['Orders', '--key', 'K', '--json'], { store });
      expect(result.json).toEqual({ messages: [], truncated: false });
      expect(result.exitCode).toBe(3);
      expect(errorOf(result)).toMatchObject({ code: 'NOT_FOUND', message: 'no message of topic "Orders" has the key "K"' });
      expect(await runCommand(MessageFind, ['Orders', '--from', '2030-01-01'], { store })).toMatchObject({ exitCode: 3, stdout: '' });
    });

    it('shows what can be read and ends 1 when something cannot', async () => {
      const open = async () => {
        const broker = new FakeBroker({ store });
        const pull = broker.pull.bind(broker);
        broker.pull = async (request) => {
          const result = await pull(request);
          const damage = { queue: request.queue, queueOffset: 9, commitLogOffset: 7, file: '/log/0', position: 7, reason: 'BODYCRC is wrong' };
          return request.queue.queueId === 0 && result.status === 'FOUND' ? { ...result, damaged: [damage] } : result;
        };
        return broker;
      };
      const result = await runCommand(MessageFind, ['Orders', '--from', '0', '--json'], { open, clock });
      expect(bodies(result.json)).toHaveLength(6);
      expect([result.exitCode, errorOf(result).message]).toEqual([1, '1 message could not be read, the first: /log/0 at 7: BODYCRC is wrong']);
      const broken = { ...store.log[1]!, get body(): Buffer { throw new CodecError('DAMAGED', 'the body cannot be decompressed'); } };
      const byKey = await runCommand(MessageFind, ['Orders', '--key', 'k', '--json'], { open: async () => Object.assign(new FakeBroker({ store }), { queryByKey: async () => ({ messages: [store.log[0]!, broken], truncated: false }) }) });
      expect(bodies(byKey.json)).toEqual(['body 0']);
      expect([byKey.exitCode, errorOf(byKey).code]).toEqual([1, 'VERDICT']);
    });

    it.each([
      [['Orders'], 2, 'nothing to look for'],
      [['Orders', '--key', ''], 2, '--key is empty'],
      [['Orders', '--from', 'noon'], 2, '--from: "noon" is not a time'],
      [['Orders', '--from', '2000', '--to', '1000'], 2, 'is later than'],
      [['Orders', '--key', 'k', '--max', '0'], 2, '--max'],
      [['Oders', '--key', 'k'], 3, 'Did you mean "Orders"?'],
      [['--key', 'k'], 2, 'missing TOPIC'],
    ])('refuses %j', async (argv, exitCode, words) => {
      const result = await runCommand(MessageFind, argv, { store, clock });
      expect([result.exitCode, result.stdout]).toEqual([exitCode, '']);
      expect(result.stderr).toContain(words);
    });
  });
});
