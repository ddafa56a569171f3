import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { MqliteError } from '../../src/broker/errors.ts';
import { ledgerPath } from '../../src/cli/redrive-ledger.ts';
import DlqExport from '../../src/commands/dlq/export.ts';
import DlqList from '../../src/commands/dlq/list.ts';
import DlqPurge from '../../src/commands/dlq/purge.ts';
import DlqRedrive from '../../src/commands/dlq/redrive.ts';
import DlqShow from '../../src/commands/dlq/show.ts';
import Produce from '../../src/commands/produce.ts';
import type { Message } from '../../src/record/message.ts';
import type { CommandClass, RunOptions, RunResult } from '../support/fake/run.ts';
import { errorOf, runCommand } from '../support/fake/run.ts';
import { FakeBroker } from '../support/fake-broker.ts';
import type { FakeStore } from '../support/fake-broker.ts';
import { readTruth, temporaryDirectory, unpackFixture } from '../support/fixtures.ts';
import { openTarget } from '../../src/cli/open-broker.ts';
import { snapshotTree } from '../support/tree-snapshot.ts';

const START = Date.parse('2026-01-31T12:00:00Z');
const RETRY = '%RETRY%billing';
const lines = (result: RunResult): Record<string, unknown>[] => result.stdout.trim().split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Record<string, unknown>);

