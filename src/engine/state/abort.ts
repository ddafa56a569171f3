import { dirname } from 'node:path';
import type { FileSystem } from '../files/file-system.ts';
import { readWholeFile, removeFile, writeFileAtomically } from './file-io.ts';

/**
 * `abort`: it exists while somebody writes the store; found by the first writer, the last one died [DefaultMessageStore#createTempFile].
 * Its content is the writer's process id in decimal.
 */
export const abortExists = (fs: FileSystem, path: string): boolean => fs.stat(path) !== null;

/** The process id in `abort`; null when there is no file or no number in it. */
export const readAbortPid = (fs: FileSystem, path: string): number | null => {
  const text = readWholeFile(fs, path)?.toString('latin1').trim() ?? '';
  return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : null;
};

/** Durable when it returns: it must be there before the first byte of data is. */
export const createAbort = (fs: FileSystem, path: string, pid: number, tempDirectory: string): void =>
  writeFileAtomically(fs, path, Buffer.from(String(pid), 'latin1'), { tempDirectory });

/** Durable when it returns. Everything it vouches for must be synced before. */
export const removeAbort = (fs: FileSystem, path: string): void => {
  if (removeFile(fs, path)) fs.syncDirectory(dirname(path));
};
