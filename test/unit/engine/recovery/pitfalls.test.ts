import { describe, expect, it } from 'vitest';
import type { Broker } from '../../../../src/broker/broker.ts';
import { ENTRY_SIZE_BYTES } from '../../../../src/engine/consume-queue/layout.ts';
import { OpenFiles } from '../../../../src/engine/files/open-files.ts';
import { QueueWriter } from '../../../../src/engine/consume-queue/queue-writer.ts';
import type { FileSystem } from '../../../../src/engine/files/file-system.ts';
import { verifyStore } from '../../../../src/engine/inspect/store-tools.ts';
import { storePaths } from '../../../../src/engine/store-paths.ts';
import type { Machine } from '../../../support/fault/machine.ts';
import { STORE } from '../../../support/fault/machine.ts';
import { newMachine, openBroker } from '../../../support/fault/workload.ts';

const paths = storePaths(STORE);
const QUEUE = `${paths.consumeQueue}/T/0`;
const FIRST_LOG = `${paths.commitLog}/00000000000000000000`;
const FIRST_QUEUE_FILE = `${QUEUE}/00000000000000000000`;

const open = (machine: Machine): Promise<Broker> => openBroker(machine, machine.start('writer'), 'async');
const send = (broker: Broker, body: string): Promise<unknown> => broker.send({ topic: 'T', queueId: 0, body: Buffer.from(body), keys: [body.slice(0, 8)] });
const bodies = async (broker: Broker): Promise<string[]> => {
  const [queue] = await broker.queues('T');
  return (await broker.pull({ queue: queue!, offset: await broker.minOffset(queue!), maxMessages: 64 })).messages.map((message) => message.body.toString().trim());
};
const change = (machine: Machine, file: string, action: (bytes: Buffer) => void): void => {
  const { fs } = machine.start('hand');
  const fd = fs.open(file, 'write');
  const bytes = Buffer.alloc(fs.fstat(fd).sizeBytes);
  fs.read(fd, bytes, 0, bytes.length, 0);
  action(bytes);
  fs.write(fd, bytes, 0, bytes.length, 0);
  fs.close(fd);
};
const look = (machine: Machine): FileSystem => machine.start('look').fs;
const isSound = async (machine: Machine): Promise<boolean> => (await verifyStore({ storeDirectory: STORE, fs: look(machine) })).ok;
const restart = (machine: Machine): void => void (machine.disk.bootId = '77777777-0000-4000-8000-000000000007');

/** A store with these messages whose writer was killed. */
const killed = async (...messages: string[]): Promise<Machine> => {
  const machine = await newMachine(1);
  const broker = await open(machine);
  for (const body of messages) await send(broker, body);
  machine.killAll();
  return machine;
};
const closed = async (...messages: string[]): Promise<Machine> => {
  const machine = await newMachine(1);
  const broker = await open(machine);
  for (const body of messages) await send(broker, body);
  await broker.close();
  return machine;
};

