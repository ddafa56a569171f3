import type { FileStat, FileSystem } from '../files/file-system.ts';
import { readWholeFile, writeFileAtomically } from './file-io.ts';

/** Layout: docs/format/checkpoint.md [StoreCheckpoint]. */
export const CHECKPOINT_SIZE_BYTES = 4096;

const FIELDS = {
  /** Store time of the newest record known to be flushed. */
  physicMsgTimestamp: 0,
  /** Store time of the newest record in the consume queues. */
  logicsMsgTimestamp: 8,
  /** End time of the newest full and flushed index file. */
  indexMsgTimestamp: 16,
  masterFlushedOffset: 24,
  confirmPhyOffset: 32,
  /** Commit-log offset dispatched to the queues and flushed there; since 5.5.0, zero before. */
  logicsPhysicalOffset: 40,
} as const;

export type Checkpoint = Readonly<Record<keyof typeof FIELDS, number>>;

export const ZERO_CHECKPOINT: Checkpoint = {
  physicMsgTimestamp: 0, logicsMsgTimestamp: 0, indexMsgTimestamp: 0, masterFlushedOffset: 0, confirmPhyOffset: 0, logicsPhysicalOffset: 0,
};

/** implausible: a negative number or one beyond 2^53, which nobody writes. */
export type CheckpointCase = 'ok' | 'missing' | 'short' | 'zeros' | 'implausible';

export interface CheckpointRead {
  /** Zeros unless the case is ok; zeros mean: recover from the first commit-log file. */
  readonly checkpoint: Checkpoint;
  readonly case: CheckpointCase;
}

export const decodeCheckpoint = (bytes: Uint8Array): CheckpointRead => {
  if (bytes.length < CHECKPOINT_SIZE_BYTES) return { checkpoint: ZERO_CHECKPOINT, case: 'short' };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const checkpoint: Record<string, number> = {};
  let sum = 0;
  for (const [field, offset] of Object.entries(FIELDS)) {
    const value = Number(view.getBigInt64(offset));
    if (value < 0 || !Number.isSafeInteger(value)) return { checkpoint: ZERO_CHECKPOINT, case: 'implausible' };
    checkpoint[field] = value;
    sum += value;
  }
  return { checkpoint: checkpoint as Checkpoint, case: sum === 0 ? 'zeros' : 'ok' };
};

/** Writes the fields into `target` (4096 bytes) and leaves all other bytes of it alone. */
export const encodeCheckpoint = (checkpoint: Checkpoint, target: Uint8Array): void => {
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
  for (const field of Object.keys(FIELDS) as (keyof typeof FIELDS)[]) view.setBigInt64(FIELDS[field], BigInt(checkpoint[field]));
};

export const readCheckpoint = (fs: FileSystem, path: string): CheckpointRead => {
  const bytes = readWholeFile(fs, path);
  return bytes === null ? { checkpoint: ZERO_CHECKPOINT, case: 'missing' } : decodeCheckpoint(bytes);
};

const isSame = (open: FileStat, named: FileStat | null): boolean => named !== null && named.inode === open.inode && open.linkCount > 0;

/** The checkpoint for writing: in place, 4096 bytes in one write; as a new file when the old one was removed or replaced. */
export class CheckpointFile {
  readonly #fs: FileSystem;
  readonly #path: string;
  readonly #tempDirectory: string;
  readonly #bytes = Buffer.alloc(CHECKPOINT_SIZE_BYTES);
  #fd = -1;

  constructor(fs: FileSystem, path: string, tempDirectory: string) {
    this.#fs = fs;
    this.#path = path;
    this.#tempDirectory = tempDirectory;
  }

  /** With `sync` it is on disk when this returns. What later versions keep behind the known fields stays. */
  write(checkpoint: Checkpoint, options: { readonly sync: boolean }): void {
    if (this.#fd >= 0 && !isSame(this.#fs.fstat(this.#fd), this.#fs.stat(this.#path))) this.close();
    if (this.#fd < 0) this.#open();
    if (this.#fd < 0) {
      this.#bytes.fill(0);
      encodeCheckpoint(checkpoint, this.#bytes);
      writeFileAtomically(this.#fs, this.#path, this.#bytes, { tempDirectory: this.#tempDirectory, sync: options.sync });
      return;
    }
    encodeCheckpoint(checkpoint, this.#bytes);
    this.#fs.write(this.#fd, this.#bytes, 0, CHECKPOINT_SIZE_BYTES, 0);
    if (options.sync) this.#fs.dataSync(this.#fd);
  }

  close(): void {
    if (this.#fd < 0) return;
    const fd = this.#fd;
    this.#fd = -1;
    this.#fs.close(fd);
  }

  #open(): void {
    if (this.#fs.stat(this.#path) === null) return;
    this.#fd = this.#fs.open(this.#path, 'write');
    this.#bytes.fill(0);
    this.#fs.read(this.#fd, this.#bytes, 0, CHECKPOINT_SIZE_BYTES, 0);
  }
}
