import { MqliteError } from '../../broker/errors.ts';
import type { EngineStateFile } from '../state/engine-state.ts';
import type { StorePaths } from '../store-paths.ts';

/**
 * A sync has failed: the kernel may count pages as clean that are not on disk, and then the next sync of them succeeds, in
 * any process. So the others must not trust their own syncs any more either. They find this mark and stop; the first one
 * after all of them writes everything again that is in doubt.
 */
export const markFailedSync = (stateFile: EngineStateFile, progress: { readonly syncedTail: number }, failure: Error): void => {
  try {
    stateFile.markFailedSync(progress.syncedTail);
  } catch (error) {
    // The device takes nothing at all, or the record itself is only being made. What is told is why the sync failed.
    failure.cause ??= error;
  }
};

/** For the writers that find the mark. */
export const othersFailed = ({ root }: StorePaths): MqliteError =>
  new MqliteError('STORAGE_FAILED', `${root}: a process that writes it could not make it durable`, {
    hint: 'close all processes that write it and check the disk; the next one to open it writes again what is in doubt',
  });
