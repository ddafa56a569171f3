import type { FileSystem } from '../files/file-system.ts';
import { entryPosition, INDEX_ENTRY_SIZE, viewOf } from './layout.ts';
import type { IndexGeometry } from './layout.ts';
import type { SlotTable } from './slot-table.ts';

const CHUNK_ENTRIES = 4096;

/** Whether entry `number` holds anything but zeros. Beyond the last one, or the end of a short file: no. */
const isWritten = (bytes: Uint8Array, offset: number): boolean => {
  for (let index = offset; index < offset + INDEX_ENTRY_SIZE; index++) if (bytes[index] !== 0) return true;
  return false;
};

/**
 * A writer that died between writing entries and the header leaves entries that the header does not count, and perhaps
 * slots that lead to them. Appending over them would cut off the older entries of those slots. This leads the slots
 * back to the newest counted entry and then turns the rest of the file into a hole. It starts again after a crash in
 * the middle: the entries go last. Costs one read when there are none. Returns whether there were any.
 */
export const dropUnlistedEntries = (
  fs: FileSystem, fd: number, geometry: IndexGeometry, slots: SlotTable, indexCount: number,
): boolean => {
  const entry = new Uint8Array(INDEX_ENTRY_SIZE);
  const entryView = viewOf(entry);
  const read = (number: number): boolean =>
    number < geometry.maxIndexCount &&
    fs.read(fd, entry, 0, INDEX_ENTRY_SIZE, entryPosition(geometry, number)) === INDEX_ENTRY_SIZE && isWritten(entry, 0);
  if (!read(indexCount)) return false;

  const leadBack = (slot: number): void => {
    const newest = slots.get(slot);
    let number = newest;
    while (number >= indexCount) {
      const previous: number = read(number) ? entryView.getInt32(16) : 0;
      number = previous < number ? previous : 0;
    }
    if (number !== newest) slots.set(slot, Math.max(number, 0));
  };

  const chunk = new Uint8Array(CHUNK_ENTRIES * INDEX_ENTRY_SIZE);
  const view = viewOf(chunk);
  scan: for (let first = indexCount; first < geometry.maxIndexCount; first += CHUNK_ENTRIES) {
    const entries = Math.min(CHUNK_ENTRIES, geometry.maxIndexCount - first);
    chunk.fill(0);
    fs.read(fd, chunk, 0, entries * INDEX_ENTRY_SIZE, entryPosition(geometry, first));
    for (let position = 0; position < entries * INDEX_ENTRY_SIZE; position += INDEX_ENTRY_SIZE) {
      if (!isWritten(chunk, position)) break scan;
      const hash = view.getInt32(position);
      if (hash >= 0) leadBack(hash % geometry.slotCount);
    }
  }
  slots.writeDirty(fd);
  slots.markClean();
  fs.truncate(fd, entryPosition(geometry, indexCount));
  fs.truncate(fd, geometry.sizeBytes);
  return true;
};
