import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeFileSystem } from '../../../../src/engine/files/node-file-system.ts';
import { abortExists, createAbort, readAbortPid, removeAbort } from '../../../../src/engine/state/abort.ts';
import { CheckpointFile, decodeCheckpoint, readCheckpoint, ZERO_CHECKPOINT } from '../../../../src/engine/state/checkpoint.ts';
import { decodeEngineState, EngineStateFile, readBootId } from '../../../../src/engine/state/engine-state.ts';
import { inferIndexGeometry } from '../../../../src/engine/state/index-geometry.ts';
import { DEFAULT_IDENTITY, brokerConfLines, readIdentity, writeIdentity } from '../../../../src/engine/state/store-identity.ts';
import { detectStoreKind } from '../../../../src/engine/state/store-kind.ts';
import { storePaths } from '../../../../src/engine/store-paths.ts';
import { temporaryDirectory, unpackFixture } from '../../../support/fixtures.ts';

const CHECKPOINT = { ...ZERO_CHECKPOINT, physicMsgTimestamp: 1795416940000, logicsPhysicalOffset: 2 ** 40 + 1 };

describe('checkpoint', () => {
  it('missing, short, zero and implausible files are zeros by name', () => {
    const directory = temporaryDirectory();
    const file = path.join(directory, 'checkpoint');
    expect(readCheckpoint(nodeFileSystem, file)).toEqual({ checkpoint: ZERO_CHECKPOINT, case: 'missing' });
    expect(decodeCheckpoint(Buffer.alloc(40, 1))).toEqual({ checkpoint: ZERO_CHECKPOINT, case: 'short' });
    expect(decodeCheckpoint(Buffer.alloc(4096))).toEqual({ checkpoint: ZERO_CHECKPOINT, case: 'zeros' });
    expect(decodeCheckpoint(Buffer.alloc(4096, 0xff))).toEqual({ checkpoint: ZERO_CHECKPOINT, case: 'implausible' });
    expect(decodeCheckpoint(Buffer.alloc(4096, 0x7f)).case).toBe('implausible');
  });

  it('is written in place, keeps what follows the known fields, and comes back when removed or replaced', () => {
    const directory = temporaryDirectory();
    const file = path.join(directory, 'checkpoint');
    fs.writeFileSync(file, Buffer.alloc(4096, 0x55));
    const inode = fs.statSync(file).ino;
    const checkpoint = new CheckpointFile(nodeFileSystem, file, directory);
    checkpoint.write(CHECKPOINT, { sync: true });
    expect(fs.statSync(file).ino).toBe(inode);
    expect(fs.readFileSync(file).subarray(48).equals(Buffer.alloc(4048, 0x55))).toBe(true);
    fs.unlinkSync(file);
    checkpoint.write(CHECKPOINT, { sync: false });
    expect(readCheckpoint(nodeFileSystem, file)).toEqual({ checkpoint: CHECKPOINT, case: 'ok' });
    checkpoint.write(CHECKPOINT, { sync: false });
    fs.writeFileSync(`${file}.other`, Buffer.alloc(4096));
    fs.renameSync(`${file}.other`, file);
    checkpoint.write({ ...CHECKPOINT, confirmPhyOffset: 9 }, { sync: false });
    expect(readCheckpoint(nodeFileSystem, file).checkpoint.confirmPhyOffset).toBe(9);
    expect(fs.statSync(file).size).toBe(4096);
    checkpoint.close();
  });
});

it('abort holds the pid, may be written twice, and removing it twice is fine', () => {
  const directory = temporaryDirectory();
  const file = path.join(directory, 'abort');
  createAbort(nodeFileSystem, file, 4711, directory);
  createAbort(nodeFileSystem, file, 4712, directory);
  expect([abortExists(nodeFileSystem, file), readAbortPid(nodeFileSystem, file)]).toEqual([true, 4712]);
  expect(fs.readFileSync(file, 'latin1')).toBe('4712');
  fs.writeFileSync(file, 'what');
  expect(readAbortPid(nodeFileSystem, file)).toBeNull();
  removeAbort(nodeFileSystem, file);
  removeAbort(nodeFileSystem, file);
  expect(abortExists(nodeFileSystem, file)).toBe(false);
});

