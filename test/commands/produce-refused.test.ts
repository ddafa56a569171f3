import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import Produce from '../../src/commands/produce.ts';
import { openTarget } from '../../src/cli/open-broker.ts';
import { openLocalBroker } from '../../src/engine/open.ts';
import { runCommand } from '../support/fake/run.ts';
import type { RunResult } from '../support/fake/run.ts';
import { temporaryDirectory } from '../support/fixtures.ts';
import { snapshotTree } from '../support/tree-snapshot.ts';

/** What is wrong with a first message, and what is said. */
const REFUSED: readonly (readonly [argv: readonly string[], stdin: string | undefined, exitCode: number, text: RegExp])[] = [
  [['t', 'x', '--delay', '4d'], undefined, 2, /^mqlite: a message can be delayed by at most 3 days/],
  [['t', '--delay', '4d'], 'x\n', 2, /^mqlite: line 1: a message can be delayed by at most 3 days/],
  [['t', 'x', '--deliver-at', '2999-01-01T00:00:00Z'], undefined, 2, /at most 3 days/],
  [['t', 'x', '--queue', '9'], undefined, 3, /topic t has no queue 9 to write to\n {2}Its queues are 0 to 3/],
  [['t', 'x', '--queue', '2', '-X', 'defaultTopicQueueNums=2'], undefined, 3, /Its queues are 0 to 1/],
  [['bad topic', 'x'], undefined, 2, /illegal character ' '/],
  [['SCHEDULE_TOPIC_XXXX', 'x'], undefined, 5, /RocketMQ's own topics/],
  [['t', 'x', '--property', 'KEYS=1'], undefined, 2, /property KEYS is one of RocketMQ's own names/],
  [['t', 'x', '--property', `a=${'b'.repeat(40_000)}`], undefined, 2, /the properties have/],
  [['t', '--json-input', '--keep-queue'], '{"body":"x","queueId":7}\n', 3, /line 1: topic t has no queue 7/],
  [['t', '--json-input'], 'no json\n', 2, /line 1/],
  [['t'], '\nx\n', 2, /line 1: the body is empty/],
  [['t', '--transaction'], 'a\nb\n\n', 2, /line 3: the body is empty/],
  [['t', '--transaction', '--json-input'], '{"body":"a"}\n{"body":"b","delayLevel":1}\n', 2, /line 2: a transactional message cannot be delayed/],
  [['t', '--transaction', '--check', 'true', '--queue', '4'], 'a\n', 3, /no queue 4/],
  [['t', 'x', '--no-create'], undefined, 3, /does not exist/],
];

describe('a first message that is refused', () => {
  const produce = (store: string, argv: readonly string[], stdin: string | undefined): Promise<RunResult> =>
    runCommand(Produce, [...argv, '--store', store], { open: openTarget, stdin });

  it.each(REFUSED)('%j with %j makes no store', async (argv, stdin, exitCode, text) => {
    const store = path.join(temporaryDirectory('refused'), 'store');
    const { exitCode: code, stderr } = await produce(store, argv, stdin);
    expect([code, stderr]).toEqual([exitCode, expect.stringMatching(text) as string]);
    expect(existsSync(store)).toBe(false);
    // An empty directory stays empty.
    mkdirSync(store);
    expect((await produce(store, argv, stdin)).exitCode).toBe(exitCode);
    expect(readdirSync(store)).toEqual([]);
  });

  it.each(REFUSED)('%j with %j makes no topic, and changes nothing of a store', async (argv, stdin, exitCode) => {
    const store = path.join(temporaryDirectory('refused'), 'store');
    await (await openLocalBroker({ storeDirectory: store, mode: 'write', create: true })).close();
    const before = snapshotTree(path.join(store, 'config'));
    expect((await produce(store, argv, stdin)).exitCode).toBe(exitCode);
    expect(snapshotTree(path.join(store, 'config'))).toEqual(before);
    const broker = await openLocalBroker({ storeDirectory: store, mode: 'read' });
    expect((await broker.listTopics()).map(({ topic }) => topic)).not.toContain(argv[0] === 'SCHEDULE_TOPIC_XXXX' ? 't' : argv[0]);
    await broker.close();
  });

  it('an input without messages makes nothing either', async () => {
    const store = path.join(temporaryDirectory('refused'), 'store');
    for (const argv of [['t'], ['t', '--transaction']]) expect((await produce(store, argv, '')).exitCode).toBe(0);
    expect(existsSync(store)).toBe(false);
  });

  it('a good first message makes both, whatever follows', async () => {
    const store = path.join(temporaryDirectory('refused'), 'store');
    const { exitCode, stderr } = await produce(store, ['t'], 'a\n\n');
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/topic t is new and has 4 queues\nmqlite: 1 message stored in t\nmqlite: line 2: the body is empty/) as string]);
    const broker = await openLocalBroker({ storeDirectory: store, mode: 'read' });
    expect((await Promise.all((await broker.queues('t')).map((queue) => broker.maxOffset(queue)))).reduce((sum, end) => sum + end)).toBe(1);
    await broker.close();
  });
});
