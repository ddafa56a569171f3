import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allocateQueues } from '../../src/broker/allocate.ts';
import type { MessageQueue } from '../../src/broker/types.ts';

const members = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 30 }), { minLength: 1, maxLength: 12 });
const queues = fc.uniqueArray(
  fc.record({ topic: fc.constantFrom('T', 'U'), brokerName: fc.constantFrom('a', 'b'), queueId: fc.nat(40) }),
  { maxLength: 60, selector: ({ topic, brokerName, queueId }) => `${topic}/${brokerName}/${queueId}` },
);
const nameOf = ({ topic, brokerName, queueId }: MessageQueue): string => `${topic}/${brokerName}/${queueId}`;

describe.each(['average', 'circle', 'consistent-hash'] as const)('sharing out by %s', (strategy) => {
  it('gives every queue to exactly one member, in whatever order the lists come', () => {
    fc.assert(fc.property(members, queues, (ids, all) => {
      const shares = ids.map((id) => allocateQueues(strategy, id, ids, all).map(nameOf));
      expect(shares.flat().sort()).toEqual(all.map(nameOf).sort());
      expect(ids.map((id) => allocateQueues(strategy, id, [...ids].reverse(), [...all].reverse()).map(nameOf))).toEqual(shares);
    }));
  });

  it('evenly, or so that a member who leaves changes nobody else\'s share of the rest', () => {
    fc.assert(fc.property(members, queues, (ids, all) => {
      const shares = ids.map((id) => allocateQueues(strategy, id, ids, all));
      if (strategy !== 'consistent-hash') {
        const sizes = shares.map(({ length }) => length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        return;
      }
      const left = ids.slice(1);
      left.forEach((id, index) => {
        const after = allocateQueues(strategy, id, left, all).map(nameOf);
        for (const queue of shares[index + 1]!) expect(after).toContain(nameOf(queue));
      });
    }));
  });
});
