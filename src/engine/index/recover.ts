import { join } from 'node:path';
import type { FileSystem } from '../files/file-system.ts';
import { classifyIndexFile } from './cases.ts';
import type { IndexAction, IndexCase, IndexFileFacts } from './cases.ts';
import { findUsableEntries, isEmptyEntry, readIndexEntry, rebuildTable } from './entry-scan.ts';
import { entryPosition, indexGeometry, timeDifference } from './layout.ts';
import type { IndexGeometry, IndexHeader } from './layout.ts';
import { indexNameKind, moveToQuarantine } from './names.ts';
import { readIndexHeader, writeIndexHeader } from './open-file.ts';

export interface IndexRecoveryOptions {
  readonly fs: FileSystem;
  /** `<store>/index`. */
  readonly directory: string;
  readonly quarantineDirectory: string;
  readonly slotCount?: number;
  readonly maxIndexCount?: number;
  /** Commit-log offset where the valid log ends; no entry may point there or beyond. */
  readonly endOfLog: number;
  /**
   * `newest`: only the newest file is read whole, others as far as their header raises doubts (a process died: full
   * files were complete before). `all`: every file (power was lost, or the user asked for it).
   */
  readonly scan: 'newest' | 'all';
  /** After a power loss: keys 1..count of this file, and those of older files, were synced; later ones are not trusted. */
  readonly trusted?: { readonly name: string; readonly count: number };
  /**
   * Store timestamp of the record at an offset, null when there is none. Without it a lost begin time costs the whole
   * file, and a lost end time is restored to the second only.
   */
  readonly storeTimestampAt?: (commitLogOffset: number) => number | null;
  /** Only report. */
  readonly dryRun?: boolean;
}

export interface RecoveredIndexFile {
  readonly name: string;
  readonly case: IndexCase;
  readonly action: IndexAction;
  /** Keys that the file's header counts, and keys that are kept. */
  readonly keysBefore: number;
  readonly keysKept: number;
  /** Where it was moved, null if it was not. */
  readonly movedTo: string | null;
}

export interface IndexRecovery {
  /** The log is to be indexed from the record at this offset on, that record included; 0 = from its beginning. */
  readonly reindexFrom: number;
  /** Every name in the directory, in order. */
  readonly files: readonly RecoveredIndexFile[];
}

interface Examination {
  readonly facts: IndexFileFacts;
  readonly header: IndexHeader;
  /** Keys that the header counts. */
  readonly listed: number;
  /** Number of the first entry not kept. */
  readonly end: number;
  readonly beginTimestamp: number;
  readonly endCommitLogOffset: number;
}

/**
 * Makes the index usable after an unclean end: a broker deletes its newest file there and with it all older keys of it
 * [IndexService#load]; this keeps every entry that holds and says from where the log is to be indexed again. When a
 * file in the middle loses entries, the later ones are moved away too, because keys can only be added at the end. The
 * caller owns the index and nobody else writes. Running it again after a crash in the middle leads to the same result.
 */
export const recoverIndex = (options: IndexRecoveryOptions): IndexRecovery => {
  const { fs, directory } = options;
  const geometry = indexGeometry(options.slotCount, options.maxIndexCount);
  const names = (fs.list(directory) ?? []).sort();
  const newest = names.filter((name) => indexNameKind(name) === 'index').at(-1);
  const files: RecoveredIndexFile[] = [];
  let reindexFrom = 0;
  let afterGap = false;
  for (const name of names) {
    const { recovered, endCommitLogOffset, lostKeys } = recoverFile(options, geometry, name, afterGap, name === newest);
    files.push(recovered);
    if (endCommitLogOffset !== null) reindexFrom = endCommitLogOffset;
    afterGap ||= lostKeys;
  }
  return { reindexFrom, files };
};

