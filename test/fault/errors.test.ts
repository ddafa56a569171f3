import { describe, expect, it } from 'vitest';
import type { Broker } from '../../src/broker/broker.ts';
import { MqliteError } from '../../src/broker/errors.ts';
import { Machine } from '../support/fault/machine.ts';
import { systemError } from '../support/fault/memory-disk.ts';
import { checkStore, pickErrors, record, Report, runWithError, unexpectedErrors } from '../support/fault/faults.ts';
import type { ErrorFault } from '../support/fault/faults.ts';
import { newMachine, openBroker } from '../support/fault/workload.ts';
import type { Flush } from '../support/fault/workload.ts';

const CASES: readonly (readonly [Flush, ErrorFault['code'], boolean])[] = (['async', 'sync'] as const).flatMap((flush) =>
  (['ENOSPC', 'EIO'] as const).flatMap((code) => [false, true].map((isSticky) => [flush, code, isSticky] as const)));

describe.each(CASES)('flush %s, %s, every later operation too: %s', (flush, code, isSticky) => {
  it('what was acknowledged is readable, and what was not is an error of the port', async () => {
    const { calls } = await record(flush, null);
    const report = new Report();
    for (const at of pickErrors(calls, code, 30, 7)) {
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

  it('stops the other writers, until the first one after all of them has written everything again', async () => {
    const machine = await newMachine(1);
    const [first, second] = [await openBroker(machine, machine.start('first'), 'async'), await openBroker(machine, machine.start('second'), 'sync')];
    const send = (broker: Broker, body: string): Promise<unknown> => broker.send({ topic: 'T', queueId: 0, body: Buffer.from(body) });
    await send(second, 'acknowledged under sync');
    await send(first, 'acknowledged under async');
    machine.hook = ({ operation, file, process: by }) => {
      if (operation === 'dataSync' && by.name === 'first') throw systemError('EIO', operation, file);
    };
    await machine.clock.tick();
    machine.hook = null;
    await expect(send(second, 'refused')).rejects.toMatchObject({ code: 'STORAGE_FAILED', message: expect.stringContaining('a process that writes it could not make it durable') as string });
    await expect(openBroker(machine, machine.start('third'), 'sync')).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    await first.close();
    await second.close();
    const fourth = await openBroker(machine, machine.start('fourth'), 'sync');
    await send(fourth, 'after it');
    machine.killAll();
    const afterCut = new Machine(machine.disk.powerCut(1, 1));
    const reader = await openBroker(afterCut, afterCut.start('reader'), 'sync');
    const { messages } = await reader.pull({ queue: { topic: 'T', queueId: 0, brokerName: (await reader.queues('T'))[0]!.brokerName }, offset: 0, maxMessages: 32 });
    expect(messages.map(({ body }) => body.toString())).toEqual(['acknowledged under sync', 'acknowledged under async', 'after it']);
    await reader.close();
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
