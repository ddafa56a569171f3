import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeFileSystem } from '../../src/engine/files/node-file-system.ts';
import { abortExists, readAbortPid } from '../../src/engine/state/abort.ts';
import { formatBrokerJson, parseBrokerJson } from '../../src/engine/state/broker-json.ts';
import type { JsonObject } from '../../src/engine/state/broker-json.ts';
import { CheckpointFile, readCheckpoint } from '../../src/engine/state/checkpoint.ts';
import { ConfigFile, readConfig } from '../../src/engine/state/config-file.ts';
import {
  committedOffset, ConsumerOffsets, groupsWithOffsets, offsetsOfGroup, offsetsOfTopic,
} from '../../src/engine/state/consumer-offsets.ts';
import { parseDelayLevels } from '../../src/broker/delay-levels.ts';
import { readLevelDelays } from '../../src/engine/read/level-delays.ts';
import { readDelayOffsets } from '../../src/engine/state/delay-offsets.ts';
import { inferIdentity, requireWritableIdentity } from '../../src/engine/state/infer-identity.ts';
import type { NewestRecord, RecordsOfStore } from '../../src/engine/state/infer-identity.ts';
import { DEFAULT_IDENTITY } from '../../src/engine/state/store-identity.ts';
import { detectStoreKind } from '../../src/engine/state/store-kind.ts';
import { listGroups } from '../../src/engine/state/subscription-groups.ts';
import { listTopics } from '../../src/engine/state/topics.ts';
import { storePaths } from '../../src/engine/store-paths.ts';
import type { StorePaths } from '../../src/engine/store-paths.ts';
import { readTruth, unpackFixture } from '../support/fixtures.ts';

const NAMES = { brokerName: 'broker-a', clusterName: 'DefaultCluster' };
const clean = storePaths(unpackFixture('clean'));
const killed = storePaths(unpackFixture('killed'));
const stores = [['clean', clean], ['killed', killed]] as const;
const jsonFiles = fs.readdirSync(clean.config).filter((name) => !name.startsWith('timercheck'));

/** What fastjson would have written with quoted integer keys. */
const quoteKeys = (text: string): string => text.replace(/^(\t+)(\d+):/gm, '$1"$2":');

describe('config files a broker wrote', () => {
  it('are 14 and more, so that the tests below look at something', () => {
    expect(jsonFiles.length).toBeGreaterThanOrEqual(14);
  });

  it.each(jsonFiles)('%s is parsed, and written back in the same shape', (name) => {
    const text = fs.readFileSync(path.join(clean.config, name), 'utf8');
    const value = parseBrokerJson(text) as JsonObject;
    expect(JSON.parse(JSON.stringify(value))).toEqual(JSON.parse(quoteKeys(text)));
    // timermetrics and transactionMetrics are compact.
    if (text.includes('\n')) expect(formatBrokerJson(value)).toBe(quoteKeys(text));
  });

  it('P17: JSON.parse refuses what the parser takes', () => {
    const text = fs.readFileSync(clean.consumerOffsets, 'utf8');
    expect(() => JSON.parse(text) as unknown).toThrow();
    expect(readConfig(nodeFileSystem, clean.consumerOffsets)).toMatchObject({ source: 'main', case: 'main', damagedPaths: [] });
  });

  it('keep what a commit does not touch: groupTopicMap, pullOffsetTable, other groups', () => {
    const store = storePaths(unpackFixture('clean'));
    const options = { tempDirectory: store.temp, quarantineDirectory: store.quarantine };
    const file = new ConfigFile(nodeFileSystem, store.consumerOffsets, options);
    const before = parseBrokerJson(fs.readFileSync(store.consumerOffsets, 'utf8')) as JsonObject;
    const offsets = new ConsumerOffsets(file, { nowMs: () => 42, elapsedMs: () => 42, repeat: () => ({ within: () => {} }), sleep: async () => {} });
    offsets.commit('retry-group', [{ topic: 'Orders', queueId: 2, offset: 7 }]);
    const after = JSON.parse(fs.readFileSync(store.consumerOffsets, 'utf8')) as Record<string, Record<string, Record<string, number>>>;
    const expected = JSON.parse(JSON.stringify(before)) as typeof after;
    expected['offsetTable']!['Orders@retry-group']!['2'] = 7;
    expected['dataVersion'] = { counter: 1, stateVersion: 0, timestamp: 42 } as never;
    expect(after).toEqual(expected);
    expect(Object.keys(after)).toContain('pullOffsetTable');
    expect(fs.readFileSync(`${store.consumerOffsets}.bak`, 'utf8')).toContain('\t0:10');
  });

  it('hold the topics, groups and offsets that the broker had', () => {
    const topics = listTopics(readConfig(nodeFileSystem, clean.topics).value, NAMES);
    const userTopics = topics.filter((topic) => !topic.system && !topic.topic.startsWith('%')).map((topic) => topic.topic);
    expect(userTopics).toEqual(['Batch', 'Big', 'Compressed', 'Delayed', 'Orders', 'OrdersFifo', 'Tx']);
    for (const row of readTruth()) expect(topics.find(({ topic }) => topic === row.topic)!.readQueueNums).toBeGreaterThan(row.queueId);
    // Left out of the file by this broker's configuration: nothing. Pre-registered ones are all there.
    expect(listTopics({}, NAMES).filter(({ topic }) => !topics.some((known) => known.topic === topic))).toEqual([]);
    for (const preset of listTopics({}, NAMES)) expect(topics.find(({ topic }) => topic === preset.topic)).toEqual(preset);

    const groups = listGroups(readConfig(nodeFileSystem, clean.subscriptionGroups).value);
    expect(groups.filter((group) => !group.system).map(({ group, retryMaxTimes }) => [group, retryMaxTimes])).toEqual([
      ['dump-reader', 16], ['fixture-retry', 16], ['retry-group', expect.any(Number)],
    ]);
    expect(groups.filter((group) => group.system)).toHaveLength(8);

    const offsets = readConfig(nodeFileSystem, clean.consumerOffsets).value;
    expect(committedOffset(offsets, 'CID_RMQ_SYS_TRANS', 'RMQ_SYS_TRANS_HALF_TOPIC', 0)).toBe(40);
    expect(groupsWithOffsets(offsets)).toEqual(['CID_RMQ_SYS_TRANS', 'fixture-retry', 'retry-group']);
    expect(groupsWithOffsets(offsets, 'Orders')).toEqual(['fixture-retry', 'retry-group']);
    expect(offsetsOfGroup(offsets, 'retry-group')).toHaveLength(5);
    expect(offsetsOfTopic(offsets, 'Orders').every(({ offset }) => offset === 10)).toBe(true);
    const levels = readDelayOffsets(readConfig(nodeFileSystem, clean.delayOffsets).value);
    expect([...levels].slice(0, 4)).toEqual([[1, 1], [2, 1], [3, 4], [4, 1]]);
  });
});

