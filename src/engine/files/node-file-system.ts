import fs from 'node:fs';
import { countedAllocation } from './file-allocation.ts';
import type { FileStat, FileSystem } from './file-system.ts';
import { makeDirectories } from './make-directories.ts';
import { isMissing } from './open-if-there.ts';
import { watchFile } from './watch-file.ts';

const OPEN_FLAGS = { read: 'r', write: 'r+', create: 'wx+' } as const;

const toFileStat = (stats: fs.Stats): FileStat => ({
  sizeBytes: stats.size,
  modifiedMs: stats.mtimeMs,
  inode: stats.ino,
  linkCount: stats.nlink,
  isDirectory: stats.isDirectory(),
});

/** The real file system. Synchronous calls cost about a tenth of their promise twins on Node 20 (docs/performance.md). */
export const nodeFileSystem: FileSystem = {
  open: (path, mode) => fs.openSync(path, OPEN_FLAGS[mode], 0o644),
  close: (fd) => fs.closeSync(fd),
  read: (fd, target, targetOffset, length, position) => {
    let done = 0;
    while (done < length) {
      const count = fs.readSync(fd, target, targetOffset + done, length - done, position + done);
      if (count === 0) break;
      done += count;
    }
    return done;
  },
  write: (fd, source, sourceOffset, length, position) => {
    // A short write (disk nearly full) is continued, so that the next call reports the real reason.
    let done = 0;
    while (done < length) done += fs.writeSync(fd, source, sourceOffset + done, length - done, position + done);
  },
  truncate: (fd, sizeBytes) => fs.ftruncateSync(fd, sizeBytes),
  dataSync: (fd) => fs.fdatasyncSync(fd),
  dataSyncAsync: (fd) =>
    new Promise((resolve, reject) => fs.fdatasync(fd, (error) => (error ? reject(error) : resolve()))),
  syncDirectory: (path) => {
    const fd = fs.openSync(path, 'r');
    try {
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
  },
  stat: (path) => {
    try {
      // An idle process asks for what is not there dozens of times a second: an exception costs many looks.
      const stats = fs.statSync(path, { throwIfNoEntry: false });
      return stats === undefined ? null : toFileStat(stats);
    } catch (error) {
      // ENOTDIR: a part of the path is a file, so that nothing can lie below it.
      if (isMissing(error)) return null;
      throw error;
    }
  },
  fstat: (fd) => toFileStat(fs.fstatSync(fd)),
  allocation: countedAllocation,
  rename: (from, to) => fs.renameSync(from, to),
  unlink: (path) => fs.unlinkSync(path),
  makeDirectory: (path) => makeDirectories(path),
  removeDirectory: (path) => fs.rmdirSync(path),
  list: (path) => {
    if (!fs.existsSync(path)) return null;
    try {
      return fs.readdirSync(path);
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  },
  watch: watchFile,
};
