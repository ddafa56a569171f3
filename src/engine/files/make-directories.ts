import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a directory and those above it that are missing (`mkdir -p`). Not `mkdirSync` with `recursive`: where the kernel answers ENOENT below a directory that
 * is there, as in /proc, Node 20 tries again for ever. `mode`: of those that are made. Errors: those of mkdir(2), ENOTDIR and EEXIST for files among them.
 */
export function makeDirectories(directory: string, mode?: number): void {
  try {
    mkdirSync(directory, { mode });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && isDirectory(directory)) return;
    const parent = dirname(directory);
    if (code !== 'ENOENT' || parent === directory || isDirectory(parent)) throw error;
    makeDirectories(parent, mode);
    makeDirectories(directory, mode);
  }
}

const isDirectory = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