describe('checkpoint and abort a broker wrote', () => {
  it.each(stores)('%s: six longs', (_, store) => {
    expect(readCheckpoint(nodeFileSystem, store.checkpoint)).toEqual({
      case: 'ok',
      checkpoint: {
        physicMsgTimestamp: 0x01a20730000c, logicsMsgTimestamp: 0x01a2072f6363, indexMsgTimestamp: 0, masterFlushedOffset: 0,
        confirmPhyOffset: 0, logicsPhysicalOffset: 0x1b104,
      },
    });
  });

  it('is the same file after being written with the same values', () => {
    const bytes = fs.readFileSync(clean.checkpoint);
    const copy = path.join(unpackFixture('clean'), 'checkpoint');
    const file = new CheckpointFile(nodeFileSystem, copy, path.dirname(copy));
    file.write(readCheckpoint(nodeFileSystem, copy).checkpoint, { sync: true });
    file.close();
    expect(fs.readFileSync(copy).equals(bytes)).toBe(true);
  });

  it('tells the unclean store by its abort file', () => {
    expect(abortExists(nodeFileSystem, clean.abort)).toBe(false);
    expect(readAbortPid(nodeFileSystem, killed.abort)).toBe(11372);
  });
});

describe('identity of a broker\'s store', () => {
  const records = (store: StorePaths, newest: NewestRecord | null): RecordsOfStore =>
    ({ newestRecord: () => newest, levelDelays: (segmentSizeBytes) => readLevelDelays(nodeFileSystem, store, segmentSizeBytes) });

  it.each(stores)('%s: how long messages wait at each level is told by them', (_, store) => {
    const { delaysMs, highest } = readLevelDelays(nodeFileSystem, store, 1_048_576);
    expect([...delaysMs].sort(([a], [b]) => a - b)).toEqual(parseDelayLevels(DEFAULT_IDENTITY.messageDelayLevel).map((ms, level): [number, number] => [level, ms]).slice(1));
    expect(highest).toBe(18);
  });

  it.each(stores)('%s: everything is inferred as the broker was configured', (_, store) => {
    expect(detectStoreKind(nodeFileSystem, store)).toEqual({ writeRefusal: null });
    const inferred = inferIdentity(nodeFileSystem, store, {}, records(store, { storeHost: '127.0.0.1:20911', hasPropertyCrc: false }));
    expect(inferred.identity).toEqual({
      brokerName: 'broker-a', clusterName: 'DefaultCluster', storeHost: '127.0.0.1:20911', segmentSizeBytes: 1048576,
      consumeQueueFileSizeBytes: 6000000, indexSlotCount: 1000, indexMaxCount: 4000,
      messageDelayLevel: '1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h', propertyCrc: false,
    });
    expect(inferred.reasons).toEqual({});
    expect(() => requireWritableIdentity(inferred, store)).not.toThrow();
  });

  it('without index and topics.json: unknown field by field, refused for writing, and what is given counts', () => {
    const store = storePaths(unpackFixture('clean'));
    fs.rmSync(store.index, { recursive: true });
    fs.rmSync(store.topics);
    fs.rmSync(`${store.topics}.bak`);
    const inferred = inferIdentity(nodeFileSystem, store, {}, records(store, null));
    expect(Object.entries(inferred.sources).filter(([, source]) => source === 'unknown').map(([field]) => field)).toEqual([
      'brokerName', 'clusterName', 'indexSlotCount', 'indexMaxCount',
    ]);
    expect(() => requireWritableIdentity(inferred, store)).toThrow(/cannot tell brokerName .* indexMaxCount \(there are no index files\)/);
    const given = { brokerName: 'b', clusterName: 'c', indexSlotCount: 1000, indexMaxCount: 4000 };
    const second = inferIdentity(nodeFileSystem, store, given, records(store, null));
    expect(second.identity).toMatchObject(given);
    expect(() => requireWritableIdentity(second, store)).not.toThrow();
  });
});