describe('dlq', () => {
  let broker: FakeBroker;
  let store: FakeStore;
  let letters: Message[];
  let directory: string;
  let nowMs: number;
  const clock = {
    nowMs: () => nowMs,
    elapsedMs: () => nowMs,
    repeat: () => ({ within: () => {} }),
    sleep: async (ms: number) => {
      nowMs += ms;
    },
  };
  const run = (command: CommandClass, argv: string[], options: RunOptions = {}) => runCommand(command, [...argv, '--store', directory], { store, clock, ...options });
  const redriven = () => store.topics.get(RETRY)!.queues[0]!;

  beforeEach(async () => {
    nowMs = START;
    directory = temporaryDirectory('dlq');
    broker = new FakeBroker({ clock });
    ({ store } = broker);
    await broker.createGroup('billing', {});
    await broker.createGroup('shipping', {});
    for (let index = 0; index < 5; index++) {
      await broker.send({ topic: 'Orders', body: Buffer.from(`m${index}`), tags: index % 2 === 0 ? 'even' : 'odd', keys: [`k${index}`], properties: { amount: String(index) }, flag: index });
      await broker.sendBack(store.log.at(-1)!, { group: 'billing', delayLevel: -1 });
      nowMs += 60_000;
    }
    letters = [...store.topics.get('%DLQ%billing')!.queues[0]!];
  });

  describe('list', () => {
    it('has the groups that have dead letters', async () => {
      expect(await run(DlqList, [])).toMatchObject({ exitCode: 0, stderr: '', stdout: 'GROUP\tDEAD LETTERS\tOLDEST\tNEWEST\nbilling\t5\t2026-01-31 12:00:00.000Z\t2026-01-31 12:04:00.000Z\n' });
      expect((await run(DlqList, ['--json'])).json).toEqual({
        groups: [{ group: 'billing', topic: '%DLQ%billing', count: 5, oldestStoreTimestamp: START, newestStoreTimestamp: START + 240_000 }], truncated: false,
      });
      expect((await run(DlqList, [])).requests).toMatchObject([{ mode: 'read' }]);
    });

    it('says of each what it is and why it is there', async () => {
      const { json, exitCode } = await run(DlqList, ['billing', '--json', '--count', '1']);
      expect(exitCode).toBe(0);
      expect(json).toEqual({
        group: 'billing', truncated: true,
        deadLetters: [{
          offsetMsgId: letters[0]!.offsetMsgId, msgId: letters[0]!.msgId, brokerName: 'broker-a', queueId: 0, queueOffset: 0, originTopic: 'Orders', originMessageId: store.log[0]!.offsetMsgId,
          reconsumeTimes: 1, tags: 'even', keys: ['k0'], storeSize: letters[0]!.storeSize, bornTimestamp: START, storeTimestamp: START, redrives: [],
        }],
      });
      const { stdout, stderr } = await run(DlqList, ['billing', '--count', '2']);
      expect(stdout.split('\n').map((line) => line.split('\t'))).toEqual([
        ['GIVEN UP', 'MSGID', 'ORIGIN TOPIC', 'OFFSET', 'TRIED', 'TAGS', 'KEYS', 'REDRIVEN'],
        ['2026-01-31 12:00:00.000Z', store.log[0]!.msgId, 'Orders', '0', '1', 'even', 'k0', '-'], ['2026-01-31 12:01:00.000Z', store.log[2]!.msgId, 'Orders', '1', '1', 'odd', 'k1', '-'], [''],
      ]);
      expect(stderr).toBe('mqlite: only 2 shown; there are more (--count)\n');
    });

    it.each([
      [['--tag', 'odd'], ['m1', 'm3']], [['--sql', 'amount >= 3'], ['m3', 'm4']], [['--key', 'k2'], ['m2']], [['--key', 'k'], []], [['--grep', '^m[34]$'], ['m3', 'm4']], [['--from', '@2026-01-31T12:02:00Z'], ['m2', 'm3', 'm4']],
      [['--from', '1', '--to', '3'], ['m1', 'm2']], [['--from', '-2'], ['m3', 'm4']], [['--to', '@2026-01-31T12:01:00Z'], ['m0']],
    ])('takes filters: %j', async (argv, bodies) => {
      const { json } = await run(DlqList, ['billing', ...argv, '--json']);
      const ids = (json as { deadLetters: { offsetMsgId: string }[] }).deadLetters.map(({ offsetMsgId }) => offsetMsgId);
      expect(ids.map((id) => letters.find(({ offsetMsgId }) => offsetMsgId === id)!.body.toString())).toEqual(bodies);
    });

    it('is empty where there are none', async () => {
      expect(await run(DlqList, ['shipping'])).toMatchObject({ exitCode: 0, stdout: '', stderr: 'mqlite: no dead letters of group shipping\n' });
      expect(await run(DlqList, [], { store: new FakeBroker().store })).toMatchObject({ exitCode: 0, stdout: '', stderr: 'mqlite: no dead letters\n' });
    });
  });

  it.each([
    [DlqList, ['biling']], [DlqShow, ['biling', '0']], [DlqRedrive, ['biling']], [DlqExport, ['biling']], [DlqPurge, ['biling']],
  ] as [CommandClass, string[]][])('a group that does not exist ends 3 and gets a suggestion', async (command, argv) => {
    expect(await run(command, argv)).toMatchObject({ exitCode: 3, stdout: '', stderr: expect.stringContaining('Did you mean "billing"?') });
  });

  describe('show', () => {
    it.each(['2', 'offsetMsgId', 'msgId'])('finds one by %s', async (by) => {
      const letter = letters[2]!;
      const { json } = await run(DlqShow, ['billing', by === '2' ? '2' : letter[by as 'msgId'], '--json']);
      expect(json).toMatchObject({ group: 'billing', message: { body: 'm2', offsetMsgId: letter.offsetMsgId, properties: { RETRY_TOPIC: 'Orders' } }, redrives: [] });
    });

    it('shows the newest where a letter is dead again, and names the others', async () => {
      await run(DlqRedrive, ['billing', '--key', 'k2']);
      await broker.sendBack(store.log.at(-1)!, { group: 'billing', delayLevel: -1 });
      const { json, stderr } = await run(DlqShow, ['billing', letters[2]!.msgId, '--json']);
      expect(json).toMatchObject({ message: { queueOffset: 5, msgId: letters[2]!.msgId } });
      expect(stderr).toBe(`mqlite: 2 dead letters are called ${letters[2]!.msgId}; not shown: ${letters[2]!.offsetMsgId}\n`);
      expect((await run(DlqShow, ['billing', letters[2]!.offsetMsgId, '--json'])).stderr).toBe('');
    });

    it('ends 3 for what is not there', async () => {
      for (const id of ['5', '99999', 'nonsense', store.log[0]!.offsetMsgId]) expect(await run(DlqShow, ['billing', id])).toMatchObject({ exitCode: 3, stdout: '' });
      expect(await run(DlqShow, ['shipping', '0'])).toMatchObject({ exitCode: 3 });
    });
  });

  describe('export', () => {
    it('prints what produce --json-input takes', async () => {
      const { stdout, stderr } = await run(DlqExport, ['billing', '--tag', 'odd']);
      expect(stderr).toBe('mqlite: 2 dead letters of group billing\n');
      expect((await run(Produce, ['Again', '--json-input'], { stdin: stdout, clock: systemClock })).exitCode).toBe(0);
      const again = [...store.topics.get('Again')!.queues.flat()].sort((left, right) => left.commitLogOffset - right.commitLogOffset);
      expect(again.map(({ body, tags, keys, flag, reconsumeTimes, properties }) => [body.toString(), tags, keys, flag, reconsumeTimes, properties['amount'], properties['RETRY_TOPIC']]))
        .toEqual([['m1', 'odd', ['k1'], 1, 0, '1', undefined], ['m3', 'odd', ['k3'], 3, 0, '3', undefined]]);
    });

    it('stops at --count', async () => {
      expect(lines(await run(DlqExport, ['billing', '--count', '2'])).map(({ body }) => body)).toEqual(['m0', 'm1']);
    });
  });

  describe('redrive', () => {
    it('sends each to its group alone, as if it had never failed', async () => {
      const result = await run(DlqRedrive, ['billing', '--json']);
      expect(result.exitCode).toBe(0);
      expect(result.stderr.split('\n')[0]).toBe(`mqlite: redriving dead letters of billing to ${RETRY} (that group alone), store ${directory} (--store)`);
      expect(result.stderr).toContain('mqlite: 5 sent\n');
      const sent = redriven();
      expect(lines(result)).toEqual(letters.map((letter, index) => ({
        status: 'sent', offsetMsgId: letter.offsetMsgId, msgId: letter.msgId, queueId: 0, queueOffset: index, originTopic: 'Orders', topic: RETRY,
        newOffsetMsgId: sent[index]!.offsetMsgId, reason: null,
      })));
      letters.forEach((letter, index) => {
        const message = sent[index]!;
        expect(message).toMatchObject({
          reconsumeTimes: 0, originTopic: 'Orders', tags: letter.tags, flag: index, msgId: letter.msgId, bornTimestamp: letter.bornTimestamp, keys: [`k${index}`, `redrive:${letter.offsetMsgId}`],
        });
        expect(message.body.toString()).toBe(`m${index}`);
        expect(message.properties).toMatchObject({ amount: String(index), RETRY_TOPIC: 'Orders', ORIGIN_MESSAGE_ID: letter.properties['ORIGIN_MESSAGE_ID'] });
        expect(message.properties['DELAY']).toBeUndefined();
      });
    });

    it('plans without sending', async () => {
      const before = store.log.length;
      const result = await run(DlqRedrive, ['billing', '--dry-run', '--tag', 'even']);
      expect(result).toMatchObject({ exitCode: 0, requests: [{ mode: 'read' }] });
      expect(result.stdout.trim().split('\n').map((line) => line.split(/ +/).slice(0, 2))).toEqual([0, 2, 4].map((index) => ['planned', letters[index]!.msgId]));
      expect(store.log).toHaveLength(before);
      expect(existsSync(join(directory, 'mqlite'))).toBe(false);
    });

    it('sends nothing twice, and list says what was sent', async () => {
      await run(DlqRedrive, ['billing', '--count', '2']);
      const again = await run(DlqRedrive, ['billing', '--json']);
      expect(lines(again).map(({ status }) => status)).toEqual(['already', 'already', 'sent', 'sent', 'sent']);
      expect(again.stderr).toContain('mqlite: 2 sent before, 3 sent\n');
      expect(redriven().map(({ body }) => body.toString())).toEqual(['m0', 'm1', 'm2', 'm3', 'm4']);
      const { json } = await run(DlqList, ['billing', '--json', '--count', '1']);
      expect(json).toMatchObject({ deadLetters: [{ redrives: [{ topic: RETRY, status: 'sent', newOffsetMsgId: redriven()[0]!.offsetMsgId, reason: null }] }] });
      expect((await run(DlqList, ['billing'])).stdout).toContain(`sent to ${RETRY}`);
    });

    it('publishes to a topic when told to, and says so', async () => {
      const result = await run(DlqRedrive, ['billing', '--to-topic', 'Orders', '--key', 'k3']);
      expect(result).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('to topic Orders and with it to all of its groups') });
      expect(store.log.at(-1)).toMatchObject({ topic: 'Orders', originTopic: null, keys: ['k3', `redrive:${letters[3]!.offsetMsgId}`] });
      // The retry topic is another matter.
      expect(lines(await run(DlqRedrive, ['billing', '--key', 'k3', '--json']))).toMatchObject([{ status: 'sent' }]);
    });

    it('keeps to a rate', async () => {
      const before = nowMs;
      await run(DlqRedrive, ['billing', '--rate', '2/s']);
      expect(nowMs - before).toBeGreaterThanOrEqual(2000);
      expect(redriven()).toHaveLength(5);
    });

    it.each([[['shipping'], '%DLQ%shipping has no dead letters'], [['billing', '--key', 'nobody'], '%DLQ%billing has no such dead letters']])('ends 3 with nothing there: %j', async (argv, words) => {
      expect(await run(DlqRedrive, argv)).toMatchObject({ exitCode: 3, stdout: '', stderr: expect.stringContaining(words) });
    });

    it.each([
      [['billing', '--to-topic', 'Oders'], 3], [['billing', '--to-topic', '%DLQ%billing'], 2], [['billing', '--rate', 'fast'], 2], [['billing', '--from', 'noon'], 2], [['billing', '--grep', '('], 2],
      [['billing', '--read-only'], 2], [['billing', '--count', '0'], 2], [[], 2],
    ])('refuses %j', async (argv, exitCode) => {
      const before = store.log.length;
      expect(await run(DlqRedrive, argv)).toMatchObject({ exitCode, stdout: '' });
      expect(store.log).toHaveLength(before);
    });

    it('says which ones could not be sent, and why, and goes on', async () => {
      const open = async () => {
        const failing = new FakeBroker({ store });
        const sendBatch = failing.sendBatch.bind(failing);
        failing.sendBatch = async (messages) => {
          const results = await sendBatch(messages.filter(({ tags }) => tags === 'even'));
          return messages.map(({ tags }) => (tags === 'odd' ? { error: new MqliteError('PERMISSION_DENIED', 'no writing here') } : results.shift()!));
        };
        return failing;
      };
      const result = await run(DlqRedrive, ['billing', '--json'], { open });
      expect(lines(result).map(({ status, reason }) => [status, reason])).toEqual([['sent', null], ['failed', 'no writing here'], ['sent', null], ['failed', 'no writing here'], ['sent', null]]);
      expect([result.exitCode, errorOf(result).message]).toEqual([1, '2 dead letters could not be sent']);
      expect(lines(await run(DlqRedrive, ['billing', '--json'])).map(({ status }) => status)).toEqual(['already', 'sent', 'already', 'sent', 'already']);
    });

    describe('after a crash', () => {
      const ledger = () => ledgerPath({ kind: 'local', directory, commitLogDirectory: undefined, source: '' }, '', 'billing');
      /** What a run leaves that was killed: intents of two, of which one was sent, and half a line. */
      beforeEach(async () => {
        await run(DlqRedrive, ['billing', '--count', '2']);
        const kept = readFileSync(ledger(), 'utf8').trim().split('\n').filter((line) => line.includes('"intent"'));
        redriven().pop();
        store.log.pop();
        writeFileSync(ledger(), `${kept.join('\n')}\n{"event":"sent","offs`);
      });

      it('finds what was sent, and leaves alone what is unknown', async () => {
        const result = await run(DlqRedrive, ['billing', '--json']);
        expect(lines(result).map(({ status }) => status)).toEqual(['already', 'unknown', 'sent', 'sent', 'sent']);
        expect(lines(result)[0]).toMatchObject({ newOffsetMsgId: redriven()[0]!.offsetMsgId });
        expect([result.exitCode, errorOf(result).message]).toEqual([1, 'of 1 dead letter it is unknown whether an earlier run sent it']);
        expect(redriven().map(({ body }) => body.toString())).toEqual(['m0', 'm2', 'm3', 'm4']);
        expect((await run(DlqRedrive, ['billing', '--json'])).exitCode).toBe(1);
        expect((await run(DlqList, ['billing', '--json'])).json).toMatchObject({ deadLetters: [{ redrives: [{ status: 'sent' }] }, { redrives: [{ status: 'unknown' }] }, {}, {}, {}] });
      });

      it('sends the unknown ones when told to', async () => {
        const result = await run(DlqRedrive, ['billing', '--json', '--resend-unknown']);
        expect(lines(result).map(({ status }) => status)).toEqual(['already', 'sent', 'sent', 'sent', 'sent']);
        expect(result.exitCode).toBe(0);
      });

      it('a dry run changes nothing', async () => {
        const before = snapshotTree(directory);
        const result = await run(DlqRedrive, ['billing', '--json', '--dry-run']);
        expect(lines(result).map(({ status }) => status)).toEqual(['already', 'unknown', 'planned', 'planned', 'planned']);
        expect(snapshotTree(directory)).toEqual(before);
      });
    });

    it('refuses a ledger that it does not understand', async () => {
      await run(DlqRedrive, ['billing', '--count', '1']);
      appendFileSync(ledgerPath({ kind: 'local', directory, commitLogDirectory: undefined, source: '' }, '', 'billing'), '{"event":"lost"}\n');
      expect(await run(DlqRedrive, ['billing'])).toMatchObject({ exitCode: 7, stdout: '', stderr: expect.stringContaining('line 3: not an entry') });
    });
  });

  describe('purge', () => {
    it('prints a plan that names the target first, and changes nothing', async () => {
      const result = await run(DlqPurge, ['billing']);
      expect(result).toMatchObject({ exitCode: 0, requests: [{ mode: 'read' }], stderr: 'mqlite: nothing was changed; add --execute to purge 5 dead letters of %DLQ%billing\n' });
      expect(result.stdout.split('\n')[0]).toBe(`target: store ${directory} (--store)`);
      expect((await run(DlqList, ['--json'])).json).toMatchObject({ groups: [{ count: 5 }] });
    });

    it('makes list, redrive and export start behind', async () => {
      expect(await run(DlqPurge, ['billing', '--execute'])).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('purged 5 dead letters, read back and right\n') });
      await broker.send({ topic: 'Orders', body: Buffer.from('late') });
      await broker.sendBack(store.log.at(-1)!, { group: 'billing', delayLevel: -1 });
      expect((await run(DlqList, ['--json'])).json).toMatchObject({ groups: [{ count: 1 }] });
      expect((await run(DlqList, ['billing', '--json'])).json).toMatchObject({ deadLetters: [{ queueOffset: 5 }] });
      expect((await run(DlqList, ['billing', '--json', '--from', 'first'])).json).toMatchObject({ deadLetters: { length: 6 } });
      expect(lines(await run(DlqExport, ['billing'])).map(({ body }) => body)).toEqual(['late']);
      expect(lines(await run(DlqRedrive, ['billing', '--json']))).toMatchObject([{ status: 'sent', queueOffset: 5 }]);
      expect((await run(DlqPurge, ['billing', '--json'])).json).toMatchObject({ count: 1, executed: false, verified: null, resets: [{ group: 'MQLITE_DLQ', committedOffset: 5, targetOffset: 6 }] });
    });

    it('has nothing to do where there are none', async () => {
      expect(await run(DlqPurge, ['shipping', '--execute'])).toMatchObject({ exitCode: 0, stderr: 'mqlite: no dead letters of group shipping\n' });
    });
  });
});

