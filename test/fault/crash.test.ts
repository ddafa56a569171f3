import { describe, expect, it } from 'vitest';
import { checkStore, checkWithSecondFault, journalUntil, pick, record, Report, runWithDeath, unexpectedErrors } from '../support/fault/faults.ts';
import type { Flush } from '../support/fault/workload.ts';

const FLUSHES: readonly Flush[] = ['async', 'sync'];

/** A process that dies loses nothing: the page cache has every write. */
describe.each(FLUSHES)('killed at an operation of the workload, flush %s', (flush) => {
  it('the workload itself leaves a sound store', async () => {
    const { run } = await record(flush, null);
    expect(run.journal.errors).toEqual([]);
    expect(run.journal.messages.every((message) => message.acknowledged !== null)).toBe(true);
    expect(await checkStore(run.machine.disk.clone(1), run.journal, { promised: 'everything' })).toEqual([]);
  });

  it('every acknowledged message is readable once, in order, and everything else promised is kept', async () => {
    const { operations } = await record(flush, null);
    const points = pick(operations, 100, 1);
    const { run, images } = await record(flush, new Set(points));
    const report = new Report();
    for (const [at, image] of images) report.add(`operation ${at}`, await checkStore(image, journalUntil(run.journal, at), { promised: 'everything' }));
    expect(report.failures, report.text).toBe(0);
    expect(report.points).toBe(points.length);
  });

  it('also when the recovery is killed in turn', async () => {
    const { operations } = await record(flush, null);
    const { run, images } = await record(flush, new Set(pick(operations, 30, 2)));
    const report = new Report();
    for (const [at, image] of images) {
      report.add(`operation ${at}`, await checkWithSecondFault(image, journalUntil(run.journal, at), { promised: 'everything' }, { count: 1, isPowerCut: false, salt: at }));
    }
    expect(report.failures, report.text).toBe(0);
  });

  it('also when other processes live on', async () => {
    const { operations } = await record(flush, null);
    const report = new Report();
    for (const at of pick(operations, 40, 3)) {
      const run = await runWithDeath(flush, at);
      expect(unexpectedErrors(run.journal), `operation ${at}`).toEqual([]);
      report.add(`operation ${at}`, await checkStore(run.machine.disk, run.journal, { promised: 'everything' }));
    }
    expect(report.failures, report.text).toBe(0);
  });
});
