import { describe, expect, it } from 'vitest';
import {
  checkStore, checkWithSecondFault, journalUntil, operationsOf, pick, pickErrors, record, Report, runWithError, unexpectedErrors,
} from '../support/fault/faults.ts';
import type { Expectation } from '../support/fault/oracle.ts';
import type { Flush } from '../support/fault/workload.ts';

const CASES: readonly (readonly [Flush, Expectation])[] = [
  ['sync', { promised: 'messages' }],
  ['async', { promised: 'nothing' }],
];

/** Every page, name and length that was not synced is lost or kept, each by itself. */
describe.each(CASES)('power cut at an operation of the workload, flush %s', (flush, expected) => {
  it('what was acknowledged under sync is there, nothing is that was never sent, and the store is sound', async () => {
    const { operations } = await record(flush, null);
    const { run, images } = await record(flush, new Set(pick(operations, 120, 4)));
    const report = new Report();
    for (const [at, image] of images) report.add(`operation ${at}`, await checkStore(image.powerCut(at), journalUntil(run.journal, at), expected));
    expect(report.failures, report.text).toBe(0);
  });

  it('also when the power fails again during the recovery', async () => {
    const { operations } = await record(flush, null);
    const { run, images } = await record(flush, new Set(pick(operations, 25, 5)));
    const report = new Report();
    for (const [at, image] of images) {
      const second = { count: 1, isPowerCut: true, salt: at };
      report.add(`operation ${at}`, await checkWithSecondFault(image.powerCut(at), journalUntil(run.journal, at), expected, second));
      report.add(`operation ${at}, killed first`, await checkWithSecondFault(image, journalUntil(run.journal, at), expected, second));
    }
    expect(report.failures, report.text).toBe(0);
  });

  it('a store that was closed loses nothing at all', async () => {
    const { run } = await record(flush, null);
    const report = new Report();
    for (let seed = 0; seed < 20; seed++) report.add(`seed ${seed}`, await checkStore(run.machine.disk.powerCut(seed), run.journal, { promised: 'everything' }));
    expect(report.failures, report.text).toBe(0);
  });

  it('also after an error that came before it', async () => {
    const { calls } = await record(flush, null);
    const report = new Report();
    for (const code of ['ENOSPC', 'EIO'] as const) {
      for (const at of pickErrors(calls, code, 25, 6)) {
        const run = await runWithError(flush, { code, at, isSticky: false });
        expect(unexpectedErrors(run.journal), `${code} at operation ${at}`).toEqual([]);
        report.add(`${code} at operation ${at}`, await checkStore(run.machine.disk.powerCut(at), run.journal, expected));
      }
    }
    expect(report.failures, report.text).toBe(0);
  });

  // Not a sample: what such a sync should have written is lost in each case, and few of them do harm.
  it('also after any one fsync that failed, whose pages no later fsync writes', async () => {
    const { calls } = await record(flush, null);
    const report = new Report();
    for (const at of operationsOf(calls, ({ operation }) => operation === 'dataSync')) {
      const run = await runWithError(flush, { code: 'EIO', at, isSticky: false });
      report.add(`operation ${at}`, await checkStore(run.machine.disk.powerCut(at, 1), run.journal, expected));
    }
    expect(report.failures, report.text).toBe(0);
  });
});
