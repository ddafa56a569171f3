import { describe, expect, it } from 'vitest';
import { listSegments } from '../../src/engine/commit-log/log-directory.ts';
import type { FileSystem } from '../../src/engine/files/file-system.ts';
import type { IndexHeader } from '../../src/engine/index/layout.ts';
import { readIndexHeader } from '../../src/engine/index/open-file.ts';
import { readCheckpoint } from '../../src/engine/state/checkpoint.ts';
import { storePaths } from '../../src/engine/store-paths.ts';
import { pick, record, Report } from '../support/fault/faults.ts';
import { Machine, STORE } from '../support/fault/machine.ts';
import type { MemoryDisk } from '../support/fault/memory-disk.ts';
import { INDEX_ENTRIES, newMachine, openBroker } from '../support/fault/workload.ts';
import type { Port } from '../support/fault/workload.ts';

const MARGIN_MS = 3000;
const STORE_TIMESTAMP_V4 = 56;
const paths = storePaths(STORE);

const indexHeaders = (fs: FileSystem): [name: string, header: IndexHeader][] =>
  (fs.list(paths.index) ?? []).map((name) => {
    const fd = fs.open(`${paths.index}/${name}`, 'read');
    const header = readIndexHeader(fs, fd);
    fs.close(fd);
    return [name, header];
  });

/** Where a broker that found `abort` would begin to scan the log, and which index files it would delete first. */
const brokerPlan = (fs: FileSystem, rule: 'timestamps' | 'offset'): { start: number; deletedFrom: number } => {
  const { checkpoint } = readCheckpoint(fs, paths.checkpoint);
  const files = listSegments(fs, paths.commitLog);
  let start = files[0]?.baseOffset ?? 0;
  for (const file of files.slice(1)) {
    const fd = fs.open(file.path, 'read');
    const head = Buffer.alloc(64);
    fs.read(fd, head, 0, 64, 0);
    fs.close(fd);
    if (head.readUInt32BE(4) !== 0xdaa320a7) continue;
    const storeTimestamp = Number(head.readBigInt64BE(STORE_TIMESTAMP_V4));
    // [ConsumeQueueStore#isMappedFileMatchedRecover]: until 5.4 and, without a logicsPhysicalOffset, in 5.5
    const byTime = rule === 'timestamps' ? storeTimestamp <= Math.min(checkpoint.physicMsgTimestamp, checkpoint.logicsMsgTimestamp) - MARGIN_MS
      : storeTimestamp <= checkpoint.logicsMsgTimestamp;
    const matches = rule === 'offset' && checkpoint.logicsPhysicalOffset > 0 ? file.baseOffset <= checkpoint.logicsPhysicalOffset : byTime;
    if (matches) start = file.baseOffset;
  }
  let deletedFrom = Infinity;
  for (const [, header] of indexHeaders(fs)) {
    // [IndexService#load]
    if (header.endTimestamp > checkpoint.indexMsgTimestamp) deletedFrom = Math.min(deletedFrom, header.beginCommitLogOffset);
  }
  return { start, deletedFrom };
};

const check = (disk: MemoryDisk): string[] => {
  const { fs } = new Machine(disk).start('broker');
  if (fs.stat(paths.abort) === null) return [];
  return (['timestamps', 'offset'] as const).flatMap((rule) => {
    const { start, deletedFrom } = brokerPlan(fs, rule);
    return deletedFrom < start ? [`by ${rule} a broker would delete keys from ${deletedFrom} on and index again only from ${start}`] : [];
  });
};

describe('P13: a broker that starts after a kill finds every key again', () => {
  it.each(['async', 'sync'] as const)('flush %s: it begins at or before the first record of each index file that it deletes', async (flush) => {
    const { operations } = await record(flush, null);
    const { images } = await record(flush, new Set(pick(operations, operations, 13)));
    const killed = new Report();
    const cut = new Report();
    for (const [at, image] of images) {
      killed.add(`operation ${at}`, check(image));
      cut.add(`operation ${at}`, check(image.powerCut(at)));
    }
    expect(killed.failures, killed.text).toBe(0);
    expect(cut.failures, cut.text).toBe(0);
  });

  it('one that is refused a moment later finds no file to go on with beside the writer that has it open', async () => {
    const machine = await newMachine(1);
    let now = machine.clock.nowMs();
    machine.clock.nowMs = () => now;
    const broker = await openBroker(machine, machine.start('writer'), 'async');
    const send = (keys: readonly string[]): Promise<unknown> =>
      broker.sendBatch(keys.map((key) => ({ topic: 'T', queueId: 0, body: Buffer.from(key), keys: [key] })));
    const unfinished = (): string[] => {
      const { fs } = new Machine(machine.disk).start('broker');
      const { checkpoint } = readCheckpoint(fs, paths.checkpoint);
      return indexHeaders(fs).flatMap(([name, { endTimestamp, indexCount }]) => (endTimestamp <= checkpoint.indexMsgTimestamp && indexCount < INDEX_ENTRIES ? [name] : []));
    };
    // Two entries each, all of one millisecond: they fill two files, and the others are the first of the next.
    await send(Array.from({ length: INDEX_ENTRIES }, (_, index) => `k${index}`));
    await send(['last']);
    for (let round = 0; round < 4; round++) {
      await machine.clock.tick();
      expect(unfinished()).toEqual([]);
    }
    now++;
    await send(['later']);
    for (let round = 0; round < 4; round++) await machine.clock.tick();
    const { fs } = new Machine(machine.disk).start('broker');
    expect(indexHeaders(fs).map(([, { indexCount }]) => indexCount)).toEqual([INDEX_ENTRIES, INDEX_ENTRIES, 7]);
    expect(unfinished()).toEqual([]);
    machine.killAll();
  });

  it.each([['the sound one', false], ['one that leaves the checkpoint of the close beside `abort`', true]] as const)('of two engines, %s', async (_name, isStale) => {
    const machine = await newMachine(1);
    const first = await openBroker(machine, machine.start('first'), 'async');
    for (let count = 0; count < 8; count++) await first.send({ topic: 'T', queueId: 0, body: Buffer.alloc(3000, count), keys: [`key${count}`] });
    await first.close();
    const second = machine.start('second');
    const loses: Port = (real) => {
      let checkpointFd = -1;
      return {
        ...real,
        open: (file, mode) => {
          const fd = real.open(file, mode);
          if (file === paths.checkpoint && mode === 'write') checkpointFd = fd;
          return fd;
        },
        write: (fd, source, sourceOffset, length, position) => {
          if (fd !== checkpointFd) real.write(fd, source, sourceOffset, length, position);
        },
      };
    };
    await openBroker(machine, second, 'async', isStale ? loses : undefined);
    machine.killAll();
    const problems = check(machine.disk);
    if (isStale) expect(problems.join()).toMatch(/by offset a broker would delete keys from 0 on and index again only from 24576/);
    else expect(problems).toEqual([]);
  });
});
