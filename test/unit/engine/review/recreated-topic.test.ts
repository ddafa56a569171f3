import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { openLocalBroker } from '../../../../src/engine/open.ts';
import { temporaryDirectory } from '../../../support/fixtures.ts';

it('offsets on a topic that was deleted once and made anew are protected from a refused broker\'s memory like all others', async () => {
  const storeDirectory = temporaryDirectory('again');
  const file = path.join(storeDirectory, 'config', 'consumerOffset.json');
  const one = await openLocalBroker({ storeDirectory, mode: 'write', create: true });
  const two = await openLocalBroker({ storeDirectory, mode: 'write' });
  for (const round of ['first', 'second']) {
    await one.createTopic('T', { readQueueNums: 1, writeQueueNums: 1 });
    for (let index = 0; index < 5; index++) await one.send({ topic: 'T', body: Buffer.from(round) });
    const queue = (await one.queues('T'))[0]!;
    const member = await one.joinGroup({ group: 'g', subscriptions: [{ topic: 'T' }] });
    await member.commit([{ queue, offset: 2 }]);
    const older = fs.readFileSync(file);
    await member.commit([{ queue, offset: 4 }]);
    await member.leave();
    expect((await two.committedOffsets('g', 'T'))[0]!.committedOffset).toBe(4);
    fs.writeFileSync(`${file}.tmp`, older);
    fs.renameSync(`${file}.tmp`, file);
    expect((await one.committedOffsets('g', 'T'))[0]!.committedOffset).toBe(4);
    if (round === 'second') break;
    await two.deleteTopic('T');
    await two.createTopic('T', { readQueueNums: 1, writeQueueNums: 1 });
    expect((await one.committedOffsets('g', 'T').catch(() => []))[0]?.committedOffset ?? null).toBe(null);
    await two.deleteTopic('T');
  }
  await one.close();
  await two.close();
});
