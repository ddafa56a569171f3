import type { MessageQueue } from '../../broker/types.ts';
import { renderTable } from './table.ts';
import type { Column, TableStyle } from './table.ts';

/**
 * A table whose rows are about queues. Where they lie on several brokers, the column BROKER stands before QUEUE, else before OFFSET, or first: each broker numbers its queues from 0.
 * @param brokerNames of each row; null: the row is about none.
 */
export function renderQueueTable(columns: readonly Column[], rows: readonly (readonly (string | number)[])[], brokerNames: readonly (string | null)[], style: TableStyle): Promise<string> {
  if (!areSeveral(brokerNames)) return renderTable(columns, rows, style);
  const at = Math.max(0, columns.findIndex(({ title }) => title === 'QUEUE' || title === 'OFFSET'));
  const withBroker = <T>(row: readonly T[], broker: T): T[] => [...row.slice(0, at), broker, ...row.slice(at)];
  return renderTable(withBroker(columns, { title: 'BROKER' }), rows.map((row, index) => withBroker<string | number>(row, brokerNames[index] ?? '-')), style);
}

/** How a line calls a queue among these: by its number, and by its broker where they are of several. */
export function queueNamer(queues: readonly MessageQueue[]): (queue: MessageQueue) => string {
  const named = areSeveral(queues.map(({ brokerName }) => brokerName));
  return ({ brokerName, queueId }) => (named ? `queue ${queueId} of ${brokerName}` : `queue ${queueId}`);
}

const areSeveral = (brokerNames: readonly (string | null)[]): boolean => new Set(brokerNames).size > 1;
