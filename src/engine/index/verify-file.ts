import type { FileSystem } from '../files/file-system.ts';
import { EntryCursor } from './entry-cursor.ts';
import { isEmptyEntry, readIndexEntry } from './entry-scan.ts';
import { INDEX_SLOT_SIZE, slotPosition, timeDifference, viewOf } from './layout.ts';
import type { IndexGeometry } from './layout.ts';

const MAX_PROBLEMS = 1000;
const CHUNK_SLOTS = 65_536;

export interface IndexProblem {
  readonly file: string;
  /** Byte position in the file. */
  readonly position: number;
  readonly reason: string;
  /** `note`: what is no damage: a broker that was killed, or a writer at work, leaves it so. */
  readonly severity: 'damage' | 'note';
}

/** Collects problems: all are counted, the first thousand kept. */
export class ProblemList {
  readonly kept: IndexProblem[] = [];
  damageCount = 0;
  noteCount = 0;

  add(severity: IndexProblem['severity'], file: string, position: number, reason: string): void {
    if (severity === 'damage') this.damageCount++;
    else this.noteCount++;
    if (this.kept.length < MAX_PROBLEMS) this.kept.push({ file, position, reason, severity });
  }
}

/** What a file was before the one that follows it. */
export interface FileBefore {
  readonly endTimestamp: number;
}

/**
 * One file while it is verified: the cursor over its entries, the slot table as the entries make it (4 bytes a slot,
 * lent by the caller), and what its header must say in the end.
 */
export class IndexFileCheck {
  readonly cursor: EntryCursor;
  readonly #fs: FileSystem;
  readonly #geometry: IndexGeometry;
  readonly #table: Int32Array;
  readonly #problems: ProblemList;
  /** The file before, null when this is the first that ever was, `unknown` when earlier ones may have been deleted. */
  before: FileBefore | null | 'unknown';
  /** What times are relative to: the first record's store timestamp as soon as that is known. */
  #beginTimestamp: number;
  #usedSlotCount = 0;
  /** The last entry that was compared with its record. */
  #lastNumber = 0;
  #lastOffset = 0;
  #lastTimestamp = 0;

  constructor(
    fs: FileSystem, directory: string, name: string, geometry: IndexGeometry, table: Int32Array, problems: ProblemList,
    before: FileBefore | null | 'unknown',
  ) {
    this.#fs = fs;
    this.#geometry = geometry;
    this.#table = table.fill(0);
    this.#problems = problems;
    this.before = before;
    this.cursor = new EntryCursor(fs, directory, name, geometry);
    this.#beginTimestamp = this.cursor.header.beginTimestamp;
    const { indexCount } = this.cursor.header;
    // A broker writes the first count, 1, only with the first key.
    const isNew = indexCount === 0 && isEmptyEntry(readIndexEntry(fs, this.cursor.fd, geometry, 1));
    if (!isNew && (indexCount <= 0 || indexCount > geometry.maxIndexCount)) {
      this.#damage(36, `the header counts to ${indexCount}, which must be 1 to ${geometry.maxIndexCount}`);
    }
  }

