/**
 * How the last one to write this store left it, told from its marks before any data is read. A table, not a chain of
 * ifs: `recovery-case.test.ts` walks every combination.
 *
 * - `clean-own`: mqlite closed it and nobody was here since. The tail is known; nothing is scanned.
 * - `clean-foreign`: a broker closed it. The queues' ends say where the log was dispatched to; what lies behind is scanned.
 * - `dead-writer`: an mqlite died, the machine did not: the page cache holds every write in order. Scan from the committed tail.
 * - `power-cut`: an mqlite died with the machine: any page written after the last sync may be missing. Scan from the synced tail.
 * - `dead-broker`: a broker died. Scan from where its checkpoint allows.
 */
export type RecoveryCase = 'clean-own' | 'clean-foreign' | 'dead-writer' | 'power-cut' | 'dead-broker';

export interface StoreMarks {
  /** The `abort` file: none, one that names the mqlite that last had the store, or another's. */
  readonly abort: 'none' | 'ours' | 'foreign';
  /** `mqlite/state`: unreadable or absent, closed in order, or live. */
  readonly state: 'invalid' | 'closed' | 'live';
  /** Whether the machine has been restarted since the state was written. */
  readonly boot: 'same' | 'other';
  /** Whether the checkpoint is the one the last mqlite left: a broker that stored anything has moved it. */
  readonly checkpoint: 'ours' | 'foreign';
}

export const recoveryCase = ({ abort, state, boot, checkpoint }: StoreMarks): RecoveryCase => {
  // A state is closed only after `abort` is gone: one that is there again is another's, whatever pid it names.
  if (abort === 'foreign' || (abort === 'ours' && state !== 'live')) return 'dead-broker';
  if (abort === 'none' && state === 'invalid') return 'clean-foreign';
  if (abort === 'none' && state === 'closed') return checkpoint === 'ours' ? 'clean-own' : 'clean-foreign';
  // `abort` of ours, or none although the state is live: a broker that was refused removes it on its way out.
  return boot === 'same' ? 'dead-writer' : 'power-cut';
};
