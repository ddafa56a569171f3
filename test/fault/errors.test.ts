import { describe, expect, it } from 'vitest';
import { MqliteError } from '../../src/broker/errors.ts';
import { systemError } from '../support/fault/memory-disk.ts';
import { checkStore, pick, record, Report, runWithError, unexpectedErrors } from '../support/fault/faults.ts';
import type { ErrorFault } from '../support/fault/faults.ts';
import { newMachine, openBroker } from '../support/fault/workload.ts';
import type { Flush } from '../support/fault/workload.ts';

const CASES: readonly (readonly [Flush, ErrorFault['code'], boolean])[] = (['async', 'sync'] as const).flatMap((flush) =>
  (['ENOSPC', 'EIO'] as const).flatMap((code) => [false, true].map((isSticky) => [flush, code, isSticky] as const)));

describe.each(CASES)('flush %s, %s, every later operation too: %s', (flush, code, isSticky) => {
  it('what was acknowledged is readable, and what was not is an error of the port', async () => {
    const { operations } = await record(flush, null);
    const report = new Report();
    for (const at of pick(operations, 30, 7)) {
      const run = await runWithError(flush, { code, at, isSticky });
      expect(unexpectedErrors(run.journal), `operation ${at}`).toEqual([]);
      report.add(`operation ${at}`, await checkStore(run.machine.disk, run.journal, { promised: 'everything' }));
    }
    expect(report.failures, report.text).toBe(0);
  });
});

describe('a failed fsync', () => {
  it('of the log, is STORAGE_FAILED, and nothing is acknowledged after it although the device works again', async () => {
    const machine = await newMachine(1);
    const broker = await openBroker(machine, machine.start('writer'), 'sync');
    const send = (body: string): Promise<unknown> => broker.send({ topic: 'T', queueId: 0, body: Buffer.from(body) });
    await send('before');
    machine.hook = ({ operation, file }) => {
      if (operation === 'dataSync') throw systemError('EIO', operation, file);
    };
    const failed = await send('during').then(() => null, (error: unknown) => error as MqliteError);
    expect(failed).toBeInstanceOf(MqliteError);
    expect(failed).toMatchObject({ code: 'STORAGE_FAILED', exitCode: 8 });
    machine.hook = null;
    for (const flush of ['sync', 'async'] as const) {
      await expect(broker.send({ topic: 'T', queueId: 0, body: Buffer.from('after') }, { flush })).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    }
    await expect(broker.createTopic('U', {})).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    await broker.close();
    expect(machine.disk.find('/data/store/abort')).not.toBeNull();
  });

  it('in the background, under async, stops the writer as well', async () => {
    const machine = await newMachine(1);
    const broker = await openBroker(machine, machine.start('writer'), 'async');
    await broker.send({ topic: 'T', queueId: 0, body: Buffer.from('before') });
    machine.hook = ({ operation, file }) => {
      if (operation === 'dataSync') throw systemError('EIO', operation, file);
    };
    await machine.clock.tick();
    machine.hook = null;
    await expect(broker.send({ topic: 'T', queueId: 0, body: Buffer.from('after') })).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    await broker.close();
  });
});