const recoverFile = (
  options: IndexRecoveryOptions, geometry: IndexGeometry, name: string, afterGap: boolean, isNewest: boolean,
): { recovered: RecoveredIndexFile; endCommitLogOffset: number | null; lostKeys: boolean } => {
  const { fs, directory, dryRun = false } = options;
  const path = join(directory, name);
  const nameKind = indexNameKind(name);
  const isDirectory = fs.stat(path)?.isDirectory ?? false;
  let keysBefore = 0;
  let examination: Examination | null = null;
  let verdict: { case: IndexCase; action: IndexAction };
  if (nameKind !== 'index' || isDirectory) {
    verdict = classifyIndexFile({ ...NOT_EXAMINED, nameKind, isDirectory });
  } else {
    const fd = fs.open(path, dryRun ? 'read' : 'write');
    try {
      examination = examine(options, geometry, name, fd, afterGap, isNewest);
      keysBefore = examination.listed;
      verdict = classifyIndexFile(examination.facts);
      if (verdict.action === 'repair' && !dryRun) repair(options, geometry, fd, examination);
    } finally {
      fs.close(fd);
    }
  }
  const isKept = verdict.action === 'keep' || verdict.action === 'repair';
  const keysKept = isKept && examination !== null ? examination.end - 1 : 0;
  const move = verdict.action === 'quarantine' && !dryRun;
  const movedTo = move ? moveToQuarantine(fs, directory, name, options.quarantineDirectory) : null;
  const lostKeys = examination !== null && verdict.case !== 'empty' &&
    (!isKept || keysKept < keysBefore || examination.facts.count !== 'positive');
  return {
    recovered: { name, ...verdict, keysBefore, keysKept, movedTo },
    endCommitLogOffset: isKept ? examination!.endCommitLogOffset : null,
    lostKeys,
  };
};

const NOT_EXAMINED: IndexFileFacts = {
  nameKind: 'index', isDirectory: false, afterGap: false, size: 'exact', count: 'positive', beginKnown: true, entries: 'some',
  cut: 'no', unlisted: false, slots: 'equal', chain: 'equal', headerEqual: true,
};

const examine = (
  options: IndexRecoveryOptions, geometry: IndexGeometry, name: string, fd: number, afterGap: boolean, isNewest: boolean,
): Examination => {
  const { fs, endOfLog, trusted } = options;
  const header = readIndexHeader(fs, fd);
  const { sizeBytes } = fs.fstat(fd);
  const size = sizeBytes < geometry.sizeBytes ? 'short' : sizeBytes > geometry.sizeBytes ? 'long' : 'exact';
  const count = countKind(header, geometry);
  const listed = count === 'positive' ? header.indexCount - 1 : 0;
  // Without a count that can be right, the entries themselves say how many there are.
  const limit = count === 'positive' ? header.indexCount : geometry.maxIndexCount;
  const unlisted = limit < geometry.maxIndexCount && !isEmptyEntry(readIndexEntry(fs, fd, geometry, limit));
  const isPlausible = count === 'positive' && listed > 0 && !unlisted && size !== 'short' && header.endCommitLogOffset < endOfLog &&
    header.beginCommitLogOffset >= 0 && header.endCommitLogOffset >= header.beginCommitLogOffset && header.beginTimestamp > 0;
  if (options.scan === 'newest' && !isNewest && isPlausible && (trusted === undefined || name < trusted.name)) {
    const { beginTimestamp, endCommitLogOffset } = header;
    return { facts: { ...NOT_EXAMINED, afterGap, size }, header, listed, end: limit, beginTimestamp, endCommitLogOffset };
  }

  const usable = findUsableEntries(fs, fd, geometry, limit, endOfLog);
  let { end } = usable;
  let cut: IndexFileFacts['cut'] = count === 'positive' || usable.cut === 'beyondLog' ? usable.cut : 'no';
  const trustedKeys = trusted === undefined || name < trusted.name ? Infinity : name === trusted.name ? trusted.count : 0;
  if (end - 1 > trustedKeys) {
    end = trustedKeys + 1;
    cut = 'untrusted';
  }
  // The header says where the last record is: an entry that does not agree may be the one that is wrong.
  if (cut === 'no' && count === 'positive' && end > 1 && lastOffset(fs, fd, geometry, end) !== header.endCommitLogOffset) {
    end--;
    cut = 'invalid';
  }
  const table = rebuildTable(fs, fd, geometry, end, false);
  const beginTimestamp = end > 1 ? knownBegin(options, header, readIndexEntry(fs, fd, geometry, 1).commitLogOffset) : 0;
  const isEmpty = end <= 1 && listed === 0 && isEmptyEntry(readIndexEntry(fs, fd, geometry, 1));
  const endCommitLogOffset = lastOffset(fs, fd, geometry, end);
  const headerEqual = end > 1 && isSameHeader(header, rightHeader(options, fd, geometry, header, end, beginTimestamp, table.usedSlotCount));
  const facts: IndexFileFacts = {
    nameKind: 'index', isDirectory: false, afterGap, size, count, beginKnown: beginTimestamp > 0, cut, unlisted,
    entries: end > 1 ? 'some' : isEmpty ? 'none' : 'noneUsable', slots: table.slots, chain: table.chain, headerEqual,
  };
  return { facts, header, listed, end, beginTimestamp, endCommitLogOffset };
};

