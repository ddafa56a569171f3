/** Names of index files: the local time of their creation, yyyyMMddHHmmssSSS. [UtilAll#timeMillisToHumanString] */
import { join } from 'node:path';
import { MqliteError } from '../../broker/errors.ts';
import type { FileSystem } from '../files/file-system.ts';

/**
 * - `index`: 17 digits that are a date and a time: ours and the broker's.
 * - `numeric`: other digits. A broker loads such a file, and its place in the order is no time.
 * - `other`: a broker skips it with a line in its log. [IndexService#load]
 */
export type IndexNameKind = 'index' | 'numeric' | 'other';

const pad = (value: number, width: number): string => String(value).padStart(width, '0');

/** The civil time in a name as if it were UTC: names are compared and counted on, never taken for an instant. */
const civilMs = (name: string): number => {
  const part = (from: number, to: number): number => Number(name.slice(from, to));
  return Date.UTC(part(0, 4), part(4, 6) - 1, part(6, 8), part(8, 10), part(10, 12), part(12, 14), part(14, 17));
};

const civilName = (ms: number): string => new Date(ms).toISOString().replace(/[-T:.Z]/g, '');

export const indexNameKind = (name: string): IndexNameKind => {
  if (!/^[+-]?\d+$/.test(name)) return 'other';
  return /^[1-9]\d{16}$/.test(name) && civilName(civilMs(name)) === name ? 'index' : 'numeric';
};

/** The name for a file made at `nowMs`, at least 1 ms after `newest` also when the clock or the time zone went back. */
export const nextIndexName = (nowMs: number, newest: string | null): string => {
  const now = new Date(nowMs);
  const name =
    pad(now.getFullYear(), 4) + pad(now.getMonth() + 1, 2) + pad(now.getDate(), 2) + pad(now.getHours(), 2) +
    pad(now.getMinutes(), 2) + pad(now.getSeconds(), 2) + pad(now.getMilliseconds(), 3);
  if (newest === null || name > newest) return name;
  const next = civilName(civilMs(newest) + 1);
  if (next > newest && next.length === newest.length) return next;
  throw new MqliteError('DAMAGED', `index file ${newest}: no later name is possible`, {
    hint: 'run "mqlite store recover"',
  });
};

/** Names of the index files in a directory, oldest first; [] when there is no directory. */
export const listIndexFiles = (fs: FileSystem, directory: string): string[] =>
  (fs.list(directory) ?? []).filter((name) => indexNameKind(name) === 'index').sort();

/** Moves a file or directory away without deleting anything and returns where it is now. */
export const moveToQuarantine = (fs: FileSystem, directory: string, name: string, quarantineDirectory: string): string => {
  fs.makeDirectory(quarantineDirectory);
  let target = join(quarantineDirectory, `index-${name}`);
  for (let attempt = 1; fs.stat(target) !== null; attempt++) target = join(quarantineDirectory, `index-${name}.${attempt}`);
  fs.rename(join(directory, name), target);
  fs.syncDirectory(quarantineDirectory);
  fs.syncDirectory(directory);
  return target;
};
