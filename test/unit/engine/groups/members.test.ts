import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Membership } from '../../../../src/broker/types.ts';
import { CommitRate, commitsPerSecond } from '../../../../src/broker/commit-rate.ts';
import { nodeFileSystem } from '../../../../src/engine/files/node-file-system.ts';
import { openLocalBroker } from '../../../../src/engine/open.ts';
import { Random } from '../../../support/fault/random.ts';
import { temporaryDirectory } from '../../../support/fixtures.ts';
import { seedOfCommit } from '../../../support/seed.ts';
import { snapshotTree } from '../../../support/tree-snapshot.ts';

const GROUP = Buffer.from('g').toString('hex');

describe('how fast a member commits', () => {
  it('is what it committed over the last ten seconds', () => {
    const rate = new CommitRate(1000);
    expect(commitsPerSecond(rate.add(100, 6000), 6000)).toBe(20);
    expect(commitsPerSecond(rate.add(900, 11_000), 11_000)).toBe(100);
    expect(commitsPerSecond(rate.add(0, 16_000), 16_000)).toBe(90);
    expect(commitsPerSecond(rate.add(0, 21_000), 21_000)).toBe(0);
  });

  it('is nothing after a silence, and unknown after a moment', () => {
    expect(commitsPerSecond({ fromMs: 0, toMs: 5000, count: 10 }, 20_001)).toBe(0);
    expect(commitsPerSecond({ fromMs: 0, toMs: 100, count: 10 }, 100)).toBeNull();
  });
});