const countKind = (header: IndexHeader, geometry: IndexGeometry): IndexFileFacts['count'] => {
  if (header.indexCount > geometry.maxIndexCount) return 'beyondMax';
  if (header.indexCount > 0) return 'positive';
  return header.beginTimestamp === 0 && header.endTimestamp === 0 && header.endCommitLogOffset === 0 ? 'zeroHeader' : 'notPositive';
};

const lastOffset = (fs: FileSystem, fd: number, geometry: IndexGeometry, end: number): number =>
  end > 1 ? readIndexEntry(fs, fd, geometry, end - 1).commitLogOffset : 0;

/** The store timestamp of the first entry's record: from the log, else from the header when that is of this record; 0 = unknown. */
const knownBegin = (options: IndexRecoveryOptions, header: IndexHeader, firstOffset: number): number => {
  const ofHeader = header.beginCommitLogOffset === firstOffset ? header.beginTimestamp : 0;
  return options.storeTimestampAt?.(firstOffset) ?? ofHeader;
};

/** The header that the kept entries should have. */
const rightHeader = (
  options: IndexRecoveryOptions, fd: number, geometry: IndexGeometry, header: IndexHeader, end: number, beginTimestamp: number,
  usedSlotCount: number,
): IndexHeader => {
  const last = readIndexEntry(options.fs, fd, geometry, end - 1);
  // The first entry's time is relative to the file before, the others' to the begin of this one.
  const isPlausible = header.endCommitLogOffset === last.commitLogOffset &&
    (end === 2 ? header.endTimestamp === beginTimestamp : timeDifference(beginTimestamp, header.endTimestamp) === last.timeDifference);
  const roughTime = end === 2 ? beginTimestamp : beginTimestamp + last.timeDifference * 1000;
  return {
    beginTimestamp,
    endTimestamp: options.storeTimestampAt?.(last.commitLogOffset) ?? (isPlausible ? header.endTimestamp : roughTime),
    beginCommitLogOffset: readIndexEntry(options.fs, fd, geometry, 1).commitLogOffset,
    endCommitLogOffset: last.commitLogOffset,
    usedSlotCount,
    indexCount: end,
  };
};

const isSameHeader = (a: IndexHeader, b: IndexHeader): boolean =>
  a.beginTimestamp === b.beginTimestamp && a.endTimestamp === b.endTimestamp && a.beginCommitLogOffset === b.beginCommitLogOffset &&
  a.endCommitLogOffset === b.endCommitLogOffset && a.usedSlotCount === b.usedSlotCount && a.indexCount === b.indexCount;

const repair = (options: IndexRecoveryOptions, geometry: IndexGeometry, fd: number, examination: Examination): void => {
  const { fs } = options;
  const { header, end, beginTimestamp } = examination;
  const { usedSlotCount } = rebuildTable(fs, fd, geometry, end, true);
  // What is dropped becomes a hole, lest it be taken for entries later.
  fs.truncate(fd, entryPosition(geometry, end));
  fs.truncate(fd, geometry.sizeBytes);
  writeIndexHeader(fs, fd, rightHeader(options, fd, geometry, header, end, beginTimestamp, usedSlotCount));
  fs.dataSync(fd);
};
