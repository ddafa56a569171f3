import { Machine, STORE } from './machine.ts';
import type { MemoryDisk } from './memory-disk.ts';
import { newMachine, newRun, openBroker } from './workload.ts';
import type { Journal } from './workload.ts';

const LOG = `${STORE}/commitlog/00000000000000000000`;

/** Kept messages, then a batch of two that a power cut hits: its image, and where the batch lies in the log. */
export const lastBatch = async (): Promise<{ image: MemoryDisk; journal: Journal; from: number; to: number }> => {
  const machine = await newMachine(1);
  const { journal } = newRun(machine);
  const broker = await openBroker(machine, machine.start('writer'), 'sync');
  const send = async (body: string, isPromised: boolean): Promise<{ offset: number; size: number }> => {
    const sent = { topic: 'T', queueId: 0, body, key: `k-${body.slice(0, 3)}`, startedAt: 1, acknowledged: null as { at: number; queueOffset: number } | null };
    journal.messages.push(sent);
    const result = await broker.send({ topic: 'T', queueId: 0, body: Buffer.from(body), keys: [sent.key] });
    if (isPromised) sent.acknowledged = { at: 1, queueOffset: result.queueOffset };
    const [message] = (await broker.queryByMsgId(result.offsetMsgId)).messages;
    return { offset: message!.commitLogOffset, size: message!.storeSize };
  };
  await send('one'.padEnd(120, '.'), true);
  await send('two'.padEnd(120, '.'), true);
  const first = await send('three'.padEnd(90, '.'), false);
  const second = await send('four'.padEnd(60, '.'), false);
  machine.killAll();
  return { image: machine.disk, journal, from: first.offset, to: second.offset + second.size };
};

/** Changes the log's bytes behind the engine's back, as a power cut does. */
export const damage = (image: MemoryDisk, seed: number, change: (bytes: Buffer) => void): MemoryDisk => {
  const disk = image.clone(seed);
  const machine = new Machine(disk);
  const { fs } = machine.start('damage');
  const fd = fs.open(LOG, 'write');
  const bytes = Buffer.alloc(fs.fstat(fd).sizeBytes);
  fs.read(fd, bytes, 0, bytes.length, 0);
  change(bytes);
  fs.write(fd, bytes, 0, bytes.length, 0);
  fs.close(fd);
  machine.killAll();
  // The machine was restarted: only what was synced may be relied on, here nothing behind the open of the store.
  disk.bootId = '99999999-0000-4000-8000-000000000009';
  return disk;
};
