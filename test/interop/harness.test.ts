import { appendFileSync, closeSync, existsSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { isComplaint } from './support/complaints.ts';
import { differences } from './support/rows.ts';
import { copyStore, FIXTURE_CONFIG, fixtureTruth, temporaryDirectory, unpackFixture } from './support/store-copy.ts';
import { describeInterop } from './support/suite.ts';

/** The instrument itself: before a broker's verdict on mqlite's directories counts, its verdict on its own must be right. */
describeInterop('the real broker as an instrument', (world) => {
  it('finds nothing to complain about on the store of a broker that was stopped, and the client reads the recorded truth', async () => {
    const started = Date.now();
    const { broker, client } = await world.broker({ storeDirectory: unpackFixture('clean'), config: FIXTURE_CONFIG });
    expect(differences(await client.pullAll(), fixtureTruth(), started)).toEqual([]);
    const order = fixtureTruth().find((row) => row.topic === 'Orders' && row.queueOffset === 2);
    if (order === undefined) throw new Error('the truth has no such order');
    expect(await client.view(order.offsetMsgId)).toMatchObject({ msgId: order.msgId, queueOffset: order.queueOffset });
    expect(await client.findByUniqueKey('Orders', order.msgId)).toHaveLength(1);
    expect((await client.findByKey('Orders', order.properties['KEYS']?.split(' ')[0] ?? '')).map((row) => row.msgId)).toContain(order.msgId);
    await client.close();
    await broker.stop();
    expect(broker.complaints()).toEqual([]);
    expect(existsSync(join(broker.storeDirectory, 'abort'))).toBe(false);
  });

  it('finds nothing to complain about on the store of a broker that was killed', async () => {
    const started = Date.now();
    const { broker, client } = await world.broker({ storeDirectory: unpackFixture('killed'), config: FIXTURE_CONFIG });
    expect(differences(await client.pullAll(), fixtureTruth(), started)).toEqual([]);
    await broker.kill();
    expect(broker.complaints()).toEqual([]);
  });

  it('complains about a record with a flipped bit in a store that was not closed', async () => {
    const directory = unpackFixture('killed');
    flipBit(join(directory, 'commitlog', '00000000000000000000'), 2480 + 95);
    // Nothing may spare the broker the scan: no checkpoint to trust.
    writeFileSync(join(directory, 'checkpoint'), Buffer.alloc(4096));
    const { broker, client } = await world.broker({ storeDirectory: directory, config: FIXTURE_CONFIG });
    expect((await client.pullAll(['Orders'])).length).toBeLessThan(fixtureTruth().filter((row) => row.topic === 'Orders').length);
    await broker.kill();
    expect(broker.complaints()).not.toEqual([]);
  });

  it('complains about a consume queue that is ahead of the log', async () => {
    const directory = unpackFixture('clean');
    const entry = Buffer.alloc(20);
    entry.writeBigInt64BE(900_000n, 0);
    entry.writeInt32BE(300, 8);
    writeAt(join(directory, 'consumequeue', 'Orders', '0', '00000000000000000000'), 20 * 10, entry);
    const { broker } = await world.broker({ storeDirectory: directory, config: FIXTURE_CONFIG });
    await broker.kill();
    expect(broker.complaints()).not.toEqual([]);
  });

  it('is refused by a stray file in the commit log and by a directory in use, and says so', async () => {
    const directory = unpackFixture('clean');
    appendFileSync(join(directory, 'commitlog', '00000000000001048576'), 'x');
    const stray = await world.tryBroker({ storeDirectory: directory, config: FIXTURE_CONFIG });
    expect(stray.booted).toBe(false);
    expect(stray.complaints().join('\n')).toMatch(/length not matched/);

    const used = temporaryDirectory('used');
    const { broker } = await world.broker({ storeDirectory: used, config: FIXTURE_CONFIG });
    const second = await world.tryBroker({ storeDirectory: used, config: FIXTURE_CONFIG });
    expect(second.booted).toBe(false);
    expect(second.booted ? '' : second.output).toMatch(/Lock failed/i);
    await broker.kill();
  });

  it('reads back what a broker wrote, after a stop and after a kill', async () => {
    const directory = temporaryDirectory('round-trip');
    const config = { ...FIXTURE_CONFIG, mappedFileSizeConsumeQueue: 2000 };
    const first = await world.broker({ storeDirectory: directory, config });
    // A queue that exactly fills its file: what a broker says about that on its own store is not held against mqlite's.
    await first.client.send(Array.from({ length: 100 }, (_, i) => ({ topic: 'Full', queueId: 0, body: `f${i}` })), { batch: true });
    await first.client.send([{ topic: 'T', body: 'one', tags: 'a', keys: 'k1 k2', properties: { colour: 'blau' }, flag: 7, queueId: 0 }]);
    await first.client.send([{ topic: 'T', body: 'z'.repeat(9000), queueId: 0 }], { compression: 'ZSTD' });
    await first.client.send([{ topic: 'T', body: 'b1', queueId: 1 }, { topic: 'T', body: 'b2', queueId: 1 }], { batch: true });
    await first.client.transaction('commit', [{ topic: 'T', body: 'tx' }]);
    expect(await first.client.consume({ group: 'g', topic: 'T', count: 5 })).toHaveLength(5);
    const truth = await first.client.pullAll(['T']);
    const committed = await first.client.committed('g', 'T');
    expect(truth).toHaveLength(5);
    expect(committed.reduce((sum, row) => sum + (row.committedOffset ?? 0), 0)).toBe(5);
    await first.client.close();
    await first.broker.stop();
    expect(first.broker.complaints()).toEqual([]);

    const second = await world.broker({ storeDirectory: copyStore(directory), config });
    expect(differences(await second.client.pullAll(['T']), truth)).toEqual([]);
    expect(await second.client.committed('g', 'T')).toEqual(committed);
    await expect.poll(() => second.broker.logs()['storeerror.log'], { timeout: 10_000 }).toMatch(/Offset not matched\. Request offset: 2000, firstOffset: 0, lastOffset: 2000/);
    await second.broker.kill();
    expect(second.broker.complaints()).toEqual([]);

    const third = await world.broker({ storeDirectory: copyStore(second.broker.storeDirectory), config });
    expect(differences(await third.client.pullAll(['T']), truth)).toEqual([]);
    expect(await third.client.findByKey('T', 'k2')).toHaveLength(1);
    await third.broker.kill();
    expect(third.broker.complaints()).toEqual([]);
  });

  it('tells a healthy line from a complaint', () => {
    const at = '2026-11-23 20:34:21';
    expect(isComplaint(`${at} WARN main - maxPhyOffsetOfConsumeQueue(111600) >= processOffset(111600), truncate dirty logic files`, false)).toBe(false);
    expect(isComplaint(`${at} WARN main - maxPhyOffsetOfConsumeQueue(111700) >= processOffset(111600), truncate dirty logic files`, false)).toBe(true);
    expect(isComplaint(`${at} WARN main - The commitlog files are deleted, and delete the consume queue files`, true)).toBe(false);
    expect(isComplaint(`${at} WARN main - The commitlog files are deleted, and delete the consume queue files`, false)).toBe(true);
    expect(isComplaint(`${at} WARN main - found a illegal magic code 0x12345`, false)).toBe(true);
    expect(isComplaint(`${at} WARN FlushConsumeQueueService - Offset not matched. Request offset: 20000, firstOffset: 0, lastOffset: 20000, mappedFileSize: 20000`, false)).toBe(false);
    expect(isComplaint(`${at} WARN FlushConsumeQueueService - Offset not matched. Request offset: 40000, firstOffset: 0, lastOffset: 20000, mappedFileSize: 20000`, false)).toBe(true);
    expect(isComplaint(`${at} ERROR ReputMessageService - anything unknown`, false)).toBe(true);
    expect(isComplaint(`${at} INFO main - load exist index file`, false)).toBe(false);
  });
});

function flipBit(file: string, position: number): void {
  const bytes = readFileSync(file).subarray(position, position + 1);
  writeAt(file, position, Buffer.from([(bytes[0] ?? 0) ^ 1]));
}

function writeAt(file: string, position: number, bytes: Buffer): void {
  const descriptor = openSync(file, 'r+');
  try {
    writeSync(descriptor, bytes, 0, bytes.length, position);
  } finally {
    closeSync(descriptor);
  }
}
