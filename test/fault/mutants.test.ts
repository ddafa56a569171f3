import { describe, expect, it } from 'vitest';
import type { FileSystem } from '../../src/engine/files/file-system.ts';
import { checkStore, journalUntil, operationsOf, pick, record, Report } from '../support/fault/faults.ts';
import type { Recording } from '../support/fault/faults.ts';
import { STORE } from '../support/fault/machine.ts';
import type { Problems } from '../support/fault/oracle.ts';
import type { Flush, Port } from '../support/fault/workload.ts';

/**
 * The suite must see what it is there for: each of these engines, broken by a port in front of the disk, makes an oracle
 * fail that the sound engine passes.
 */
interface Mutant {
  readonly name: string;
  readonly flush: Flush;
  readonly port: Port;
  readonly powerCut: boolean;
  /** Operations after which it is killed. */
  readonly points?: number;
}

const BLANK_MAGIC = 0xcbd43194;

const pathsOf = (fs: FileSystem): { fs: FileSystem; path: (fd: number) => string } => {
  const paths = new Map<number, string>();
  const open: FileSystem['open'] = (file, mode) => {
    const fd = fs.open(file, mode);
    paths.set(fd, file);
    return fd;
  };
  // Files get their names by a rename; what was opened under the old one is meant by the new one.
  const rename: FileSystem['rename'] = (from, to) => {
    fs.rename(from, to);
    for (const [fd, file] of paths) if (file === from) paths.set(fd, to);
  };
  return { fs: { ...fs, open, rename }, path: (fd) => paths.get(fd) ?? '' };
};

const withoutSync: Port = (fs) => ({ ...fs, dataSync: () => {}, dataSyncAsync: () => Promise.resolve() });

const withoutDirectorySync: Port = (fs) => ({ ...fs, syncDirectory: () => {} });

const withoutBlank: Port = (real) => ({
  ...real,
  write: (fd, source, sourceOffset, length, position) => {
    if (length === 8 && Buffer.from(source).readUInt32BE(sourceOffset + 4) === BLANK_MAGIC) return;
    real.write(fd, source, sourceOffset, length, position);
  },
});

/** A close that says "all is well" before the last syncs, and a power cut that believes it. */
const abortRemovedEarly: Port = (real) => ({
  ...real,
  syncDirectory: (directory) => {
    real.syncDirectory(directory);
    if (directory === STORE && real.stat(`${STORE}/abort`) !== null) {
      real.unlink(`${STORE}/abort`);
      real.syncDirectory(STORE);
    }
  },
});

/** The committed tail moves, but the records never reach the log. */
const stateBeforeData: Port = (real) => {
  const { fs, path } = pathsOf(real);
  let held: (() => void) | null = null;
  return {
    ...fs,
    write: (fd, source, sourceOffset, length, position) => {
      const file = path(fd);
      if (file.includes('/commitlog/') && held === null) {
        const bytes = Buffer.from(source.slice(sourceOffset, sourceOffset + length));
        held = () => fs.write(fd, bytes, 0, bytes.length, position);
        return;
      }
      fs.write(fd, source, sourceOffset, length, position);
      if (!file.endsWith('/mqlite/state') || held === null || (source[sourceOffset + 49] ?? 0) === 1) return;
      const late = held;
      held = null;
      late();
    },
  };
};

const MUTANTS: readonly Mutant[] = [
  { name: 'no fsync in sync mode', flush: 'sync', port: withoutSync, powerCut: true },
  { name: 'no fsync of directories', flush: 'sync', port: withoutDirectorySync, powerCut: true },
  { name: 'no blank at the end of a log file', flush: 'async', port: withoutBlank, powerCut: false },
  { name: 'abort removed early', flush: 'async', port: abortRemovedEarly, powerCut: false },
  // One operation of a batch shows it: it takes more points to hit one.
  { name: 'state written before data', flush: 'async', port: stateBeforeData, powerCut: false, points: 80 },
];

/** Under kill, `abort` must be there whenever something was written that is not complete: else a broker takes the store for closed. */
const abortIsMissing = (has: (file: string) => boolean, isOpen: boolean): Problems => (isOpen && !has(`${STORE}/abort`) ? ['the store is open without abort'] : []);

/** `count` of them, evenly. */
const spread = (all: readonly number[], count: number): number[] =>
  Array.from({ length: Math.min(count, all.length) }, (_, index) => all[Math.floor((index * all.length) / count)]!);

/** Whatever the sample hits, these are tried: right after an acknowledgement, and inside what is written next after the state. */
const decisive = ({ run, calls }: Recording): Set<number> => {
  const acknowledged = run.journal.messages.flatMap((message) => (message.acknowledged === null ? [] : [message.acknowledged.at + 1]));
  const writesAfterState = operationsOf(calls, ({ operation }) => operation === 'write')
    .filter((number) => calls[number - 2]?.operation === 'write' && calls[number - 2]!.file.endsWith('/mqlite/state'));
  return new Set([...spread([...new Set(acknowledged)], 10), ...spread(writesAfterState, 25)]);
};

const failures = async (flush: Flush, port: Port | undefined, powerCut: boolean, points = 40): Promise<Report> => {
  const recording = await record(flush, null, port);
  const always = decisive(recording);
  const { run, images } = await record(flush, new Set([...pick(recording.operations, points, 11), ...always]), port);
  const report = new Report();
  for (const [at, image] of images) {
    const journal = journalUntil(run.journal, at);
    // Between the first acknowledgement and the first close somebody always has the store open.
    const isOpen = journal.messages.length > 0 && journal.messages.length < 30;
    const marks = abortIsMissing((file) => image.find(file) !== null, isOpen);
    const left = powerCut ? image.powerCut(at, always.has(at) ? 1 : undefined) : image;
    report.add(`operation ${at}`, [...marks, ...await checkStore(left, journal, { promised: powerCut ? 'messages' : 'everything' })]);
  }
  return report;
};

describe('a broken engine is caught', () => {
  it.each(MUTANTS)('$name', async ({ flush, port, powerCut, points }) => {
    const report = await failures(flush, port, powerCut, points);
    expect(report.failures, report.text).toBeGreaterThan(0);
  });

  it.each([['async', false], ['sync', true]] as const)('and the sound one is not (flush %s, power cut %s)', async (flush, powerCut) => {
    const report = await failures(flush, undefined, powerCut);
    expect(report.failures, report.text).toBe(0);
  });
});
