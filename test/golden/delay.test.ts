import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { findDelayed } from '../../src/client/delayed.ts';
import { parseDelayLevels } from '../../src/broker/delay-levels.ts';
import { openLocalBroker } from '../../src/engine/open.ts';
import { DEFAULT_IDENTITY } from '../../src/engine/state/store-identity.ts';
import { decodeCheck, encodeCheck, readSlot, readUnit, SLOT_SIZE_BYTES, UNIT_SIZE_BYTES, WHEEL_SLOTS, writeSlot, writeUnit } from '../../src/engine/timer/layout.ts';
import { javaHashCode } from '../../src/base/java-hash.ts';
import { timerOutMs } from '../../src/engine/dispatch/placement.ts';
import { readTruth, unpackFixture } from '../support/fixtures.ts';
import { snapshotTree } from '../support/tree-snapshot.ts';

const truth = readTruth();
const timers = truth.filter(({ topic }) => topic === 'rmq_sys_wheel_timer');
const DELIVERED_AT_LEVEL = new Map([[1, 1], [2, 1], [3, 4], [4, 1], [5, 1], [6, 1]]);

describe.each(['clean', 'killed'] as const)('delayed messages in the store of a real broker, %s', (name) => {
  const store = unpackFixture(name);

  it('what waits is what the truth says and its offsets leave, and looking changes nothing', async () => {
    const before = snapshotTree(store);
    const broker = await openLocalBroker({ storeDirectory: store, mode: 'read' });
    const { delayed, damaged } = await findDelayed(broker, new AbortController().signal);
    const progress = await broker.delayProgress();
    await broker.close();
    expect(damaged).toEqual([]);
    const delays = parseDelayLevels(DEFAULT_IDENTITY.messageDelayLevel);
    const atLevels = truth.filter(({ topic, queueId, queueOffset }) => topic === 'SCHEDULE_TOPIC_XXXX' && queueOffset >= (DELIVERED_AT_LEVEL.get(queueId + 1) ?? 0));
    const expected = [...atLevels.map((row) => [row.msgId, row.storeTimestamp + delays[row.queueId + 1]!]), [timers[1]!.msgId, Number(timers[1]!.properties['TIMER_OUT_MS']) + 1000]];
    expect(atLevels.length).toBeGreaterThan(10);
    expect(new Map(delayed.map(({ message, deliverTimestamp }) => [message.msgId, deliverTimestamp]))).toEqual(new Map(expected as [string, number][]));
    expect(delayed).toHaveLength(expected.length);
    expect(progress.timer).toMatchObject({ nextQueueOffset: 2, doneInSecond: [] });
    expect(progress.levels.map(({ nextOffset }) => nextOffset)).toEqual(Array.from({ length: 18 }, (_, index) => DELIVERED_AT_LEVEL.get(index + 1) ?? 0));
    expect(snapshotTree(store)).toEqual(before);
  });

  it('units, slots and timercheck: read as they are, written as the broker wrote them', () => {
    const log = fs.readFileSync(path.join(store, 'timerlog/00000000000000000000')).subarray(0, 3 * UNIT_SIZE_BYTES);
    timers.forEach((row, index) => {
      const unit = readUnit(log, index * UNIT_SIZE_BYTES)!;
      expect(unit).toMatchObject({ previous: -1, magic: 1, timeMs: Number(row.properties['TIMER_OUT_MS']), commitLogOffset: row.commitLogOffset, sizeBytes: row.storeSize, topicHash: javaHashCode('Delayed') });
      const written = Buffer.alloc(UNIT_SIZE_BYTES, 0xff);
      writeUnit(written, 0, unit);
      expect(written).toEqual(log.subarray(index * UNIT_SIZE_BYTES, (index + 1) * UNIT_SIZE_BYTES));
    });
    expect(readUnit(log, 2 * UNIT_SIZE_BYTES)).toBeNull();

    const wheel = fs.readFileSync(path.join(store, 'timerwheel'));
    timers.forEach((row, index) => {
      const second = Number(row.properties['TIMER_OUT_MS']) / 1000;
      const at = (second % WHEEL_SLOTS) * SLOT_SIZE_BYTES;
      const slot = readSlot(wheel, at);
      expect(slot).toEqual({ second, first: index * UNIT_SIZE_BYTES, last: index * UNIT_SIZE_BYTES, count: 1 });
      const written = Buffer.alloc(SLOT_SIZE_BYTES, 0xff);
      writeSlot(written, 0, slot);
      expect(written).toEqual(wheel.subarray(at, at + SLOT_SIZE_BYTES));
    });

    const bytes = fs.readFileSync(path.join(store, 'config/timercheck'));
    const check = decodeCheck(bytes)!;
    expect(check).toMatchObject({ lastTimerLogFlushPos: 104, lastTimerQueueOffset: 2, masterTimerQueueOffset: 2 });
    expect(encodeCheck(check)).toEqual(bytes);
  });

  it('TIMER_OUT_MS is floored as the broker floored it', () => {
    for (const row of timers) {
      const delayMs = row.properties['TIMER_DELAY_MS'] ?? Number(row.properties['TIMER_DELAY_SEC']) * 1000;
      // The broker's clock when it stored the record; a millisecond or two before STORETIMESTAMP.
      expect(timerOutMs(row.storeTimestamp + Number(delayMs))).toBe(Number(row.properties['TIMER_OUT_MS']));
    }
  });
});
