import fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeFileSystem } from '../../../../src/engine/files/node-file-system.ts';
import { classifyIndexFile, INDEX_CASES } from '../../../../src/engine/index/cases.ts';
import type { IndexCase, IndexFileFacts } from '../../../../src/engine/index/cases.ts';
import { recoverIndex } from '../../../../src/engine/index/recover.ts';
import type { IndexRecovery, IndexRecoveryOptions } from '../../../../src/engine/index/recover.ts';
import { Crash, flipBit, limitedFileSystem, makeRecords, putAll, SLOTS, START_MS, testIndex, unfindable } from './support.ts';
import type { IndexedRecord, TestIndex } from './support.ts';

const ENTRIES = 40 + SLOTS * 4;
const MAX = 200;
const FILE_SIZE = ENTRIES + MAX * 20;

const recover = (index: TestIndex, options: Partial<IndexRecoveryOptions> = {}): IndexRecovery =>
  recoverIndex({
    fs: nodeFileSystem, directory: index.directory, quarantineDirectory: index.quarantine, slotCount: SLOTS, maxIndexCount: MAX,
    endOfLog: 1_000_000, scan: 'all', storeTimestampAt: (offset) => START_MS + offset / 10, ...options,
  });

const build = (records: readonly IndexedRecord[]): TestIndex => {
  const index = testIndex(MAX);
  const writer = index.writer();
  putAll(writer, records);
  writer.close();
  return index;
};

/** What an engine does next: index the log from there on, up to `end`; then everything must be right. */
const reindex = (index: TestIndex, records: readonly IndexedRecord[], reindexFrom: number): void => {
  const writer = index.writer();
  putAll(writer, records.filter((record) => record.commitLogOffset >= reindexFrom));
  writer.close();
  expect(index.verify(records)).toMatchObject({ problems: [], recordsBeforeIndex: 0, recordsBehindIndex: 0 });
  expect(unfindable(index.reader(), records)).toEqual([]);
};

describe('the table of cases', () => {
  const values: { [K in keyof IndexFileFacts]: readonly IndexFileFacts[K][] } = {
    nameKind: ['index', 'numeric', 'other'], isDirectory: [false, true], afterGap: [false, true], size: ['exact', 'short', 'long'],
    count: ['positive', 'zeroHeader', 'notPositive', 'beyondMax'], beginKnown: [true, false], entries: ['some', 'noneUsable', 'none'],
    cut: ['no', 'beyondLog', 'invalid', 'untrusted'], unlisted: [false, true], slots: ['equal', 'outOfRange', 'differ'],
    chain: ['equal', 'loop', 'differ'], headerEqual: [true, false],
  };

  it('has an answer for everything, keeps only what is sound, and each case can occur', () => {
    let all: Record<string, unknown>[] = [{}];
    for (const [field, choices] of Object.entries(values)) {
      all = all.flatMap((facts) => choices.map((choice) => ({ ...facts, [field]: choice })));
    }
    const seen = new Set<IndexCase>();
    for (const combination of all) {
      const facts = combination as unknown as IndexFileFacts;
      const verdict = classifyIndexFile(facts);
      seen.add(verdict.case);
      const isSound = facts.nameKind === 'index' && !facts.isDirectory && !facts.afterGap && facts.size !== 'short' &&
        facts.count === 'positive' && facts.beginKnown && facts.entries === 'some' && facts.cut === 'no' && !facts.unlisted &&
        facts.slots === 'equal' && facts.chain === 'equal' && facts.headerEqual;
      if ((verdict.action === 'keep') !== isSound) expect.fail(`${verdict.case}: ${JSON.stringify(facts)}`);
      if (verdict.action === 'repair' && (facts.entries !== 'some' || !facts.beginKnown)) {
        expect.fail(`repairs nothing: ${JSON.stringify(facts)}`);
      }
      if ((verdict.action === 'ignore') !== (facts.nameKind === 'other')) expect.fail(`ignores: ${JSON.stringify(facts)}`);
    }
    expect([...seen].sort()).toEqual([...INDEX_CASES].sort());
  });
});

