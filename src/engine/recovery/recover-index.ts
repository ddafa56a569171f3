import { recoverIndex } from '../index/recover.ts';
import { LogReader } from '../read/log-reader.ts';
import type { StoreContext } from '../store-context.ts';
import { storeTimestampAt } from '../read/store-timestamp.ts';
import type { RecoveryResult } from './recover.ts';

/** Keeps every index entry that holds, below the end of the log; returns where indexing has to go on. */
export const recoverIndexFiles = (context: StoreContext, result: RecoveryResult, onNotice: (text: string) => void): number => {
  const { fs, paths, identity } = context;
  const log = new LogReader(fs, paths.commitLog, identity.segmentSizeBytes);
  const recovery = recoverIndex({
    storeTimestampAt: (offset) => storeTimestampAt(log, offset),
    fs,
    directory: paths.index,
    quarantineDirectory: paths.quarantine,
    slotCount: identity.indexSlotCount,
    maxIndexCount: identity.indexMaxCount,
    endOfLog: result.tail,
    scan: result.case === 'power-cut' ? 'all' : 'newest',
  });
  log.close();
  for (const file of recovery.files) {
    if (file.movedTo !== null) onNotice(`index file ${file.name} (${file.case}) could not be used; it is kept in ${file.movedTo} and its keys are indexed again`);
  }
  return recovery.reindexFrom;
};
