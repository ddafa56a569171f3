import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Broker } from '../../../../src/broker/broker.ts';
import { openLocalBroker } from '../../../../src/engine/open.ts';
import { temporaryDirectory } from '../../../support/fixtures.ts';

/** Two attached brokers of one directory, as two processes would be: what one changes, the other must not undo. */
let one: Broker;
let two: Broker;

beforeEach(async () => {
  const storeDirectory = temporaryDirectory('two');
  one = await openLocalBroker({ storeDirectory, mode: 'write', create: true });
  two = await openLocalBroker({ storeDirectory, mode: 'write' });
});
afterEach(async () => {
  await one.close();
  await two.close();
});

const filled = async (): Promise<{ topic: string; brokerName: string; queueId: number }> => {
  await one.createTopic('T', { readQueueNums: 1, writeQueueNums: 1 });
  for (let index = 0; index < 5; index++) await one.send({ topic: 'T', body: Buffer.from(`m${index}`) });
  const queue = (await one.queues('T'))[0]!;
  const member = await one.joinGroup({ group: 'g', subscriptions: [{ topic: 'T' }] });
  await member.commit([{ queue, offset: 4 }]);
  await member.leave();
  return queue;
};

it('a reset by one is not taken back by the other\'s memory', async () => {
  const queue = await filled();
  expect(await two.committedOffsets('g', 'T')).toMatchObject([{ committedOffset: 4 }]);
  await one.resetOffsets('g', [{ queue, offset: 1 }]);
  const other = await two.joinGroup({ group: 'other', subscriptions: [{ topic: 'T' }] });
  await other.commit([{ queue, offset: 2 }]);
  await other.leave();
  expect(await two.committedOffsets('g', 'T')).toMatchObject([{ committedOffset: 1 }]);
  expect(await one.committedOffsets('g', 'T')).toMatchObject([{ committedOffset: 1 }]);
});

it('a group and a topic deleted by one stay deleted', async () => {
  const queue = await filled();
  expect((await two.listTopics()).map(({ topic }) => topic)).toContain('T');
  await two.committedOffsets('g');
  await one.deleteGroup('g');
  const other = await two.joinGroup({ group: 'other', subscriptions: [{ topic: 'T' }] });
  await other.commit([{ queue, offset: 2 }]);
  await other.leave();
  await expect(two.committedOffsets('g')).rejects.toMatchObject({ code: 'GROUP_NOT_FOUND' });
  await one.deleteTopic('T');
  await two.createTopic('Another', {});
  expect((await two.listTopics()).map(({ topic }) => topic)).not.toContain('T');
  expect((await one.listTopics()).map(({ topic }) => topic)).not.toContain('T');
});

it('their messages stand in one queue without gap or repeat', async () => {
  const queue = await filled();
  for (let index = 0; index < 20; index++) await (index % 2 === 0 ? one : two).send({ topic: 'T', body: Buffer.from(`n${index}`) });
  const { messages } = await two.pull({ queue, offset: 5, maxMessages: 100 });
  expect(messages.map(({ body }) => body.toString())).toEqual(Array.from({ length: 20 }, (_, index) => `n${index}`));
  expect(messages.map(({ queueOffset }) => queueOffset)).toEqual(Array.from({ length: 20 }, (_, index) => 5 + index));
  for (const { msgId } of messages) expect((await one.queryByMsgId(msgId, 'T')).messages).toHaveLength(1);
});