describe('engine state', () => {
  const make = (): { file: string; state: EngineStateFile } => {
    const directory = temporaryDirectory();
    const file = path.join(directory, 'mqlite', 'state');
    return { file, state: EngineStateFile.open(nodeFileSystem, file, 'write', path.join(directory, 'mqlite', 'tmp'))! };
  };
  const VALUES = {
    committedTail: 2 ** 45 + 3, syncedTail: 2 ** 33, plannedEnd: 2 ** 46, lastStoreTimestamp: 1795416940000, status: 'live',
    batchOpen: true, resetGeneration: 7, topicsGeneration: 4_000_000_000, indexSyncedCount: 5, indexSyncedOffset: 2 ** 52,
    bootId: '0123456789abcdef0123456789abcdef', writerPid: 4_194_304,
  } as const;

  it('every field comes back; another opener sees the change once', () => {
    const { file, state } = make();
    expect(state.read()).toBe('invalid');
    Object.assign(state.state, VALUES);
    state.write();
    const reader = EngineStateFile.open(nodeFileSystem, file, 'read', '')!;
    expect(reader.read()).toBe('changed');
    expect(reader.state).toEqual({ ...VALUES, generation: 1 });
    expect([reader.read(), state.read()]).toEqual(['unchanged', 'unchanged']);
    expect(fs.statSync(file).size).toBe(512);
    expect(EngineStateFile.open(nodeFileSystem, `${file}.none`, 'read', '')).toBeNull();
    reader.close();
    state.close();
  });

  it('a write torn at any byte leaves the state before it or is the new one', () => {
    const { file, state } = make();
    state.state.committedTail = 111;
    state.write();
    state.write();
    const before = fs.readFileSync(file);
    Object.assign(state.state, VALUES);
    state.write();
    const after = fs.readFileSync(file);
    for (let cut = 0; cut <= 512; cut += 1) {
      const torn = Buffer.concat([after.subarray(0, cut), before.subarray(cut)]);
      const decoded = decodeEngineState(torn)!;
      expect([[2, 111], [3, VALUES.committedTail]]).toContainEqual([decoded.generation, decoded.committedTail]);
      const backwards = decodeEngineState(Buffer.concat([before.subarray(0, cut), after.subarray(cut)]))!;
      expect([[2, 111], [3, VALUES.committedTail]]).toContainEqual([backwards.generation, backwards.committedTail]);
    }
    state.close();
  });

  it('a flipped bit in the newest slot is noticed', () => {
    const { file, state } = make();
    Object.assign(state.state, VALUES);
    state.write();
    const bytes = fs.readFileSync(file);
    for (let bit = 0; bit < 96 * 8; bit += 1) {
      const flipped = Buffer.from(bytes);
      flipped[256 + (bit >> 3)]! ^= 1 << (bit & 7);
      expect(decodeEngineState(flipped), `bit ${bit}`).toBeNull();
    }
    expect(decodeEngineState(bytes.subarray(0, 300))).toBeNull();
    state.close();
  });

  it('reads this machine\'s boot id', () => {
    expect(readBootId(nodeFileSystem)).toMatch(process.platform === 'linux' ? /^(?!0{32})[0-9a-f]{32}$/ : /^0{32}$/);
  });
});

describe('identity file', () => {
  it('is kept with unknown fields and its creation time, and read back', () => {
    const directory = temporaryDirectory();
    const file = path.join(directory, 'store.json');
    expect(readIdentity(nodeFileSystem, file)).toBeNull();
    writeIdentity(nodeFileSystem, file, DEFAULT_IDENTITY, { tempDirectory: directory, nowMs: 5 });
    fs.writeFileSync(file, JSON.stringify({ ...(JSON.parse(fs.readFileSync(file, 'utf8')) as object), future: 1 }));
    writeIdentity(nodeFileSystem, file, { ...DEFAULT_IDENTITY, propertyCrc: true }, { tempDirectory: directory, nowMs: 6 });
    expect(JSON.parse(fs.readFileSync(file, 'utf8'))).toMatchObject({ formatVersion: 1, createdAt: 5, future: 1, propertyCrc: true });
    expect(readIdentity(nodeFileSystem, file)).toEqual({ ...DEFAULT_IDENTITY, propertyCrc: true });
  });

  it.each([
    ['{"formatVersion":2}', 'formatVersion 2 is newer'],
    ['{"segmentSizeBytes":0}', 'segmentSizeBytes cannot be 0'],
    ['{"consumeQueueFileSizeBytes":30}', 'consumeQueueFileSizeBytes cannot be 30'],
    ['{"storeHost":"nowhere"}', 'storeHost cannot be "nowhere"'],
    ['[', 'line 1, column 2'],
    ['[]', 'not a JSON object'],
  ])('%s is refused', (text, message) => {
    const file = path.join(temporaryDirectory(), 'store.json');
    fs.writeFileSync(file, text);
    expect(() => readIdentity(nodeFileSystem, file)).toThrow(message);
  });

  it('tells a broker how to boot the store', () => {
    const lines = brokerConfLines({ ...DEFAULT_IDENTITY, storeHost: '[::1]:10911', propertyCrc: true }, '/s', '/s/commitlog');
    for (const line of [
      'brokerIP1=::1', 'listenPort=10911', 'mappedFileSizeCommitLog=1073741824', 'maxHashSlotNum=5000000', 'enabledAppendPropCRC=true',
    ]) expect(lines).toContain(line);
  });
});

