import { nodeFileSystem } from './files/node-file-system.ts';
import { isLocked } from './locks/lock-holder.ts';
import { storePaths } from './store-paths.ts';

/**
 * Changes whenever a broker that was opened for reading must be opened anew: the directory is another one, its identity or the state of its
 * writers was replaced, a writer came, left or died. Messages that are stored do not change it: readers follow those. Only looks.
 */
export const storeStamp = (storeDirectory: string, commitLogDirectory?: string): string => {
  const { root, commitLog, identity, state, abort, lock } = storePaths(storeDirectory, commitLogDirectory);
  const files = [root, commitLog, identity, state, abort].map((path) => nodeFileSystem.stat(path)?.inode ?? 0);
  const { modifiedMs = 0 } = nodeFileSystem.stat(identity) ?? {};
  return [...files, modifiedMs, files.at(-1) !== 0 && isLocked(nodeFileSystem, lock)].join(' ');
};
