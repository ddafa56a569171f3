import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { nodeFileSystem } from '../../../../src/engine/files/node-file-system.ts';
import { openLocalBroker } from '../../../../src/engine/open.ts';
import { recoveryCase } from '../../../../src/engine/recovery/recovery-case.ts';
import { temporaryDirectory } from '../../../support/fixtures.ts';

it('what is under way while the store closes is done before, or refused; nothing is written behind the close', async () => {
  const storeDirectory = temporaryDirectory('closing');
  for (let round = 0; round < 5; round++) {
    const broker = await openLocalBroker({ storeDirectory, mode: 'write', create: true });
    const sends = ['zlib', 'lz4', 'zstd', 'zlib'].map((compress) => broker.send({ topic: 'T', body: Buffer.alloc(100, 'x'), compress: compress as 'zlib' }));
    const topics = [broker.createTopic(`A${round}`, {}), broker.createTopic(`B${round}`, {})];
    const outcomes = Promise.allSettled([...sends, ...topics]);
    await broker.close();
    for (const outcome of await outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'REFUSED' });
    expect(fs.existsSync(path.join(storeDirectory, 'abort'))).toBe(false);
    const stored = (await outcomes).slice(0, sends.length).filter(({ status }) => status === 'fulfilled').length;
    const reader = await openLocalBroker({ storeDirectory, mode: 'read' });
    const marks = fs.readFileSync(path.join(storeDirectory, 'mqlite', 'state'));
    expect(marks).toHaveLength(512);
    expect(stored).toBeLessThanOrEqual(4);
    await reader.close();
  }
});

it('the names of a new store and of the directories above it are durable before its first message is acknowledged', async () => {
  const above = temporaryDirectory('above');
  const storeDirectory = path.join(above, 'a', 'b', 'store');
  const synced = new Set<string>();
  const broker = await openLocalBroker({
    storeDirectory, mode: 'write', create: true, flush: 'sync',
    fs: { ...nodeFileSystem, syncDirectory: (directory) => { synced.add(directory); nodeFileSystem.syncDirectory(directory); } },
  });
  await broker.send({ topic: 'T', body: Buffer.from('x') });
  for (const directory of [above, path.join(above, 'a'), path.join(above, 'a', 'b'), storeDirectory, path.join(storeDirectory, 'commitlog')]) {
    expect([...synced]).toContain(directory);
  }
  await broker.close();
});

it('an abort file beside a closed state is a broker\'s, also when its pid is that of the last mqlite (containers count from 1)', () => {
  for (const boot of ['same', 'other'] as const) {
    for (const checkpoint of ['ours', 'foreign'] as const) expect(recoveryCase({ abort: 'ours', state: 'closed', boot, checkpoint })).toBe('dead-broker');
  }
});
