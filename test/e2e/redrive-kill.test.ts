import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { openLocalBroker } from '../../src/engine/open.ts';
import { temporaryDirectory } from '../support/fixtures.ts';
import { Random } from '../support/fault/random.ts';
import { jsonLines, outputOf, runCli, startCli } from '../support/processes.ts';
import { killSeeds } from '../support/seed.ts';

const LETTERS = 600;
const KILLS = 2;
const GROUP = 'billing';

interface Line {
  readonly status: string;
  readonly offsetMsgId: string;
}

/** Redriven letters of a store: how often each dead letter was sent again, by the key it was sent with. */
async function redriven(store: string): Promise<Map<string, number>> {
  const broker = await openLocalBroker({ storeDirectory: store, mode: 'read' });
  const counts = new Map<string, number>();
  const topics = (await broker.listTopics()).map(({ topic }) => topic);
  for (const queue of topics.includes(`%RETRY%${GROUP}`) ? await broker.queues(`%RETRY%${GROUP}`) : []) {
    const end = await broker.maxOffset(queue);
    for (let offset = 0; offset < end;) {
      const { messages, nextOffset } = await broker.pull({ queue, offset, maxMessages: 1000 });
      for (const { keys } of messages) {
        const id = keys.find((key) => key.startsWith('redrive:'))!.slice('redrive:'.length);
        counts.set(id, (counts.get(id) ?? 0) + 1);
      }
      offset = nextOffset;
    }
  }
  await broker.close();
  return counts;
}

describe('dlq redrive, killed', () => {
  const original = path.join(temporaryDirectory('letters'), 'store');
  beforeAll(async () => {
    const broker = await openLocalBroker({ storeDirectory: original, mode: 'write', create: true });
    await broker.createTopic('orders', { readQueueNums: 1, writeQueueNums: 1 });
    await broker.sendBatch(Array.from({ length: LETTERS }, (_, index) => ({ topic: 'orders', body: Buffer.from(`m${index}`), keys: [`k${index}`] })));
    const [queue] = await broker.queues('orders');
    for (let offset = 0; offset < LETTERS;) {
      const { messages, nextOffset } = await broker.pull({ queue: queue!, offset, maxMessages: 1000 });
      for (const message of messages) await broker.sendBack(message, { group: GROUP, delayLevel: -1 });
      offset = nextOffset;
    }
    await broker.close();
  });

  it.each(killSeeds())('sends nothing twice, forgets nothing, and says what it does not know (seed %i)', async (seed) => {
    const random = new Random(seed);
    const store = path.join(temporaryDirectory('redrive'), 'store');
    execFileSync('cp', ['-a', '--sparse=always', original, store]);
    const told = new Set<string>();
    for (let kill = 0; kill < KILLS; kill++) {
      const child = startCli(['dlq', 'redrive', GROUP, '--json', '-q'], { store, input: '' });
      // What was told in earlier runs comes first, as "already".
      const wanted = told.size + Math.floor(random.next() * (LETTERS / KILLS));
      await child.until(() => child.lines.length >= wanted || child.exit !== null, 'some letters');
      await sleep(random.next() * 4);
      child.kill('SIGKILL');
      await child.exited;
      for (const { status, offsetMsgId } of jsonLines<Line>(child.lines.map((line) => `${line}\n`).join(''))) if (status === 'sent') told.add(offsetMsgId);
    }
    const last = runCli(['dlq', 'redrive', GROUP, '--json', '-q'], { store });
    const lines = jsonLines<Line>(last.stdout);
    const unknown = new Set(lines.filter(({ status }) => status === 'unknown').map(({ offsetMsgId }) => offsetMsgId));
    expect(lines).toHaveLength(LETTERS);
    expect(last.status, last.stderr).toBe(unknown.size > 0 ? 1 : 0);
    const counts = await redriven(store);
    expect([...counts.values()].filter((count) => count > 1)).toEqual([]);
    expect([...told].filter((id) => !counts.has(id))).toEqual([]);
    expect(lines.filter(({ offsetMsgId }) => counts.has(offsetMsgId) === unknown.has(offsetMsgId))).toEqual([]);

    outputOf(['dlq', 'redrive', GROUP, '--json', '-q', '--resend-unknown'], { store });
    const all = await redriven(store);
    expect([all.size, [...all.values()].filter((count) => count !== 1)]).toEqual([LETTERS, []]);
    expect(runCli(['store', 'verify'], { store })).toMatchObject({ status: 0 });
  });
});
