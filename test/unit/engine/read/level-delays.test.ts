import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { nodeFileSystem } from '../../../../src/engine/files/node-file-system.ts';
import { initStore, storeInfo, verifyStore } from '../../../../src/engine/inspect/store-tools.ts';
import type { VerifyReport } from '../../../../src/engine/inspect/store-tools.ts';
import { openLocalBroker } from '../../../../src/engine/open.ts';
import { readLevelDelays } from '../../../../src/engine/read/level-delays.ts';
import { formatLevelDelay, inferLevels } from '../../../../src/engine/state/level-identity.ts';
import { storePaths } from '../../../../src/engine/store-paths.ts';
import { temporaryDirectory } from '../../../support/fixtures.ts';
import { snapshotTree } from '../../../support/tree-snapshot.ts';

const DEFAULT = '1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h';
const SEGMENT_BYTES = 1 << 20;

describe('delay levels of a broker with a conf of its own', () => {
  let store: string;
  const queueFile = (level: number): string => path.join(store, 'consumequeue/SCHEDULE_TOPIC_XXXX', String(level - 1), '0'.repeat(20));
  const identityFile = (): string => path.join(store, 'mqlite/store.json');

  const make = async (messageDelayLevel: string): Promise<void> => {
    store = path.join(temporaryDirectory('levels'), 'store');
    await initStore({ storeDirectory: store, segmentSizeBytes: SEGMENT_BYTES, consumeQueueFileEntries: 1000, indexSlotCount: 1000, indexMaxCount: 4000, messageDelayLevel });
  };
  /** As a broker whose conf says so stores them. */
  const send = async (levels: readonly number[], messageDelayLevel?: string): Promise<void> => {
    if (messageDelayLevel !== undefined) fs.writeFileSync(identityFile(), JSON.stringify({ ...JSON.parse(fs.readFileSync(identityFile(), 'utf8')) as object, messageDelayLevel }));
    const broker = await openLocalBroker({ storeDirectory: store, mode: 'write', delivers: false });
    for (const delayLevel of levels) await broker.send({ topic: 'T', body: Buffer.from('x'), delayLevel });
    await broker.close();
  };
  /** What is left when only the broker's own files are there. */
  const asBrokers = (): void => fs.rmSync(path.join(store, 'mqlite'), { recursive: true });
  const flip = (file: string, position: number, bit: number): void => {
    const bytes = fs.readFileSync(file);
    bytes[position]! ^= 1 << bit;
    fs.writeFileSync(file, bytes);
  };
  const delays = (): [number, number][] => [...readLevelDelays(nodeFileSystem, storePaths(store), SEGMENT_BYTES).delaysMs];
  const verify = (): Promise<VerifyReport> => verifyStore({ storeDirectory: store });

  beforeEach(() => make('2s 4s 8s'));

  it('are told by its messages; looking says that they are not sure, and writes nothing', async () => {
    await send([1, 1, 3, 2]);
    asBrokers();
    const before = snapshotTree(store);
    expect(delays()).toEqual([[1, 2000], [2, 4000], [3, 8000]]);
    const { identity, identitySources, notes } = await storeInfo({ storeDirectory: store });
    expect([identity.messageDelayLevel, identitySources.messageDelayLevel]).toEqual(['2s 4s 8s', 'unknown']);
    const reason = 'messages of level 1 wait 2s instead of 1s, level 2 wait 4s instead of 5s, level 3 wait 8s instead of 10s; levels behind 3 do not show';
    expect(notes).toContain(`messageDelayLevel is not known: ${reason}`);
    const report = await verify();
    expect(report.damage).toEqual([]);
    expect(report.notes).toEqual([`messageDelayLevel is not known: ${reason}; nothing can be written here until what broker.conf has is in ${identityFile()}`]);
    const broker = await openLocalBroker({ storeDirectory: store, mode: 'read' });
    expect((await broker.delayProgress()).levels.map(({ delayMs }) => delayMs)).toEqual([2000, 4000, 8000]);
    await broker.delayProgress();
    expect(broker.notices()).toEqual([`messageDelayLevel of this store is not known: ${reason}`]);
    await broker.close();
    expect(snapshotTree(store)).toEqual(before);
  });

  it('are not guessed for writing: the refusal names them and where to give them', async () => {
    await send([1]);
    asBrokers();
    const others = { brokerName: 'broker-a', clusterName: 'DefaultCluster', indexSlotCount: 1000, indexMaxCount: 4000 };
    fs.mkdirSync(path.join(store, 'mqlite'));
    fs.writeFileSync(identityFile(), JSON.stringify(others));
    await expect(openLocalBroker({ storeDirectory: store, mode: 'write' })).rejects.toMatchObject({
      code: 'WRONG_KIND', message: expect.stringContaining('cannot tell messageDelayLevel (messages of level 1 wait 2s instead of 1s; levels behind 1 do not show)') as string,
      hint: expect.stringContaining('{"messageDelayLevel":"2s"}') as string,
    });
    fs.writeFileSync(identityFile(), JSON.stringify({ ...others, messageDelayLevel: '2s 4s 8s' }));
    await (await openLocalBroker({ storeDirectory: store, mode: 'write', delivers: false })).close();
    expect(await verify()).toMatchObject({ ok: true, notes: [] });
  });

  it('of a conf that was changed: the newest count, and the older ones are a note', async () => {
    await send([1, 2, 1]);
    await send([1], '7s 4s 8s');
    asBrokers();
    expect(delays()).toEqual([[1, 7000], [2, 4000]]);
    const report = await verify();
    expect(report.damage).toEqual([]);
    expect(report.notes).toContain('2 messages of delay level 1 wait 2s instead of 7s, due when the queue entry says: the broker\'s messageDelayLevel was changed since');
    expect(report.queueEntries).toBe(4);
  });

  it('that store.json has otherwise are a note that says what to do', async () => {
    await send([2]);
    await send([1, 1, 2], '3s 1m 8s');
    fs.writeFileSync(identityFile(), fs.readFileSync(identityFile(), 'utf8').replace('3s 1m 8s', '2s 4s 8s'));
    const report = await verify();
    expect(report.damage).toEqual([]);
    const todo = `the broker's messageDelayLevel is not what ${identityFile()} says; write what broker.conf has into that file`;
    expect(report.notes).toEqual([
      `2 messages of delay level 1 wait 3s instead of 2s, due when the queue entry says: ${todo}`,
      `1 message of delay level 2 waits 1m instead of 4s, due when the queue entry says: ${todo}`,
    ]);
  });

  it('that agree with RocketMQ\'s are taken for RocketMQ\'s', async () => {
    await send([1, 3], DEFAULT);
    asBrokers();
    const { identity, identitySources, notes } = await storeInfo({ storeDirectory: store });
    expect([identity.messageDelayLevel, identitySources.messageDelayLevel]).toEqual([DEFAULT, 'default']);
    expect(notes.join()).not.toContain('messageDelayLevel');
  });

  it('a time that no level leads to stays damage, whichever bit of it is wrong, and an older message tells the level', async () => {
    await send([1, 1]);
    for (let bit = 0; bit < 64; bit++) {
      const [position, inByte] = [20 + 19 - (bit >> 3), bit & 7];
      flip(queueFile(1), position, inByte);
      expect(delays()).toEqual([[1, 2000]]);
      expect((await verify()).damage.map(({ queue, queueOffset, reason }) => [queue?.topic, queueOffset, /tags code/.test(reason)])).toEqual([['SCHEDULE_TOPIC_XXXX', 1, true]]);
      flip(queueFile(1), position, inByte);
    }
    // Sound seconds, but of another record: the record does not say that it is this entry's.
    const entries = fs.readFileSync(queueFile(1));
    entries.copy(entries, 20, 0, 12);
    fs.writeFileSync(queueFile(1), entries);
    expect(delays()).toEqual([[1, 2000]]);
  });

  it.each([[120, 'the middle'], [0, 'the first'], [-1, 'none']])('entries whose record is gone are passed over; what is left: %i, %s', async (left, _where) => {
    await send(Array.from({ length: 200 }, () => 1));
    const entries = fs.readFileSync(queueFile(1));
    // As if their log file had been lost.
    for (let entry = 0; entry < 200; entry++) if (entry < left - 10 || entry > left) entries.writeBigInt64BE(BigInt(SEGMENT_BYTES * 7 + entry), entry * 20);
    fs.writeFileSync(queueFile(1), entries);
    expect(delays()).toEqual(left < 0 ? [] : [[1, 2000]]);
    if (left < 0) expect(inferLevels(readLevelDelays(nodeFileSystem, storePaths(store), SEGMENT_BYTES))).toEqual({ value: DEFAULT, reason: null });
  });
});

