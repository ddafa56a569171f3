import { expect, it } from 'vitest';
import type { Broker } from '../../src/broker/broker.ts';
import type { Message } from '../../src/record/message.ts';
import { brokerConfigOf, damageIn, openForWriting, readQueue, readStore, runMqlite, smallStore } from './support/mqlite.ts';
import { differences } from './support/rows.ts';
import { copyStore, type TruthRow } from './support/store-copy.ts';
import { describeInterop } from './support/suite.ts';

const GROUP = 'billing';
const FIRST_RETRY_MS = 10_000;

async function onlyQueue(broker: Broker, topic: string): Promise<Message[]> {
  const [queue] = await broker.queues(topic);
  return readQueue(broker, queue!);
}

/** Five orders that the group has consumed: one comes again, one is dead, one was dead and is redriven. */
async function failInMqlite(directory: string): Promise<Message[]> {
  const broker = await openForWriting(directory);
  await broker.createTopic('Orders', { readQueueNums: 1, writeQueueNums: 1 });
  for (let index = 0; index < 5; index++) {
    await broker.send({ topic: 'Orders', body: Buffer.from(`order ${index}`), tags: 'TagA', keys: [`k${index}`], properties: { amount: String(index) }, flag: 7 });
  }
  const orders = await onlyQueue(broker, 'Orders');
  await broker.createGroup(GROUP, {});
  const [queue] = await broker.queues('Orders');
  await broker.resetOffsets(GROUP, [{ queue: queue!, offset: orders.length }]);
  await broker.sendBack(orders[1]!, { group: GROUP });
  await broker.sendBack(orders[2]!, { group: GROUP, delayLevel: -1 });
  await broker.sendBack(orders[3]!, { group: GROUP, delayLevel: -1 });
  await broker.close();
  await runMqlite(directory, ['dlq', 'redrive', GROUP, '--key', 'k3']);
  return orders;
}

const bodyOf = (row: TruthRow): string => Buffer.from(row.body!, 'base64').toString();

describeInterop('retries and dead letters', (world) => {
  it('written by mqlite: the broker delivers the retry after its delay and the redriven one, and the dead ones can be read', async () => {
    const directory = await smallStore('retry');
    const orders = await failInMqlite(directory);
    const ours = await readStore(directory);
    const scheduled = ours.find(({ topic }) => topic === 'SCHEDULE_TOPIC_XXXX')!;
    const copy = copyStore(directory);
    const booted = Date.now();
    const { broker, client } = await world.broker({ storeDirectory: copy, config: await brokerConfigOf(directory) });
    const rows = await client.consume({ group: GROUP, topic: 'Orders', count: 2, timeoutMs: 40_000 });
    const [redriven, retried] = [...rows].sort((left, right) => bodyOf(right).localeCompare(bodyOf(left)));
    expect(rows).toHaveLength(2);
    // The client shows the topic that they came from.
    expect(retried).toMatchObject({ topic: 'Orders', reconsumeTimes: 1, msgId: orders[1]!.msgId, flag: 7, bornTimestamp: orders[1]!.bornTimestamp });
    expect(retried!.properties).toMatchObject({ amount: '1', TAGS: 'TagA', KEYS: 'k1', RETRY_TOPIC: 'Orders', ORIGIN_MESSAGE_ID: orders[1]!.offsetMsgId, DELAY: '3', REAL_TOPIC: `%RETRY%${GROUP}` });
    expect(bodyOf(retried!)).toBe('order 1');
    expect(retried!.storeTimestamp - scheduled.storeTimestamp).toBeGreaterThanOrEqual(FIRST_RETRY_MS);
    expect(redriven).toMatchObject({ topic: 'Orders', reconsumeTimes: 0, msgId: orders[3]!.msgId });
    expect(redriven!.properties).toMatchObject({ amount: '3', RETRY_TOPIC: 'Orders', ORIGIN_MESSAGE_ID: orders[3]!.offsetMsgId });

    const dead = (await client.pullAll([`%DLQ%${GROUP}`])).map(({ msgId, reconsumeTimes, properties }) => [msgId, reconsumeTimes, properties['RETRY_TOPIC']]);
    expect(dead).toEqual([[orders[2]!.msgId, 1, 'Orders'], [orders[3]!.msgId, 1, 'Orders']]);
    expect(differences(await client.pullAll(), ours, booted)).toEqual([]);
    await client.close();
    await broker.stop();
    expect(broker.complaints()).toEqual([]);
    expect(await damageIn(copy)).toEqual([]);
  });
});
