import type { FileSystem } from './file-system.ts';

/** Nothing is at the path, or a part of it is no directory. */
export const isMissing = (error: unknown): boolean => {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
};

/** Opens a file to be read; null when it is not there. That costs an exception, as much as a hundred looks: who asks again and again looks before. */
export const openIfThere = (fs: FileSystem, path: string): number | null => {
  try {
    return fs.open(path, 'read');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
};
