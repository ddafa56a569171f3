import type { Transaction } from '../broker/transactions.ts';
import { HALF_MAX_AGE_MS } from '../record/transaction.ts';

/** What became of a transaction, the decision looked up. */
export type TransactionStateName = 'pending' | 'committed' | 'rolledBack' | 'givenUp' | 'unknown';

export function stateText(state: TransactionStateName): string {
  return state === 'rolledBack' ? 'rolled back' : state === 'givenUp' ? 'given up' : state;
}

/** Why it is as it is, for a user who asks what to do. */
export function whyOf({ half, producerGroup, checkTimes, endedTimestamp }: Transaction, state: TransactionStateName): string {
  const asked = checkTimes === 0 ? 'nobody was asked' : `asked ${checkTimes === 1 ? 'once' : `${checkTimes} times`}`;
  if (state === 'pending') return `group ${producerGroup || '(lost)'} has not decided, ${asked}`;
  if (state === 'givenUp') {
    const isOld = endedTimestamp !== null && endedTimestamp - half.bornTimestamp > HALF_MAX_AGE_MS;
    return isOld ? `not decided within 72 hours, ${asked}` : `${asked}, and group ${producerGroup || '(lost)'} did not know`;
  }
  if (state === 'unknown') return endedTimestamp === null ? 'passed over by checks, its decision is not in the store' : 'decided, and the queue of its message is gone';
  return state === 'committed' ? 'committed' : 'rolled back';
}
