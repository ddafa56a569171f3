import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { openLocalBroker } from '../../../../src/engine/open.ts';
import { temporaryDirectory } from '../../../support/fixtures.ts';

const committedStore = async (): Promise<string> => {
  const storeDirectory = temporaryDirectory('shadow');
  const broker = await openLocalBroker({ storeDirectory, mode: 'write', create: true });
  await broker.createTopic('T', { readQueueNums: 1, writeQueueNums: 1 });
  const queue = (await broker.queues('T'))[0]!;
  for (let index = 0; index < 5; index++) await broker.send({ topic: 'T', body: Buffer.from('x') });
  const member = await broker.joinGroup({ group: 'g', subscriptions: [{ topic: 'T' }] });
  await member.commit([{ queue, offset: 1 }]);
  await member.commit([{ queue, offset: 4 }]);
  await broker.close();
  return storeDirectory;
};

const rewriteOffsets = (storeDirectory: string): void => {
  const current = path.join(storeDirectory, 'config/consumerOffset.json');
  fs.writeFileSync(current, fs.readFileSync(current, 'utf8').replace('"0":4', '"0":1'));
};

const committed = async (storeDirectory: string): Promise<number | null> => {
  const broker = await openLocalBroker({ storeDirectory, mode: 'read' });
  const [row] = await broker.committedOffsets('g', 'T');
  await broker.close();
  return row!.committedOffset;
};

it('keeps offsets that a refused broker took back after the consumer had ended, and puts them into the file again', async () => {
  const storeDirectory = await committedStore();
  rewriteOffsets(storeDirectory);
  expect(await committed(storeDirectory)).toBe(4);
  await (await openLocalBroker({ storeDirectory, mode: 'write' })).close();
  expect(fs.readFileSync(path.join(storeDirectory, 'config/consumerOffset.json'), 'utf8')).toContain('"0":4');
});

it('believes the file once a broker has really had the store', async () => {
  const storeDirectory = await committedStore();
  rewriteOffsets(storeDirectory);
  fs.writeFileSync(path.join(storeDirectory, 'lock'), 'lock');
  fs.utimesSync(path.join(storeDirectory, 'lock'), new Date(), new Date(Date.now() + 2000));
  expect(await committed(storeDirectory)).toBe(1);
});
