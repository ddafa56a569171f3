import { dirname, join } from 'node:path';
import type { FileSystem } from '../files/file-system.ts';
import { createSizedFile } from '../files/sized-file.ts';
import { decodeIndexHeader, encodeIndexHeader, entryPosition, INDEX_HEADER_SIZE, nextEntryNumber, viewOf } from './layout.ts';
import type { IndexGeometry, IndexHeader } from './layout.ts';

const COPY_CHUNK_BYTES = 1 << 20;

/** An index file of this process and its place in the directory. */
export interface OpenIndexFile {
  readonly fd: number;
  readonly name: string;
  readonly path: string;
}

/** Reads the header; bytes that a short file lacks are zeros, as in a broker's mapping of it. */
export const readIndexHeader = (fs: FileSystem, fd: number): IndexHeader => {
  const bytes = new Uint8Array(INDEX_HEADER_SIZE);
  fs.read(fd, bytes, 0, INDEX_HEADER_SIZE, 0);
  return decodeIndexHeader(viewOf(bytes));
};

export const writeIndexHeader = (fs: FileSystem, fd: number, header: IndexHeader): void => {
  const bytes = new Uint8Array(INDEX_HEADER_SIZE);
  encodeIndexHeader(header, viewOf(bytes));
  fs.write(fd, bytes, 0, INDEX_HEADER_SIZE, 0);
};

export const openIndexFile = (fs: FileSystem, directory: string, name: string): OpenIndexFile => {
  const path = join(directory, name);
  return { fd: fs.open(path, 'write'), name, path };
};

/** Whether the path no longer leads to the open file: deleted, moved or replaced by somebody else. */
export const isReplaced = (fs: FileSystem, file: OpenIndexFile): boolean => {
  const open = fs.fstat(file.fd);
  return open.linkCount === 0 || fs.stat(file.path)?.inode !== open.inode;
};

/**
 * Writes a file whose name was taken away to a new one under the same name, synced. The old descriptor stays open.
 * Nothing must be at the path any more.
 */
export const restoreIndexFile = (fs: FileSystem, file: OpenIndexFile, geometry: IndexGeometry, tempDirectory: string): OpenIndexFile => {
  const used = entryPosition(geometry, nextEntryNumber(readIndexHeader(fs, file.fd), geometry));
  fs.makeDirectory(tempDirectory);
  const fd = createSizedFile(fs, { path: file.path, sizeBytes: geometry.sizeBytes, tempDirectory }, (copy) => {
    const chunk = Buffer.alloc(Math.min(COPY_CHUNK_BYTES, used));
    const zeros = Buffer.alloc(chunk.length);
    for (let position = 0; position < used; position += chunk.length) {
      const count = fs.read(file.fd, chunk, 0, Math.min(chunk.length, used - position), position);
      if (chunk.compare(zeros, 0, count, 0, count) !== 0) fs.write(copy, chunk, 0, count, position);
    }
    fs.dataSync(copy);
  });
  fs.syncDirectory(dirname(file.path));
  return { ...file, fd };
};