describe('index geometry', () => {
  const copy = (): string => {
    const directory = path.join(unpackFixture('killed'), 'index');
    return path.join(directory, fs.readdirSync(directory)[0]!);
  };

  it('is found from the broker\'s file, and not from one that holds nothing or does not fit', () => {
    const file = copy();
    expect(inferIndexGeometry(nodeFileSystem, file)).toEqual({ slotCount: 1000, maxCount: 4000 });
    const bytes = fs.readFileSync(file);
    bytes.writeInt32BE(1, 36);
    fs.writeFileSync(file, bytes);
    expect(inferIndexGeometry(nodeFileSystem, file)).toBeNull();
    fs.writeFileSync(file, Buffer.alloc(84040));
    expect(inferIndexGeometry(nodeFileSystem, file)).toBeNull();
    fs.writeFileSync(file, '');
    expect(inferIndexGeometry(nodeFileSystem, file)).toBeNull();
  });

  it('takes an entry that a killed broker wrote but did not count yet, and no file with a broken chain', () => {
    const file = copy();
    const bytes = fs.readFileSync(file);
    const count = bytes.readInt32BE(36);
    bytes.writeInt32BE(count - 1, 36);
    fs.writeFileSync(file, bytes);
    expect(inferIndexGeometry(nodeFileSystem, file)).toEqual({ slotCount: 1000, maxCount: 4000 });
    bytes.writeInt32BE(count, 36);
    bytes.writeInt32BE(400, 40 + 4000 + 3 * 20 + 16);
    fs.writeFileSync(file, bytes);
    expect(inferIndexGeometry(nodeFileSystem, file)).toBeNull();
  });
});

describe('store kind', () => {
  const lay = (...files: string[]): ReturnType<typeof storePaths> => {
    const root = temporaryDirectory();
    for (const file of files) {
      fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
      if (!file.endsWith('/')) fs.writeFileSync(path.join(root, file), 'x');
      else fs.mkdirSync(path.join(root, file), { recursive: true });
    }
    return storePaths(root);
  };
  const kind = (...files: string[]): string => {
    try {
      return detectStoreKind(nodeFileSystem, lay(...files)).writeRefusal?.code ?? 'fine';
    } catch (error) {
      return `thrown ${(error as { code: string }).code}`;
    }
  };

  it.each([
    ['a file store', ['commitlog/', 'consumequeue/t/0/x'], 'fine'],
    ['a file store beside 5.5.0\'s rocksdbstore', ['commitlog/', 'rocksdbstore/CURRENT', 'consumequeue/'], 'fine'],
    ['nothing', [], 'thrown STORE_NOT_FOUND'],
    ['somebody\'s home', ['Documents/', 'notes.txt'], 'thrown STORE_NOT_FOUND'],
    ['RocksDB queues', ['commitlog/', 'consumequeue/CURRENT', 'consumequeue/MANIFEST-000004'], 'thrown WRONG_KIND'],
    ['both kinds of queues', ['commitlog/', 'consumequeue/CURRENT', 'consumequeue/t/0/x'], 'WRONG_KIND'],
    ['metadata in RocksDB', ['commitlog/', 'config/topics/CURRENT'], 'WRONG_KIND'],
    ['a topic called CURRENT', ['commitlog/', 'consumequeue/CURRENT/0/x'], 'fine'],
  ])('%s', (_, files, expected) => {
    expect(kind(...files)).toBe(expected);
  });
});
