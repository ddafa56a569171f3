import { closeSync, fsyncSync, openSync } from 'node:fs';
import { systemErrorToMqlite } from './error-report.ts';

/** Runs `action`; an error of the operating system becomes one of the error table that names `what`. Others pass through. */
export function naming<T>(what: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw systemErrorToMqlite(error, what) ?? error;
  }
}

/** So that a new file in it is there after a power cut. Windows has no such thing, and needs none. */
export function syncDirectory(directory: string): void {
  if (process.platform === 'win32') return;
  const fd = openSync(directory, 'r');
  fsyncSync(fd);
  closeSync(fd);
}
