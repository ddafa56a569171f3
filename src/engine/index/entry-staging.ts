import type { FileSystem } from '../files/file-system.ts';
import { entryPosition, INDEX_ENTRY_SIZE, viewOf } from './layout.ts';
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

  clear(): void {
    this.#count = 0;
  }
}
