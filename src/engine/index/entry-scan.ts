import type { FileSystem } from '../files/file-system.ts';
import { entryPosition, INDEX_ENTRY_SIZE, INDEX_SLOT_SIZE, readInt64, slotPosition, viewOf } from './layout.ts';
import type { IndexGeometry } from './layout.ts';

const CHUNK_ENTRIES = 13_107; // 256 KiB
const CHUNK_SLOTS = 65_536; // 256 KiB

export interface IndexEntry {
  readonly hash: number;
  readonly commitLogOffset: number;
  /** Seconds after the file's first record. */
  readonly timeDifference: number;
  readonly previous: number;
}

/** One entry; what a short file lacks is zeros. */
export const readIndexEntry = (fs: FileSystem, fd: number, geometry: IndexGeometry, number: number): IndexEntry => {
  const bytes = new Uint8Array(INDEX_ENTRY_SIZE);
  fs.read(fd, bytes, 0, INDEX_ENTRY_SIZE, entryPosition(geometry, number));
  return decodeEntry(viewOf(bytes), 0);
};

/** Whether it was never written. Only entry 1 can look so and be real: hash 0 of the record at offset 0. */
export const isEmptyEntry = (entry: IndexEntry): boolean =>
  entry.hash === 0 && entry.commitLogOffset === 0 && entry.timeDifference === 0 && entry.previous === 0;

const decodeEntry = (view: DataView, position: number): IndexEntry => ({
  hash: view.getInt32(position),
  commitLogOffset: readInt64(view, position + 4),
  timeDifference: view.getInt32(position + 12),
  previous: view.getInt32(position + 16),
});

/** Calls `visit` for each chunk of the entries from..to-1 until it returns false. The chunk is reused. */
const forEachChunk = (
  fs: FileSystem, fd: number, geometry: IndexGeometry, from: number, to: number,
  visit: (view: DataView, first: number, count: number, bytes: Uint8Array) => boolean,
): void => {
  const bytes = new Uint8Array(Math.min(CHUNK_ENTRIES, Math.max(to - from, 1)) * INDEX_ENTRY_SIZE);
  const view = viewOf(bytes);
  for (let first = from; first < to; first += CHUNK_ENTRIES) {
    const count = Math.min(CHUNK_ENTRIES, to - first);
    bytes.fill(0);
    fs.read(fd, bytes, 0, count * INDEX_ENTRY_SIZE, entryPosition(geometry, first));
    if (!visit(view, first, count, bytes)) return;
  }
};

export interface UsableEntries {
  /** Number of the first entry that can't be kept; `limit` when all can. */
  readonly end: number;
  readonly cut: 'no' | 'beyondLog' | 'invalid';
}

/**
 * Walks the entries 1..limit-1 up to the first that can't be right: commit-log offsets must not fall and must lie
 * below `endOfLog`. When an entry is invalid, the one before it goes too: it may reach into the same lost page, or be
 * the one whose offset is wrong.
 */
export const findUsableEntries = (fs: FileSystem, fd: number, geometry: IndexGeometry, limit: number, endOfLog: number): UsableEntries => {
  let result: UsableEntries = { end: Math.max(limit, 1), cut: 'no' };
  let last = 0;
  forEachChunk(fs, fd, geometry, 1, limit, (view, first, count) => {
    for (let index = 0; index < count; index++) {
      const number = first + index;
      const entry = decodeEntry(view, index * INDEX_ENTRY_SIZE);
      const { commitLogOffset } = entry;
      if (entry.hash < 0 || entry.timeDifference < 0 || (number > 1 && isEmptyEntry(entry)) || !(commitLogOffset >= last)) {
        result = { end: Math.max(number - 1, 1), cut: 'invalid' };
        return false;
      }
      if (commitLogOffset >= endOfLog) {
        result = { end: number, cut: 'beyondLog' };
        return false;
      }
      last = commitLogOffset;
    }
    return true;
  });
  return result;
};

export interface TableComparison {
  readonly slots: 'equal' | 'outOfRange' | 'differ';
  readonly chain: 'equal' | 'loop' | 'differ';
  readonly usedSlotCount: number;
}

/**
 * Computes slots and chain anew from the entries 1..end-1 (each leads to the entry that was the newest of its slot)
 * and compares them with the file's; with `repair` it also writes what differs. Memory: 4 bytes a slot.
 */
export const rebuildTable = (fs: FileSystem, fd: number, geometry: IndexGeometry, end: number, repair: boolean): TableComparison => {
  const table = new Int32Array(geometry.slotCount);
  let chain: TableComparison['chain'] = 'equal';
  let usedSlotCount = 0;
  forEachChunk(fs, fd, geometry, 1, end, (view, first, count, bytes) => {
    let differs = false;
    for (let index = 0; index < count; index++) {
      const position = index * INDEX_ENTRY_SIZE;
      const slot = view.getInt32(position) % geometry.slotCount;
      const previous = table[slot]!;
      const found = view.getInt32(position + 16);
      if (found !== previous) {
        if (found >= first + index) chain = 'loop';
        else if (chain === 'equal') chain = 'differ';
        view.setInt32(position + 16, previous);
        differs = true;
      }
      if (previous === 0) usedSlotCount++;
      table[slot] = first + index;
    }
    if (differs && repair) fs.write(fd, bytes, 0, count * INDEX_ENTRY_SIZE, entryPosition(geometry, first));
    return true;
  });
  return { slots: compareSlots(fs, fd, geometry, table, repair), chain, usedSlotCount };
};

const compareSlots = (
  fs: FileSystem, fd: number, geometry: IndexGeometry, table: Int32Array, repair: boolean,
): TableComparison['slots'] => {
  const bytes = new Uint8Array(Math.min(CHUNK_SLOTS, geometry.slotCount) * INDEX_SLOT_SIZE);
  const view = viewOf(bytes);
  let result: TableComparison['slots'] = 'equal';
  for (let first = 0; first < geometry.slotCount; first += CHUNK_SLOTS) {
    const count = Math.min(CHUNK_SLOTS, geometry.slotCount - first);
    bytes.fill(0);
    fs.read(fd, bytes, 0, count * INDEX_SLOT_SIZE, slotPosition(first));
    let differs = false;
    for (let index = 0; index < count; index++) {
      const found = view.getInt32(index * INDEX_SLOT_SIZE);
      const expected = table[first + index]!;
      if (found === expected) continue;
      if (found < 0 || found >= geometry.maxIndexCount) result = 'outOfRange';
      else if (result === 'equal') result = 'differ';
      view.setInt32(index * INDEX_SLOT_SIZE, expected);
      differs = true;
    }
    if (differs && repair) fs.write(fd, bytes, 0, count * INDEX_SLOT_SIZE, slotPosition(first));
  }
  return result;
};
