import fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeFileSystem } from '../../../../src/engine/files/node-file-system.ts';
import { START_MS, fixedClock, makeRecords, putAll, SLOTS, testIndex, unfindable } from './support.ts';
import { IndexWriter } from '../../../../src/engine/index/writer.ts';
import { temporaryDirectory } from '../../../support/fixtures.ts';

const FILE_SIZE = 40 + SLOTS * 4 + 40 * 20;

describe('IndexWriter', () => {
  it('writes the entries of the published vector', () => {
    const root = temporaryDirectory('index');
    const writer = IndexWriter.open({
      fs: nodeFileSystem, directory: join(root, 'index'), tempDirectory: join(root, 'tmp'), quarantineDirectory: join(root, 'q'),
      clock: fixedClock(), slotCount: 1000, maxIndexCount: 100,
    });
    for (let index = 0; index < 10; index++) writer.put('A', null, `k${index}`, index * 110, START_MS, null);
    writer.close();
    const [name] = fs.readdirSync(join(root, 'index'));
    const bytes = fs.readFileSync(join(root, 'index', name!));
    expect(bytes.toString('hex', 4040 + 20, 4040 + 40)).toBe('001e1ca70000000000000000' + '0000000000000000');
    expect(bytes.toString('hex', 4040 + 40, 4040 + 60)).toBe('001e1ca8000000000000006e' + '0000000000000000');
    expect(bytes.readInt32BE(40 + 415 * 4)).toBe(1);
    expect([bytes.readInt32BE(32), bytes.readInt32BE(36)]).toEqual([10, 11]);
    expect(bytes.length).toBe(40 + 4000 + 2000);
  });

  it('makes no file before it has a key, and never a short one', () => {
    const index = testIndex();
    const writer = index.writer();
    writer.put('T', null, '  ', 0, START_MS, '');
    writer.flush();
    expect(index.names()).toEqual([]);
    expect([writer.current, writer.endCommitLogOffset, writer.lastFullEndTimestamp]).toEqual([null, -1, 0]);
    writer.put('T', null, 'a  b ', 100, START_MS + 5, null);
    expect(writer.current).toEqual({ path: null, beginTimestamp: START_MS + 5, beginCommitLogOffset: 100, count: 2 });
    writer.close();
    expect(index.names()).toHaveLength(1);
    expect(fs.statSync(index.path(0)).size).toBe(FILE_SIZE);
    expect(fs.readdirSync(join(index.root, 'tmp'))).toEqual([]);
  });

  it('rolls, seeds the next file with the end of the full one, and goes on where it stopped', () => {
    const index = testIndex();
    const records = makeRecords(60);
    for (const part of [records.slice(0, 7), records.slice(7, 8), records.slice(8, 40), records.slice(40)]) {
      const writer = index.writer();
      putAll(writer, part);
      expect(writer.endCommitLogOffset).toBe(part.at(-1)!.commitLogOffset);
      writer.close();
    }
    expect(index.names().length).toBe(Math.ceil((60 * 3 + 30) / 39));
    expect(index.names()).toEqual([...new Set(index.names())].sort());
    expect(index.verify(records)).toMatchObject({ problems: [], entriesChecked: 210, recordsBehindIndex: 0, recordsBeforeIndex: 0 });
    expect(unfindable(index.reader(), records)).toEqual([]);
    const writer = index.writer();
    const fullEnd = fs.readFileSync(index.path(index.names().length - 2)).readBigInt64BE(8);
    expect(writer.lastFullEndTimestamp).toBe(Number(fullEnd));
    writer.close();
  });

  it('takes the first key\'s time from the end of the full file, as a broker does', () => {
    const index = testIndex(3);
    const writer = index.writer();
    writer.put('T', null, 'a b', 100, START_MS, null);
    writer.put('T', null, 'c d', 200, START_MS + 7_500, null);
    writer.close();
    const bytes = fs.readFileSync(index.path(1));
    expect([1, 2].map((number) => bytes.readInt32BE(40 + SLOTS * 4 + number * 20 + 12))).toEqual([7, 0]);
    expect([0, 8, 16, 24].map((position) => Number(bytes.readBigInt64BE(position)))).toEqual([START_MS + 7_500, START_MS + 7_500, 200, 200]);
  });

  it('makes the same bytes in one go and in many', () => {
    const records = makeRecords(30);
    const [once, often] = [testIndex(200), testIndex(200)];
    const writer = once.writer();
    putAll(writer, records);
    writer.close();
    for (const record of records) {
      const part = often.writer();
      putAll(part, [record]);
      part.sync();
      part.close();
    }
    expect(fs.readFileSync(often.path(0)).equals(fs.readFileSync(once.path(0)))).toBe(true);
  });

  it('writes more than its buffer holds', () => {
    const index = testIndex(60_000);
    const records = makeRecords(15_000);
    const writer = index.writer();
    putAll(writer, records);
    writer.close();
    expect(index.verify(records)).toMatchObject({ problems: [], entriesChecked: 52_500 });
  });

  it('names a file later than the newest also when the clock went back', () => {
    const index = testIndex();
    const writer = index.writer();
    putAll(writer, makeRecords(20));
    writer.close();
    index.clock.now -= 3_600_000;
    const later = index.writer();
    putAll(later, makeRecords(20, 20));
    later.close();
    const names = index.names();
    expect(names.length).toBeGreaterThan(2);
    expect(names.every((name, at) => at === 0 || name > names[at - 1]!)).toBe(true);
    expect(index.verify(makeRecords(40)).problems).toEqual([]);
  });

  it('ignores what it has, and completes the last record when only some of its keys are there', () => {
    const records = makeRecords(12);
    const whole = testIndex(200);
    const reference = whole.writer();
    putAll(reference, records);
    reference.close();
    const expected = fs.readFileSync(whole.path(0));
    const again = whole.writer();
    putAll(again, records);
    expect(again.hasUnflushed).toBe(false);
    again.close();

    const first = records[0]!;
    const last = { ...records[11]!, keys: 'order-11 cust-4 cust-4' };
    const partly = testIndex(200);
    const writer = partly.writer();
    putAll(writer, records.slice(0, 11));
    writer.put(last.topic, last.uniqKey, null, last.commitLogOffset, last.storeTimestamp, null);
    writer.put(last.topic, last.uniqKey, 'cust-4', last.commitLogOffset, last.storeTimestamp, null);
    writer.close();
    const completing = partly.writer();
    putAll(completing, [first, last]);
    completing.close();
    expect(fs.readFileSync(partly.path(0)).readInt32BE(36)).toBe(expected.readInt32BE(36) + 1);
    expect(unfindable(partly.reader(), [last])).toEqual([]);
  });

  it('completes a record that was cut in two by the end of a file', () => {
    const records = makeRecords(14);
    const reference = testIndex();
    const whole = reference.writer();
    putAll(whole, records);
    whole.close();
    const cut = testIndex();
    const writer = cut.writer();
    putAll(writer, records);
    writer.flush();
    writer.close();
    fs.unlinkSync(cut.path(1));
    const completing = cut.writer();
    expect(completing.current).toBeNull();
    putAll(completing, records.filter((record) => record.commitLogOffset >= completing.endCommitLogOffset));
    completing.close();
    expect(cut.names()).toHaveLength(2);
    expect(fs.readFileSync(cut.path(1)).equals(fs.readFileSync(reference.path(1)))).toBe(true);
  });

  it('keeps what failed for the next try', () => {
    for (let failures = 0; failures < 12; failures++) {
      const index = testIndex();
      const records = makeRecords(30);
      const limited = { ...nodeFileSystem };
      let left = failures;
      limited.write = (...args) => {
        if (left-- === 0) throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
        nodeFileSystem.write(...args);
      };
      const writer = index.writer(limited);
      for (const record of records) {
        try {
          putAll(writer, [record]);
          writer.flush();
        } catch {
          putAll(writer, [record]);
        }
      }
      writer.close();
      expect(index.verify(records), `failure ${failures}`).toMatchObject({ problems: [], entriesChecked: 105 });
    }
  });

  it('shows no file that is not full before it is younger than the full one', () => {
    const index = testIndex();
    const records = makeRecords(16).map((record) => ({ ...record, storeTimestamp: START_MS }));
    let writer = index.writer();
    putAll(writer, records.slice(0, 12));
    writer.sync();
    expect([index.names().length, writer.hasUnflushed]).toEqual([1, true]);
    // The record at the end again, as after a catch-up: none of its keys is missing.
    putAll(writer, records.slice(11, 12));
    // Another owner finds the full file alone, and goes on behind it.
    writer.close();
    writer = index.writer();
    expect(index.names()).toHaveLength(1);
    putAll(writer, records.slice(11));
    writer.flush();
    expect(index.names()).toHaveLength(1);
    writer.complete();
    expect(index.verify(records)).toMatchObject({ problems: [], entriesChecked: 56 });
    writer.close();
    // Of a store that was closed so: taken back into memory by whoever opens it.
    writer = index.writer();
    expect(index.names()).toHaveLength(1);
    putAll(writer, records.slice(11));
    putAll(writer, [{ ...makeRecords(1, 16)[0]!, storeTimestamp: START_MS + 1 }]);
    writer.flush();
    expect(index.names()).toHaveLength(2);
    writer.close();
    expect(index.verify([...records, { ...makeRecords(1, 16)[0]!, storeTimestamp: START_MS + 1 }])).toMatchObject({ problems: [], entriesChecked: 60 });
  });

  it('syncs in the thread pool while it goes on, rolls and closes', async () => {
    const index = testIndex();
    const open = new Set<number>();
    const watched = {
      ...nodeFileSystem,
      dataSyncAsync: async (fd: number) => {
        open.add(fd);
        await new Promise((resolve) => setTimeout(resolve, 5));
        await nodeFileSystem.dataSyncAsync(fd);
        open.delete(fd);
      },
      close: (fd: number) => {
        expect(open.has(fd)).toBe(false);
        nodeFileSystem.close(fd);
      },
    };
    const records = makeRecords(60);
    const writer = index.writer(watched);
    const syncs: Promise<void>[] = [];
    for (const record of records) {
      putAll(writer, [record]);
      syncs.push(writer.syncAsync());
    }
    writer.close();
    await Promise.all(syncs);
    expect(index.verify(records).problems).toEqual([]);
  });
});

