import type { FileSystem } from './file-system.ts';

/**
 * The same file system, which tells of every sync that fails. The kernel may count pages as clean that it could not
 * write, so that trying again succeeds without having saved them: whoever syncs must stop for good at the first failure.
 */
export const tellingFailedSyncs = (fs: FileSystem, onFailure: (error: Error) => void): FileSystem => {
  const fail = (error: unknown): never => {
    onFailure(error as Error);
    throw error;
  };
  const watched = <A extends unknown[]>(sync: (...args: A) => void) => (...args: A): void => {
    try {
      sync(...args);
    } catch (error) {
      fail(error);
    }
  };
  return { ...fs, dataSync: watched(fs.dataSync), syncDirectory: watched(fs.syncDirectory), dataSyncAsync: (fd) => fs.dataSyncAsync(fd).catch(fail) };
};
