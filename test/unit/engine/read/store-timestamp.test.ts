import path from 'node:path';
import { expect, it } from 'vitest';
import { openLocalBroker } from '../../../../src/engine/open.ts';
import { temporaryDirectory } from '../../../support/fixtures.ts';

it('the store time of a message is right also where the log was read ahead before the message was there', async () => {
  const storeDirectory = path.join(temporaryDirectory('times'), 'store');
  const writer = await openLocalBroker({ storeDirectory, mode: 'write', create: true });
  await writer.createTopic('T', { readQueueNums: 1, writeQueueNums: 1 });
  const [queue] = await writer.queues('T');
  for (let count = 0; count < 8; count++) await writer.send({ topic: 'T', body: Buffer.from('first') });
  const reader = await openLocalBroker({ storeDirectory, mode: 'read' });
  // Reads ahead, into what is zeros yet.
  await reader.pull({ queue: queue!, offset: 0, maxMessages: 32 });
  const sentAtMs = Date.now();
  for (let count = 0; count < 80; count++) await writer.send({ topic: 'T', body: Buffer.from('later') });
  expect((await reader.describeTopic('T')).queues[0]!.lastStoreTimestamp).toBeGreaterThanOrEqual(sentAtMs);
  // Zeros would be before any time.
  expect(await reader.offsetByTime(queue!, 1000, 'lower')).toBe(0);
  await reader.close();
  await writer.close();
});
