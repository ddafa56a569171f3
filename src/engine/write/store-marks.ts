import { listSegments } from '../commit-log/log-directory.ts';
import type { RecoveryResult } from '../recovery/recover.ts';
import { recoveryCase } from '../recovery/recovery-case.ts';
import type { RecoveryCase, StoreMarks } from '../recovery/recovery-case.ts';
import { abortExists, createAbort, readAbortPid } from '../state/abort.ts';
import { readCheckpoint } from '../state/checkpoint.ts';
import type { EngineState, EngineStateFile } from '../state/engine-state.ts';
import type { StoreContext, StoreTables } from '../store-context.ts';
import { isCheckpointOf } from './checkpoint-rule.ts';

/** Reads the marks that the last one left, and what they mean. `stateFile` holds the state afterwards, as far as it is readable. */
export const readStoreMarks = (
  { fs, paths }: StoreContext, stateFile: EngineStateFile, bootId: string,
): { readonly abort: StoreMarks['abort']; readonly recovery: RecoveryCase } => {
  const state = stateFile.read() === 'invalid' ? 'invalid' : stateFile.state.status;
  const abort = !abortExists(fs, paths.abort) ? 'none' : readAbortPid(fs, paths.abort) === stateFile.state.writerPid ? 'ours' : 'foreign';
  const recovery = recoveryCase({
    abort,
    state,
    boot: stateFile.state.bootId === bootId ? 'same' : 'other',
    checkpoint: isCheckpointOf(stateFile.state, readCheckpoint(fs, paths.checkpoint).checkpoint) ? 'ours' : 'foreign',
  });
  return { abort, recovery };
};

/** Puts back `abort` and the config files, which a refused broker removes or rewrites. Lock held. */
export const restoreMarks = ({ fs, paths }: StoreContext, state: EngineState, tables: StoreTables): void => {
  if (!abortExists(fs, paths.abort)) createAbort(fs, paths.abort, state.writerPid, paths.temp);
  for (const file of tables.files) if (file.needsRepair) file.update(() => {});
};

/** Makes `state` that of a live store at the end that recovery found. */
export const takeStateOver = (
  { fs, paths, identity }: StoreContext, state: EngineState, result: RecoveryResult, by: { readonly bootId: string; readonly writerPid: number },
): void => {
  state.writerPid = by.writerPid;
  state.status = 'live';
  state.bootId = by.bootId;
  state.committedTail = result.tail;
  state.lastStoreTimestamp = result.lastStoreTimestamp;
  state.batchOpen = false;
  state.plannedEnd = result.tail;
  const logBegin = listSegments(fs, paths.commitLog, identity.segmentSizeBytes)[0]?.baseOffset ?? 0;
  // Recovery leaves on disk what it has looked at; only what a dead writer stored before that is still to be synced.
  state.syncedTail = result.case === 'dead-writer' ? Math.min(Math.max(state.syncedTail, logBegin), result.tail) : result.tail;
};
