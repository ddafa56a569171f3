import type { IndexWriter } from '../index/writer.ts';
import type { Checkpoint } from '../state/checkpoint.ts';
import type { EngineState } from '../state/engine-state.ts';

/**
 * What the checkpoint says while `abort` exists. A broker that boots after a kill deletes every index file that is newer
 * than indexMsgTimestamp, the current one always, and rebuilds keys only from the log file where its recovery starts
 * (P13). So the checkpoint leads it to a file at or before the first record of the current index file, and never beyond
 * what log, queues and index have on disk. null: the old one stays.
 *
 * Until 5.4 the start is the newest file whose first record is older than the timestamps less 3 s, from 5.5 on the newest
 * whose first record lies at or before logicsPhysicalOffset [ConsumeQueueStore#isMappedFileMatchedRecover].
 */
export const checkpointWhileOpen = (syncedTail: number, index: IndexWriter | null, before: Checkpoint): Checkpoint | null => {
  if (index === null) return null;
  const { current } = index;
  if (current !== null && current.beginCommitLogOffset > syncedTail) return null;
  const timestamp = current === null ? 0 : Math.max(0, current.beginTimestamp - 1);
  const next: Checkpoint = {
    ...before,
    physicMsgTimestamp: timestamp,
    logicsMsgTimestamp: timestamp,
    indexMsgTimestamp: index.lastFullEndTimestamp,
    logicsPhysicalOffset: current?.beginCommitLogOffset ?? 0,
  };
  return Object.entries(next).every(([field, value]) => before[field as keyof Checkpoint] === value) ? null : next;
};

/** What it says after a clean close: everything is on disk. */
export const checkpointWhenClosed = (state: EngineState, index: IndexWriter | null, before: Checkpoint): Checkpoint => ({
  ...before,
  physicMsgTimestamp: state.lastStoreTimestamp,
  logicsMsgTimestamp: state.lastStoreTimestamp,
  indexMsgTimestamp: index?.lastFullEndTimestamp ?? before.indexMsgTimestamp,
  logicsPhysicalOffset: state.committedTail,
});

/** Whether this is the checkpoint of the close that `state` speaks of: a broker that stored anything since has moved it. */
export const isCheckpointOf = (state: EngineState, checkpoint: Checkpoint): boolean =>
  checkpoint.physicMsgTimestamp === state.lastStoreTimestamp && checkpoint.logicsPhysicalOffset === state.committedTail;
