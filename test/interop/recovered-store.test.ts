import { closeSync, openSync, readdirSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { recoverStore } from '../../src/engine/inspect/store-tools.ts';
import { damageIn } from './support/mqlite.ts';
import { differences } from './support/rows.ts';
import { FIXTURE_CONFIG, fixtureTruth, unpackFixture } from './support/store-copy.ts';
import type { TruthRow } from './support/store-copy.ts';
import { describeInterop } from './support/suite.ts';

const flip = (file: string, position: number): void => {
  const fd = openSync(file, 'r+');
  const byte = Buffer.alloc(1);
  readSync(fd, byte, 0, 1, position);
  byte[0]! ^= 0x10;
  writeSync(fd, byte, 0, 1, position);
  closeSync(fd);
};

/** One message in the middle of each of these loses its body or more; a broker alone would cut the log off at the first. */
const LOST: readonly (readonly [string, number])[] = [
  ['Orders', 88], ['OrdersFifo', 4], ['Big', 8], ['Tx', 0], ['SCHEDULE_TOPIC_XXXX', 88], ['RMQ_SYS_TRANS_HALF_TOPIC', 88], ['RMQ_SYS_TRANS_OP_HALF_TOPIC', 88],
  ['rmq_sys_wheel_timer', 30], ['%RETRY%retry-group', 88],
];

describeInterop('a damaged store of a broker, after store recover', (world) => {
  it.each(['clean', 'killed'] as const)('boots a broker that reads every neighbour and goes on (%s)', async (kind) => {
    const directory = unpackFixture(kind);
    const truth = fixtureTruth();
    const log = join(directory, 'commitlog', '00000000000000000000');
    const lost: TruthRow[] = [];
    for (const [topic, field] of LOST) {
      const rows = truth.filter((row) => row.topic === topic);
      const row = rows[Math.floor(rows.length / 2)]!;
      lost.push(row);
      flip(log, row.commitLogOffset + field + (field === 88 ? 0 : 2));
    }
    // Headers, queue entries and the index: nothing of these is lost.
    const kept = truth.filter((row) => row.topic === 'Batch');
    flip(log, kept[3]!.commitLogOffset + 26);
    flip(join(directory, 'consumequeue', 'Orders', '0', '00000000000000000000'), 2 * 20 + 6);
    flip(join(directory, 'index', readdirSync(join(directory, 'index'))[0]!), 4040 + 50 * 20 + 2);
    expect((await damageIn(directory)).length).toBeGreaterThan(0);

    const report = await recoverStore({ storeDirectory: directory, dryRun: false });
    expect(report.verification.damage).toEqual([]);

    const since = Date.now();
    const { broker, client } = await world.broker({ storeDirectory: directory, config: FIXTURE_CONFIG });
    await client.send([{ topic: 'Orders', body: 'after the recovery', keys: 'after' }]);
    const rows = await client.pullAll();
    const isLost = (row: TruthRow): boolean => lost.some((one) => one.commitLogOffset === row.commitLogOffset);
    const old = rows.filter((row) => row.storeTimestamp < since);
    expect(differences(old.filter((row) => !isLost(row)), truth.filter((row) => !isLost(row)), since)).toEqual([]);
    for (const row of lost) {
      const stand = rows.find((one) => one.commitLogOffset === row.commitLogOffset);
      expect(stand, `${row.topic}/${row.queueId}/${row.queueOffset}`).toMatchObject({ topic: row.topic, queueId: row.queueId, queueOffset: row.queueOffset, storeSize: row.storeSize });
      expect(stand?.properties['MQLITE_DAMAGED'], `${row.topic}, ${row.storeSize} bytes`).toBeDefined();
    }
    expect(rows.some((row) => row.properties['KEYS'] === 'after')).toBe(true);
    const byKey = await client.findByKey('Orders', truth.find((row) => row.topic === 'Orders' && !isLost(row))!.properties['KEYS']!.split(' ')[0]!);
    expect(byKey.length).toBeGreaterThan(0);
    // Its own services run over the placeholders (delays, timers, transaction checks) without stumbling.
    await new Promise((resolve) => setTimeout(resolve, 6000));
    expect(broker.complaints()).toEqual([]);
    await client.close();
    await broker.stop();
    expect(await damageIn(directory)).toEqual([]);
  });
});
