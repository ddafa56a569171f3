import { expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { MqliteError } from '../../../src/broker/errors.ts';
import { redriveLetters } from '../../../src/cli/redrive-letters.ts';
import type { LedgerFile } from '../../../src/cli/redrive-ledger.ts';
import { FakeBroker } from '../../support/fake-broker.ts';

it('says what was sent before the reason, goes on with the other groups, and names what was sent', async () => {
  const broker = new FakeBroker();
  await broker.createTopic('T', { readQueueNums: 1, writeQueueNums: 1 });
  await broker.send({ topic: 'T', body: Buffer.from('x') });
  const [message] = broker.store.log;
  for (const group of ['broken', 'good']) for (let count = 0; count < 2; count++) await broker.sendBack(message!, { group, delayLevel: -1 });
  const letter = (group: string, queueOffset: number) => ({ topic: `%DLQ%${group}`, brokerName: message!.brokerName, queueId: 0, queueOffset });
  const ledger = { last: () => undefined, record: () => undefined, close: () => undefined } as unknown as LedgerFile;
  const letters = [letter('broken', 0), letter('broken', 9), letter('locked', 0), letter('good', 0), letter('good', 1)];
  const report = await redriveLetters({
    clock: systemClock, openBroker: async () => broker,
    openLedger: async (group) => {
      if (group === 'locked') throw new MqliteError('REFUSED', 'another process sends them');
      return ledger;
    },
  }, letters, new AbortController().signal);
  expect(report.text).toMatch(/^3 sent; broken: the dead letter %DLQ%broken\/0@9 is not there any more; locked: another process sends them$/);
  expect(report.isGood).toBe(false);
  expect(report.sent.map(({ topic, queueOffset }) => [topic, queueOffset])).toEqual([['%DLQ%broken', 0], ['%DLQ%good', 0], ['%DLQ%good', 1]]);
});
