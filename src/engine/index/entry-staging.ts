import type { FileSystem } from '../files/file-system.ts';
import { entryPosition, INDEX_ENTRY_SIZE, readInt64, viewOf } from './layout.ts';
import type { IndexGeometry } from './layout.ts';

const CAPACITY = 13_107; // 256 KiB

/** New entries on their way to the end of a file, written in one piece. */
export class EntryStaging {
  readonly #bytes = Buffer.allocUnsafe(CAPACITY * INDEX_ENTRY_SIZE);
  readonly #view = viewOf(this.#bytes);
  #count = 0;

  get isFull(): boolean {
    return this.#count === CAPACITY;
  }

  add(hash: number, commitLogOffset: number, timeDifference: number, previous: number): void {
    const view = this.#view;
    const position = this.#count * INDEX_ENTRY_SIZE;
    view.setInt32(position, hash);
    view.setInt32(position + 4, Math.floor(commitLogOffset / 0x1_0000_0000));
    view.setUint32(position + 8, commitLogOffset >>> 0);
    view.setInt32(position + 12, timeDifference);
    view.setInt32(position + 16, previous);
    this.#count++;
  }

  /** Writes what is there as the last entries before `indexCount`; it stays until `clear`, so that a failure loses none. */
  writeTo(fs: FileSystem, fd: number, geometry: IndexGeometry, indexCount: number): void {
    if (this.#count === 0) return;
    fs.write(fd, this.#bytes, 0, this.#count * INDEX_ENTRY_SIZE, entryPosition(geometry, indexCount - this.#count));
  }

  /** Hashes of the newest entries, as far as they belong to the record at `commitLogOffset`; whether those are all that are here. */
  trailingHashes(commitLogOffset: number): { readonly hashes: number[]; readonly isAll: boolean } {
    const hashes: number[] = [];
    for (let index = this.#count - 1; index >= 0; index--) {
      const position = index * INDEX_ENTRY_SIZE;
      if (readInt64(this.#view, position + 4) !== commitLogOffset) return { hashes, isAll: false };
      hashes.push(this.#view.getInt32(position));
    }
    return { hashes, isAll: true };
  }

  clear(): void {
    this.#count = 0;
  }
}