  /** The entry was compared with its record: checks what belongs to the entry and counts it for header, chain and slots. */
  consumeMatched(hash: number, commitLogOffset: number, storeTimestamp: number): void {
    const { cursor } = this;
    if (cursor.hash !== hash) this.#damageEntry(0, `key hash ${cursor.hash} should be ${hash} (record at ${commitLogOffset})`);
    if (cursor.commitLogOffset !== commitLogOffset) {
      this.#damageEntry(4, `commit-log offset ${cursor.commitLogOffset} should be ${commitLogOffset}`);
    }
    if (cursor.number === 1) {
      this.#checkFirst(commitLogOffset, storeTimestamp);
    } else {
      const expected = timeDifference(this.#beginTimestamp, storeTimestamp);
      if (cursor.timeDifference !== expected) {
        this.#damageEntry(12, `time difference ${cursor.timeDifference} s should be ${expected} s (record at ${commitLogOffset})`);
      }
    }
    this.#lastNumber = cursor.number;
    this.#lastOffset = commitLogOffset;
    this.#lastTimestamp = storeTimestamp;
    this.consume(hash);
  }

  /** Counts the entry for chain and slots, under `hash`, which is the record's where that is known. */
  consume(hash: number): void {
    const { cursor } = this;
    // A damaged hash may be negative; any slot will do for it.
    const slot = (hash & 0x7fff_ffff) % this.#geometry.slotCount;
    const previous = this.#table[slot]!;
    if (cursor.previous !== previous) this.#damageEntry(16, `previous entry ${cursor.previous} should be ${previous}`);
    if (previous === 0) this.#usedSlotCount++;
    this.#table[slot] = cursor.number;
  }

  /** Goes to the next entry; false behind the last, or at one that was never written though the header counts it. */
  advance(): boolean {
    const { cursor } = this;
    if (!cursor.advance()) return false;
    if (cursor.number > 1 && isEmptyEntry(cursor)) {
      this.#damage(cursor.position, `entry ${cursor.number} is empty, but the header counts ${cursor.end - 1}`);
      return false;
    }
    return true;
  }

  /** Checks header and slots after the last entry, and closes the file. */
  finish(): void {
    const { cursor } = this;
    const { header } = cursor;
    if (this.#lastNumber > 0 && this.#lastNumber === cursor.end - 1) {
      if (header.endTimestamp !== this.#lastTimestamp) {
        this.#damage(8, `the header's end time ${header.endTimestamp} should be ${this.#lastTimestamp}`);
      }
      if (header.endCommitLogOffset !== this.#lastOffset) {
        this.#damage(24, `the header's end offset ${header.endCommitLogOffset} should be ${this.#lastOffset}`);
      }
    }
    if (header.usedSlotCount !== this.#usedSlotCount) {
      this.#damage(32, `the header counts ${header.usedSlotCount} slots in use, the entries use ${this.#usedSlotCount}`);
    }
    this.#checkSlots();
    cursor.close();
  }

  #checkFirst(commitLogOffset: number, storeTimestamp: number): void {
    const { header, timeDifference: found } = this.cursor;
    this.#beginTimestamp = storeTimestamp;
    if (header.beginTimestamp !== storeTimestamp) {
      this.#damage(0, `the header's begin time ${header.beginTimestamp} should be ${storeTimestamp}`);
    }
    if (header.beginCommitLogOffset !== commitLogOffset) {
      this.#damage(16, `the header's begin offset ${header.beginCommitLogOffset} should be ${commitLogOffset}`);
    }
    // The first entry's time is relative to the end of the file before, if its writer knew one.
    if (found === 0 || (this.before === 'unknown' && found > 0)) return;
    const expected = this.before === null || this.before === 'unknown' ? 0 : timeDifference(this.before.endTimestamp, storeTimestamp);
    if (found !== expected) this.#damageEntry(12, `time difference ${found} s should be ${expected} s (record at ${commitLogOffset})`);
  }

  #checkSlots(): void {
    const { cursor } = this;
    const { slotCount } = this.#geometry;
    const bytes = new Uint8Array(Math.min(CHUNK_SLOTS, slotCount) * INDEX_SLOT_SIZE);
    const view = viewOf(bytes);
    let ahead = 0;
    for (let first = 0; first < slotCount; first += CHUNK_SLOTS) {
      const count = Math.min(CHUNK_SLOTS, slotCount - first);
      bytes.fill(0);
      this.#fs.read(cursor.fd, bytes, 0, count * INDEX_SLOT_SIZE, slotPosition(first));
      for (let index = 0; index < count; index++) {
        const found = view.getInt32(index * INDEX_SLOT_SIZE);
        const slot = first + index;
        const expected = this.#table[slot]!;
        if (found === expected) continue;
        if (this.#listed(slot, found) === expected) ahead++;
        else this.#damage(slotPosition(slot), `slot ${slot} leads to entry ${found}, should be ${expected}`);
      }
    }
    if (ahead > 0) this.#problems.add('note', cursor.name, 36, `${ahead} slots lead to entries that the header does not count yet`);
  }

  /** The newest counted entry that a slot leads to over entries that a writer at work has not counted yet. */
  #listed(slot: number, newest: number): number {
    let number = newest;
    while (number >= this.cursor.end) {
      if (number >= this.#geometry.maxIndexCount) return -1;
      const entry = readIndexEntry(this.#fs, this.cursor.fd, this.#geometry, number);
      if (entry.hash < 0 || entry.hash % this.#geometry.slotCount !== slot || entry.previous >= number) return -1;
      number = entry.previous;
    }
    return number;
  }

  #damage(position: number, reason: string): void {
    this.#problems.add('damage', this.cursor.name, position, reason);
  }

  #damageEntry(field: number, reason: string): void {
    this.#damage(this.cursor.position + field, `entry ${this.cursor.number}: ${reason}`);
  }
}
