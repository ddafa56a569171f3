import { join } from 'node:path';
import type { FileSystem } from '../files/file-system.ts';
import { entryPosition, INDEX_ENTRY_SIZE, nextEntryNumber, readInt64, viewOf } from './layout.ts';
import type { IndexGeometry, IndexHeader } from './layout.ts';
import { readIndexHeader } from './open-file.ts';

const CHUNK_ENTRIES = 13_107; // 256 KiB

/** Walks the entries that one file's header counts, in order. `hash` … `previous` are those of entry `number`. */
export class EntryCursor {
  readonly name: string;
  readonly header: IndexHeader;
  /** Number of the first entry that is not counted. */
  readonly end: number;
  number = 0;
  hash = 0;
  commitLogOffset = 0;
  timeDifference = 0;
  previous = 0;
  readonly #fs: FileSystem;
  readonly #fd: number;
  readonly #geometry: IndexGeometry;
  readonly #chunk = new Uint8Array(CHUNK_ENTRIES * INDEX_ENTRY_SIZE);
  readonly #view = viewOf(this.#chunk);
  #chunkFirst = 1;
  #chunkEnd = 1;

  constructor(fs: FileSystem, directory: string, name: string, geometry: IndexGeometry) {
    this.name = name;
    this.#fs = fs;
    this.#geometry = geometry;
    this.#fd = fs.open(join(directory, name), 'read');
    this.header = readIndexHeader(fs, this.#fd);
    this.end = nextEntryNumber(this.header, geometry);
  }

  get fd(): number {
    return this.#fd;
  }

  /** Byte position of the entry in the file. */
  get position(): number {
    return entryPosition(this.#geometry, this.number);
  }

  /** Goes to the next entry; false behind the last one. */
  advance(): boolean {
    if (this.number + 1 >= this.end) {
      this.number = this.end;
      return false;
    }
    this.number++;
    const position = this.#locate(this.number);
    const view = this.#view;
    this.hash = view.getInt32(position);
    this.commitLogOffset = readInt64(view, position + 4);
    this.timeDifference = view.getInt32(position + 12);
    this.previous = view.getInt32(position + 16);
    return true;
  }

  /** The commit-log offset of the entry after this one, null behind the last. */
  peekOffset(): number | null {
    const next = this.number + 1;
    return next < this.end ? readInt64(this.#view, this.#locate(next) + 4) : null;
  }

  close(): void {
    this.#fs.close(this.#fd);
  }

  #locate(number: number): number {
    if (number >= this.#chunkEnd) {
      this.#chunkFirst = number;
      this.#chunkEnd = Math.min(number + CHUNK_ENTRIES, this.end);
      this.#chunk.fill(0);
      const length = (this.#chunkEnd - number) * INDEX_ENTRY_SIZE;
      this.#fs.read(this.#fd, this.#chunk, 0, length, entryPosition(this.#geometry, number));
    }
    return (number - this.#chunkFirst) * INDEX_ENTRY_SIZE;
  }
}