describe.each(['clean', 'killed'] as const)('dlq on the store of a real broker, %s', (name) => {
  it('shows what the official client saw there, and changes nothing', async () => {
    const storeDirectory = unpackFixture(name);
    const before = snapshotTree(storeDirectory);
    const truth = readTruth().filter(({ topic }) => topic.startsWith('%DLQ%'));
    expect(truth).toHaveLength(1);
    const [row] = truth;
    const run = (command: CommandClass, ...argv: string[]) => runCommand(command, [...argv, '--store', storeDirectory, '--json', '-q'], { open: openTarget });
    expect((await run(DlqList)).json).toEqual({
      groups: [{ group: 'retry-group', topic: '%DLQ%retry-group', count: 1, oldestStoreTimestamp: row!.storeTimestamp, newestStoreTimestamp: row!.storeTimestamp }], truncated: false,
    });
    const { json } = await run(DlqList, 'retry-group');
    expect(json).toMatchObject({ deadLetters: [{ offsetMsgId: row!.offsetMsgId, msgId: row!.msgId, originTopic: 'Orders', originMessageId: row!.properties['ORIGIN_MESSAGE_ID'], reconsumeTimes: 2, storeTimestamp: row!.storeTimestamp, redrives: [] }], truncated: false });
    expect((await run(DlqShow, 'retry-group', row!.msgId)).json).toMatchObject({ message: { properties: row!.properties } });
    expect(lines(await run(DlqExport, 'retry-group'))).toMatchObject([{ offsetMsgId: row!.offsetMsgId }]);
    expect(lines(await run(DlqRedrive, 'retry-group', '--dry-run'))).toMatchObject([{ status: 'planned', topic: '%RETRY%retry-group' }]);
    expect((await run(DlqPurge, 'retry-group')).json).toMatchObject({ count: 1, executed: false });
    expect(snapshotTree(storeDirectory)).toEqual(before);
  });
});
