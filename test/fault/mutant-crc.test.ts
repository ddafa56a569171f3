import { expect, it, vi } from 'vitest';
import { checkStore, Report } from '../support/fault/faults.ts';
import { damage, lastBatch } from '../support/fault/last-batch.ts';

/** A recovery that believes lengths alone: the suite must see bodies that nobody sent. */
vi.mock('../../src/record/check.ts', async (load) => {
  const real = await load<typeof import('../../src/record/check.ts')>();
  return { ...real, recordProblem: (buffer: Buffer, position: number, sizeBytes: number) => real.recordProblem(buffer, position, sizeBytes, false) };
});

it('no CRC check in recovery is caught', async () => {
  const { image, journal, from } = await lastBatch();
  const report = new Report();
  for (let at = from + 88; at < from + 178; at += 10) {
    report.add(`byte ${at}`, await checkStore(damage(image, at, (bytes) => void (bytes[at] = bytes[at]! ^ 0x5a)), journal, { promised: 'messages' }));
  }
  expect(report.failures, report.text).toBe(report.points);
});
