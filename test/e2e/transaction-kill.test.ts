import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { endRequest, listTransactions } from '../../src/client/transactions.ts';
import { initStore } from '../../src/engine/inspect/init.ts';
import { verifyStore } from '../../src/engine/inspect/verify.ts';
import { openLocalBroker } from '../../src/engine/open.ts';
import type { Broker } from '../../src/broker/broker.ts';
import { Random } from '../support/fault/random.ts';
import { temporaryDirectory } from '../support/fixtures.ts';
import { bundleWorker, startWorker } from '../support/processes.ts';
import { killSeeds } from '../support/seed.ts';
import type { WorkerTask } from './workers/engine.ts';

/** One process, twice: a store that has been killed once already is killed again. */
const KILLS_PER_SEED = 2;
/** A change beyond the last one: that run lives to its end. */
const NEVER = 1_000_000;

let script: string;
beforeAll(() => {
  script = bundleWorker(path.join(import.meta.dirname, 'workers', 'engine.ts'));
});

const newStore = async (): Promise<string> => {
  const store = path.join(temporaryDirectory('transaction-kill'), 'store');
  // Small files: a decision crosses segments and queue files.
  await initStore({ storeDirectory: store, segmentSizeBytes: 65_536, consumeQueueFileEntries: 40, indexSlotCount: 100, indexMaxCount: 400 });
  const broker = await openLocalBroker({ storeDirectory: store, mode: 'write' });
  await broker.createTopic('t', { readQueueNums: 1, writeQueueNums: 1 });
  await broker.close();
  return store;
};

interface Outcome {
  readonly killed: boolean;
  readonly halves: readonly string[];
  readonly deciding: boolean;
  readonly ended: readonly string[];
  readonly changes: number;
}

const run = async (task: Omit<Extract<WorkerTask, { op: 'transactions' }>, 'op' | 'topic'>): Promise<Outcome> => {
  const child = startWorker(script, { op: 'transactions', topic: 't', ...task } satisfies WorkerTask);
  const { signal, code } = await child.finish(60_000);
  if (signal !== 'SIGKILL' && code !== 0) throw new Error(`the worker failed: ${child.stderr}`);
  const answers = child.lines.map((line) => JSON.parse(line) as { half?: string; deciding?: number; ended?: string; changes?: number });
  const pick = (name: 'half' | 'ended'): string[] => answers.flatMap((answer) => answer[name] ?? []);
  return {
    killed: signal === 'SIGKILL', halves: pick('half'), ended: pick('ended'), deciding: answers.some(({ deciding }) => deciding !== undefined),
    changes: answers.find(({ changes }) => changes !== undefined)?.changes ?? 0,
  };
};

const visible = async (broker: Broker): Promise<string[]> => {
  const queue = (await broker.queues('t'))[0]!;
  const bodies: string[] = [];
  for (let offset = 0, end = await broker.maxOffset(queue); offset < end;) {
    const { messages, nextOffset } = await broker.pull({ queue, offset, maxMessages: 1024 });
    bodies.push(...messages.map(({ body }) => body.toString()));
    offset = nextOffset;
  }
  return bodies;
};

/** A writer that stays until every decision of a dead one is carried out. */
const settle = async (store: string): Promise<Broker> => {
  const broker = await openLocalBroker({ storeDirectory: store, mode: 'write' });
  const directory = path.join(store, 'mqlite/transactions');
  for (let waited = 0; existsSync(directory) && readdirSync(directory).length > 0; waited += 20) {
    if (waited > 10_000) throw new Error('the decision of a dead writer is not carried out');
    await sleep(20);
  }
  return broker;
};

const pendingOf = async (broker: Broker): Promise<string[]> =>
  (await listTransactions(broker, { withEnded: false })).filter(({ state }) => state === 'pending').map(({ half }) => half.body.toString());

describe('a process killed -9 while it ends transactions', () => {
  it.each(killSeeds())('seed %i, one decision for all: all of it or nothing, once, in order', async (seed) => {
    const random = new Random(seed);
    const store = await newStore();
    const count = 1 + random.below(700);
    const decision = random.next() < 0.8 ? 'commit' : 'rollback';
    const whole = await run({ store, name: 'whole', count, together: true, decision, at: NEVER, torn: false });
    expect(whole.killed).toBe(false);
    let expected = decision === 'commit' ? whole.halves : [];
    for (let kill = 0; kill < KILLS_PER_SEED; kill++) {
      const at = 1 + random.below(whole.changes);
      const victim = await run({ store, name: `victim${kill}`, count, together: true, decision, at, torn: random.next() < 0.5 });
      const broker = await settle(store);
      const now = await visible(broker);
      const pending = await pendingOf(broker);
      const all = Array.from({ length: count }, (_, index) => `victim${kill}-${index}`);
      const what = `seed ${seed}, kill ${kill} at ${at} of ${whole.changes}: ${count} halves, ${decision}`;
      const isDecided = pending.length === 0 && victim.deciding;
      expect(now, what).toEqual([...expected, ...(isDecided && decision === 'commit' ? all : [])]);
      // Undecided, everything that was stored is pending; nothing is in between.
      if (victim.ended.length > 0) expect(isDecided, what).toBe(true);
      if (!isDecided) expect(pending, what).toEqual(all.slice(0, pending.length));
      if (!isDecided && victim.deciding) expect(pending.length, what).toBe(count);
      expected = now;
      // Out of the way of the next round: nobody will ever decide.
      const left = (await listTransactions(broker, { withEnded: false })).map((transaction) => endRequest(transaction, 'rollback'));
      await broker.endTransactions(left);
      expect(await pendingOf(broker), what).toEqual([]);
      await broker.close();
      expect((await verifyStore({ storeDirectory: store })).damage, what).toEqual([]);
    }
  });

  it.each(killSeeds())('seed %i, each by itself: what was acknowledged holds, the rest is pending and can be ended, once', async (seed) => {
    const random = new Random(seed);
    const store = await newStore();
    const count = 2 + random.below(60);
    const whole = await run({ store, name: 'whole', count, together: false, decision: 'commit', at: NEVER, torn: false });
    const isRolledBack = (body: string): boolean => Number(body.slice(body.indexOf('-') + 1)) % 3 === 2;
    const expected = whole.halves.filter((body) => !isRolledBack(body));
    for (let kill = 0; kill < KILLS_PER_SEED; kill++) {
      const at = 1 + random.below(whole.changes);
      const victim = await run({ store, name: `victim${kill}`, count, together: false, decision: 'commit', at, torn: random.next() < 0.5 });
      const broker = await settle(store);
      const what = `seed ${seed}, kill ${kill} at ${at} of ${whole.changes}: ${count} halves`;
      const pending = new Set(await pendingOf(broker));
      expect(victim.ended.filter((body) => pending.has(body)), what).toEqual([]);
      const now = await visible(broker);
      for (const body of victim.ended) expect(now.filter((seen) => seen === body).length, `${what}: ${body}`).toBe(isRolledBack(body) ? 0 : 1);
      expect(new Set(now).size, what).toBe(now.length);
      // Somebody decides the rest: also what has its message already and lacks its op record.
      for (const transaction of await listTransactions(broker, { withEnded: false })) await broker.endTransaction(endRequest(transaction, 'commit'));
      const after = await visible(broker);
      expect(new Set(after).size, what).toBe(after.length);
      for (const body of pending) expect(after, what).toContain(body);
      expect(after.filter((body) => !body.startsWith('victim')), what).toEqual(expected);
      await broker.close();
      expect((await verifyStore({ storeDirectory: store })).damage, what).toEqual([]);
    }
  });
});
