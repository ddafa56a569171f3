import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { verifyStore } from '../../src/engine/inspect/store-tools.ts';
import { readTruth, unpackFixture } from '../support/fixtures.ts';

const rows = readTruth();
const END = 111_600;

const write = (file: string, position: number, bytes: Buffer): void => {
  const fd = fs.openSync(file, 'r+');
  fs.writeSync(fd, bytes, 0, bytes.length, position);
  fs.closeSync(fd);
};
const logOf = (store: string): string => path.join(store, 'commitlog', '00000000000000000000');
const queueOf = (store: string, topic: string, queueId: number): string => path.join(store, 'consumequeue', topic, String(queueId), '00000000000000000000');
const read = (file: string, position: number, length: number): Buffer => {
  const fd = fs.openSync(file, 'r');
  const bytes = Buffer.alloc(length);
  fs.readSync(fd, bytes, 0, length, position);
  fs.closeSync(fd);
  return bytes;
};
const last = rows.reduce((a, b) => (a.commitLogOffset > b.commitLogOffset ? a : b));

describe('verify of a store that was not closed', () => {
  it('notes a record torn before its properties at the end of the log', async () => {
    const store = unpackFixture('killed');
    const record = read(logOf(store), last.commitLogOffset, last.storeSize);
    record.writeInt32BE(END, 32);
    for (const length of [4, 8, 50, 91, 95]) {
      write(logOf(store), END, Buffer.concat([record.subarray(0, length), Buffer.alloc(last.storeSize - length)]));
      const report = await verifyStore({ storeDirectory: store });
      expect(report.damage).toEqual([]);
      expect(report.notes.join(), `${length} bytes`).toMatch(/unfinished tail at 111600/);
    }
  });

  it('notes queues behind the log', async () => {
    const store = unpackFixture('killed');
    write(queueOf(store, last.topic, last.queueId), last.queueOffset * 20, Buffer.alloc(20));
    const report = await verifyStore({ storeDirectory: store });
    expect(report.damage).toEqual([]);
    expect(report.notes.join()).toContain(`queue ${last.topic}/${last.queueId} is 1 records behind the log`);
  });

  it('notes queues ahead of a log that lost its tail', async () => {
    const store = unpackFixture('killed');
    write(logOf(store), last.commitLogOffset, Buffer.alloc(last.storeSize));
    const report = await verifyStore({ storeDirectory: store });
    expect(report.notes.join()).toContain('entries beyond the end of the log');
    expect(report.damage.filter((damage) => damage.family !== 'index')).toEqual([]);
  });
});

describe('verify of a closed store', () => {
  it('P8: a record without a queue entry is damage', async () => {
    const store = unpackFixture('clean');
    write(queueOf(store, last.topic, last.queueId), last.queueOffset * 20, Buffer.alloc(20));
    const report = await verifyStore({ storeDirectory: store });
    expect(report.damage).toMatchObject([{ family: 'consumequeue', queueOffset: last.queueOffset, commitLogOffset: last.commitLogOffset, position: last.queueOffset * 20 }]);
  });

  it('P7: stale bytes and stale records behind the end are a note', async () => {
    const store = unpackFixture('clean');
    write(logOf(store), END + 5000, Buffer.from('left over'));
    expect(await verifyStore({ storeDirectory: store })).toMatchObject({ ok: true, notes: [expect.stringContaining('bytes behind the end of the log')] });
    const stale = rows.reduce((a, b) => (a.commitLogOffset < b.commitLogOffset ? a : b));
    const record = read(logOf(store), stale.commitLogOffset, stale.storeSize);
    record.writeInt32BE(END, 32);
    write(logOf(store), END, record);
    expect(await verifyStore({ storeDirectory: store })).toMatchObject({ ok: true, logEnd: END, records: rows.length, notes: [expect.stringContaining('stale records')] });
  });

  it('P9: a queue file of zeros but for one entry that points nowhere is damage', async () => {
    const store = unpackFixture('clean');
    const entry = Buffer.alloc(20);
    entry.writeInt32BE(500, 8);
    write(queueOf(store, 'Orders', 0), 10 * 20, entry);
    const report = await verifyStore({ storeDirectory: store });
    expect(report.damage).toMatchObject([{ family: 'consumequeue', position: 200, queueOffset: 10 }]);
  });

  it('a topic deleted through mqlite is no damage', async () => {
    const store = unpackFixture('clean');
    fs.rmSync(path.join(store, 'consumequeue', 'Orders'), { recursive: true });
    expect((await verifyStore({ storeDirectory: store })).ok).toBe(false);
    fs.mkdirSync(path.join(store, 'mqlite'));
    fs.writeFileSync(path.join(store, 'mqlite', 'deleted-topics.json'), JSON.stringify({ Orders: { commitLogOffset: END } }));
    expect(await verifyStore({ storeDirectory: store })).toMatchObject({ ok: true, records: rows.length, notes: [] });
  });

  it('a topic deleted by a broker is a note', async () => {
    const store = unpackFixture('clean');
    fs.rmSync(path.join(store, 'consumequeue', 'Orders'), { recursive: true });
    const topics = path.join(store, 'config', 'topics.json');
    fs.writeFileSync(topics, fs.readFileSync(topics, 'utf8').replace('"Orders":', '"Others":'));
    const report = await verifyStore({ storeDirectory: store });
    expect(report.ok).toBe(true);
    expect(report.notes.join()).toContain('a topic that was deleted');
  });

  it.each([
    ['P1', 'commitlog/00000000000000000000~', 'directory'],
    ['P2', 'consumequeue/Orders/0/copy', 'directory'],
    ['a phantom queue', 'consumequeue/Orders/99', 'directory'],
    ['P4', 'config/topics.json', 'config'],
    ['P5', 'timerwheel', 'timer'],
  ] as const)('%s: %s of two bytes is damage', async (_name, file, family) => {
    const store = unpackFixture('clean');
    fs.writeFileSync(path.join(store, file), '{[');
    const report = await verifyStore({ storeDirectory: store });
    expect(report.damage).toContainEqual(expect.objectContaining({ family, file: path.join(store, file) }));
  });

  it('P3: a topic whose queues are of another kind than topics.json says', async () => {
    const store = unpackFixture('clean');
    const topics = path.join(store, 'config', 'topics.json');
    const text = fs.readFileSync(topics, 'utf8');
    fs.writeFileSync(topics, text.replace(/("Orders":\{\s*"attributes":\{)/, '$1"+queue.type":"x","queue.type":"BatchCQ"'));
    expect(fs.readFileSync(topics, 'utf8')).not.toBe(text);
    const report = await verifyStore({ storeDirectory: store });
    expect(report.damage).toContainEqual(expect.objectContaining({ file: path.join(store, 'consumequeue', 'Orders'), reason: expect.stringContaining('BatchCQ') as string }));
  });
});
