import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Broker } from '../../../../src/broker/broker.ts';
import type { FileSystem } from '../../../../src/engine/files/file-system.ts';
import { nodeFileSystem } from '../../../../src/engine/files/node-file-system.ts';
import { initStore } from '../../../../src/engine/inspect/init.ts';
import { openLocalBroker } from '../../../../src/engine/open.ts';
import { temporaryDirectory } from '../../../support/fixtures.ts';

const QUEUES = 20;
const LOG = path.join('commitlog', '0'.repeat(20));
const QUEUE = path.join('consumequeue', 'T', '0', '0'.repeat(20));
/** After so long without news, looks become cheap. */
const IDLE_MS = 1300;

/** A closed store with one message, and what a broker adds to its files when it stores another one. */
const storeAndNext = async (): Promise<{ storeDirectory: string; append: (file: string) => void }> => {
  const storeDirectory = path.join(temporaryDirectory('waiting'), 'store');
  const withNext = path.join(temporaryDirectory('waiting'), 'store');
  await initStore({ storeDirectory, segmentSizeBytes: 65_536, consumeQueueFileEntries: 100, indexSlotCount: 100, indexMaxCount: 400 });
  const send = async (directory: string): Promise<void> => {
    const broker = await openLocalBroker({ storeDirectory: directory, mode: 'write' });
    if ((await broker.listTopics()).every(({ topic }) => topic !== 'T')) await broker.createTopic('T', { writeQueueNums: QUEUES, readQueueNums: QUEUES });
    await broker.send({ topic: 'T', body: Buffer.from('x'), queueId: 0 });
    await broker.close();
  };
  await send(storeDirectory);
  fs.cpSync(storeDirectory, withNext, { recursive: true });
  await send(withNext);
  return {
    storeDirectory,
    append: (file) => {
      const bytes = fs.readFileSync(path.join(withNext, file));
      const fd = fs.openSync(path.join(storeDirectory, file), 'r+');
      fs.writeSync(fd, bytes, 0, bytes.length, 0);
      fs.closeSync(fd);
    },
  };
};

const counted = (): { files: FileSystem; calls: () => number } => {
  let calls = 0;
  const files = { ...nodeFileSystem };
  for (const name of ['read', 'stat', 'fstat', 'open', 'list'] as const) {
    const real = nodeFileSystem[name].bind(nodeFileSystem) as (...args: unknown[]) => unknown;
    files[name] = ((...args: unknown[]) => {
      calls++;
      return real(...args);
    }) as never;
  }
  return { files, calls: () => calls };
};

const pullAll = (broker: Broker, signal: AbortSignal) =>
  Promise.race(Array.from({ length: QUEUES }, (_, queueId) =>
    broker.pull({ queue: { topic: 'T', brokerName: 'broker-a', queueId }, offset: queueId === 0 ? 1 : 0, maxMessages: 1, suspendMs: 20_000, signal })));

it('beside a broker, those who wait for many queues cost one small read a look, and see what it stores at once', async () => {
  const { storeDirectory, append } = await storeAndNext();
  const { files, calls } = counted();
  const broker = await openLocalBroker({ storeDirectory, mode: 'read', fs: files });
  const done = new AbortController();
  const first = pullAll(broker, done.signal);
  await sleep(IDLE_MS);
  const before = calls();
  await sleep(1000);
  // Some 28 looks, two of them at each of the queues.
  expect(calls() - before).toBeLessThan(300);
  append(LOG);
  // A broker lists a record after it stored it.
  await sleep(100);
  const listedMs = performance.now();
  append(QUEUE);
  expect((await first).status).toBe('FOUND');
  expect(performance.now() - listedMs).toBeLessThan(200);
  done.abort();
  await broker.close();
});

it('beside a broker, who follows the log sees what it stores at once', async () => {
  const { storeDirectory, append } = await storeAndNext();
  const { files, calls } = counted();
  const broker = await openLocalBroker({ storeDirectory, mode: 'read', fs: files });
  const done = new AbortController();
  const records = broker.readLog({ from: { at: 'last' }, follow: true }, done.signal)[Symbol.asyncIterator]();
  const first = records.next();
  await sleep(IDLE_MS);
  const before = calls();
  await sleep(1000);
  expect(calls() - before).toBeLessThan(120);
  const storedMs = performance.now();
  append(LOG);
  const { value } = await first;
  expect(performance.now() - storedMs).toBeLessThan(200);
  expect(value).toMatchObject([{ recordType: 'message' }]);
  done.abort();
  await records.return?.(undefined);
  await broker.close();
});

/** A store that an mqlite writes, and a reader that waits for its first message. */
const idleReader = async (watch: FileSystem['watch']): Promise<{ calls: () => number; send: () => Promise<number>; close: () => Promise<void> }> => {
  const storeDirectory = path.join(temporaryDirectory('waiting'), 'store');
  const writer = await openLocalBroker({ storeDirectory, mode: 'write', create: true });
  await writer.createTopic('T', { writeQueueNums: 1, readQueueNums: 1 });
  const { files, calls } = counted();
  const reader = await openLocalBroker({ storeDirectory, mode: 'read', fs: { ...files, watch } });
  const queue = { topic: 'T', brokerName: 'broker-a', queueId: 0 };
  let offset = 0;
  let found = reader.pull({ queue, offset, maxMessages: 1, suspendMs: 60_000 });
  return {
    calls,
    send: async () => {
      const startedMs = performance.now();
      await writer.send({ topic: 'T', body: Buffer.from('x') });
      expect(await found).toMatchObject({ status: 'FOUND', messages: [{ queueOffset: offset }] });
      const tookMs = performance.now() - startedMs;
      offset++;
      found = reader.pull({ queue, offset, maxMessages: 1, suspendMs: 60_000 });
      return tookMs;
    },
    close: async () => {
      await reader.close();
      expect((await found).status).toBe('NO_NEW_MESSAGE');
      await writer.close();
    },
  };
};

it('beside an mqlite, who waits is told, and looks at next to nothing', { timeout: 60_000 }, async () => {
  let told = 0;
  const { calls, send, close } = await idleReader((file, onChange) => nodeFileSystem.watch(file, () => {
    told++;
    onChange();
  }));
  // On a busy machine a look of its own may come before the word: then the next round counts.
  for (let round = 1; told < 2 && round <= 6; round++) {
    await sleep(IDLE_MS + 200);
    const before = calls();
    await sleep(1000);
    // Two looks at everything; looks at the generation alone would be some 28 more.
    expect(calls() - before).toBeLessThan(25);
    await send();
    if (process.platform !== 'linux') break;
  }
  expect(told).toBe(process.platform === 'linux' ? 2 : 0);
  await close();
});

it('where nobody tells of a write, who waits looks', { timeout: 60_000 }, async () => {
  const { calls, send, close } = await idleReader(() => null);
  await sleep(IDLE_MS);
  const before = calls();
  await sleep(1000);
  expect(calls() - before).toBeGreaterThan(20);
  await send();
  await close();
});

it('a watch that tells of nothing is not relied on', { timeout: 60_000 }, async () => {
  let watches = 0;
  const { calls, send, close } = await idleReader(() => {
    watches++;
    return () => undefined;
  });
  for (let round = 0; round < 3; round++) {
    await sleep(IDLE_MS + 200);
    await send();
  }
  expect(watches).toBe(3);
  await sleep(IDLE_MS + 200);
  const before = calls();
  await sleep(1000);
  expect(calls() - before).toBeGreaterThan(20);
  expect(watches).toBe(3);
  await close();
});
