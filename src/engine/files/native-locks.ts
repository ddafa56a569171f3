import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { MqliteError } from '../../broker/errors.ts';

/** What mqlite uses of fs-native-extensions: open-file-description locks on Linux, LockFileEx on Windows, flock-like ones on macOS. */
interface LockBinding {
  tryLock(fd: number, offset: number, length: number, exclusive: boolean): void;
  unlock(fd: number, offset: number, length: number): void;
}

const MISSING = 'the native lock module fs-native-extensions cannot be loaded';

/**
 * Loads the prebuilt addon by its path. The package's own entry does the same through a general resolver that costs
 * several milliseconds at start-up; it stays the fallback.
 */
export const loadLockBinding = (): LockBinding => {
  const require = createRequire(typeof __filename === 'string' ? __filename : import.meta.url);
  try {
    const packageFile = require.resolve('fs-native-extensions/package');
    const addon = path.join(path.dirname(packageFile), 'prebuilds', `${process.platform}-${process.arch}`, 'fs-native-extensions.node');
    if (existsSync(addon)) return require(addon) as LockBinding;
    return require('fs-native-extensions/binding') as LockBinding;
  } catch (error) {
    throw new MqliteError('STORAGE_FAILED', `${MISSING}: ${(error as Error).message}`, {
      hint: `writing a store needs it; reinstall with "npm ci", or see whether it is prebuilt for ${process.platform}-${process.arch}`,
      cause: error,
    });
  }
};
