/** The index file of a real broker 5.5.0 (maxHashSlotNum=1000, maxIndexNum=4000) against its commit log. */
import fs from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { nodeFileSystem } from '../../src/engine/files/node-file-system.ts';
import { IndexReader } from '../../src/engine/index/reader.ts';
import { recoverIndex } from '../../src/engine/index/recover.ts';
import { IndexVerifier } from '../../src/engine/index/verify.ts';
import { IndexWriter } from '../../src/engine/index/writer.ts';
import { readTruth, temporaryDirectory, unpackFixture } from '../support/fixtures.ts';
import { fixedClock, flipBit, putAll, readLogRecords, unfindable } from '../unit/engine/index/support.ts';
import type { IndexedRecord } from '../unit/engine/index/support.ts';

const geometry = { slotCount: 1000, maxIndexCount: 4000 };
const ENTRIES_POSITION = 40 + 1000 * 4;

describe.each(['clean', 'killed'] as const)('index of the %s fixture', (fixture) => {
  let directory = '';
  let file = '';
  let records: IndexedRecord[] = [];

  beforeAll(() => {
    const store = unpackFixture(fixture);
    directory = join(store, 'index');
    file = join(directory, fs.readdirSync(directory)[0]!);
    records = readLogRecords(join(store, 'commitlog', '00000000000000000000'));
  });

  const verify = (place = directory): ReturnType<IndexVerifier['finish']> => {
    const verifier = new IndexVerifier({ fs: nodeFileSystem, directory: place, ...geometry });
    for (const { topic, uniqKey, keys, tags, commitLogOffset, storeTimestamp } of records)
      verifier.record(topic, uniqKey, keys, commitLogOffset, storeTimestamp, tags);
    return verifier.finish();
  };

  it('finds every message that the official client saw by its id and its keys', () => {
    const reader = new IndexReader({ fs: nodeFileSystem, directory, ...geometry });
    const truth = readTruth().map((row) => ({
      topic: row.topic,
      uniqKey: row.properties['UNIQ_KEY'] ?? null,
      keys: row.properties['KEYS'] ?? null,
      tags: row.properties['TAGS'] ?? null,
      commitLogOffset: row.commitLogOffset,
      storeTimestamp: row.storeTimestamp,
    }));
    expect(truth.length).toBeGreaterThan(100);
    expect(unfindable(reader, truth)).toEqual([]);
    expect(unfindable(reader, records)).toEqual([]);
    const keyed = records.filter((record) => record.uniqKey !== null || record.keys !== null || record.tags !== null);
    expect(reader.endCommitLogOffset()).toBe(keyed.at(-1)!.commitLogOffset);
  });

  it('is what our writer makes of the same records, byte for byte', () => {
    const root = temporaryDirectory('index');
    const ours = join(root, 'index');
    const writer = IndexWriter.open({
      fs: nodeFileSystem, directory: ours, tempDirectory: join(root, 'tmp'), quarantineDirectory: join(root, 'q'), clock: fixedClock(),
      ...geometry,
    });
    putAll(writer, records);
    writer.close();
    const bytes = fs.readFileSync(join(ours, fs.readdirSync(ours)[0]!));
    expect(bytes.equals(fs.readFileSync(file))).toBe(true);
  });

  it('is verified without a complaint, and recovery has nothing to do', () => {
    const { problems, entriesChecked } = verify();
    expect(problems).toEqual([]);
    expect(entriesChecked).toBe(fs.readFileSync(file).readInt32BE(36) - 1);
    const before = fs.readFileSync(file);
    const recovery = recoverIndex({
      fs: nodeFileSystem, directory, quarantineDirectory: join(directory, '..', 'q'), endOfLog: 1 << 20, scan: 'all', ...geometry,
    });
    expect(recovery.files).toMatchObject([{ case: 'sound', action: 'keep' }]);
    expect(recovery.reindexFrom).toBe(Number(before.readBigInt64BE(24)));
    expect(fs.readFileSync(file).equals(before)).toBe(true);
  });

  it('names file and position of every flipped bit', () => {
    const pristine = fs.readFileSync(file);
    const count = pristine.readInt32BE(36);
    const place = temporaryDirectory('index');
    const copy = join(place, file.slice(-17));
    const usedSlot = [...Array(1000).keys()].find((slot) => pristine.readInt32BE(40 + slot * 4) !== 0)!;
    const positions = [
      7, 15, 23, 31, 35, 39, 40 + usedSlot * 4 + 3, 40 + usedSlot * 4,
      ...[1, 2, 100, count - 1].flatMap((number) => [3, 11, 15, 19].map((field) => ENTRIES_POSITION + number * 20 + field)),
    ];
    for (const position of positions) {
      fs.writeFileSync(copy, pristine);
      flipBit(copy, position, 2);
      const { problems, damageCount } = verify(place);
      expect(damageCount, `bit at ${position}`).toBeGreaterThan(0);
      const damages = problems.filter((problem) => problem.severity === 'damage');
      const nearest = Math.min(...damages.map((problem) => Math.abs(position - problem.position)));
      // A wrong count in the header shows where the entries end.
      if (position !== 39) expect(nearest, `bit at ${position}: ${JSON.stringify(problems)}`).toBeLessThan(20);
      expect(problems.every((problem) => problem.file === file.slice(-17))).toBe(true);
      if (position !== 39) expect(damageCount, `bit at ${position}: ${JSON.stringify(problems)}`).toBeLessThanOrEqual(2);
    }
  });
});
