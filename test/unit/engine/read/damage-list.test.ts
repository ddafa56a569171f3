import { expect, it } from 'vitest';
import type { DamageReport } from '../../../../src/broker/types.ts';
import { DamageList } from '../../../../src/engine/read/damage-list.ts';

const at = (position: number): DamageReport => ({ queue: null, queueOffset: null, commitLogOffset: position, file: 'f', position, reason: 'broken' });

it('keeps each place of damage once, and of many the first ones', () => {
  const damage = new DamageList();
  for (let round = 0; round < 3; round++) damage.add(Array.from({ length: 800 }, (_, position) => at(position)));
  expect(damage.first).toHaveLength(800);
  damage.add(Array.from({ length: 800 }, (_, position) => at(position + 400)));
  expect(damage.first.map(({ position }) => position)).toEqual(Array.from({ length: 1000 }, (_, position) => position));
});
