import fs from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../../../src/base/clock.ts';
import { nodeFileSystem } from '../../../../src/engine/files/node-file-system.ts';
import type { FileSystem } from '../../../../src/engine/files/file-system.ts';
import { IndexReader } from '../../../../src/engine/index/reader.ts';
import { IndexVerifier } from '../../../../src/engine/index/verify.ts';
import type { IndexVerification } from '../../../../src/engine/index/verify.ts';
import { IndexWriter } from '../../../../src/engine/index/writer.ts';
import { temporaryDirectory } from '../../../support/fixtures.ts';

export interface IndexedRecord {
  topic: string;
  uniqKey: string | null;
  keys: string | null;
  tags: string | null;
  commitLogOffset: number;
  storeTimestamp: number;
}

/** The records of one commit-log file in order, read with the layout table of the format alone, not with our decoder. */
export const readLogRecords = (file: string): IndexedRecord[] => {
  const bytes = fs.readFileSync(file);
  const records: IndexedRecord[] = [];
  for (let position = 0; position + 8 <= bytes.length; ) {
    const size = bytes.readInt32BE(position);
    if (size <= 0 || bytes.readUInt32BE(position + 4) !== 0xdaa320a7) break;
    const bodyEnd = position + 88 + bytes.readInt32BE(position + 84);
    const topicEnd = bodyEnd + 1 + bytes.readUInt8(bodyEnd);
    const text = bytes.toString('utf8', topicEnd + 2, topicEnd + 2 + bytes.readUInt16BE(topicEnd));
    const properties = new Map(text.split('\u0002').filter(Boolean).map((pair) => pair.split('\u0001') as [string, string]));
    const isRollback = (bytes.readInt32BE(position + 36) & 0xc) === 0xc;
    if (!isRollback) {
      records.push({
        topic: bytes.toString('utf8', bodyEnd + 1, topicEnd),
        uniqKey: properties.get('UNIQ_KEY') ?? null,
        keys: properties.get('KEYS') ?? null,
        tags: properties.get('TAGS') ?? null,
        commitLogOffset: position,
        storeTimestamp: Number(bytes.readBigInt64BE(position + 56)),
      });
    }
    position += size;
  }
  return records;
};

export const START_MS = 1_795_416_000_000;

export const fixedClock = (nowMs = START_MS): Clock & { now: number } => {
  const clock = { now: nowMs, nowMs: () => clock.now, elapsedMs: () => clock.now, repeat: () => ({ within: () => {} }), sleep: () => Promise.resolve() };
  return clock;
};

/** One record each 100 bytes and 10 ms, with a unique key, a key of its own and one that comes back every 7 records. */
export const makeRecords = (count: number, from = 0): IndexedRecord[] =>
  Array.from({ length: count }, (_, index) => {
    const number = from + index;
    return {
      topic: number % 3 === 0 ? 'Orders' : 'Payments',
      uniqKey: `ID${number}`,
      keys: `order-${number} cust-${number % 7}`,
      tags: number % 2 === 0 ? 'even' : null,
      commitLogOffset: number * 100,
      storeTimestamp: START_MS + number * 10,
    };
  });

export const SLOTS = 50;

export interface TestIndex {
  readonly root: string;
  readonly directory: string;
  readonly quarantine: string;
  readonly clock: Clock & { now: number };
  writer(fileSystem?: FileSystem): IndexWriter;
  reader(fileSystem?: FileSystem): IndexReader;
  verify(records: readonly IndexedRecord[], logMinOffset?: number): IndexVerification;
  names(): string[];
  path(index: number): string;
}

/** A small index in a fresh directory: 50 slots, `maxIndexCount` 40 unless told. */
export const testIndex = (maxIndexCount = 40): TestIndex => {
  const root = temporaryDirectory('index');
  const place = join(root, 'index');
  const clock = fixedClock();
  const geometry = { slotCount: SLOTS, maxIndexCount };
  const names = (): string[] => (fs.existsSync(place) ? fs.readdirSync(place).sort() : []);
  return {
    root,
    directory: place,
    quarantine: join(root, 'quarantine'),
    clock,
    writer: (fileSystem = nodeFileSystem) =>
      IndexWriter.open({
        fs: fileSystem, directory: place, tempDirectory: join(root, 'tmp'), quarantineDirectory: join(root, 'quarantine'), clock,
        ...geometry,
      }),
    reader: (fileSystem = nodeFileSystem) => new IndexReader({ fs: fileSystem, directory: place, ...geometry }),
    verify: (records, logMinOffset = 0) => {
      const verifier = new IndexVerifier({ fs: nodeFileSystem, directory: place, logMinOffset, ...geometry });
      for (const record of records) {
        verifier.record(record.topic, record.uniqKey, record.keys, record.commitLogOffset, record.storeTimestamp, record.tags);
      }
      return verifier.finish();
    },
    names,
    path: (index) => join(place, names()[index]!),
  };
};

export const putAll = (writer: IndexWriter, records: readonly IndexedRecord[]): void => {
  for (const record of records) {
    writer.put(record.topic, record.uniqKey, record.keys, record.commitLogOffset, record.storeTimestamp, record.tags);
  }
};

/** Every key of every record must lead to it; returns what doesn't. */
export const unfindable = (reader: IndexReader, records: readonly IndexedRecord[]): string[] => {
  const missing: string[] = [];
  for (const { topic, uniqKey, keys, tags, commitLogOffset } of records) {
    for (const key of [uniqKey, ...(keys ?? '').split(' '), tags && `T#${tags}`]) {
      if (key === null || key === '') continue;
      const { commitLogOffsets } = reader.query({ topic, key, maxResults: 10_000 });
      if (!commitLogOffsets.includes(commitLogOffset)) missing.push(`${topic}#${key} @${commitLogOffset}`);
    }
  }
  return missing;
};

/** Flips one bit of a file. */
export const flipBit = (file: string, position: number, bit = 0): void => {
  const bytes = fs.readFileSync(file);
  bytes[position] = bytes[position]! ^ (1 << bit);
  fs.writeFileSync(file, bytes);
};

export class Crash extends Error {}

/** Lets `allowed` operations that change something pass, then throws at each further one. `onOperation` runs before each. */
export const limitedFileSystem = (allowed: number, onOperation: () => void = () => undefined): FileSystem & { count: number } => {
  const limited = { ...nodeFileSystem, count: 0 };
  const guard = <A extends unknown[], R>(operation: (...args: A) => R) => (...args: A): R => {
    onOperation();
    if (limited.count >= allowed) throw new Crash();
    limited.count++;
    return operation(...args);
  };
  limited.write = guard(nodeFileSystem.write);
  limited.truncate = guard(nodeFileSystem.truncate);
  limited.rename = guard(nodeFileSystem.rename);
  limited.unlink = guard(nodeFileSystem.unlink);
  const open = guard(nodeFileSystem.open);
  limited.open = (path, mode) => (mode === 'create' ? open(path, mode) : nodeFileSystem.open(path, mode));
  return limited;
};
