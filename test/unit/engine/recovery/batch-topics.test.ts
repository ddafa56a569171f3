import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { openLocalBroker } from '../../../../src/engine/open.ts';
import { unpackFixture } from '../../../support/fixtures.ts';

const simpleQueues = (store: string): string[] => fs.readdirSync(path.join(store, 'consumequeue')).sort();

it.each([false, true])('taking over a store with batch queues leaves them alone and makes no ordinary ones (abort: %s)', async (isUnclean) => {
  const store = unpackFixture('batchcq');
  if (isUnclean) fs.writeFileSync(path.join(store, 'abort'), '1');
  const before = simpleQueues(store);
  const broker = await openLocalBroker({ storeDirectory: store, mode: 'write' });
  await broker.close();
  expect(simpleQueues(store)).toEqual(before);
});

it('a batch record that is in no queue: the store is not taken over', async () => {
  const store = unpackFixture('batchcq');
  fs.writeFileSync(path.join(store, 'abort'), '1');
  const queues = path.join(store, 'batchconsumequeue', 'BatchOrders');
  for (const queueId of fs.readdirSync(queues)) {
    for (const name of fs.readdirSync(path.join(queues, queueId))) {
      const file = path.join(queues, queueId, name);
      fs.writeFileSync(file, Buffer.alloc(fs.statSync(file).size));
    }
  }
  await expect(openLocalBroker({ storeDirectory: store, mode: 'write' })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
});
