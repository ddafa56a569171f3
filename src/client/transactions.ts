import type { Broker } from '../broker/broker.ts';
import { MqliteError } from '../broker/errors.ts';
import { listTransactions } from '../broker/transactions.ts';
import type { Transaction } from '../broker/transactions.ts';
import type { EndTransactionRequest, MessageQueue, TransactionDecision } from '../broker/types.ts';
import type { Message } from '../record/message.ts';
import { PROPERTY } from '../record/properties.ts';
import { TRANSACTION_COMMIT, TRANSACTION_MASK } from '../record/sys-flag.ts';

export { listTransactions, recentTransactions, reduceTransactions } from '../broker/transactions.ts';
export type { RecentTransactions, Transaction, TransactionQuery, TransactionRecords, TransactionState } from '../broker/transactions.ts';

const PULL_MESSAGES = 1024;

/** The transaction with this transactionId, msgId or offsetMsgId of one of its copies. Error: NOT_FOUND. */
export const findTransaction = async (broker: Broker, id: string, signal?: AbortSignal): Promise<Transaction> => {
  const isIt = ({ transactionId, half, offsetMsgIds }: Transaction): boolean =>
    transactionId === id || half.msgId === id || offsetMsgIds.includes(id.toUpperCase());
  for (const withEnded of [false, true]) {
    const found = (await listTransactions(broker, { withEnded, signal })).filter(isIt);
    if (found.length > 1) throw new MqliteError('INVALID_INPUT', `${found.length} transactions have the id ${id}`, { hint: `name one by its offset id: ${found.map(({ half }) => half.offsetMsgId).join(', ')}` });
    if (found.length === 1) return found[0]!;
  }
  throw new MqliteError('NOT_FOUND', `no transaction in ${broker.target} has the id ${id}`, { hint: 'see "mqlite tx list --all"' });
};

/** The message that a commit stored, looked for between half and decision; null when there is none, undefined when its queue is gone. */
export const findCommit = async (broker: Broker, transaction: Transaction): Promise<Message | null | undefined> => {
  const { topic, queueId, half, endedTimestamp } = transaction;
  const queue = topic === null ? undefined : (await queuesOf(broker, topic)).find((candidate) => candidate.queueId === queueId && candidate.brokerName === half.brokerName);
  if (queue === undefined) return undefined;
  let offset = await broker.offsetByTime(queue, half.bornTimestamp, 'lower');
  for (;;) {
    const { status, messages, nextOffset } = await broker.pull({ queue, offset, maxMessages: PULL_MESSAGES });
    const found = messages.find((message) => (message.sysFlag & TRANSACTION_MASK) === TRANSACTION_COMMIT && message.msgId === half.msgId && message.bodyCRC === half.bodyCRC && message.bornTimestamp === half.bornTimestamp);
    if (found !== undefined) return found;
    if (status === 'NO_NEW_MESSAGE' || nextOffset <= offset) return null;
    // A commit is stored before the op record that ends its half; what is delayed arrives later than that.
    if (endedTimestamp !== null && half.properties[PROPERTY.DELAY] === undefined && half.properties[PROPERTY.TIMER_DELIVER_MS] === undefined && messages.some(({ storeTimestamp }) => storeTimestamp > endedTimestamp)) return null;
    offset = nextOffset;
  }
};

/** What ends a transaction that is pending. */
export const endRequest = ({ half, topic, transactionId, producerGroup }: Transaction, decision: TransactionDecision): EndTransactionRequest => ({
  topic: topic ?? '', transactionId, offsetMsgId: half.offsetMsgId, queueOffset: half.queueOffset, producerGroup, decision,
});

/** None of a topic that is not there. */
const queuesOf = async (broker: Broker, topic: string): Promise<MessageQueue[]> => {
  try {
    return await broker.queues(topic);
  } catch (error) {
    if (error instanceof MqliteError && error.code === 'TOPIC_NOT_FOUND') return [];
    throw error;
  }
};
