import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { allocateQueues } from '../../../src/broker/allocate.ts';
import type { AllocateStrategy } from '../../../src/broker/types.ts';

interface Golden {
  readonly strategy: string;
  readonly queues: number;
  readonly members: readonly string[];
  readonly owned: readonly (readonly number[])[];
}

const NAMES: Readonly<Record<string, AllocateStrategy>> = {
  AllocateMessageQueueAveragely: 'average', AllocateMessageQueueAveragelyByCircle: 'circle', AllocateMessageQueueConsistentHash: 'consistent-hash',
};
/** Printed by test/interop/java/…/AllocateGolden.java with the classes of rocketmq-client 5.5.0. */
const golden = readFileSync(path.join(import.meta.dirname, '../../fixtures/allocate-5.5.0.ndjson'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Golden);

describe('sharing out queues', () => {
  it.each(golden.map((row) => [row.strategy, row.queues, row.members.length, row] as const))('%s: %i queues over %i members, as the Java class does', (strategy, count, _, row) => {
    const queues = Array.from({ length: count }, (_item, queueId) => ({ topic: 'Orders', brokerName: 'broker-a', queueId }));
    const shuffled = [...queues].reverse();
    const owned = row.members.map((member) => allocateQueues(NAMES[strategy]!, member, [...row.members].reverse(), shuffled).map(({ queueId }) => queueId));
    expect(owned).toEqual(row.owned);
  });

  it('gives nothing to somebody who is not a member', () => {
    expect(allocateQueues('average', 'x', ['a'], [{ topic: 'T', brokerName: 'b', queueId: 0 }])).toEqual([]);
  });
});
