import fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Crash, flipBit, limitedFileSystem, makeRecords, putAll, SLOTS, START_MS, testIndex, unfindable } from './support.ts';

const ENTRIES = 40 + SLOTS * 4;

describe('IndexReader', () => {
  it('gives offsets newest first, each once, over all files', () => {
    const index = testIndex();
    const writer = index.writer();
    for (let number = 0; number < 100; number++) writer.put('T', 'same', 'same', number * 10, START_MS + number, null);
    writer.close();
    const reader = index.reader();
    const all = reader.query({ topic: 'T', key: 'same', maxResults: 1000 });
    expect(all).toEqual({ commitLogOffsets: Array.from({ length: 100 }, (_, at) => 990 - at * 10), truncated: false });
    expect(reader.query({ topic: 'T', key: 'same', maxResults: 3 }).commitLogOffsets).toEqual([990, 980, 970]);
    expect(reader.query({ topic: 'T', key: 'other', maxResults: 3 }).commitLogOffsets).toEqual([]);
    expect([reader.beginCommitLogOffset(), reader.endCommitLogOffset()]).toEqual([0, 990]);
  });

  it('includes the whole second at both ends', () => {
    const index = testIndex(400);
    const writer = index.writer();
    for (let number = 0; number < 50; number++) writer.put('T', null, 'k', number * 10, START_MS + number * 250, null);
    writer.close();
    const query = (begin: number, end: number): number[] => {
      const times = { beginTimestamp: START_MS + begin, endTimestamp: START_MS + end };
      return index.reader().query({ topic: 'T', key: 'k', maxResults: 1000, ...times }).commitLogOffsets;
    };
    for (let number = 0; number < 50; number++) expect(query(number * 250, number * 250)).toContain(number * 10);
    expect(query(5000, 6000)).not.toContain(480);
    expect(query(5000, 6000)).not.toContain(30);
  });

  it('finds records that the clock put before the first one of their file', () => {
    const index = testIndex();
    const writer = index.writer();
    writer.put('T', null, 'a', 0, START_MS, null);
    writer.put('T', null, 'b', 10, START_MS - 3_600_000, null);
    writer.close();
    const { commitLogOffsets } = index.reader().query({
      topic: 'T', key: 'b', maxResults: 9, beginTimestamp: START_MS - 3_600_000, endTimestamp: START_MS - 3_600_000,
    });
    expect(commitLogOffsets).toEqual([10]);
  });

  it('reads no other names, and a directory that is not there', () => {
    const index = testIndex();
    expect(index.reader().query({ topic: 'T', key: 'k', maxResults: 1 })).toEqual({ commitLogOffsets: [], truncated: false });
    expect(index.reader().endCommitLogOffset()).toBe(-1);
    const writer = index.writer();
    putAll(writer, makeRecords(3));
    writer.close();
    for (const name of ['README', '123', '20269923065315571']) fs.writeFileSync(join(index.directory, name), 'x');
    expect(index.reader().foreignNames()).toEqual(['123', '20269923065315571', 'README']);
    expect(unfindable(index.reader(), makeRecords(3))).toEqual([]);
  });

  it('survives short files, loops and wild values', () => {
    const index = testIndex(400);
    const records = makeRecords(100);
    const writer = index.writer();
    putAll(writer, records);
    writer.close();
    const file = index.path(0);
    const pristine = fs.readFileSync(file);
    const findAll = (): number => unfindable(index.reader(), records).length;
    expect(findAll()).toBe(0);
    for (const length of [0, 3, 39, 40, 41, ENTRIES, ENTRIES + 30, ENTRIES + 500]) {
      fs.writeFileSync(file, pristine.subarray(0, length));
      expect(findAll()).toBeGreaterThan(0);
    }
    // Each entry its own predecessor, then each other's.
    for (const shift of [0, 1]) {
      const looped = Buffer.from(pristine);
      for (let number = 1; number < 351; number++) looped.writeInt32BE(number + shift, ENTRIES + number * 20 + 16);
      fs.writeFileSync(file, looped);
      for (const { topic, uniqKey } of records) {
        expect(index.reader().query({ topic, key: uniqKey!, maxResults: 10 }).truncated).toBe(false);
      }
    }
    for (let seed = 0; seed < 400; seed++) {
      fs.writeFileSync(file, pristine);
      flipBit(file, (seed * 7919) % (ENTRIES + 351 * 20), seed % 8);
      findAll();
    }
  }, 30_000);

  it('gives up on an endless chain and says so', () => {
    const index = testIndex(310_000);
    const writer = index.writer();
    for (let number = 0; number < 305_000; number++) writer.put('T', null, 'k', number, START_MS, null);
    writer.close();
    const query = { topic: 'T', key: 'k', maxResults: 5, beginTimestamp: START_MS + 10_000 };
    expect(index.reader().query(query)).toEqual({ commitLogOffsets: [], truncated: true });
  });
});

describe('a reader while a writer flushes', () => {
  it.each([400, 40])('sees old or new at every step, and a writer that takes over loses nothing (files of %d)', (maxIndexCount) => {
    const records = makeRecords(24);
    const before = records.slice(0, 9);
    for (let allowed = 0, done = false; !done; allowed++) {
      const index = testIndex(maxIndexCount);
      const first = index.writer();
      putAll(first, before);
      first.close();
      const look = (): void => {
        const reader = index.reader();
        expect(unfindable(reader, before)).toEqual([]);
        for (const { topic, uniqKey, commitLogOffset } of records) {
          const { commitLogOffsets } = reader.query({ topic, key: uniqKey!, maxResults: 10 });
          expect([[], [commitLogOffset]]).toContainEqual(commitLogOffsets);
        }
        const end = reader.endCommitLogOffset();
        expect(unfindable(reader, records.filter((record) => record.commitLogOffset < end))).toEqual([]);
      };
      const dying = limitedFileSystem(allowed, look);
      try {
        const writer = index.writer(dying);
        for (let at = 9; at < 24; at += 5) {
          putAll(writer, records.slice(at, at + 5));
          writer.flush();
        }
        done = true;
      } catch (error) {
        expect(error).toBeInstanceOf(Crash);
      }
      look();
      const next = index.writer();
      look();
      putAll(next, records.filter((record) => record.commitLogOffset >= next.endCommitLogOffset));
      next.close();
      expect(unfindable(index.reader(), records)).toEqual([]);
      expect(index.verify(records), `after ${allowed} operations`).toMatchObject({ problems: [], recordsBehindIndex: 0 });
      expect(allowed).toBeLessThan(200);
    }
  }, 60_000);
});