describe('levels that say nothing', () => {
  const infer = (delaysMs: Record<number, number>, highest: number): ReturnType<typeof inferLevels> =>
    inferLevels({ delaysMs: new Map(Object.entries(delaysMs).map(([level, ms]) => [Number(level), ms])), highest });

  it.each([
    [{}, 0, DEFAULT, null],
    [{}, 18, DEFAULT, null],
    [{ 2: 5000 }, 2, DEFAULT, null],
    // Between its neighbours the default may be.
    [{ 1: 2000, 3: 8000 }, 3, '2s 5s 8s', 'messages of level 1 wait 2s instead of 1s, level 3 wait 8s instead of 10s; levels 2 and those behind 3 do not show'],
    [{ 1: 60_000, 3: 7_200_000 }, 4, '1m 1m 2h 2h', 'messages of level 1 wait 1m instead of 1s, level 3 wait 2h instead of 10s; levels 2, 4 and those behind 4 do not show'],
    [{ 1: 1000, 20: 86_400_000 }, 20, `${DEFAULT} 2h 1d`, 'there is level 20, RocketMQ\'s default has 18; levels 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19 and those behind 20 do not show'],
    [{ 1: 3000, 2: 3000, 3: 3000, 4: 3000 }, 4, '3s 3s 3s 3s', 'messages of level 1 wait 3s instead of 1s, level 2 wait 3s instead of 5s, level 3 wait 3s instead of 10s, …; levels behind 4 do not show'],
  ] as const)('%j of %d: %s', (delaysMs, highest, value, reason) => {
    expect(infer(delaysMs, highest)).toEqual({ value, reason });
  });

  it('units are the largest that fit', () => {
    expect([0, 1000, 59_000, 60_000, 90_000, 3_600_000, 172_800_000].map(formatLevelDelay)).toEqual(['0s', '1s', '59s', '1m', '90s', '1h', '2d']);
  });
});