describe('recoverIndex', () => {
  const records = makeRecords(50);
  const bytesOf = (index: TestIndex): Buffer => fs.readFileSync(index.path(0));
  const change = (index: TestIndex, edit: (bytes: Buffer) => Buffer | void): void => {
    const bytes = bytesOf(index);
    fs.writeFileSync(index.path(0), edit(bytes) ?? bytes);
  };

  const DAMAGES: readonly [IndexCase, number, (bytes: Buffer) => Buffer | void][] = [
    ['shortFile', 175, (bytes) => bytes.subarray(0, ENTRIES + 176 * 20)],
    ['headerAheadOfEntries', 148, (bytes) => bytes.subarray(0, ENTRIES + 150 * 20)],
    ['longFile', 175, (bytes) => Buffer.concat([bytes, Buffer.alloc(100)])],
    ['sound', 175, () => undefined],
    ['zeroHeader', 174, (bytes) => void bytes.fill(0, 0, 40)],
    ['countNotPositive', 174, (bytes) => void bytes.writeInt32BE(0, 36)],
    ['countNotPositive', 174, (bytes) => void bytes.writeInt32BE(-5, 36)],
    ['countBeyondMax', 174, (bytes) => void bytes.writeInt32BE(MAX + 1, 36)],
    ['slotOutOfRange', 175, (bytes) => void bytes.writeInt32BE(MAX + 7, 40 + 3 * 4)],
    ['slotOutOfRange', 175, (bytes) => void bytes.writeInt32BE(-1, 40 + 3 * 4)],
    ['slotsOrChainDiffer', 175, (bytes) => void bytes.fill(0, 40, ENTRIES)],
    ['chainLoop', 175, (bytes) => void bytes.writeInt32BE(90, ENTRIES + 90 * 20 + 16)],
    ['headerAheadOfEntries', 98, (bytes) => void bytes.fill(0, ENTRIES + 100 * 20, ENTRIES + 120 * 20)],
    ['headerAheadOfEntries', 98, (bytes) => void bytes.writeInt32BE(-1, ENTRIES + 100 * 20)],
    // An offset that is too high shows only at the next entry, one that is too low at once.
    ['headerAheadOfEntries', 99, (bytes) => void bytes.writeInt32BE(50_000, ENTRIES + 100 * 20 + 8)],
    ['entryBeyondLog', 99, (bytes) => void bytes.writeInt32BE(1, ENTRIES + 100 * 20 + 4)],
    ['headerAheadOfEntries', 174, (bytes) => void bytes.writeInt32BE(50_000, ENTRIES + 175 * 20 + 8)],
    ['headerBehindEntries', 170, (bytes) => {
      bytes.writeInt32BE(171, 36);
      bytes.writeBigInt64BE(bytes.readBigInt64BE(ENTRIES + 170 * 20 + 4), 24);
    }],
    ['headerDiffers', 175, (bytes) => void bytes.writeInt32BE(1, 32)],
    ['headerDiffers', 175, (bytes) => void bytes.writeBigInt64BE(1n, 0)],
    ['headerDiffers', 175, (bytes) => void bytes.writeBigInt64BE(1n, 8)],
  ];

  it.each(DAMAGES)('%s: keeps %d keys, and the log makes it whole again', (expected, kept, damage) => {
    const index = build(records);
    const pristine = bytesOf(index);
    change(index, damage);
    const damaged = bytesOf(index);
    const planned = recover(index, { dryRun: true });
    expect(bytesOf(index).equals(damaged)).toBe(true);
    const recovery = recover(index);
    expect(recovery).toEqual(planned);
    expect(recovery.files).toMatchObject([{ case: expected, keysKept: kept }]);
    expect(recover(index).files).toMatchObject([{ case: expected === 'longFile' ? 'longFile' : 'sound', keysKept: kept }]);
    reindex(index, records, recovery.reindexFrom);
    expect(bytesOf(index).subarray(0, FILE_SIZE).equals(pristine)).toBe(true);
  });

  it.each(DAMAGES)('%s: a crash at any step of the repair changes nothing in the end', (_case, _kept, damage) => {
    for (let allowed = 0; ; allowed++) {
      const index = build(records);
      change(index, damage);
      let done = true;
      try {
        recover(index, { fs: limitedFileSystem(allowed) });
      } catch (error) {
        expect(error).toBeInstanceOf(Crash);
        done = false;
      }
      reindex(index, records, recover(index).reindexFrom);
      if (done) break;
    }
  });

  it('drops what lies beyond the end of the log, files included', () => {
    const many = makeRecords(130);
    for (const count of [0, 1, 30, 58, 59, 60, 100, 129, 130]) {
      const index = build(many);
      const recovery = recover(index, { endOfLog: count * 100, scan: 'newest' });
      reindex(index, many.slice(0, count), recovery.reindexFrom);
      if (count === 0) expect(index.names()).toEqual([]);
    }
  });

  it('moves later files away when one in the middle lost keys, so that all keys come back', () => {
    const many = makeRecords(180);
    const index = build(many);
    expect(index.names()).toHaveLength(4);
    change(index, (bytes) => void bytes.fill(0, ENTRIES + 50 * 20, ENTRIES + 60 * 20));
    const recovery = recover(index);
    expect(recovery.files.map((file) => file.case)).toEqual(['headerAheadOfEntries', 'afterGap', 'afterGap', 'afterGap']);
    expect(fs.readdirSync(index.quarantine)).toHaveLength(3);
    reindex(index, many, recovery.reindexFrom);
  });

  it('reads only the newest file whole when a process died', () => {
    const many = makeRecords(180);
    const index = build(many);
    flipBit(index.path(0), ENTRIES + 300);
    expect(recover(index, { scan: 'newest' }).files.map((file) => file.case)).toEqual(['sound', 'sound', 'sound', 'sound']);
    expect(recover(index, { scan: 'all' }).files[0]!.action).toBe('repair');
  });

  it('trusts entries only as far as they were synced', () => {
    const many = makeRecords(100);
    const index = build(many);
    const [first, second] = index.names() as [string, string];
    expect(recover(index, { trusted: { name: second, count: 1000 } }).files.map((file) => file.case)).toEqual(['sound', 'sound']);
    const recovery = recover(index, { trusted: { name: first, count: 60 } });
    expect(recovery.files).toMatchObject([{ case: 'untrustedEntries', keysKept: 60 }, { case: 'afterGap', action: 'quarantine' }]);
    reindex(index, many, recovery.reindexFrom);
  });

  it('moves away what holds nothing or has a name that a broker would stumble over, and leaves other names alone', () => {
    const index = build(records);
    fs.mkdirSync(join(index.directory, '20991231235959999'));
    fs.writeFileSync(join(index.directory, '20981231235959999'), Buffer.alloc(FILE_SIZE));
    fs.writeFileSync(join(index.directory, '12345'), 'x');
    fs.writeFileSync(join(index.directory, 'README'), 'x');
    const recovery = recover(index);
    expect(Object.fromEntries(recovery.files.map((file) => [file.name, file.case]))).toMatchObject({
      '20991231235959999': 'notAFile', '20981231235959999': 'empty', '12345': 'numericName', README: 'foreignName',
    });
    expect(index.names()).toHaveLength(2);
    expect(index.names()).toContain('README');
    expect(fs.readdirSync(index.quarantine)).toHaveLength(3);
    reindex(index, records, recovery.reindexFrom);
  });

  it('takes a header that is lost from the log, or begins anew when the log can\'t say', () => {
    const index = build(records);
    change(index, (bytes) => void bytes.fill(0, 0, 40));
    const recovery = recover(index, { storeTimestampAt: undefined });
    expect(recovery).toMatchObject({ reindexFrom: 0, files: [{ case: 'unknownBeginTime', action: 'quarantine' }] });
    reindex(index, records, 0);
  });

  it('knows an empty directory', () => {
    expect(recover(testIndex(MAX))).toEqual({ reindexFrom: 0, files: [] });
  });
});
