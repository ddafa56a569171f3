import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/fixtures.ts';
import { bundleWorker, jsonLines, outputOf, runCli, startWorker } from '../support/processes.ts';
import type { Child } from '../support/processes.ts';
import type { Acknowledgement, WorkerTask } from './workers/engine.ts';

let script: string;
beforeAll(() => {
  script = bundleWorker(path.join(import.meta.dirname, 'workers', 'engine.ts'));
});

const worker = (task: WorkerTask): Child => startWorker(script, task);

const newStore = (): string => {
  const store = path.join(temporaryDirectory('crash'), 'store');
  // Small files: a batch crosses segment and queue file.
  outputOf(['store', 'init', '--segment-size', '64KiB', '--queue-file-entries', '40', '--index-slots', '100', '--index-entries', '400'], { store });
  outputOf(['topics', 'create', 't', '--queues', '1'], { store });
  return store;
};

interface Stored {
  readonly queueId: number;
  readonly queueOffset: number;
  readonly msgId: string;
  readonly body: string;
}

/** Every acknowledged message at its place; each body once; offsets without a gap. */
const check = (store: string, acknowledged: readonly Acknowledgement[]): Stored[] => {
  const stored = jsonLines<Stored>(outputOf(['consume', 't', '--until-end', '--json'], { store }));
  const byPlace = new Map(stored.map((message) => [`${message.queueId}/${message.queueOffset}`, message]));
  for (const ack of acknowledged) expect(byPlace.get(`${ack.queueId}/${ack.queueOffset}`)).toMatchObject({ msgId: ack.msgId, body: ack.body });
  expect(new Set(stored.map((message) => message.body)).size).toBe(stored.length);
  for (const queueId of new Set(stored.map((message) => message.queueId))) {
    expect(stored.filter((message) => message.queueId === queueId).map((message) => message.queueOffset)).toEqual(stored.filter((message) => message.queueId === queueId).map((_, index) => index));
  }
  const { status, stdout } = runCli(['store', 'verify', '--json'], { store });
  expect({ status, stdout }).toMatchObject({ status: 0 });
  return stored;
};

const acknowledgements = (child: Child): Acknowledgement[] => child.lines.map((line) => JSON.parse(line) as Acknowledgement & { ready?: boolean; error?: string }).filter((answer) => answer.msgId !== undefined);

describe('a writer killed at one change of the file system inside a batch, another one attached', () => {
  // The batch: mark, records with a roll of the segment and of the queue file, entries, tail. Beyond the last change the writer lives.
  it.each([[1, false], [2, false], [2, true], [3, true], [4, false], [5, true], [6, false], [7, true], [8, false], [10, true], [12, false]] as const)('change %i (half written: %s): the other repairs and goes on', async (at, torn) => {
    const store = newStore();
    const other = worker({ op: 'echo', store, topic: 't' });
    await other.until(() => other.lines.length === 1, 'ready');
    await other.write('first\n');
    await other.until(() => other.lines.length === 2, 'the first answer');
    const victim = worker({ op: 'interrupted', store, topic: 't', before: 10, count: 60, bodyBytes: 1500, at, torn, signal: 'SIGKILL' });
    const exit = await victim.finish();
    if (exit.signal !== 'SIGKILL') expect(victim.lines.at(-1)).toMatch(/"changes":/);
    for (let index = 0; index < 30; index++) await other.write(`after-${index}\n`);
    await other.until(() => other.lines.length === 32, 'all answers');
    // Seen by a reader while the store is open, and after it was closed.
    const all = [...acknowledgements(other), ...acknowledgements(victim)];
    expect(all.length).toBeGreaterThanOrEqual(41);
    check(store, all);
    other.end();
    expect(await other.finish()).toEqual({ code: 0, signal: null });
    const stored = check(store, all);
    // A batch killed before its tail was published is kept as far as it is complete: never more than was sent.
    expect(stored.length).toBeLessThanOrEqual(1 + 10 + 60 + 30);
  });
});

describe('processes that come and go', () => {
  it('at once, each for one message: all is there, once, and the store ends closed', async () => {
    const store = newStore();
    const visitors = Array.from({ length: 6 }, (_, index) => worker({ op: 'visits', store, topic: 't', name: `v${index}`, ms: 3000, lockTimeoutMs: 20_000 }));
    for (const visitor of visitors) expect(await visitor.finish(60_000), visitor.stderr).toEqual({ code: 0, signal: null });
    const all = visitors.flatMap(acknowledgements);
    expect(visitors.every((visitor) => visitor.lines.length > 0)).toBe(true);
    expect(check(store, all)).toHaveLength(all.length);
    expect(runCli(['consume', 't', '--count', '1'], { store }).stderr).toBe('');
  });

  it('and are killed at it: what was acknowledged is there, and the next one goes on', async () => {
    const store = newStore();
    const all: Acknowledgement[] = [];
    for (let round = 0; round < 4; round++) {
      const visitors = Array.from({ length: 4 }, (_, index) => worker({ op: 'visits', store, topic: 't', name: `r${round}v${index}`, ms: 60_000, lockTimeoutMs: 20_000 }));
      await Promise.all(visitors.map((visitor, index) => visitor.until(() => visitor.lines.length > index * 2, 'acknowledgements')));
      for (const visitor of visitors) visitor.kill('SIGKILL');
      for (const visitor of visitors) await visitor.finish();
      all.push(...visitors.flatMap(acknowledgements));
    }
    outputOf(['produce', 't', 'the end'], { store });
    check(store, all);
  });

  it('and make the store at once: all get it', async () => {
    const store = path.join(temporaryDirectory('crash'), 'store');
    const makers = Array.from({ length: 5 }, (_, index) => worker({ op: 'visits', store, topic: 't', name: `m${index}`, ms: 1 }));
    for (const maker of makers) expect(await maker.finish(), maker.stderr).toEqual({ code: 0, signal: null });
    check(store, makers.flatMap(acknowledgements));
  });
});
