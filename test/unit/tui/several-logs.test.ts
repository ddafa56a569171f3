import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { MqliteError } from '../../../src/broker/errors.ts';
import { lineText } from '../../../src/tui/line.ts';
import { mergedLogRow } from '../../../src/tui/rows.ts';
import type { LogRow } from '../../../src/tui/rows.ts';
import { LogsReader } from '../../../src/tui/sources/logs-reader.ts';
import { frame } from '../../../src/tui/views/frame.ts';
import { FakeBroker } from '../../support/fake-broker.ts';
import { never } from './stream-readers.ts';
import { View } from './reducer-view.ts';

/** As a cluster of several masters: no log can be read on from an offset. */
async function severalLogs(): Promise<FakeBroker> {
  const broker = new FakeBroker({ kind: 'remote' });
  const readLog = broker.readLog.bind(broker);
  broker.readLog = (query, signal) => {
    if (query.from.at === 'offset') throw new MqliteError('UNSUPPORTED', `${query.from.commitLogOffset} is a place in the log of one broker; the cluster has 2, each with a log of its own`);
    return readLog(query, signal);
  };
  for (const topic of ['T', 'U']) await broker.createTopic(topic, { readQueueNums: 2, writeQueueNums: 2 });
  for (let index = 0; index < 300; index++) {
    await broker.send({ topic: index % 3 === 0 ? 'U' : 'T', queueId: index % 2, body: Buffer.from(`m${index}`), tags: 'a', ...(index % 50 === 7 ? { delayLevel: 18 } : {}) });
    // Store times, which alone order several logs, are of milliseconds.
    if (index % 10 === 9) await systemClock.sleep(2);
  }
  return broker;
}

const open = (broker: FakeBroker, topics: readonly string[] = []): LogsReader => new LogsReader({ broker, clock: systemClock, topics, filter: null, onDamage: () => undefined });
const offsets = (rows: readonly unknown[]): number[] => (rows as LogRow[]).map(({ commitLogOffset }) => commitLogOffset).sort((left, right) => left - right);

describe('the logs of several brokers', { timeout: 30_000 }, () => {
  it('are read both ways and followed without a word, system topics included', async () => {
    const broker = await severalLogs();
    const all = broker.store.log.map(({ commitLogOffset }) => commitLogOffset);
    const reader = open(broker);
    await reader.begin({ at: 'last' }, never);
    const rows = await reader.older(100, never);
    expect(rows).toHaveLength(100);
    const before = await reader.older(1000, never);
    expect(offsets([...before, ...rows])).toEqual(all);
    expect(new Set([...before, ...rows].map(({ record }) => record!.topic))).toEqual(new Set(['T', 'U', 'SCHEDULE_TOPIC_XXXX']));
    expect(new Set([...before, ...rows].map(({ id }) => id)).size).toBe(300);
    const sent = await broker.send({ topic: 'T', body: Buffer.from('new') });
    const found: string[] = [];
    await expect.poll(async () => {
      found.push(...(await reader.arrivals(50)).rows().map(({ record }) => `${record!.topic}/${record!.queueId}@${record!.queueOffset}`));
      return found;
    }, { timeout: 10_000 }).toEqual([`T/${sent.queueId}@${sent.queueOffset}`]);
    reader.takeArrivals();
    await reader.begin({ at: 'first' }, never);
    expect(offsets(await reader.newer(100, never)).length).toBe(100);
    expect(reader.isAtEnd()).toBe(false);
    await expect(reader.begin({ at: 'offset', offset: 7 }, never)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    reader.close();
  });

  it('of chosen topics show these', async () => {
    const reader = open(await severalLogs(), ['U', 'a-topic-that-is-gone']);
    await reader.begin({ at: 'last' }, never);
    expect(new Set((await reader.older(1000, never)).map(({ record }) => record!.topic))).toEqual(new Set(['U']));
    reader.close();
  });

  it('name the broker of each record; what needs one place in one log is done by time and by queue, or refused in words', async () => {
    const { store } = await severalLogs();
    const rows = ['broker-a', 'broker-b'].map((brokerName, index) => ({ ...mergedLogRow({ ...store.log[index]!, brokerName, storeTimestamp: 5000 + index }) }));
    const view = new View().keys('2').send({ type: 'rows', stream: 'commitlog', window: { rows, atStart: true, atEnd: true, arrived: 0, perSecond: null } });
    const lines = frame(view.state).map(lineText);
    expect(lines[1]).toContain('FOLLOWING  all logs, as queues list them');
    expect(lines.slice(2, 5).map((line) => line.slice(2).trim().split(' ')[0])).toEqual(['broker', 'broker-a', 'broker-b']);
    view.keys(':').type('700').keys('enter');
    expect(view.state.prompt?.error).toContain('700 is a place in the log of one broker');
    view.keys('esc', 'e', 'enter');
    expect(view.taken().at(-1)).toMatchObject({ type: 'export', what: { records: [{ brokerName: 'broker-b' }] } });
    view.keys('k', 'f').type('A').keys('enter');
    expect(view.taken().at(-1)).toMatchObject({ type: 'filter', to: { at: 'time', timestamp: 5000 } });
  });
});
