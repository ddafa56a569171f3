import path from 'node:path';
import { CodecError } from '../../base/codec-error.ts';
import { listSegments, segmentBase, segmentFileName } from '../commit-log/log-directory.ts';
import type { StoreContext } from '../store-context.ts';
import { MAGIC_DONE, readSlot, readUnit, SLOT_SIZE_BYTES, UNIT_SIZE_BYTES, WHEEL_SIZE_BYTES, WHEEL_SLOTS } from './layout.ts';

/** A chain longer than this is a circle or somebody's joke; what is behind counts as not done. */
const MAX_UNITS = 1_000_000;

/** Commit-log offsets of the units of a second that are marked as done. Reads only, believes nothing: whatever is odd ends the list. */
export const doneInSecond = ({ fs, paths }: StoreContext, second: number): number[] => {
  const done: number[] = [];
  if (fs.stat(paths.timerWheel)?.sizeBytes !== WHEEL_SIZE_BYTES) return done;
  const fileSizeBytes = listSegments(fs, paths.timerLog)[0]?.sizeBytes;
  if (fileSizeBytes === undefined) return done;
  const bytes = Buffer.alloc(Math.max(SLOT_SIZE_BYTES, UNIT_SIZE_BYTES));
  const read = (file: string, position: number, length: number): boolean => {
    if (fs.stat(file) === null) return false;
    const fd = fs.open(file, 'read');
    try {
      return fs.read(fd, bytes, 0, length, position) === length;
    } finally {
      fs.close(fd);
    }
  };
  try {
    if (!read(paths.timerWheel, (second % WHEEL_SLOTS) * SLOT_SIZE_BYTES, SLOT_SIZE_BYTES)) return done;
    const slot = readSlot(bytes, 0);
    let position = slot.second === second ? slot.last : -1;
    for (let count = 0; position >= 0 && count < MAX_UNITS; count++) {
      const base = segmentBase(position, fileSizeBytes);
      if (!read(path.join(paths.timerLog, segmentFileName(base)), position - base, UNIT_SIZE_BYTES)) return done;
      const unit = readUnit(bytes, 0);
      if (unit === null || unit.previous >= position) return done;
      if (unit.magic === MAGIC_DONE) done.push(unit.commitLogOffset);
      position = unit.previous;
    }
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
  }
  return done;
};
