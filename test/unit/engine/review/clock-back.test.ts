import { expect, it } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import { openLocalBroker } from '../../../../src/engine/open.ts';
import { temporaryDirectory } from '../../../support/fixtures.ts';

it('timers and signals have their turn in a flood of sends, also after the clock was set back', async () => {
  let setBackMs = 0;
  const broker = await openLocalBroker({
    storeDirectory: temporaryDirectory('clock'), mode: 'write', create: true,
    clock: { ...systemClock, nowMs: () => Date.now() - setBackMs },
  });
  const body = Buffer.from('x');
  await broker.send({ topic: 'T', body });
  for (let index = 0; index < 50; index++) await broker.send({ topic: 'T', body });
  await new Promise((resolve) => setTimeout(resolve, 30));
  await broker.send({ topic: 'T', body });
  setBackMs = 3_600_000;
  let sent = 0;
  let sentAtTimer = -1;
  setTimeout(() => (sentAtTimer = sent), 20);
  while (sent < 20_000 && sentAtTimer < 0) {
    await broker.send({ topic: 'T', body });
    sent++;
  }
  expect(sentAtTimer).toBeGreaterThanOrEqual(0);
  await broker.close();
});
