import path from 'node:path';
import { makeDirectoryDurably } from '../state/file-io.ts';
import type { StoreContext } from '../store-context.ts';

/** Moves a file into quarantine under a name that says where it was; returns its new path. */
export const moveToQuarantine = ({ fs, paths }: StoreContext, file: string): string => {
  makeDirectoryDurably(fs, paths.quarantine);
  const name = path.relative(paths.root, file).replaceAll(path.sep, '.');
  for (let number = 1; ; number++) {
    const target = path.join(paths.quarantine, `${name}.${number}`);
    if (fs.stat(target) !== null) continue;
    fs.rename(file, target);
    for (const directory of [paths.quarantine, path.dirname(file)]) fs.syncDirectory(directory);
    return target;
  }
};
