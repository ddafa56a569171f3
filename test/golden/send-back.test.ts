import { describe, expect, it } from 'vitest';
import type { Broker } from '../../src/broker/broker.ts';
import { openLocalBroker } from '../../src/engine/open.ts';
import { queueOf, pullAll } from '../contract/harness.ts';
import type { Message } from '../../src/record/message.ts';
import { readTruth, unpackFixture } from '../support/fixtures.ts';
import type { TruthRow } from '../support/fixtures.ts';

/** Fields of what a broker stored when it sent the same message back; place and time differ. */
const comparable = (row: TruthRow | Message) => ({
  topic: row.topic, queueId: row.queueId, storeSize: row.storeSize, sysFlag: row.sysFlag, flag: row.flag, bodyCRC: row.bodyCRC,
  bornTimestamp: row.bornTimestamp, reconsumeTimes: row.reconsumeTimes, preparedTransactionOffset: row.preparedTransactionOffset, msgId: row.msgId,
  properties: { ...row.properties },
});

const at = async (broker: Broker, row: TruthRow): Promise<Message> => {
  const { messages } = await broker.pull({ queue: await queueOf(broker, row.topic, row.queueId), offset: row.queueOffset, maxMessages: 1 });
  return messages[0]!;
};

describe('what a broker stored for messages that came back', () => {
  const truth = readTruth();
  const retries = truth.filter((row) => row.topic === 'SCHEDULE_TOPIC_XXXX' && row.properties['RETRY_TOPIC'] !== undefined);
  const [letter] = truth.filter((row) => row.topic.startsWith('%DLQ%'));

  it('is in the fixture', () => {
    expect(retries).toHaveLength(3);
    expect(letter).toBeDefined();
  });

  it('is what mqlite stores, field by field', async () => {
    const broker = await openLocalBroker({ storeDirectory: unpackFixture('clean'), mode: 'write' });
    for (const row of retries) {
      const original = truth.find(({ offsetMsgId }) => offsetMsgId === row.properties['ORIGIN_MESSAGE_ID'])!;
      const schedule = await queueOf(broker, row.topic, row.queueId);
      const end = await broker.maxOffset(schedule);
      await broker.sendBack(await at(broker, original), { group: row.properties['REAL_TOPIC']!.slice('%RETRY%'.length) });
      const [stored] = (await broker.pull({ queue: schedule, offset: end, maxMessages: 1 })).messages;
      expect(comparable(stored!)).toEqual(comparable(row));
    }
    const retry = truth.find(({ topic }) => topic === '%RETRY%retry-group')!;
    expect(await broker.sendBack(await at(broker, retry), { group: 'retry-group', maxReconsumeTimes: 1 })).toMatchObject({ isDead: true });
    const letters = await pullAll(broker, await queueOf(broker, letter!.topic, 0));
    expect(letters).toHaveLength(2);
    expect(comparable(letters[1]!)).toEqual(comparable(letter!));
    await broker.close();
  });
});
