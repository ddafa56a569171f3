import { expect, it } from 'vitest';
import { queueKey } from '../../../../src/broker/queue-key.ts';
import { queuesOf } from '../../../../src/client/browse.ts';
import { queuesPanel } from '../../../../src/tui/panels/queues.ts';
import { FakeBroker } from '../../../support/fake-broker.ts';
import { ManualClock } from '../../client/support.ts';
import { loadOf } from './support.ts';

it('queues are those that the stream of messages has: of the topics of users, and behind them what is tried again and what was given up', async () => {
  const clock = new ManualClock();
  const broker = new FakeBroker({ clock });
  for (const topic of ['Orders', 'mails']) await broker.createTopic(topic, { readQueueNums: 2, writeQueueNums: 2 });
  await broker.send({ topic: 'mails', queueId: 0, body: Buffer.from('to nobody') });
  const [failed] = (await broker.pull({ queue: { topic: 'mails', brokerName: 'broker-a', queueId: 0 }, offset: 0, maxMessages: 1 })).messages;
  await broker.sendBack(failed!, { group: 'mailer', delayLevel: 1 });
  await broker.sendBack(failed!, { group: 'mailer', delayLevel: -1 });
  const queues = (await loadOf(queuesPanel, broker, clock)).rows.map(({ queue }) => queue);
  expect([...new Set(queues.map(({ topic }) => topic))]).toEqual(['Orders', 'mails', '%DLQ%mailer', '%RETRY%mailer']);
  expect(queues.map(queueKey).sort()).toEqual((await queuesOf(broker, [], undefined)).map(queueKey).sort());
});
