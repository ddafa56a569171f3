import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { initStore } from '../../src/engine/inspect/init.ts';
import { verifyStore } from '../../src/engine/inspect/verify.ts';
import { openLocalBroker } from '../../src/engine/open.ts';
import { Random } from '../support/fault/random.ts';
import { temporaryDirectory } from '../support/fixtures.ts';
import { bundleWorker, startWorker } from '../support/processes.ts';
import { seedOfCommit } from '../support/seed.ts';
import type { WorkerTask } from './workers/engine.ts';

/** MQLITE_KILLS=100 in a soak. */
const KILLS = Number(process.env['MQLITE_KILLS'] ?? 10);
const HOUR_MS = 3_600_000;
const COUNT = 300;

let script: string;
let original: string;
beforeAll(async () => {
  script = bundleWorker(path.join(import.meta.dirname, 'workers', 'engine.ts'));
  original = path.join(temporaryDirectory('delay-kill'), 'store');
  await initStore({ storeDirectory: original, segmentSizeBytes: 256 * 1024, consumeQueueFileEntries: 200, indexSlotCount: 500, indexMaxCount: 2000 });
  // Stored an hour ago: by now everything is overdue.
  const clock = { ...systemClock, nowMs: () => Date.now() - HOUR_MS };
  const broker = await openLocalBroker({ storeDirectory: original, mode: 'write', clock });
  await broker.createTopic('T', { readQueueNums: 2, writeQueueNums: 2 });
  const message = (body: string, delay: object) => ({ topic: 'T', body: Buffer.from(body), ...delay });
  const messages = Array.from({ length: COUNT }, (_, index) => [message(`level-${index}`, { delayLevel: 2 + index % 3 }), message(`timer-${index}`, { delayMs: 20_000 + index % 4 * 777 })]).flat();
  for (const outcome of await broker.sendBatch(messages)) if ('error' in outcome) throw outcome.error;
  const gone = await broker.send(message('taken back', { delayMs: 20_777 }));
  await broker.recall('T', gone.recallHandle!);
  await broker.close();
});

const copyOf = (): string => {
  const copy = path.join(temporaryDirectory('delay-kill'), 'store');
  execFileSync('cp', ['-a', '--sparse=always', original, copy]);
  return copy;
};

const deliver = async (store: string, at: number, torn: boolean): Promise<{ readonly killed: boolean; readonly changes: number }> => {
  const child = startWorker(script, { op: 'deliver', store, at, torn, signal: 'SIGKILL' } satisfies WorkerTask);
  const { signal } = await child.finish();
  return { killed: signal === 'SIGKILL', changes: child.lines[0] === undefined ? 0 : (JSON.parse(child.lines[0]) as { changes: number }).changes };
};

/** What the next process delivers, and what it finds. */
const takeOver = async (store: string): Promise<{ readonly counts: Map<string, number>; readonly notices: readonly string[] }> => {
  const broker = await openLocalBroker({ storeDirectory: store, mode: 'write' });
  const counts = new Map<string, number>();
  for (const queue of await broker.queues('T')) {
    for (let offset = 0, end = await broker.maxOffset(queue); offset < end;) {
      const { messages, nextOffset, damaged } = await broker.pull({ queue, offset, maxMessages: 500 });
      expect(damaged).toEqual([]);
      for (const { body } of messages) counts.set(body.toString(), (counts.get(body.toString()) ?? 0) + 1);
      offset = nextOffset;
    }
  }
  await broker.close();
  return { counts, notices: broker.notices() };
};

it(`a delivering process killed at ${KILLS} moments: nothing is lost, nothing taken back comes, at most one batch is repeated`, async () => {
  const seed = seedOfCommit();
  const random = new Random(seed);
  const { changes } = await deliver(copyOf(), Number.MAX_SAFE_INTEGER, false);
  expect(changes).toBeGreaterThan(20);
  let kills = 0;
  for (let round = 0; round < KILLS; round++) {
    const [at, torn] = [1 + random.below(changes), random.next() < 0.5];
    const where = `seed ${seed}, round ${round}, change ${at}${torn ? ', half written' : ''}`;
    const store = copyOf();
    if ((await deliver(store, at, torn)).killed) kills++;
    const { counts, notices } = await takeOver(store);
    const missing = Array.from({ length: COUNT }, (_, index) => [`level-${index}`, `timer-${index}`]).flat().filter((body) => !counts.has(body));
    expect(missing, where).toEqual([]);
    expect(counts.size, where).toBe(2 * COUNT);
    // One batch is of levels or of timer messages.
    const repeated = [...counts].filter(([, count]) => count > 1);
    expect(repeated.filter(([, count]) => count > 2), where).toEqual([]);
    expect(new Set(repeated.map(([body]) => body.slice(0, 5))).size, where).toBeLessThanOrEqual(1);
    expect(notices.filter((notice) => /made anew|cannot be/.test(notice)), where).toEqual([]);
    expect((await verifyStore({ storeDirectory: store })).damage, where).toEqual([]);
  }
  expect(kills).toBeGreaterThan(KILLS / 2);
});
