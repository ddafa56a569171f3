import { basename, dirname, join } from 'node:path';
import type { FileSystem } from '../files/file-system.ts';
import { isMissing, openIfThere } from '../files/open-if-there.ts';

export interface AtomicWriteOptions {
  /** Where the file grows until it is renamed into place: same file system as its destination. Made when missing. */
  readonly tempDirectory: string;
  /** fsync file and directory. Default true; without it a power cut may take the file back or empty it. */
  readonly sync?: boolean | undefined;
}

/** The whole file, or null when nothing is at `path`. Survives a file that changes its length while it is read. */
export const readWholeFile = (fs: FileSystem, path: string): Buffer | null => {
  const fd = openIfThere(fs, path);
  if (fd === null) return null;
  try {
    // One byte more than the length: a full buffer means that there is more (files of /proc say 0).
    let bytes = Buffer.allocUnsafe(Math.max(fs.fstat(fd).sizeBytes, 255) + 1);
    let length = fs.read(fd, bytes, 0, bytes.length, 0);
    while (length === bytes.length) {
      bytes = Buffer.concat([bytes, Buffer.allocUnsafe(bytes.length)]);
      length += fs.read(fd, bytes, length, bytes.length - length, length);
    }
    return bytes.subarray(0, length);
  } finally {
    fs.close(fd);
  }
};

/** Makes a directory and its parents, and makes each new name durable in its parent. */
export const makeDirectoryDurably = (fs: FileSystem, path: string): void => {
  if (fs.stat(path) !== null) return;
  const parent = dirname(path);
  if (parent !== path) makeDirectoryDurably(fs, parent);
  fs.makeDirectory(path);
  fs.syncDirectory(parent);
};

/** Writes `bytes` as a complete file into the temporary directory and returns its path. */
export const writeTempFile = (fs: FileSystem, name: string, bytes: Uint8Array, options: AtomicWriteOptions): string => {
  if (fs.stat(options.tempDirectory) === null) fs.makeDirectory(options.tempDirectory);
  // The process id keeps two writers apart; what is there already is a leftover of a dead process that had this id.
  const path = join(options.tempDirectory, `${name}.${process.pid}`);
  if (fs.stat(path) !== null) fs.unlink(path);
  const fd = fs.open(path, 'create');
  try {
    fs.write(fd, bytes, 0, bytes.length, 0);
    if (options.sync !== false) fs.dataSync(fd);
  } finally {
    fs.close(fd);
  }
  return path;
};

/** Old content or new content, at every moment and after every crash: written elsewhere, then renamed into place. */
export const writeFileAtomically = (fs: FileSystem, path: string, bytes: Uint8Array, options: AtomicWriteOptions): void => {
  fs.rename(writeTempFile(fs, basename(path), bytes, options), path);
  if (options.sync !== false) fs.syncDirectory(dirname(path));
};

/** Removes a file if it is there; true when it was. */
export const removeFile = (fs: FileSystem, path: string): boolean => {
  try {
    fs.unlink(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
};

/**
 * Keeps a copy of unreadable bytes as `<directory>/<name>.<n>`, durably; the same bytes are kept once.
 * Returns the path of the copy. A copy, not a move: there is no moment in which the original's name is gone.
 */
export const quarantineBytes = (fs: FileSystem, directory: string, name: string, bytes: Uint8Array): string => {
  makeDirectoryDurably(fs, directory);
  for (let number = 1; ; number += 1) {
    const path = join(directory, `${name}.${number}`);
    const kept = readWholeFile(fs, path);
    if (kept !== null) {
      if (kept.equals(bytes)) return path;
      continue;
    }
    writeFileAtomically(fs, path, bytes, { tempDirectory: directory });
    return path;
  }
};
