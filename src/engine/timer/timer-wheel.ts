import { CodecError } from '../../base/codec-error.ts';
import type { FileSystem } from '../files/file-system.ts';
import { createSizedFile, restoreIfUnlinked } from '../files/sized-file.ts';
import type { StorePaths } from '../store-paths.ts';
import { readSlot, SLOT_SIZE_BYTES, WHEEL_SIZE_BYTES, WHEEL_SLOTS, writeSlot } from './layout.ts';
import type { TimerSlot } from './layout.ts';
import { TimerDamage } from './timer-damage.ts';

/** Slots looked at with one read: 34 minutes. */
const CHUNK_SLOTS = 2048;

/** `timerwheel`: which chain of the timer log belongs to a second. Used by one process, with the write lock held. */
export class TimerWheel {
  readonly #fs: FileSystem;
  readonly #paths: StorePaths;
  #fd: number;
  #isUnsynced = false;
  readonly #chunk = Buffer.alloc(CHUNK_SLOTS * SLOT_SIZE_BYTES);
  readonly #slot = Buffer.alloc(SLOT_SIZE_BYTES);

  private constructor(fs: FileSystem, paths: StorePaths, fd: number) {
    this.#fs = fs;
    this.#paths = paths;
    this.#fd = fd;
  }

  /** Opens it, or makes an empty one. Throws TimerDamage for another length: a broker would refuse to boot. */
  static open(fs: FileSystem, paths: StorePaths): TimerWheel {
    const stat = fs.stat(paths.timerWheel);
    if (stat === null) return new TimerWheel(fs, paths, createSizedFile(fs, target(paths), () => {}));
    if (stat.sizeBytes !== WHEEL_SIZE_BYTES) throw new TimerDamage(`${paths.timerWheel}: ${stat.sizeBytes} bytes long instead of ${WHEEL_SIZE_BYTES}`);
    return new TimerWheel(fs, paths, fs.open(paths.timerWheel, 'write'));
  }

  /** Whatever the slot of a second holds, be it another second's. */
  raw(second: number): TimerSlot {
    this.#fs.read(this.#fd, this.#slot, 0, SLOT_SIZE_BYTES, (second % WHEEL_SLOTS) * SLOT_SIZE_BYTES);
    return this.#decode(this.#slot, 0);
  }

  put(slot: TimerSlot): void {
    writeSlot(this.#slot, 0, slot);
    this.#fs.write(this.#fd, this.#slot, 0, SLOT_SIZE_BYTES, (slot.second % WHEEL_SLOTS) * SLOT_SIZE_BYTES);
    this.#isUnsynced = true;
  }

  /** The first slot of [from, to) that means its second. */
  next(from: number, to: number): TimerSlot | null {
    for (let second = from; second < to;) {
      const index = second % WHEEL_SLOTS;
      const count = Math.min(CHUNK_SLOTS, to - second, WHEEL_SLOTS - index);
      this.#fs.read(this.#fd, this.#chunk, 0, count * SLOT_SIZE_BYTES, index * SLOT_SIZE_BYTES);
      for (let step = 0; step < count; step++) {
        // The low half of a second is not 0 before the year 2106: empty slots are passed over quickly.
        if (this.#chunk.readInt32BE(step * SLOT_SIZE_BYTES + 4) === 0) continue;
        const slot = this.#decode(this.#chunk, step * SLOT_SIZE_BYTES);
        if (slot.second === second + step) return slot;
      }
      second += count;
    }
    return null;
  }

  /** Puts the file back when somebody removed it. */
  restoreUnlinked(): void {
    this.#fd = restoreIfUnlinked(this.#fs, this.#fd, target(this.#paths));
  }

  sync(): void {
    if (this.#isUnsynced) this.#fs.dataSync(this.#fd);
    this.#isUnsynced = false;
  }

  close(): void {
    this.#fs.close(this.#fd);
  }

  #decode(buffer: Buffer, at: number): TimerSlot {
    try {
      return readSlot(buffer, at);
    } catch (error) {
      if (error instanceof CodecError) throw new TimerDamage(`${this.#paths.timerWheel}: ${error.message}`);
      throw error;
    }
  }
}

const target = (paths: StorePaths) => ({ path: paths.timerWheel, sizeBytes: WHEEL_SIZE_BYTES, tempDirectory: paths.temp });
