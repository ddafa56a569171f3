import { chmodSync, closeSync, fchmodSync, fstatSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** A file that is not there, or cannot be read, is an empty history. */
export function readHistoryFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Adds an entry at once: a shell that is killed has kept its lines, and two at a time do not lose each other's. Errors: those of the file system. */
export function appendHistory(path: string, entry: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const file = openSync(path, 'a', 0o600);
  try {
    // One that was there may have been for everybody.
    if ((fstatSync(file).mode & 0o077) !== 0) fchmodSync(file, 0o600);
    writeFileSync(file, `${entry}\n`);
  } finally {
    closeSync(file);
  }
}

/** Writes the file anew, for its owner alone; beside it and renamed. Errors: those of the file system. */
export function rewriteHistory(path: string, entries: readonly string[]): void {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, entries.map((entry) => `${entry}\n`).join(''), { mode: 0o600 });
  chmodSync(temporary, 0o600);
  renameSync(temporary, path);
}
