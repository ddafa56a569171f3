import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { dumpStore, initStore, recoverStore, storeInfo, verifyStore } from '../../../../src/engine/inspect/store-tools.ts';
import { temporaryDirectory } from '../../../support/fixtures.ts';

const tree = (directory: string): string[] => (fs.readdirSync(directory, { recursive: true }) as string[]).sort();

describe('store init', () => {
  it('makes directories and store.json, and no data file', async () => {
    const directory = path.join(temporaryDirectory(), 'new', 'store');
    const info = await initStore({ storeDirectory: directory, segmentSizeBytes: 1_048_576, consumeQueueFileEntries: 1000, brokerName: 'b1', propertyCrc: true });
    expect(tree(directory).filter((name) => fs.statSync(path.join(directory, name)).isFile())).toEqual(['mqlite/attach.lock', 'mqlite/store.json']);
    expect(info.identity).toMatchObject({ segmentSizeBytes: 1_048_576, consumeQueueFileSizeBytes: 20_000, brokerName: 'b1', clusterName: 'DefaultCluster', propertyCrc: true });
    expect(info).toMatchObject({ cleanlyClosed: true, messages: 0, queues: [], commitLog: { segments: 0, firstStoreTimestamp: null }, notes: [] });
    expect(info.brokerConf).toContain('mappedFileSizeCommitLog=1048576');
    expect(await verifyStore({ storeDirectory: directory })).toMatchObject({ ok: true, records: 0, notes: [] });
    expect((await recoverStore({ storeDirectory: directory, dryRun: false })).ok).toBe(true);
  });

  it('refuses a directory that holds a store or anything else', async () => {
    const directory = temporaryDirectory();
    await initStore({ storeDirectory: directory });
    await expect(initStore({ storeDirectory: directory })).rejects.toMatchObject({ code: 'REFUSED', message: expect.stringContaining('is a store already') as string });
    const other = temporaryDirectory();
    fs.writeFileSync(path.join(other, 'notes.txt'), 'x');
    await expect(initStore({ storeDirectory: other })).rejects.toMatchObject({ code: 'REFUSED' });
    await expect(initStore({ storeDirectory: path.join(other, 'notes.txt') })).rejects.toMatchObject({ code: 'REFUSED' });
    expect(tree(other)).toEqual(['notes.txt']);
  });

  it.each([{ segmentSizeBytes: 10 }, { indexMaxCount: 1 }, { storeHost: 'localhost' }, { brokerName: 'a b' }, { consumeQueueFileEntries: 0 }])('refuses %j and writes nothing', async (setting) => {
    const directory = path.join(temporaryDirectory(), 'store');
    await expect(initStore({ storeDirectory: directory, ...setting })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect(fs.existsSync(directory)).toBe(false);
  });
});

describe('what is no store', () => {
  it('is said so by every tool', async () => {
    const directory = temporaryDirectory();
    for (const run of [storeInfo, verifyStore, (options: { storeDirectory: string }) => recoverStore({ ...options, dryRun: true })]) {
      await expect(run({ storeDirectory: directory })).rejects.toMatchObject({ code: 'STORE_NOT_FOUND' });
    }
    await expect(dumpStore({ storeDirectory: directory, what: 'commitlog' }).next()).rejects.toMatchObject({ code: 'STORE_NOT_FOUND' });
    expect(fs.readdirSync(directory)).toEqual([]);
  });
});