describe('a broker that was refused', () => {
  const foreign = '29991231235959999';

  it('took the current file: it comes back whole, and the broker\'s own is kept aside', () => {
    const index = testIndex();
    const records = makeRecords(30);
    const writer = index.writer();
    putAll(writer, records.slice(0, 20));
    writer.flush();
    putAll(writer, records.slice(20, 22));
    expect(writer.restoreUnlinked()).toBe(false);
    const lost = index.path(index.names().length - 1);
    fs.unlinkSync(lost);
    fs.writeFileSync(join(index.directory, foreign), Buffer.alloc(FILE_SIZE));
    expect(writer.restoreUnlinked()).toBe(true);
    expect(index.names()).not.toContain(foreign);
    expect(fs.readdirSync(index.quarantine)).toEqual([`index-${foreign}`]);
    expect(fs.statSync(lost).size).toBe(FILE_SIZE);
    putAll(writer, records.slice(22));
    writer.close();
    expect(index.verify(records)).toMatchObject({ problems: [], entriesChecked: 105 });
  });

  it('took the full file as well, under the same name', () => {
    const index = testIndex();
    const records = makeRecords(20);
    const writer = index.writer();
    putAll(writer, records);
    writer.flush();
    const [full, current] = [index.path(0), index.path(1)];
    fs.unlinkSync(full);
    fs.unlinkSync(current);
    fs.writeFileSync(current, Buffer.alloc(FILE_SIZE));
    expect(writer.restoreUnlinked()).toBe(true);
    writer.close();
    expect(index.verify(records)).toMatchObject({ problems: [], entriesChecked: 70 });
  });

  it('does not bring back a full file that has expired', () => {
    const index = testIndex();
    const writer = index.writer();
    putAll(writer, makeRecords(20));
    writer.flush();
    fs.unlinkSync(index.path(0));
    expect(writer.restoreUnlinked(5000)).toBe(false);
    expect(index.names()).toHaveLength(1);
    writer.close();
  });

  it('left a newer file where ours was full: it is not mixed with ours', () => {
    const index = testIndex();
    const records = makeRecords(20);
    const writer = index.writer();
    putAll(writer, records.slice(0, 11));
    writer.flush();
    expect(writer.current?.count).toBe(39);
    fs.writeFileSync(join(index.directory, foreign), Buffer.alloc(FILE_SIZE));
    putAll(writer, records.slice(11));
    writer.close();
    expect(fs.readdirSync(index.quarantine)).toEqual([`index-${foreign}`]);
    expect(index.verify(records).problems).toEqual([]);
  });
});
