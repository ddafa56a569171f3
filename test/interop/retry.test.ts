import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Broker } from '../../src/broker/broker.ts';
import type { Message } from '../../src/record/message.ts';
import { brokerConfigOf, damageIn, openForWriting, readQueue, readStore, runMqlite, smallStore } from './support/mqlite.ts';
import { differences } from './support/rows.ts';
import { copyStore, FIXTURE_CONFIG, temporaryDirectory, type TruthRow } from './support/store-copy.ts';
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

  it('pending in the store of a broker: mqlite delivers each once, goes on counting, and buries what fails too often', async () => {
    const directory = temporaryDirectory('pending-retries');
    const config = { ...FIXTURE_CONFIG, mappedFileSizeConsumeQueue: 20_000 };
    const first = await world.broker({ storeDirectory: directory, config });
    await first.client.send([0, 1, 2].map((index) => ({ topic: 'Orders', body: `order ${index}`, tags: 'TagA', keys: `k${index}` })));
    // Half a minute: still pending when the broker stops.
    expect(await first.client.consume({ group: 'failing', topic: 'Orders', count: 3, fail: true, delayLevel: 4 })).toHaveLength(3);
    const pending = (await first.client.pullAll(['SCHEDULE_TOPIC_XXXX'])).filter(({ properties }) => properties['RETRY_TOPIC'] === 'Orders');
    await first.client.close();
    await first.broker.stop();
    expect(pending.map(({ reconsumeTimes }) => reconsumeTimes)).toEqual([1, 1, 1]);

    const copy = copyStore(directory);
    expect(await readStore(copy, ['%RETRY%failing'])).toEqual([]);
    const out = join(temporaryDirectory('exec'), 'out');
    const command = `body=$(cat); echo "$MQ_TOPIC $MQ_RECONSUME_TIMES $MQ_KEYS $body" >> ${out}; [ "$body" != "order 1" ]`;
    await runMqlite(copy, ['consume', 'Orders', '--group', 'failing', '--exec', command, '--max-reconsume', '1', '--count', '3', '--timeout', '60s']);
    expect(readFileSync(out, 'utf8').trim().split('\n').sort()).toEqual(['Orders 1 k0 order 0', 'Orders 1 k1 order 1', 'Orders 1 k2 order 2']);
    const delivered = await readStore(copy, ['%RETRY%failing']);
    expect(delivered.map(({ msgId }) => msgId).sort()).toEqual(pending.map(({ msgId }) => msgId).sort());
    for (const row of delivered) expect(row.storeTimestamp - pending.find(({ msgId }) => msgId === row.msgId)!.storeTimestamp).toBeGreaterThanOrEqual(30_000);

    const dead = await readStore(copy, ['%DLQ%failing']);
    expect(dead).toMatchObject([{ reconsumeTimes: 2, properties: { KEYS: 'k1', RETRY_TOPIC: 'Orders', DELAY: '0' } }]);
    const second = await world.broker({ storeDirectory: copy, config });
    expect(await second.client.pullAll(['%DLQ%failing'])).toMatchObject([{ msgId: dead[0]!.msgId, reconsumeTimes: 2 }]);
    // Nothing comes a second time.
    expect(await second.client.consume({ group: 'failing', topic: 'Orders', count: 1, timeoutMs: 3000 })).toEqual([]);
    await second.client.close();
    await second.broker.stop();
    expect(second.broker.complaints()).toEqual([]);
    expect(await damageIn(copy)).toEqual([]);
  });
});
