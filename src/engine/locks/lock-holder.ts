import type { FileSystem } from '../files/file-system.ts';

/**
 * The pid of the process that holds a POSIX record lock on `path`: a JVM's FileLock, so a real broker. Linux only (and
 * same pid namespace); null when it cannot be told. mqlite's own locks belong to open file descriptions and show no pid.
 */
export const posixLockHolder = (fs: FileSystem, path: string): number | null => {
  const holder = locksOn(fs, path).find((lock) => lock.kind === 'POSIX');
  return holder === undefined ? null : holder.pid;
};

/** true while anybody, a broker or a writing mqlite, holds a lock on `path`. Only looks: asking with a lock of its own would shut a broker out. */
export const isLocked = (fs: FileSystem, path: string): boolean => locksOn(fs, path).length > 0;

interface HeldLock {
  readonly kind: string;
  readonly pid: number;
}

const locksOn = (fs: FileSystem, path: string): HeldLock[] => {
  const inode = fs.stat(path)?.inode;
  if (inode === undefined) return [];
  const held: HeldLock[] = [];
  for (const line of readProcFile(fs, '/proc/locks').split('\n')) {
    // 12: POSIX  ADVISORY  WRITE 4711 fe:00:1048581 0 0
    const match = /^\d+:\s+(POSIX|OFDLCK)\s+ADVISORY\s+(?:READ|WRITE)\s+(-?\d+)\s+[0-9a-f]+:[0-9a-f]+:(\d+)\s/.exec(line);
    if (match !== null && Number(match[3]) === inode) held.push({ kind: match[1]!, pid: Number(match[2]) });
  }
  return held;
};

/** Files under /proc say they are empty: they are read to their end instead of to their length. '' when missing. */
const readProcFile = (fs: FileSystem, path: string): string => {
  let fd: number;
  try {
    fd = fs.open(path, 'read');
  } catch {
    return '';
  }
  try {
    const chunks: Buffer[] = [];
    for (let position = 0; ; ) {
      const chunk = Buffer.alloc(65_536);
      const count = fs.read(fd, chunk, 0, chunk.length, position);
      if (count === 0) return Buffer.concat(chunks).toString('latin1');
      chunks.push(chunk.subarray(0, count));
      position += count;
    }
  } finally {
    fs.close(fd);
  }
};
