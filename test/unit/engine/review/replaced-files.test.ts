import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Broker } from '../../../../src/broker/broker.ts';
import type { MessageQueue } from '../../../../src/broker/types.ts';
import { initStore } from '../../../../src/engine/inspect/init.ts';
import { openLocalBroker } from '../../../../src/engine/open.ts';
import { temporaryDirectory } from '../../../support/fixtures.ts';

/** Files that a refused broker, or the deletion of a topic, takes away under two attached writers. */
let storeDirectory: string;
let one: Broker;
let two: Broker;
let queue: MessageQueue;

beforeEach(async () => {
  storeDirectory = temporaryDirectory('replaced');
  await initStore({ storeDirectory, segmentSizeBytes: 65_536, consumeQueueFileEntries: 100, indexSlotCount: 100, indexMaxCount: 400 });
  one = await openLocalBroker({ storeDirectory, mode: 'write' });
  two = await openLocalBroker({ storeDirectory, mode: 'write' });
  await one.createTopic('T', { readQueueNums: 1, writeQueueNums: 1 });
  queue = (await one.queues('T'))[0]!;
});
afterEach(async () => {
  await one.close();
  await two.close();
});

const say = (broker: Broker, body: string): Promise<unknown> => broker.send({ topic: 'T', body: Buffer.from(body) });

const bodies = async (): Promise<string[]> => {
  const reader = await openLocalBroker({ storeDirectory, mode: 'read' });
  const { messages, damaged } = await reader.pull({ queue, offset: 0, maxMessages: 100 });
  await reader.close();
  expect(damaged).toEqual([]);
  return messages.map(({ body }) => Buffer.from(body).toString());
};

it.each([
  ['commit-log', ['commitlog', '00000000000000000000']],
  ['queue', ['consumequeue', 'T', '0', '00000000000000000000']],
])('a %s file restored by one writer is not overwritten from the older descriptor of another', async (_, names) => {
  await say(one, 'a');
  await say(two, 'b');
  fs.unlinkSync(path.join(storeDirectory, ...names));
  await say(two, 'c');
  await say(two, 'd');
  await say(one, 'e');
  expect(await bodies()).toEqual(['a', 'b', 'c', 'd', 'e']);
});

it.each([
  ['commit-log', ['commitlog', '00000000000000000000']],
  ['queue', ['consumequeue', 'T', '0', '00000000000000000000']],
])('a %s file that goes after the last send is put back at the latest by closing', async (_, names) => {
  await two.close();
  await say(one, 'a');
  fs.unlinkSync(path.join(storeDirectory, ...names));
  await one.close();
  expect(await bodies()).toEqual(['a']);
});

it('a queue file that goes is put back although another writer makes a topic, which lets go of the queues', async () => {
  await say(one, 'a');
  fs.unlinkSync(path.join(storeDirectory, 'consumequeue', 'T', '0', '00000000000000000000'));
  await two.createTopic('Another', {});
  await say(one, 'b');
  expect(await bodies()).toEqual(['a', 'b']);
});

it('a topic deleted by another writer right after it was filled does not fail the next send, and starts empty', async () => {
  await say(one, 'a');
  await two.deleteTopic('T');
  await one.createTopic('T', { readQueueNums: 1, writeQueueNums: 1 });
  await say(one, 'b');
  expect(await bodies()).toEqual(['b']);
});

it('an open reader of a topic that is deleted and made anew starts over', async () => {
  for (let index = 0; index < 5; index++) await say(one, 'old');
  const reader = await openLocalBroker({ storeDirectory, mode: 'read' });
  expect(await reader.maxOffset(queue)).toBe(5);
  await two.deleteTopic('T');
  await two.createTopic('T', { readQueueNums: 1, writeQueueNums: 1 });
  expect(await reader.maxOffset(queue)).toBe(0);
  await say(two, 'new');
  expect(await reader.maxOffset(queue)).toBe(1);
  await reader.close();
});
