import { listSegments } from '../commit-log/log-directory.ts';
import type { LogSegment } from '../commit-log/log-directory.ts';
import type { FileSystem } from '../files/file-system.ts';
import { ENTRY_PHYSICAL_OFFSET, ENTRY_RECORD_SIZE, ENTRY_SIZE_BYTES, isEntryPresent, readOffset } from './layout.ts';

export interface QueueEnd {
  /** Queue offset after the last entry. */
  readonly endOffset: number;
  /** First entry of the first file. */
  readonly firstOffset: number;
  /** End of the last entry's record in the commit log; 0 for an empty queue. */
  readonly commitLogEnd: number;
}

/**
 * Finds the end of a queue by bisecting its last file: entries are written in order without holes, the rest is zeros.
 * After a power cut that need not hold; recovery rewrites such entries before anybody asks.
 */
export const findQueueEnd = (fs: FileSystem, directory: string, fileSizeBytes: number): QueueEnd => {
  const segments = listSegments(fs, directory, fileSizeBytes);
  const last = segments.at(-1);
  const first = segments[0];
  if (last === undefined || first === undefined) return { endOffset: 0, firstOffset: 0, commitLogEnd: 0 };
  const firstOffset = first.baseOffset / ENTRY_SIZE_BYTES;
  // A broker may leave an empty successor behind a full file: then the end is in the file before it.
  for (let index = segments.length - 1; index >= 0; index--) {
    const found = endInFile(fs, segments[index]!, firstOffset);
    if (found !== null) return found;
  }
  return { endOffset: firstOffset, firstOffset, commitLogEnd: 0 };
};

/** null when the file has no entry. */
const endInFile = (fs: FileSystem, segment: LogSegment, firstOffset: number): QueueEnd | null => {
  const entry = Buffer.alloc(ENTRY_SIZE_BYTES);
  const fd = fs.open(segment.path, 'read');
  const load = (index: number): boolean =>
    fs.read(fd, entry, 0, ENTRY_SIZE_BYTES, index * ENTRY_SIZE_BYTES) === ENTRY_SIZE_BYTES && isEntryPresent(entry, 0);
  try {
    let low = 0;
    let high = Math.floor(segment.sizeBytes / ENTRY_SIZE_BYTES);
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (load(middle)) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return null;
    load(low - 1);
    return {
      endOffset: segment.baseOffset / ENTRY_SIZE_BYTES + low,
      firstOffset,
      commitLogEnd: readOffset(entry, ENTRY_PHYSICAL_OFFSET) + entry.readInt32BE(ENTRY_RECORD_SIZE),
    };
  } finally {
    fs.close(fd);
  }
};
