import { join } from 'node:path';
import type { FileSystem } from '../files/file-system.ts';

/**
 * Directories of fixed-size files that together are one long byte sequence: `commitlog/`, every queue directory,
 * `timerlog/`. A file is named by the position of its first byte, 20 decimal digits; the first file need not be 0
 * (expired files are removed from the front). [UtilAll#offset2FileName] [MappedFileQueue#doLoad]
 */
export const SEGMENT_NAME_DIGITS = 20;

/** RocketMQ's `mappedFileSizeCommitLog`, bytes. */
export const DEFAULT_SEGMENT_SIZE_BYTES = 1_073_741_824;

export interface LogSegment {
  /** Position of the file's first byte in the whole sequence. */
  readonly baseOffset: number;
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/**
 * What can be odd about an entry of such a directory, and what a broker makes of it:
 * - `foreign-name`: a plain file whose name is not 20 digits; a broker refuses to start over it (P1, P2).
 * - `wrong-size`: the length differs from its siblings'; a broker refuses to start (P1).
 * - `empty-last`: zero bytes long and last by name; a broker deletes it and goes on.
 * - `misplaced`: the name is no multiple of the file size, so that positions inside it would be computed wrongly.
 * - `gap`: the file before it ends earlier than this one begins; a broker starts, and what lay between is missing.
 * - `overlap`: the file before it ends later than this one begins.
 */
export type DirectoryOddityKind = 'foreign-name' | 'wrong-size' | 'empty-last' | 'misplaced' | 'gap' | 'overlap';

export interface DirectoryOddity {
  readonly kind: DirectoryOddityKind;
  readonly path: string;
  readonly sizeBytes: number;
  /** One sentence for people. */
  readonly reason: string;
}

export interface SegmentDirectory {
  /** Usable files: right name and right size, ascending by base offset. */
  readonly segments: readonly LogSegment[];
  readonly oddities: readonly DirectoryOddity[];
  /** The size all files have; null for an empty directory of unknown size. */
  readonly fileSizeBytes: number | null;
}

export const segmentFileName = (baseOffset: number): string => String(baseOffset).padStart(SEGMENT_NAME_DIGITS, '0');

/** The base offset a file name stands for; null when it is not 20 digits or beyond 2^53. */
export const parseSegmentFileName = (name: string): number | null => {
  if (!/^\d{20}$/.test(name)) return null;
  const baseOffset = Number(name);
  return Number.isSafeInteger(baseOffset) ? baseOffset : null;
};

/** Base offset of the file that holds `offset`. */
export const segmentBase = (offset: number, fileSizeBytes: number): number => offset - (offset % fileSizeBytes);

interface ListedFile {
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

const listPlainFiles = (fs: FileSystem, directory: string): ListedFile[] => {
  const files: ListedFile[] = [];
  for (const name of fs.list(directory) ?? []) {
    const path = join(directory, name);
    const stat = fs.stat(path);
    // A file may vanish between the listing and the look (another process rolls or cleans): then it is not there.
    if (stat === null || stat.isDirectory) continue;
    files.push({ name, path, sizeBytes: stat.sizeBytes, modifiedMs: stat.modifiedMs });
  }
  return files.sort((a, b) => (a.name < b.name ? -1 : 1));
};

/** The size most files have (the first one's in a tie): one file cut short must not make the good ones odd. */
const commonSize = (files: readonly ListedFile[]): number | null => {
  const counts = new Map<number, number>();
  for (const file of files) {
    if (file.sizeBytes > 0 && parseSegmentFileName(file.name) !== null) counts.set(file.sizeBytes, (counts.get(file.sizeBytes) ?? 0) + 1);
  }
  let best: number | null = null;
  for (const [size, count] of counts) if (best === null || count > (counts.get(best) ?? 0)) best = size;
  return best;
};

/**
 * Looks at one directory of fixed-size files and sorts what is usable from what is odd. A missing directory is empty.
 * `fileSizeBytes` is the size files must have; null takes the size that most of them have.
 */
export const inspectSegmentDirectory = (fs: FileSystem, directory: string, fileSizeBytes: number | null = null): SegmentDirectory => {
  const files = listPlainFiles(fs, directory);
  const expected = fileSizeBytes ?? commonSize(files);
  const segments: LogSegment[] = [];
  const oddities: DirectoryOddity[] = [];
  const odd = (kind: DirectoryOddityKind, file: { path: string; sizeBytes: number }, reason: string): void => {
    oddities.push({ kind, path: file.path, sizeBytes: file.sizeBytes, reason });
  };
  files.forEach((file, index) => {
    const baseOffset = parseSegmentFileName(file.name);
    if (file.sizeBytes === 0 && index === files.length - 1) return odd('empty-last', file, 'an empty last file: a broker deletes it');
    if (baseOffset === null) return odd('foreign-name', file, 'the name is not 20 digits: a broker refuses to start over it');
    if (file.sizeBytes !== expected) {
      return odd('wrong-size', file, `${file.sizeBytes} bytes long instead of ${expected ?? 'some'}: a broker refuses to start`);
    }
    if (baseOffset % expected !== 0) odd('misplaced', file, `the name is no multiple of the file size ${expected}`);
    const previous = segments.at(-1);
    const previousEnd = previous === undefined ? baseOffset : previous.baseOffset + previous.sizeBytes;
    if (previousEnd < baseOffset) odd('gap', file, `${baseOffset - previousEnd} bytes are missing before this file`);
    if (previousEnd > baseOffset) odd('overlap', file, `begins ${previousEnd - baseOffset} bytes before the end of the file before it`);
    segments.push({ baseOffset, path: file.path, sizeBytes: file.sizeBytes, modifiedMs: file.modifiedMs });
  });
  return { segments, oddities, fileSizeBytes: expected };
};

/** The usable files of a directory, ascending; odd ones are left out (`inspectSegmentDirectory` names them). */
export const listSegments = (fs: FileSystem, directory: string, fileSizeBytes: number | null = null): readonly LogSegment[] =>
  inspectSegmentDirectory(fs, directory, fileSizeBytes).segments;

/** Index of the segment that holds `offset`; -1 when none does. Binary search: logs may have thousands of files. */
export const findSegment = (segments: readonly LogSegment[], offset: number): number => {
  let low = 0;
  let high = segments.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const segment = segments[middle] as LogSegment;
    if (offset < segment.baseOffset) high = middle - 1;
    else if (offset >= segment.baseOffset + segment.sizeBytes) low = middle + 1;
    else return middle;
  }
  return -1;
};
