import fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { flipBit, makeRecords, putAll, SLOTS, testIndex } from './support.ts';
import type { IndexedRecord, TestIndex } from './support.ts';

const ENTRIES = 40 + SLOTS * 4;

const build = (records: readonly IndexedRecord[], maxIndexCount = 60): TestIndex => {
  const index = testIndex(maxIndexCount);
  const writer = index.writer();
  putAll(writer, records);
  writer.close();
  return index;
};

describe('IndexVerifier takes for right', () => {
  const records = makeRecords(60);

  it('files that have expired', () => {
    const index = build(records);
    fs.unlinkSync(index.path(0));
    expect(index.verify(records)).toMatchObject({ problems: [], recordsBeforeIndex: 16 });
  });

  it('entries of records that have expired', () => {
    const index = build(records);
    expect(index.verify(records.slice(25), 2500)).toMatchObject({ problems: [], entriesChecked: 210 });
    fs.unlinkSync(index.path(0));
    expect(index.verify(records.slice(25), 2500).problems).toEqual([]);
  });

  it('a log that goes on behind the index', () => {
    expect(build(records).verify(makeRecords(70))).toMatchObject({ problems: [], recordsBehindIndex: 10 });
  });

  it('no index at all', () => {
    expect(testIndex().verify(records)).toMatchObject({ problems: [], recordsBehindIndex: 60, entriesChecked: 0 });
  });

  it('an index without tags, as brokers before 5.5.0 make it', () => {
    const index = build(records.map((record) => ({ ...record, tags: null })));
    expect(index.verify(records)).toMatchObject({ problems: [], entriesChecked: 180 });
  });

  it('the last record indexed twice, as a broker does when it starts again', () => {
    const index = testIndex(200);
    const writer = index.writer();
    putAll(writer, records.slice(0, 21));
    writer.close();
    // The broker's own duplicate: the same keys once more. Its bytes are those of a record put at the same offset.
    const file = index.path(0);
    const bytes = fs.readFileSync(file);
    const count = bytes.readInt32BE(36);
    for (let copy = 0; copy < 4; copy++) {
      const [from, to] = [ENTRIES + (count - 4 + copy) * 20, ENTRIES + (count + copy) * 20];
      bytes.copy(bytes, to, from, from + 20);
      const slot = 40 + (bytes.readInt32BE(from) % SLOTS) * 4;
      bytes.writeInt32BE(bytes.readInt32BE(slot), to + 16);
      bytes.writeInt32BE(count + copy, slot);
    }
    bytes.writeInt32BE(count + 4, 36);
    fs.writeFileSync(file, bytes);
    expect(index.verify(records.slice(0, 21)).problems).toEqual([]);
    const next = index.writer();
    putAll(next, records.slice(21));
    next.close();
    expect(index.verify(records).problems).toEqual([]);
  });

  it('a new file of a broker that has no key yet', () => {
    const index = build(records);
    fs.writeFileSync(join(index.directory, '29991231235959999'), Buffer.alloc(ENTRIES + 60 * 20));
    expect(index.verify(records).problems).toEqual([]);
  });

  it('a gap between two files, which a killed broker leaves: a note', () => {
    const index = build(records);
    fs.unlinkSync(index.path(1));
    expect(index.verify(records)).toMatchObject({ damageCount: 0, noteCount: 1, problems: [{ file: index.names()[1], severity: 'note' }] });
    const between = index.path(1);
    fs.unlinkSync(between);
    expect(index.verify(records)).toMatchObject({ damageCount: 0, noteCount: 1 });
  });
});

describe('IndexVerifier reports', () => {
  const records = makeRecords(60);

  it('every flipped bit of every entry and header, near its place', () => {
    const index = build(records);
    for (const name of index.names()) {
      const file = join(index.directory, name);
      const pristine = fs.readFileSync(file);
      const count = pristine.readInt32BE(36);
      for (let position = 0; position < ENTRIES + count * 20; position++) {
        if (position >= ENTRIES && position < ENTRIES + 20) continue;
        fs.writeFileSync(file, pristine);
        flipBit(file, position, (position * 5) % 8);
        const { problems, damageCount } = index.verify(records);
        expect(damageCount, `${name} bit at ${position}`).toBeGreaterThan(0);
        const near = problems.some((problem) => problem.file === name && Math.abs(problem.position - position) < 20);
        if (position < 36 || position >= 40) expect(near, `${name} ${position} ${JSON.stringify(problems)}`).toBe(true);
      }
      fs.writeFileSync(file, pristine);
    }
  }, 60_000);

  it('a record whose keys are missing', () => {
    const index = build(records.filter((_, number) => number !== 20), 400);
    expect(index.verify(records)).toMatchObject({ damageCount: 1, problems: [{ reason: expect.stringContaining('record at 2000') }] });
    const partly = build(records.map((record, number) => (number === 20 ? { ...record, keys: 'order-20' } : record)), 400);
    expect(partly.verify(records)).toMatchObject({ damageCount: 1, problems: [{ reason: expect.stringContaining('record at 2000') }] });
  });

  it('an entry of a record that is not in the log', () => {
    const index = build(records, 400);
    expect(index.verify(records.filter((_, number) => number !== 20)).damageCount).toBe(4);
    expect(index.verify(records.slice(0, 59)).damageCount).toBeGreaterThan(0);
  });

  it('entries of another key', () => {
    const index = build(records.map((record, number) => (number === 20 ? { ...record, keys: 'order-20 wrong' } : record)), 400);
    expect(index.verify(records).problems[0]).toMatchObject({ severity: 'damage', reason: expect.stringContaining('key hash') });
  });
});
