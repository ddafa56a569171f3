import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { Clock } from '../../src/base/clock.ts';
import type { Broker } from '../../src/broker/broker.ts';
import { openLocalBroker } from '../../src/engine/open.ts';
import type { Message } from '../../src/record/message.ts';
import { temporaryDirectory } from '../support/fixtures.ts';
import { bundleWorker, outputOf, runCli, startWorker } from '../support/processes.ts';
import type { WorkerTask } from './workers/engine.ts';

let script: string;
beforeAll(() => {
  script = bundleWorker(path.join(import.meta.dirname, 'workers', 'engine.ts'));
});

const newStore = (): string => {
  const store = path.join(temporaryDirectory('readers'), 'store');
  outputOf(['store', 'init', '--segment-size', '64KiB', '--queue-file-entries', '100', '--index-slots', '100', '--index-entries', '500'], { store });
  outputOf(['topics', 'create', 't', '--queues', '1'], { store });
  return store;
};

/** A reader that stays open while the store changes under it. */
class Follower {
  readonly messages: Message[] = [];
  readonly jumps: [number, number][] = [];
  offset = 0;
  readonly #broker: Broker;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** Reads what there is; answers whether that was anything. */
  async step(suspendMs = 0): Promise<boolean> {
    const { status, messages, nextOffset, damaged } = await this.#broker.pull({ queue: { topic: 't', brokerName: 'broker-a', queueId: 0 }, offset: this.offset, maxMessages: 50, suspendMs });
    expect(damaged).toEqual([]);
    for (const message of messages) expect(message.body.length).toBeGreaterThan(0);
    if (status === 'OFFSET_ILLEGAL') this.jumps.push([this.offset, nextOffset]);
    this.messages.push(...messages);
    const moved = nextOffset !== this.offset;
    this.offset = nextOffset;
    return moved;
  }
}

const withReader = async (store: string, use: (follower: Follower, broker: Broker) => Promise<void>): Promise<void> => {
  const broker = await openLocalBroker({ storeDirectory: store, mode: 'read' });
  try {
    await use(new Follower(broker), broker);
    expect(broker.damage()).toEqual([]);
  } finally {
    await broker.close();
  }
};

describe('a reader without locks survives', () => {
  it('segments, queue files and index files that roll while it reads: every message, once, in order', async () => {
    const store = newStore();
    await withReader(store, async (follower) => {
      expect(await follower.step()).toBe(false);
      const writer = startWorker(script, { op: 'flood', store, topic: 't', ms: 1500, batch: 20 } satisfies WorkerTask);
      await writer.until(() => writer.lines.length > 0, 'ready');
      writer.end('go\n');
      while (writer.exit === null) await follower.step(20);
      while (await follower.step()) continue;
      const { count } = JSON.parse(writer.lines.at(-1)!) as { count: number };
      expect(fs.readdirSync(path.join(store, 'commitlog')).length).toBeGreaterThan(3);
      expect(follower.messages.map((message) => message.queueOffset)).toEqual(Array.from({ length: count + 20 }, (_, index) => index));
      expect(follower.jumps).toEqual([]);
    });
  });

  it('a clean that removes what it has not read yet: it is told, and goes on with what is left', async () => {
    const store = newStore();
    outputOf(['produce', 't', '-q'], { store, input: `${'x'.repeat(500)}\n`.repeat(1000) });
    await withReader(store, async (follower, broker) => {
      await follower.step();
      expect(follower.messages).toHaveLength(50);
      await sleep(1100);
      outputOf(['store', 'clean', '--older-than', '1s', '--yes'], { store });
      while (await follower.step()) continue;
      expect(follower.jumps).toHaveLength(1);
      const [from, to] = follower.jumps[0]!;
      expect([from, to > 50]).toEqual([50, true]);
      expect(follower.messages.at(-1)!.queueOffset).toBe(999);
      expect(await broker.minOffset({ topic: 't', brokerName: 'broker-a', queueId: 0 })).toBe(to);
      // Written on, it follows.
      outputOf(['produce', 't', 'after'], { store });
      await follower.step();
      expect(follower.messages.at(-1)!.body.toString()).toBe('after');
    });
  });

  it('a batch cut off by kill -9 and repaired by the next writer', async () => {
    const store = newStore();
    for (const at of [2, 3, 5, 7]) {
      await withReader(store, async (follower) => {
        const victim = startWorker(script, { op: 'interrupted', store, topic: 't', before: 5, count: 50, bodyBytes: 2000, at, torn: true, signal: 'SIGKILL' } satisfies WorkerTask);
        while (victim.exit === null) await follower.step(5);
        while (await follower.step()) continue;
        outputOf(['produce', 't', 'after the repair'], { store });
        while (await follower.step()) continue;
        expect(follower.messages.at(-1)!.body.toString()).toBe('after the repair');
        expect(new Set(follower.messages.map((message) => message.queueOffset)).size).toBe(follower.messages.length);
      });
    }
    expect(runCli(['store', 'verify'], { store }).status).toBe(0);
  });

  it('a topic that is deleted and made again: it starts over with the new one', async () => {
    const store = newStore();
    outputOf(['produce', 't', '-q'], { store, input: 'old\n'.repeat(30) });
    await withReader(store, async (follower) => {
      while (await follower.step()) continue;
      expect(follower.offset).toBe(30);
      outputOf(['topics', 'delete', 't', '--yes'], { store });
      outputOf(['topics', 'create', 't', '--queues', '1'], { store });
      outputOf(['produce', 't', 'new'], { store });
      while (await follower.step()) continue;
      expect(follower.jumps).toEqual([[30, 1]]);
      follower.offset = 0;
      await follower.step();
      expect(follower.messages.at(-1)!.body.toString()).toBe('new');
    });
  });
});

describe('a clock that goes backwards', () => {
  it('stores nothing with an earlier time than before, finds everything by time, and survives a restart', async () => {
    const store = newStore();
    let shiftMs = 0;
    const clock: Clock = { ...systemClock, nowMs: () => systemClock.nowMs() + shiftMs };
    for (const shift of [0, -3_600_000, -86_400_000]) {
      shiftMs = shift;
      const broker = await openLocalBroker({ storeDirectory: store, mode: 'write', clock });
      await broker.send({ topic: 't', body: Buffer.from(`at ${shift}`), keys: [`key${shift}`] });
      shiftMs -= 1000;
      await broker.send({ topic: 't', body: Buffer.from('a second earlier') });
      await broker.close();
    }
    await withReader(store, async (follower, broker) => {
      while (await follower.step()) continue;
      const times = follower.messages.map((message) => message.storeTimestamp);
      expect(times).toHaveLength(6);
      expect([...times].sort((a, b) => a - b)).toEqual(times);
      const queue = { topic: 't', brokerName: 'broker-a', queueId: 0 };
      expect(await broker.offsetByTime(queue, times[0]! - 1, 'lower')).toBe(0);
      for (const key of ['key0', 'key-3600000', 'key-86400000']) expect((await broker.queryByKey({ topic: 't', key, maxMessages: 9 })).messages).toHaveLength(1);
    });
    expect(runCli(['store', 'verify'], { store }).status).toBe(0);
  });
});
