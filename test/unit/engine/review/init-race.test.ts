import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Broker } from '../../../../src/broker/broker.ts';
import type { MqliteError } from '../../../../src/broker/errors.ts';
import type { FileSystem } from '../../../../src/engine/files/file-system.ts';
import { nodeFileSystem } from '../../../../src/engine/files/node-file-system.ts';
import { initStore } from '../../../../src/engine/inspect/init.ts';
import { openLocalBroker } from '../../../../src/engine/open.ts';
import { temporaryDirectory } from '../../../support/fixtures.ts';

const SEGMENT = 65_536;

/** A file system that lets another process come in before its n-th operation. */
const interrupted = (at: number, other: () => unknown): { fs: FileSystem; wasInterrupted: () => boolean } => {
  let calls = 0;
  const fs = { ...nodeFileSystem };
  for (const name of Object.keys(nodeFileSystem) as (keyof FileSystem)[]) {
    const real = nodeFileSystem[name] as (...args: unknown[]) => unknown;
    fs[name] = ((...args: unknown[]) => {
      if (calls++ === at) other();
      return real(...args);
    }) as never;
  }
  return { fs, wasInterrupted: () => calls > at };
};

const writer = (storeDirectory: string, fs?: FileSystem): Promise<Broker> => openLocalBroker({ storeDirectory, mode: 'write', create: true, fs });
const init = (storeDirectory: string, fs?: FileSystem): Promise<unknown> =>
  initStore({ storeDirectory, segmentSizeBytes: SEGMENT, consumeQueueFileEntries: 100, indexSlotCount: 10, indexMaxCount: 40, fs });

describe('store init beside a writer that makes what is missing', () => {
  /** Whoever came first: the writer writes what the identity says, and an init that succeeded has its sizes. */
  const expectAgreement = async (storeDirectory: string, broker: Broker, initialised: PromiseSettledResult<unknown>): Promise<void> => {
    if (initialised.status === 'rejected') expect((initialised.reason as MqliteError).code).toBe('REFUSED');
    await broker.createTopic('T', { readQueueNums: 1, writeQueueNums: 1 });
    await broker.send({ topic: 'T', body: Buffer.from('x') });
    await broker.close();
    const log = path.join(storeDirectory, 'commitlog');
    const [segment] = readdirSync(log);
    expect(statSync(path.join(log, segment!)).size).toBe(initialised.status === 'fulfilled' ? SEGMENT : 2 ** 30);
    const again = await openLocalBroker({ storeDirectory, mode: 'write' });
    await again.send({ topic: 'T', body: Buffer.from('y') });
    await again.close();
    expect(readdirSync(log)).toEqual([segment]);
  };

  it('the writer comes in, at every operation of init', { timeout: 120_000 }, async () => {
    const outcomes = new Set<string>();
    for (let at = 0; ; at++) {
      const storeDirectory = path.join(temporaryDirectory('init-race'), 'store');
      let opened: Promise<Broker> | undefined;
      const { fs, wasInterrupted } = interrupted(at, () => (opened = writer(storeDirectory)));
      const [initialised] = await Promise.allSettled([init(storeDirectory, fs)]);
      if (!wasInterrupted()) break;
      await expectAgreement(storeDirectory, await opened!, initialised);
      outcomes.add(initialised.status);
    }
    expect([...outcomes].sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('init comes in, at each of the first operations of the writer', { timeout: 120_000 }, async () => {
    const outcomes = new Set<string>();
    for (let at = 0; ; at++) {
      const storeDirectory = path.join(temporaryDirectory('init-race'), 'store');
      let initialised: Promise<PromiseSettledResult<unknown>[]> | undefined;
      const { fs, wasInterrupted } = interrupted(at, () => (initialised = Promise.allSettled([init(storeDirectory)])));
      const broker = await writer(storeDirectory, fs);
      if (!wasInterrupted() || at > 24) {
        await broker.close();
        break;
      }
      const [outcome] = await initialised!;
      await expectAgreement(storeDirectory, broker, outcome!);
      outcomes.add(outcome!.status);
    }
    expect([...outcomes].sort()).toEqual(['fulfilled', 'rejected']);
  });
});
