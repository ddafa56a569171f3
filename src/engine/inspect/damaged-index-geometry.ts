import { join } from 'node:path';
import type { FileSystem } from '../files/file-system.ts';
import { DEFAULT_MAX_INDEX_COUNT, DEFAULT_SLOT_COUNT, INDEX_ENTRY_SIZE, INDEX_HEADER_SIZE, INDEX_SLOT_SIZE, indexGeometry } from '../index/layout.ts';
import { listIndexFiles } from '../index/names.ts';

const CHUNK_BYTES = INDEX_ENTRY_SIZE * 65_536;

/**
 * Slots and entries of a store's index files when the only one is damaged, so that its parts prove nothing any more. The
 * used entries are one run without gaps that ends at a multiple of 20 before the end of the file, and entry 0 before
 * them is never used and all zeros: its distance from the end gives the number of entries, the rest is slots. null when there
 * is no file or none has entries.
 */
export const damagedIndexGeometry = (fs: FileSystem, directory: string): { slotCount: number; maxIndexCount: number } | null => {
  for (const name of listIndexFiles(fs, directory).reverse()) {
    const fd = fs.open(join(directory, name), 'read');
    try {
      const geometry = ofFile(fs, fd, fs.fstat(fd).sizeBytes);
      if (geometry !== null) return geometry;
    } finally {
      fs.close(fd);
    }
  }
  return null;
};

const ofFile = (fs: FileSystem, fd: number, sizeBytes: number): { slotCount: number; maxIndexCount: number } | null => {
  if (sizeBytes === indexGeometry().sizeBytes) return { slotCount: DEFAULT_SLOT_COUNT, maxIndexCount: DEFAULT_MAX_INDEX_COUNT };
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let isInRun = false;
  for (let end = sizeBytes; end - INDEX_ENTRY_SIZE > INDEX_HEADER_SIZE; ) {
    const start = Math.max(end - CHUNK_BYTES, end - Math.floor((end - INDEX_HEADER_SIZE) / INDEX_ENTRY_SIZE) * INDEX_ENTRY_SIZE);
    fs.read(fd, chunk, 0, end - start, start);
    for (let at = end - start - INDEX_ENTRY_SIZE; at >= 0; at -= INDEX_ENTRY_SIZE) {
      const isZero = chunk.readInt32BE(at) === 0 && chunk.subarray(at, at + INDEX_ENTRY_SIZE).every((byte) => byte === 0);
      if (!isZero) isInRun = true;
      else if (isInRun) {
        const slotBytes = start + at - INDEX_HEADER_SIZE;
        if (slotBytes < INDEX_SLOT_SIZE || slotBytes % INDEX_SLOT_SIZE !== 0) return null;
        return { slotCount: slotBytes / INDEX_SLOT_SIZE, maxIndexCount: (sizeBytes - start - at) / INDEX_ENTRY_SIZE };
      }
    }
    end = start;
  }
  return null;
};