describe('members in the directory of a store', () => {
  it('whose process is dead have no part, and what they left is removed; looking only does neither see them nor touch anything', async () => {
    const storeDirectory = temporaryDirectory('members');
    const broker = await openLocalBroker({ storeDirectory, mode: 'write', create: true });
    await broker.createTopic('T', { readQueueNums: 2, writeQueueNums: 2 });
    const member = await broker.joinGroup({ group: 'g', subscriptions: [{ topic: 'T' }] });
    const members = path.join(storeDirectory, 'mqlite', 'groups', GROUP, 'members');
    const dead = path.join(members, '127.0.0.1@1#dead.json');
    fs.writeFileSync(dead, JSON.stringify({ ...member.info, clientId: '127.0.0.1@1#dead' }));
    const looker = await openLocalBroker({ storeDirectory, mode: 'read' });
    const before = snapshotTree(path.join(storeDirectory, 'mqlite', 'groups'));
    expect((await looker.listMembers('g')).map(({ clientId, queues }) => [clientId, queues.length])).toEqual([[member.info.clientId, 2]]);
    expect(snapshotTree(path.join(storeDirectory, 'mqlite', 'groups'))).toEqual(before);
    expect(await member.refresh()).toEqual([]);
    expect(fs.existsSync(dead)).toBe(false);
    await looker.close();
    await broker.close();
    expect(fs.readdirSync(members)).toEqual([]);
  });

  it('who has nothing to do looks cheaply: one stat, and a lock try for each other member; who comes, goes or dies is seen at the next look', async () => {
    const storeDirectory = temporaryDirectory('members');
    let calls: string[] = [];
    const files = { ...nodeFileSystem };
    for (const name of ['list', 'open', 'stat'] as const) {
      const real = nodeFileSystem[name].bind(nodeFileSystem) as (file: string) => unknown;
      files[name] = ((file: string, ...more: []) => {
        if (file.includes('members')) calls.push(name);
        return real(file, ...more);
      }) as never;
    }
    const broker = await openLocalBroker({ storeDirectory, mode: 'write', create: true, fs: files });
    const others = await openLocalBroker({ storeDirectory, mode: 'write' });
    await broker.createTopic('T', { readQueueNums: 3, writeQueueNums: 3 });
    const join = (from: typeof broker): Promise<Membership> => from.joinGroup({ group: 'g', subscriptions: [{ topic: 'T' }] });
    const [member, second, third] = [await join(broker), await join(others), await join(others)];
    const members = path.join(storeDirectory, 'mqlite', 'groups', GROUP, 'members');
    // As if nobody had come for a while.
    fs.utimesSync(members, new Date(), new Date(Date.now() - 60_000));
    await member.release(await member.refresh());
    calls = [];
    for (let look = 0; look < 3; look++) expect(await member.refresh()).toEqual([]);
    expect(calls).toEqual(['stat', 'stat', 'stat']);
    // A lock that vanishes is no event, and no change of the directory.
    await second.leave();
    fs.writeFileSync(path.join(members, `${third.info.clientId}x.json`), JSON.stringify({ ...third.info, clientId: `${third.info.clientId}x` }));
    await third.refresh();
    fs.utimesSync(members, new Date(), new Date(Date.now() - 60_000));
    await member.refresh();
    expect([member.queues.length, third.queues.length]).toEqual([2, 1]);
    const fourth = await join(others);
    expect((await member.refresh()).length).toBe(1);
    await fourth.leave();
    await broker.close();
    await others.close();
    expect(fs.readdirSync(members)).toEqual([]);
  });

  it('of two brokers never have one queue at once, however they look', async () => {
    const storeDirectory = temporaryDirectory('members');
    const brokers = [await openLocalBroker({ storeDirectory, mode: 'write', create: true }), await openLocalBroker({ storeDirectory, mode: 'write' }), await openLocalBroker({ storeDirectory, mode: 'write' })];
    await brokers[0]!.createTopic('T', { readQueueNums: 7, writeQueueNums: 7 });
    const random = new Random(seedOfCommit());
    let living: Membership[] = [];
    for (let step = 0; step < 60; step++) {
      const choice = random.next();
      if (living.length === 0 || (choice < 0.15 && living.length < 5)) living.push(await brokers[step % 3]!.joinGroup({ group: 'g', subscriptions: [{ topic: 'T' }] }));
      // Somebody is there at the end.
      else if (choice < 0.25 && living.length > 1) await living.splice(random.below(living.length), 1)[0]!.leave();
      else {
        const member = living[random.below(living.length)]!;
        const lost = await member.refresh();
        if (random.chance(0.7)) await member.release(lost);
      }
      const owned = living.flatMap(({ queues }) => queues.map(({ queueId }) => queueId));
      expect(new Set(owned).size).toBe(owned.length);
    }
    for (let round = 0; round < 2; round++) for (const member of living) await member.release(await member.refresh());
    expect(living.reduce((sum, { queues }) => sum + queues.length, 0)).toBe(7);
    expect(living.every(({ awaited }) => awaited.length === 0)).toBe(true);
    living = [];
    for (const broker of brokers) await broker.close();
  });

  it('an offset committed backwards is not put back by another process that remembers the higher one', async () => {
    const storeDirectory = temporaryDirectory('members');
    const one = await openLocalBroker({ storeDirectory, mode: 'write', create: true });
    const two = await openLocalBroker({ storeDirectory, mode: 'write' });
    await one.createTopic('T', { readQueueNums: 1, writeQueueNums: 1 });
    const [queue] = await one.queues('T');
    const member = await one.joinGroup({ group: 'g', subscriptions: [{ topic: 'T' }] });
    await member.commit([{ queue: queue!, offset: 9 }]);
    expect(await two.committedOffsets('g', 'T')).toMatchObject([{ committedOffset: 9 }]);
    const other = await two.joinGroup({ group: 'other', subscriptions: [{ topic: 'T' }] });
    await other.commit([{ queue: queue!, offset: 1 }]);
    expect(await member.commit([{ queue: queue!, offset: 2 }])).toEqual([]);
    await other.commit([{ queue: queue!, offset: 3 }]);
    expect(await one.committedOffsets('g', 'T')).toMatchObject([{ committedOffset: 2 }]);
    expect(await member.commit([{ queue: queue!, offset: 4 }])).toEqual([]);
    expect(await one.committedOffsets('g', 'T')).toMatchObject([{ committedOffset: 4 }]);
    await one.close();
    await two.close();
  });
});
