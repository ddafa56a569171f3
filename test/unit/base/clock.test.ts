import { expect, it } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import { repeatBySleeping, systemClock } from '../../../src/base/clock.ts';

const sleeping: Pick<Clock, 'repeat'> = { repeat: (delayMs, next) => repeatBySleeping(systemClock, delayMs, next) };

it.each([['the system clock', systemClock], ['a clock that can only sleep', sleeping]])('%s repeats until told not to, and sooner when asked', async (_, clock) => {
  let calls = 0;
  const delays = [5, 5, 60_000, 60_000, -1];
  const repetition = clock.repeat(1, () => delays[calls++]!);
  await expect.poll(() => calls).toBe(3);
  await systemClock.sleep(20);
  expect(calls).toBe(3);
  repetition.within(70_000);
  repetition.within(5);
  await expect.poll(() => calls).toBe(4);
  repetition.within(0);
  await expect.poll(() => calls).toBe(5);
  repetition.within(0);
  await systemClock.sleep(20);
  expect(calls).toBe(5);
});
