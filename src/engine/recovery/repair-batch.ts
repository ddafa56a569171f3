import type { QueueTable } from '../consume-queue/queue-table.ts';
import type { EngineState } from '../state/engine-state.ts';
import type { StoreContext, StoreTables } from '../store-context.ts';
import { finishDeletions } from './finish-deletions.ts';
import { recoverStore } from './recover.ts';

/** Another writer died inside a batch or a change: complete records are kept, the rest is cleared. Changes `state`; answers what users should be told. */
export const repairBatch = (context: StoreContext, state: EngineState, queues: QueueTable, tables: StoreTables): readonly string[] => {
  if (finishDeletions(context, tables).length > 0) state.topicsGeneration++;
  const result = recoverStore(context, 'dead-writer', state, queues, tables.deletedTopics.load());
  state.committedTail = result.tail;
  state.lastStoreTimestamp = result.lastStoreTimestamp;
  state.batchOpen = false;
  return result.notices;
};
