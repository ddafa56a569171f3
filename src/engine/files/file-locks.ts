import { loadLockBinding } from './native-locks.ts';

export type LockMode = 'shared' | 'exclusive';

/**
 * Byte-range locks between processes that vanish with the process (fcntl locks owned by the open file description on
 * Linux: they exclude the JVM's FileLock both ways, and closing another descriptor of the file does not drop them).
 * A lock is converted in place by locking the same byte of the same descriptor in the other mode.
 */
export interface FileLocks {
  /** Returns false at once when another process (or descriptor) holds the byte in a conflicting mode. */
  tryLock(fd: number, byte: number, mode: LockMode): boolean;
  unlock(fd: number, byte: number): void;
}

let binding: ReturnType<typeof loadLockBinding> | undefined;

/** The real locks. The native module is loaded at the first use, so that reading commands never need it. */
export const nativeFileLocks: FileLocks = {
  tryLock: (fd, byte, mode) => {
    binding ??= loadLockBinding();
    try {
      binding.tryLock(fd, byte, 1, mode === 'exclusive');
      return true;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'EAGAIN' || code === 'EACCES') return false;
      throw error;
    }
  },
  unlock: (fd, byte) => {
    binding ??= loadLockBinding();
    binding.unlock(fd, byte, 1);
  },
};
