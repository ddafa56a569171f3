import type { FileSystem } from '../files/file-system.ts';
import { INDEX_HEADER_SIZE, slotPosition, viewOf } from './layout.ts';
import type { IndexGeometry } from './layout.ts';

const PAGE_SHIFT = 12;
const PAGE_SIZE = 1 << PAGE_SHIFT;
const ABSENT = 0;
const CLEAN = 1;
const DIRTY = 2;

/**
 * The slots of one index file, in pages of the file that are read when first needed and written back on request. The
 * memory of a page that is never touched is never used: one key costs two pages, a flood at most the whole table
 * (20 MB by default).
 */
export class SlotTable {
  readonly #fs: FileSystem;
  /** Where the slots end in the file. */
  readonly #endPosition: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #pageStates: Uint8Array;
  /** Whether all bytes are still the zeros they were made of. */
  #pristine = true;
  #fd = -1;

  constructor(fs: FileSystem, geometry: IndexGeometry) {
    this.#fs = fs;
    this.#endPosition = geometry.entriesPosition;
    const pageCount = Math.ceil(geometry.entriesPosition / PAGE_SIZE);
    // Zeroed by the operating system on first touch.
    this.#bytes = new Uint8Array(pageCount * PAGE_SIZE);
    this.#view = viewOf(this.#bytes);
    this.#pageStates = new Uint8Array(pageCount);
  }

  /** Forgets everything; pages come from `fd` from now on. */
  attach(fd: number): void {
    this.#fd = fd;
    this.#pageStates.fill(ABSENT);
  }

  /** Forgets everything; all slots are 0 (a file in the making). */
  reset(): void {
    this.#fd = -1;
    if (!this.#pristine) this.#bytes.fill(0);
    this.#pristine = true;
    this.#pageStates.fill(CLEAN);
  }

  /** Goes on with a descriptor that holds the same bytes. */
  rebind(fd: number): void {
    this.#fd = fd;
  }

  get(slot: number): number {
    const position = slotPosition(slot);
    const page = position >>> PAGE_SHIFT;
    if (this.#pageStates[page] === ABSENT) this.#load(page);
    return this.#view.getInt32(position);
  }

  set(slot: number, entryNumber: number): void {
    const position = slotPosition(slot);
    const page = position >>> PAGE_SHIFT;
    if (this.#pageStates[page] === ABSENT) this.#load(page);
    this.#pageStates[page] = DIRTY;
    this.#pristine = false;
    this.#view.setInt32(position, entryNumber);
  }

  /** Writes changed pages, neighbours together. They stay marked as changed until `markClean`, so that a failure loses none. */
  writeDirty(fd: number): void {
    const states = this.#pageStates;
    for (let page = states.indexOf(DIRTY); page >= 0; page = states.indexOf(DIRTY, page)) {
      let end = page + 1;
      while (states[end] === DIRTY) end++;
      const from = Math.max(page * PAGE_SIZE, INDEX_HEADER_SIZE);
      this.#fs.write(fd, this.#bytes, from, Math.min(end * PAGE_SIZE, this.#endPosition) - from, from);
      page = end;
    }
  }

  /** What was changed is in the file now. */
  markClean(): void {
    const states = this.#pageStates;
    for (let page = states.indexOf(DIRTY); page >= 0; page = states.indexOf(DIRTY, page)) states[page] = CLEAN;
  }

  #load(page: number): void {
    const from = page * PAGE_SIZE;
    this.#pristine = false;
    const length = Math.min(PAGE_SIZE, this.#endPosition - from);
    const count = this.#fs.read(this.#fd, this.#bytes, from, length, from);
    // A short file reads as a broker's mapping of it would: zeros.
    this.#bytes.fill(0, from + count, from + PAGE_SIZE);
    this.#pageStates[page] = CLEAN;
  }
}