describe('named cases of recovery', () => {
  it('P7: what was cut off does not come to life behind a record of the same size', async () => {
    const machine = await killed('one.....', 'two.....', 'three...');
    restart(machine);
    const read = Buffer.alloc(4);
    const { fs } = machine.start('hand');
    const fd = fs.open(FIRST_LOG, 'read');
    fs.read(fd, read, 0, 4, 0);
    fs.close(fd);
    const size = read.readInt32BE(0);
    // The first record is damaged: all of it, the two sound ones behind it too, was never synced.
    change(machine, FIRST_LOG, (bytes) => void (bytes[90] = bytes[90]! ^ 1));
    let broker = await open(machine);
    expect(await bodies(broker)).toEqual([]);
    await send(broker, 'new.....');
    machine.killAll();
    restart(machine);
    broker = await open(machine);
    expect(await bodies(broker)).toEqual(['new.....']);
    await broker.close();
    const log = Buffer.alloc(8192);
    const again = look(machine);
    again.read(again.open(FIRST_LOG, 'read'), log, 0, log.length, 0);
    expect(log.subarray(size).every((byte) => byte === 0)).toBe(true);
    expect(again.list(paths.quarantine)).toHaveLength(1);
  });

  it('P8: a store that is closed has no record that its queues lack, so that a broker renumbers nothing', async () => {
    const machine = await closed('one', 'two', 'three');
    const report = await verifyStore({ storeDirectory: STORE, fs: look(machine) });
    expect(report).toMatchObject({ ok: true, cleanlyClosed: true, records: 3, queueEntries: 3 });
  });

  it('P9: no queue file without an entry is left', async () => {
    const machine = await killed('one');
    restart(machine);
    change(machine, FIRST_LOG, (bytes) => void bytes.fill(0));
    const broker = await open(machine);
    expect(look(machine).list(QUEUE)).toEqual([]);
    await broker.close();
  });

  it('P11: fillers before a first entry are none that make a broker ignore the records behind them', async () => {
    const machine = await newMachine(1);
    const fs = look(machine);
    const queue = new QueueWriter('T', 0, { fs, directory: QUEUE, fileSizeBytes: 12 * ENTRY_SIZE_BYTES, tempDirectory: paths.temp, openFiles: new OpenFiles(1) });
    queue.put(3, 5000, 200, 0, 0);
    queue.flush();
    queue.close();
    const bytes = Buffer.alloc(12 * ENTRY_SIZE_BYTES);
    fs.read(fs.open(FIRST_QUEUE_FILE, 'read'), bytes, 0, bytes.length, 0);
    for (let entry = 0; entry < 3; entry++) {
      expect(bytes.readBigInt64BE(entry * ENTRY_SIZE_BYTES)).toBe(0n);
      expect(bytes.readInt32BE(entry * ENTRY_SIZE_BYTES + 8)).toBe(1);
    }
    expect(bytes.readBigInt64BE(3 * ENTRY_SIZE_BYTES)).toBe(5000n);
  });

  it('P12: a queue that lost entries is filled before an offset is given out again', async () => {
    const machine = await killed('one', 'two', 'three');
    restart(machine);
    change(machine, FIRST_QUEUE_FILE, (bytes) => void bytes.fill(0, ENTRY_SIZE_BYTES));
    const broker = await open(machine);
    expect(await broker.send({ topic: 'T', queueId: 0, body: Buffer.from('four') })).toMatchObject({ queueOffset: 3 });
    expect(await bodies(broker)).toEqual(['one', 'two', 'three', 'four']);
    await broker.close();
    expect(await isSound(machine)).toBe(true);
  });

  it('P20: every log file but the last ends with an end-of-file record over all that is left', async () => {
    const big = (name: string): string => name.padEnd(3000, '.');
    const machine = await closed(big('a'), big('b'), big('c'), big('d'), big('e'));
    const fs = look(machine);
    const files = fs.list(paths.commitLog)!.sort();
    expect(files.length).toBeGreaterThan(2);
    for (const name of files.slice(0, -1)) {
      const bytes = Buffer.alloc(8192);
      fs.read(fs.open(`${paths.commitLog}/${name}`, 'read'), bytes, 0, bytes.length, 0);
      let at = 0;
      while (bytes.readUInt32BE(at + 4) === 0xdaa320a7) at += bytes.readInt32BE(at);
      expect(bytes.readUInt32BE(at + 4)).toBe(0xcbd43194);
      expect(at + bytes.readInt32BE(at)).toBe(8192);
    }
  });

  it('a missing queue file is made again from the log', async () => {
    const machine = await killed('one', 'two');
    machine.disk.unlink(FIRST_QUEUE_FILE);
    restart(machine);
    const broker = await open(machine);
    expect(await bodies(broker)).toEqual(['one', 'two']);
    await broker.close();
    expect(await isSound(machine)).toBe(true);
  });

  it.each([20, 7, 0])('a queue file of %i bytes gets its length and its entries back', async (sizeBytes) => {
    const machine = await killed('one', 'two');
    machine.disk.truncate(machine.disk.find(FIRST_QUEUE_FILE)!, sizeBytes);
    restart(machine);
    const broker = await open(machine);
    expect(await bodies(broker)).toEqual(['one', 'two']);
    await broker.close();
    expect(await isSound(machine)).toBe(true);
  });

  it('a queue file that is too long is moved aside, not deleted', async () => {
    const machine = await killed('one', 'two');
    machine.disk.truncate(machine.disk.find(FIRST_QUEUE_FILE)!, 1000);
    restart(machine);
    const broker = await open(machine);
    expect(await bodies(broker)).toEqual(['one', 'two']);
    expect(broker.notices().join()).toContain('1000 bytes long instead of 240');
    await broker.close();
    expect(look(machine).list(paths.quarantine)).toEqual(['consumequeue.T.0.00000000000000000000.1']);
    expect(await isSound(machine)).toBe(true);
  });

  it.each([8191, 4096])('a log file of %i bytes is refused, and nothing is written to it', async (sizeBytes) => {
    const machine = await killed('one', 'two');
    machine.disk.truncate(machine.disk.find(FIRST_LOG)!, sizeBytes);
    await expect(open(machine)).rejects.toMatchObject({ code: 'DAMAGED' });
    expect(machine.disk.find(FIRST_LOG)!.sizeBytes).toBe(sizeBytes);
  });

  it('a log whose last file is gone is refused', async () => {
    const machine = await closed('one', 'two');
    machine.disk.unlink(FIRST_LOG);
    await expect(open(machine)).rejects.toMatchObject({ code: 'DAMAGED' });
  });
});
