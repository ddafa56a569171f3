import path from 'node:path';
import type { FileSystem } from './file-system.ts';

/** Bytes copied at a time when a file is restored from its descriptor. */
const COPY_CHUNK_BYTES = 1 << 20;

/** A name in `tempDirectory` that no other live writer uses. */
export const tempPath = (tempDirectory: string): string => path.join(tempDirectory, `${process.pid}-${process.hrtime.bigint()}`);

/**
 * Makes a file of a mapped-file queue appear at its full length with its first bytes already in it, by rename: neither a
 * reader nor a broker that lists the directory ever sees an empty or short one (a broker refuses to boot on a wrong
 * length and takes a zero-filled queue file for an entry). Returns its descriptor.
 */
export const createSizedFile = (
  fs: FileSystem,
  target: { readonly path: string; readonly sizeBytes: number; readonly tempDirectory: string },
  write: (fd: number) => void,
): number => {
  const temp = tempPath(target.tempDirectory);
  const fd = fs.open(temp, 'create');
  try {
    fs.truncate(fd, target.sizeBytes);
    write(fd);
    fs.makeDirectory(path.dirname(target.path));
    fs.rename(temp, target.path);
  } catch (error) {
    fs.close(fd);
    tryUnlink(fs, temp);
    throw error;
  }
  return fd;
};

/**
 * A broker that was refused the lock has already deleted files that it took for dirty. As long as the descriptor is
 * open the bytes are still there: they are written to a new file under the old name. Returns the descriptor to go on
 * with, or the same one when the path still names the open file.
 */
export const restoreIfUnlinked = (fs: FileSystem, fd: number, target: { readonly path: string; readonly sizeBytes: number; readonly tempDirectory: string }): number => {
  if (fs.fstat(fd).linkCount > 0) return fd;
  const restored = createSizedFile(fs, target, (copy) => copyNonZero(fs, fd, copy, target.sizeBytes));
  fs.dataSync(restored);
  fs.syncDirectory(path.dirname(target.path));
  fs.close(fd);
  return restored;
};

/**
 * Before writing through a descriptor that was open all the while: another writer may have restored the file under the
 * same name since, and gone on with its copy. Returns the descriptor of the file that the path names now.
 */
export const reopenIfReplaced = (fs: FileSystem, fd: number, target: { readonly path: string; readonly sizeBytes: number; readonly tempDirectory: string }): number => {
  if (fs.fstat(fd).linkCount > 0) return fd;
  if (fs.stat(target.path) === null) return restoreIfUnlinked(fs, fd, target);
  const named = fs.open(target.path, 'write');
  fs.close(fd);
  return named;
};

/** Copies a sparse file without filling its holes. */
const copyNonZero = (fs: FileSystem, from: number, to: number, sizeBytes: number): void => {
  const chunk = Buffer.alloc(COPY_CHUNK_BYTES);
  const zeros = Buffer.alloc(COPY_CHUNK_BYTES);
  for (let position = 0; position < sizeBytes; position += COPY_CHUNK_BYTES) {
    const count = fs.read(from, chunk, 0, Math.min(COPY_CHUNK_BYTES, sizeBytes - position), position);
    if (count === 0) return;
    if (chunk.compare(zeros, 0, count, 0, count) !== 0) fs.write(to, chunk, 0, count, position);
  }
};

export const tryUnlink = (fs: FileSystem, file: string): void => {
  try {
    fs.unlink(file);
  } catch {
    // It may never have been made; a leftover in the temp directory is harmless.
  }
};
