import { join } from 'node:path';
import type { FileSystem } from '../files/file-system.ts';
import { entryPosition, INDEX_ENTRY_SIZE, nextEntryNumber, readInt64, viewOf } from './layout.ts';
import type { IndexGeometry } from './layout.ts';
import { listIndexFiles } from './names.ts';
import { readIndexHeader } from './open-file.ts';

const CHUNK_ENTRIES = 64;

/** Hashes of the entries at the very end of the index that belong to the record at `commitLogOffset`, newest first. */
export const trailingHashes = (fs: FileSystem, directory: string, geometry: IndexGeometry, commitLogOffset: number): number[] => {
  const hashes: number[] = [];
  const names = listIndexFiles(fs, directory);
  for (let index = names.length - 1; index >= 0; index--) {
    const fd = fs.open(join(directory, names[index]!), 'read');
    try {
      if (!collect(fs, fd, geometry, commitLogOffset, hashes)) break;
    } finally {
      fs.close(fd);
    }
  }
  return hashes;
};

/** Returns whether all entries of the file belong to the record, so that the file before may hold more of them. */
const collect = (fs: FileSystem, fd: number, geometry: IndexGeometry, commitLogOffset: number, hashes: number[]): boolean => {
  const chunk = new Uint8Array(CHUNK_ENTRIES * INDEX_ENTRY_SIZE);
  const view = viewOf(chunk);
  let end = nextEntryNumber(readIndexHeader(fs, fd), geometry);
  while (end > 1) {
    const first = Math.max(end - CHUNK_ENTRIES, 1);
    fs.read(fd, chunk, 0, (end - first) * INDEX_ENTRY_SIZE, entryPosition(geometry, first));
    for (let number = end - 1; number >= first; number--) {
      const position = (number - first) * INDEX_ENTRY_SIZE;
      if (readInt64(view, position + 4) !== commitLogOffset) return false;
      hashes.push(view.getInt32(position));
    }
    end = first;
  }
  return true;
};
