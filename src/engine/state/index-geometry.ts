import type { FileSystem } from '../files/file-system.ts';

/** Layout of an index file [IndexFile] [IndexHeader]: 40 bytes of header, S slots of 4, N entries of 20; entry 0 is never used. */
const HEADER_BYTES = 40;
const SLOT_BYTES = 4;
const ENTRY_BYTES = 20;
const INDEX_COUNT_AT = 36;
const CHUNK_BYTES = 20 * 65_536;
/** Entries checked at either end of the file; a wrong geometry fails at the first few. */
const SAMPLE = 500;

export interface IndexGeometry {
  readonly slotCount: number;
  readonly maxCount: number;
}

const DEFAULT_GEOMETRY: IndexGeometry = { slotCount: 5_000_000, maxCount: 20_000_000 };

const readAt = (fs: FileSystem, fd: number, position: number, length: number): Buffer => {
  const bytes = Buffer.alloc(length);
  fs.read(fd, bytes, 0, length, position);
  return bytes;
};

/** Every sampled entry must hang in the slot of its hash: the slot points at it or a later one, and its predecessor has the same slot. */
const isConsistent = (fs: FileSystem, fd: number, geometry: IndexGeometry, entries: number): boolean => {
  const { slotCount } = geometry;
  const entriesAt = HEADER_BYTES + slotCount * SLOT_BYTES;
  const hashOf = (entry: Buffer): number => entry.readInt32BE(0);
  const entryAt = (number: number): Buffer => readAt(fs, fd, entriesAt + number * ENTRY_BYTES, ENTRY_BYTES);
  const check = (number: number): boolean => {
    const entry = entryAt(number);
    const hash = hashOf(entry);
    const previous = entry.readInt32BE(16);
    if (hash < 0 || previous < 0 || previous >= number || entry.readInt32BE(12) < 0 || entry.readInt32BE(4) < 0) return false;
    const slotValue = readAt(fs, fd, HEADER_BYTES + (hash % slotCount) * SLOT_BYTES, SLOT_BYTES).readInt32BE(0);
    if (slotValue < number || slotValue > entries + 1) return false;
    if (hashOf(entryAt(slotValue)) % slotCount !== hash % slotCount) return false;
    return previous === 0 || hashOf(entryAt(previous)) % slotCount === hash % slotCount;
  };
  for (let number = 1; number <= entries; number += 1) {
    if (number > SAMPLE && number < entries - SAMPLE) number = entries - SAMPLE;
    if (!check(number)) return false;
  }
  return true;
};

/** Entries counted from the end of the file (1 = the last one) to the newest that is not zero; 0 when there is none. */
const lastUsedFromEnd = (fs: FileSystem, fd: number, sizeBytes: number): number => {
  const zeros = Buffer.alloc(CHUNK_BYTES);
  for (let end = sizeBytes; end > HEADER_BYTES; end -= CHUNK_BYTES) {
    const start = Math.max(HEADER_BYTES, end - CHUNK_BYTES);
    const chunk = readAt(fs, fd, start, end - start);
    if (chunk.equals(zeros.subarray(0, chunk.length))) continue;
    let last = chunk.length - 1;
    while (chunk[last] === 0) last -= 1;
    return Math.floor((sizeBytes - 1 - (start + last)) / ENTRY_BYTES) + 1;
  }
  return 0;
};

/**
 * Slot and entry count of an index file from its length and content. The length alone leaves a choice (40 + 4S + 20N), but entries lie at
 * multiples of 20 before the end of the file whatever S is, so the newest one used gives N, and the slots then prove it.
 * null when the file has no entries or is not consistent.
 */
export const inferIndexGeometry = (fs: FileSystem, path: string): IndexGeometry | null => {
  const fd = fs.open(path, 'read');
  try {
    const { sizeBytes } = fs.fstat(fd);
    if (sizeBytes < HEADER_BYTES + SLOT_BYTES + 2 * ENTRY_BYTES || sizeBytes % SLOT_BYTES !== 0) return null;
    const entries = readAt(fs, fd, INDEX_COUNT_AT, 4).readInt32BE(0) - 1;
    if (entries < 1) return null;
    const isDefault = sizeBytes === HEADER_BYTES + DEFAULT_GEOMETRY.slotCount * SLOT_BYTES + DEFAULT_GEOMETRY.maxCount * ENTRY_BYTES;
    if (isDefault && isConsistent(fs, fd, DEFAULT_GEOMETRY, entries)) return DEFAULT_GEOMETRY;
    const fromEnd = lastUsedFromEnd(fs, fd, sizeBytes);
    // A killed broker may have written one entry more than its header counts.
    for (const newest of [entries, entries + 1]) {
      const maxCount = newest + fromEnd;
      const slotCount = (sizeBytes - HEADER_BYTES - maxCount * ENTRY_BYTES) / SLOT_BYTES;
      if (fromEnd > 0 && slotCount >= 1 && isConsistent(fs, fd, { slotCount, maxCount }, entries)) return { slotCount, maxCount };
    }
    return null;
  } finally {
    fs.close(fd);
  }
};
