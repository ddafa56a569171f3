import { recoverIndex } from '../index/recover.ts';
import type { StoreContext } from '../store-context.ts';
import type { RecoveryResult } from './recover.ts';

/** Keeps every index entry that holds, below the end of the log; returns where indexing has to go on. */
export const recoverIndexFiles = (context: StoreContext, result: RecoveryResult, onNotice: (text: string) => void): number => {
  const { fs, paths, identity } = context;
  const recovery = recoverIndex({
    fs,
    directory: paths.index,
    quarantineDirectory: paths.quarantine,
    slotCount: identity.indexSlotCount,
    maxIndexCount: identity.indexMaxCount,
    endOfLog: result.tail,
    scan: result.case === 'power-cut' ? 'all' : 'newest',
  });
  for (const file of recovery.files) {
    if (file.movedTo !== null) onNotice(`index file ${file.name} (${file.case}) could not be used; it is kept in ${file.movedTo} and its keys are indexed again`);
  }
  return recovery.reindexFrom;
};
