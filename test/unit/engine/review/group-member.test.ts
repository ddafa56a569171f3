import path from 'node:path';
import { expect, it } from 'vitest';
import type { Broker } from '../../../../src/broker/broker.ts';
import type { MessageQueue } from '../../../../src/broker/types.ts';
import { nativeFileLocks } from '../../../../src/engine/files/file-locks.ts';
import { nodeFileSystem } from '../../../../src/engine/files/node-file-system.ts';
import { openLocalBroker } from '../../../../src/engine/open.ts';
import { OffsetResets } from '../../../../src/engine/state/offset-resets.ts';
import { storePaths } from '../../../../src/engine/store-paths.ts';
import { temporaryDirectory } from '../../../support/fixtures.ts';

const opened = async (): Promise<{ storeDirectory: string; one: Broker; two: Broker; queues: MessageQueue[] }> => {
  const storeDirectory = temporaryDirectory('member');
  const one = await openLocalBroker({ storeDirectory, mode: 'write', create: true });
  const two = await openLocalBroker({ storeDirectory, mode: 'write' });
  await one.createTopic('T', { readQueueNums: 2, writeQueueNums: 2 });
  for (let index = 0; index < 20; index++) await one.send({ topic: 'T', body: Buffer.from('m') });
  return { storeDirectory, one, two, queues: await one.queues('T') };
};

it('a reset that died between its record and its announcement is not obeyed with a later one', async () => {
  const { storeDirectory, one, two, queues } = await opened();
  const paths = storePaths(storeDirectory);
  await one.createGroup('g', {});
  new OffsetResets(nodeFileSystem, paths.offsetResets, paths.temp).record('g', [{ topic: 'T', queueId: 0, offset: 0 }]);
  const member = await one.joinGroup({ group: 'g', subscriptions: [{ topic: 'T' }] });
  expect(await member.commit([{ queue: queues[0]!, offset: 5 }])).toEqual([]);
  await two.resetOffsets('g', [{ queue: queues[1]!, offset: 3 }]);
  expect(await member.commit([{ queue: queues[0]!, offset: 6 }])).toEqual([{ queue: queues[1], offset: 3 }]);
  expect((await two.committedOffsets('g', 'T')).map(({ committedOffset }) => committedOffset)).toEqual([6, 3]);
  await one.close();
  await two.close();
});

it('a commit that waited for the lock while its member left is refused: the group may be another one\'s by then', async () => {
  const { storeDirectory, one, two, queues } = await opened();
  const member = await one.joinGroup({ group: 'g', subscriptions: [{ topic: 'T' }] });
  const fd = nodeFileSystem.open(path.join(storeDirectory, 'mqlite', 'write.lock'), 'write');
  expect(nativeFileLocks.tryLock(fd, 0, 'exclusive')).toBe(true);
  const late = expect(member.commit([{ queue: queues[0]!, offset: 2 }])).rejects.toMatchObject({ code: 'REFUSED' });
  await member.leave();
  nodeFileSystem.close(fd);
  const next = await two.joinGroup({ group: 'g', subscriptions: [{ topic: 'T' }] });
  await next.commit([{ queue: queues[0]!, offset: 7 }]);
  await late;
  expect((await two.committedOffsets('g', 'T'))[0]!.committedOffset).toBe(7);
  await one.close();
  await two.close();
});
