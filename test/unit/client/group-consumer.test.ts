import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { consumeAsGroup } from '../../../src/client/group-consumer.ts';
import type { GroupRequest } from '../../../src/client/group-consumer.ts';
import type { FakeBroker } from '../../support/fake-broker.ts';
import { brokerWith, fill, places, settle } from './support.ts';

const never = new AbortController().signal;

async function consume(broker: FakeBroker, more: Partial<GroupRequest> = {}): Promise<string[]> {
  const seen: string[] = [];
  await consumeAsGroup(broker, systemClock, {
    group: 'g', topics: ['T'], untilEnd: true, suspendMs: 1000, commitIntervalMs: 5000, autoCommit: true, signal: never, onDamage: () => undefined,
    deliver: async (batch) => void seen.push(...places(batch)), ...more,
  });
  return seen;
}

const committed = async (broker: FakeBroker): Promise<(number | null)[]> => (await broker.committedOffsets('g', 'T')).map((row) => row.committedOffset);

describe('consuming as a group', () => {
  it('goes on where it stopped', async () => {
    const broker = await brokerWith('T', 2, [0, 1, 0]);
    expect(await consume(broker)).toEqual(['0@0', '1@0', '0@1']);
    expect(await committed(broker)).toEqual([2, 1]);
    await fill(broker, 'T', [1]);
    expect(await consume(broker)).toEqual(['1@1']);
    expect(await committed(broker)).toEqual([2, 2]);
    expect(broker.store.members.size).toBe(0);
  });

  it('commits the start of a group that begins at the end, or it would begin anew next time', async () => {
    const broker = await brokerWith('T', 1, [0, 0]);
    expect(await consume(broker, { from: { at: 'last' } })).toEqual([]);
    expect(await committed(broker)).toEqual([2]);
  });

  it('--from on a group with offsets is refused, "committed" is not', async () => {
    const broker = await brokerWith('T', 1, [0]);
    await consume(broker);
    await expect(consume(broker, { from: { at: 'first' } })).rejects.toMatchObject({ code: 'USAGE', hint: expect.stringContaining('offsets reset g T') as string });
    await expect(consume(broker, { from: { at: 'committed' } })).resolves.toEqual([]);
  });

  it('commits past what a filter dropped', async () => {
    const broker = await brokerWith('T', 2, [0, 1, 1]);
    expect(await consume(broker, { filter: { tags: 'even' } })).toEqual(['0@0']);
    expect(await committed(broker)).toEqual([1, 2]);
  });

  it('never commits past what was written out', async () => {
    const broker = await brokerWith('T', 1, [0, 0, 0]);
    let written = 0;
    await expect(consume(broker, {
      batchLimit: () => 1,
      deliver: async () => {
        if (written === 1) throw new Error('pipe closed');
        written++;
      },
    })).rejects.toThrow('pipe closed');
    expect(await committed(broker)).toEqual([1]);
    expect(broker.store.members.size).toBe(0);
  });

  it('stops at a count with the offset of the next message', async () => {
    const broker = await brokerWith('T', 1, [0, 0, 0]);
    let left = 2;
    expect(await consume(broker, { batchLimit: () => left, deliver: async (batch) => void (left -= batch.length) })).toEqual([]);
    expect([left, ...(await committed(broker))]).toEqual([0, 2]);
  });

  it('commits nothing without autoCommit', async () => {
    const broker = await brokerWith('T', 1, [0]);
    await consume(broker, { autoCommit: false });
    expect(await committed(broker)).toEqual([null]);
  });

  it('commits while it runs, obeys a reset within a second, and leaves on the signal', async () => {
    const broker = await brokerWith('T', 1, [0, 0]);
    const stop = new AbortController();
    const seen: string[] = [];
    const running = consume(broker, { untilEnd: false, signal: stop.signal, commitIntervalMs: 30, deliver: async (batch) => void seen.push(...places(batch)) });
    await expect.poll(() => committed(broker), { timeout: 3000 }).toEqual([2]);
    const [queue] = await broker.queues('T');
    await broker.resetOffsets('g', [{ queue: queue!, offset: 1 }]);
    await expect.poll(() => seen, { timeout: 1000 }).toEqual(['0@0', '0@1', '0@1']);
    stop.abort();
    await running;
    expect(await committed(broker)).toEqual([2]);
    await settle();
    expect(broker.store.members.size).toBe(0);
  });

  it('an idle member goes on with the long polls it has begun, looks for resets meanwhile, and leaves none behind', async () => {
    const broker = await brokerWith('T', 4, []);
    const stop = new AbortController();
    const seen: string[] = [];
    let [begun, open, commits] = [0, 0, 0];
    const pull = broker.pull.bind(broker);
    broker.pull = async (request) => {
      if (request.suspendMs === undefined) return pull(request);
      begun++;
      open++;
      return pull(request).finally(() => open--);
    };
    const joinGroup = broker.joinGroup.bind(broker);
    broker.joinGroup = async (request) => {
      const membership = await joinGroup(request);
      const commit = membership.commit.bind(membership);
      membership.commit = async (offsets) => {
        commits++;
        return commit(offsets);
      };
      return membership;
    };
    const running = consume(broker, { untilEnd: false, suspendMs: 60_000, signal: stop.signal, deliver: async (batch) => void seen.push(...places(batch)) });
    await expect.poll(() => commits, { timeout: 5000 }).toBeGreaterThanOrEqual(3);
    expect([begun, open]).toEqual([4, 4]);
    await fill(broker, 'T', [2]);
    await expect.poll(() => seen, { timeout: 5000 }).toEqual(['2@0']);
    stop.abort();
    await running;
    await settle();
    expect(open).toBe(0);
  });

  it('ends after the idle time', async () => {
    const broker = await brokerWith('T', 1, [0]);
    expect(await consume(broker, { untilEnd: false, idleTimeoutMs: 50 })).toEqual(['0@0']);
  });

  it('only the queue asked for', async () => {
    const broker = await brokerWith('T', 2, [0, 1]);
    expect(await consume(broker, { queueId: 1 })).toEqual(['1@0']);
    expect(await committed(broker)).toEqual([null, 1]);
  });
});
