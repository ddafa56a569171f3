import { describe, expect, it } from 'vitest';
import type { Broker } from '../../../../src/broker/broker.ts';
import { findDelayed } from '../../../../src/client/delayed.ts';
import { openLocalBroker } from '../../../../src/engine/open.ts';
import type { Panel } from '../../../../src/tui/panel.ts';
import { deadLettersPanel } from '../../../../src/tui/panels/dead-letters.ts';
import { delayedPanel } from '../../../../src/tui/panels/delayed.ts';
import { groupsPanel } from '../../../../src/tui/panels/groups.ts';
import { halfMessagesPanel } from '../../../../src/tui/panels/half-messages.ts';
import { PANELS } from '../../../../src/tui/panels/index.ts';
import { queuesPanel } from '../../../../src/tui/panels/queues.ts';
import { readTruth, unpackFixture } from '../../../support/fixtures.ts';
import { snapshotTree } from '../../../support/tree-snapshot.ts';
import { StillClock } from '../../engine/delay/support.ts';
import { expectScreens, loadOf, rowTexts, screenOf } from './support.ts';

const truth = readTruth();
/** Ten minutes after the newest record of the fixtures. */
const NOW_MS = Math.max(...truth.map(({ storeTimestamp }) => storeTimestamp)) + 600_000;

describe.each(['clean', 'killed'] as const)('panels over the store of a real broker, %s', (name) => {
  const store = unpackFixture(name);
  const clock = new StillClock();
  clock.now = NOW_MS;
  const looking = async (look: (broker: Broker) => Promise<void>): Promise<void> => {
    const broker = await openLocalBroker({ storeDirectory: store, mode: 'read', clock });
    try {
      await look(broker);
    } finally {
      await broker.close();
    }
  };

  it('looking again and again changes no byte and no time', async () => {
    const before = snapshotTree(store);
    await looking(async (broker) => {
      for (const panel of PANELS as readonly Panel<unknown>[]) {
        let snapshot: unknown = null;
        for (let time = 0; time < 3; time++) snapshot = await loadOf(panel, broker, clock, snapshot);
        for (const width of [60, 80, 160]) screenOf(panel, snapshot, width, NOW_MS);
      }
    });
    expect(snapshotTree(store)).toEqual(before);
  });

  it('queues are those of the truth, with their newest message', async () => {
    await looking(async (broker) => {
      const snapshot = await loadOf(queuesPanel, broker, clock);
      const orders = truth.filter(({ topic }) => topic === 'Orders');
      for (const { queue, maxOffset, last } of snapshot.rows.filter((row) => row.queue.topic === 'Orders')) {
        const own = orders.filter(({ queueId }) => queueId === queue.queueId);
        expect(maxOffset).toBe(own.length);
        expect(last).toMatchObject({ queueOffset: own.length - 1, storeTimestamp: own.at(-1)!.storeTimestamp, key: own.at(-1)!.properties['KEYS'] });
      }
      await expectScreens(`fixture-${name}-queues`, queuesPanel, snapshot, NOW_MS);
    });
  });

  it('groups are where their offsets are', async () => {
    await looking(async (broker) => {
      const snapshot = await loadOf(groupsPanel, broker, clock);
      const found = snapshot.groups.find(({ group }) => group === 'retry-group')!;
      expect(found.topics.map(({ topic }) => topic)).toEqual(expect.arrayContaining(['%RETRY%retry-group', 'Orders']));
      const offsets = await broker.committedOffsets('retry-group');
      expect(found.topics.flatMap(({ queues }) => queues.map(({ offset }) => offset))).toEqual(expect.arrayContaining(offsets));
      await expectScreens(`fixture-${name}-groups`, groupsPanel, snapshot, NOW_MS);
    });
  });

  it('delayed messages are those that "delay list" finds, in the order in which they are due', async () => {
    await looking(async (broker) => {
      const snapshot = await loadOf(delayedPanel, broker, clock);
      const { delayed } = await findDelayed(broker, new AbortController().signal);
      expect(snapshot.rows.map(({ record, deliverTimestamp }) => [record.topic, record.queueId, record.queueOffset, deliverTimestamp]))
        .toEqual(delayed.map(({ message, deliverTimestamp }) => [message.topic, message.queueId, message.queueOffset, deliverTimestamp]));
      expect(snapshot.rows.length).toBeGreaterThan(10);
      expect(rowTexts(delayedPanel, snapshot, 80, NOW_MS).filter((row) => row.includes('t-2'))).toHaveLength(1);
      await expectScreens(`fixture-${name}-delayed`, delayedPanel, snapshot, NOW_MS);
    });
  });

  it('dead letters are those of the truth', async () => {
    await looking(async (broker) => {
      const snapshot = await loadOf(deadLettersPanel, broker, clock);
      const dead = truth.filter(({ topic }) => topic.startsWith('%DLQ%'));
      expect(snapshot.rows).toMatchObject(dead.map(({ topic, queueId, queueOffset, storeTimestamp, reconsumeTimes, properties }) => ({
        record: { topic, brokerName: 'broker-a', queueId, queueOffset }, group: topic.slice('%DLQ%'.length), storeTimestamp, reconsumeTimes, originTopic: 'Orders', key: properties['KEYS'],
      })));
      await expectScreens(`fixture-${name}-dead-letters`, deadLettersPanel, snapshot, NOW_MS);
    });
  });

  it('half messages are the two that were given up', async () => {
    await looking(async (broker) => {
      const snapshot = await loadOf(halfMessagesPanel, broker, clock);
      expect(snapshot.rows.map(({ key, state, checkTimes, topic, producerGroup }) => [key, state, checkTimes, topic, producerGroup]))
        .toEqual([['tx-u1', 'given up', 15, 'Tx', 'fixture-tx'], ['tx-u2', 'given up', 15, 'Tx', 'fixture-tx']]);
      await expectScreens(`fixture-${name}-half-messages`, halfMessagesPanel, snapshot, NOW_MS);
    });
  });
});
