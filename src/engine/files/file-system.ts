/**
 * The file system as the engine sees it: synchronous, positional, without hidden buffering.
 *
 * Everything in `engine/` does its I/O through this port, so that a test double can fail the n-th operation, lose
 * unsynced pages or freeze the directory as a crash would. Every method throws the operating system's own error
 * (`error.code` = ENOSPC, EIO, EACCES, …) except where `null` is documented; `storage-errors.ts` maps them.
 */
export interface FileSystem {
  /** Opens a file. `read` and `write` (= read and write) need it to exist; `create` makes it and fails with EEXIST if it is there. */
  open(path: string, mode: 'read' | 'write' | 'create'): number;
  close(fd: number): void;
  /** Reads up to `length` bytes; fewer only at end of file. Returns the bytes read. */
  read(fd: number, target: Uint8Array, targetOffset: number, length: number, position: number): number;
  /** Writes all `length` bytes or throws. */
  write(fd: number, source: Uint8Array, sourceOffset: number, length: number, position: number): void;
  /** Sets the length; growing leaves a sparse hole of zeros. */
  truncate(fd: number, sizeBytes: number): void;
  /** fdatasync, blocking. */
  dataSync(fd: number): void;
  /** fdatasync in the thread pool. */
  dataSyncAsync(fd: number): Promise<void>;
  /** fsync of a directory: makes creations, renames and removals in it durable. */
  syncDirectory(path: string): void;
  /** null when nothing is at `path`. */
  stat(path: string): FileStat | null;
  fstat(fd: number): FileStat;
  /**
   * What the file takes up on disk, for proofs: every block of it that holds anything but zeros is counted once at least. null, or no such
   * method, where the count is not known to be so. Puts the file's data on disk first, as far as it is not.
   */
  allocation?(fd: number): FileAllocation | null;
  rename(from: string, to: string): void;
  unlink(path: string): void;
  /** Makes the directory and its parents; an existing one is fine. */
  makeDirectory(path: string): void;
  /** Removes an empty directory. */
  removeDirectory(path: string): void;
  /** Names in a directory in no particular order; null when there is no such directory. */
  list(path: string): string[] | null;
  /**
   * Calls `onChange` once, soon after the file was written with `write` by any process of this machine (not: through a memory map), or when
   * watching fails. Returns what ends the watch; null where no such word can be relied on. Keeps no process alive.
   */
  watch(path: string, onChange: () => void): (() => void) | null;
}

export interface FileStat {
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly inode: number;
  /** 0 for an open file whose last name was removed. */
  readonly linkCount: number;
  readonly isDirectory: boolean;
}

export interface FileAllocation {
  readonly allocatedBytes: number;
  /** Bytes of the smallest piece that is counted. */
  readonly blockBytes: number;
}
