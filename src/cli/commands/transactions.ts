import type { Broker } from '../../broker/broker.ts';
import { MqliteError } from '../../broker/errors.ts';
import type { SendResult } from '../../broker/types.ts';
import { stateText, whyOf } from '../../client/transaction-words.ts';
import type { TransactionStateName } from '../../client/transaction-words.ts';
import { endRequest, findCommit, findTransaction } from '../../client/transactions.ts';
import type { Transaction } from '../../client/transactions.ts';
import type { Message } from '../../record/message.ts';
import { formatTime, plural } from '../../text/numbers.ts';
import { renderQueueTable } from '../render/queue-table.ts';
import type { TableStyle } from '../render/table.ts';
import { fullJson, messageText } from './messages.ts';
import type { MessageJson } from './messages.ts';

export interface DeliveredJson {
  readonly topic: string;
  readonly brokerName: string;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly msgId: string;
  readonly offsetMsgId: string;
}

export interface TransactionJson {
  readonly transactionId: string;
  readonly msgId: string;
  /** Of the newest copy of the half message. */
  readonly offsetMsgId: string;
  readonly state: TransactionStateName;
  /** In words. */
  readonly why: string;
  /** Where it is meant for; null when that was lost. */
  readonly topic: string | null;
  /** It has the half message, and will have the message. */
  readonly brokerName: string;
  readonly queueId: number | null;
  readonly producerGroup: string;
  readonly checkTimes: number;
  readonly tags: string | null;
  readonly keys: readonly string[];
  readonly bornTimestamp: number;
  readonly storeTimestamp: number;
  /** Of the half message, in the half topic. */
  readonly halfQueueOffset: number;
  /** When it was decided or given up; null while it is pending and where that is not known. */
  readonly endedTimestamp: number | null;
  /** Where the message of a committed transaction is; null for any other. */
  readonly delivered: DeliveredJson | null;
}

export interface TransactionListJson {
  readonly transactions: readonly TransactionJson[];
  readonly truncated: boolean;
}

export interface TransactionShowJson extends TransactionJson {
  /** The half message. */
  readonly half: MessageJson;
}

export interface TransactionEndJson {
  readonly transactionId: string;
  readonly decision: 'commit' | 'rollback';
  readonly topic: string | null;
  readonly queueId: number | null;
  /** Where the message is now; null after a rollback. */
  readonly delivered: DeliveredJson | null;
}

const deliveredJson = ({ topic, brokerName, queueId, queueOffset, msgId, offsetMsgId }: DeliveredJson): DeliveredJson => ({ topic, brokerName, queueId, queueOffset, msgId, offsetMsgId });

/** A transaction with its decision, which is looked for where the message should be. */
export async function describeTransaction(broker: Broker, transaction: Transaction): Promise<TransactionJson> {
  const { half, transactionId, topic, queueId, producerGroup, checkTimes, endedTimestamp } = transaction;
  const commit = transaction.state === 'ended' ? await findCommit(broker, transaction) : null;
  const state = transaction.state === 'ended' ? endedState(commit, endedTimestamp) : transaction.state;
  return {
    transactionId, msgId: half.msgId, offsetMsgId: half.offsetMsgId, state, why: whyOf(transaction, state), topic, brokerName: half.brokerName, queueId, producerGroup, checkTimes,
    tags: half.tags, keys: half.keys, bornTimestamp: half.bornTimestamp, storeTimestamp: half.storeTimestamp, halfQueueOffset: half.queueOffset, endedTimestamp,
    delivered: commit === null || commit === undefined ? null : deliveredJson(commit),
  };
}

/** Without a message and without a decision, or without the queue the message would be in, nobody can tell. */
function endedState(commit: Message | null | undefined, endedTimestamp: number | null): TransactionStateName {
  if (commit === undefined) return 'unknown';
  if (commit !== null) return 'committed';
  return endedTimestamp === null ? 'unknown' : 'rolledBack';
}

/** Ends a pending transaction. Errors: NOT_FOUND; REFUSED, naming the decision, for one that is ended. */
export async function endByHand(broker: Broker, id: string, decision: 'commit' | 'rollback', signal: AbortSignal): Promise<TransactionEndJson> {
  const transaction = await findTransaction(broker, id, signal);
  if (transaction.state !== 'pending') throw await alreadyEnded(broker, transaction);
  const result: SendResult | null = await broker.endTransaction(endRequest(transaction, decision));
  const { transactionId, topic, queueId } = transaction;
  return { transactionId, decision, topic, queueId, delivered: result === null ? null : deliveredJson(result) };
}

async function alreadyEnded(broker: Broker, transaction: Transaction): Promise<MqliteError> {
  const { state, topic, queueId, delivered, why } = await describeTransaction(broker, transaction);
  const id = transaction.transactionId;
  if (state === 'committed') return new MqliteError('REFUSED', `transaction ${id} is already committed: ${topic}, queue ${queueId}, offset ${delivered?.queueOffset}`);
  if (state === 'unknown') return new MqliteError('REFUSED', `transaction ${id} is no longer pending: ${why}`, { hint: `See "mqlite tx show ${id}".` });
  if (state === 'rolledBack') return new MqliteError('REFUSED', `transaction ${id} is already rolled back`, { hint: `Its message can still be seen: mqlite tx show ${id}` });
  return new MqliteError('REFUSED', `transaction ${id} was given up: ${why}`, { hint: `Its message is kept in TRANS_CHECK_MAX_TIME_TOPIC: mqlite tx show ${id}, and send it again.` });
}

export async function transactionTable(transactions: readonly TransactionJson[], style: TableStyle): Promise<string> {
  const columns = [{ title: 'BORN' }, { title: 'STATE' }, { title: 'TOPIC' }, { title: 'QUEUE', align: 'right' }, { title: 'GROUP' }, { title: 'TRANSACTION' }, { title: 'KEYS' }, { title: 'WHY' }] as const;
  const rows = transactions.map(({ bornTimestamp, state, topic, queueId, producerGroup, transactionId, keys, why }) =>
    [formatTime(bornTimestamp), stateText(state), topic ?? '-', queueId ?? '-', producerGroup || '-', transactionId, keys.join(' ') || '-', why]);
  return renderQueueTable(columns, rows, transactions.map(({ brokerName }) => brokerName), style);
}

export async function showTransaction(broker: Broker, transaction: Transaction): Promise<TransactionShowJson> {
  return { ...(await describeTransaction(broker, transaction)), half: fullJson(transaction.half) };
}

export function transactionText(data: TransactionShowJson, terminal: boolean): string {
  const place = data.delivered === null ? '-' : `offset ${data.delivered.queueOffset}, ${data.delivered.offsetMsgId}`;
  const fields: readonly [string, string][] = [
    ['transaction', data.transactionId],
    ['state', `${stateText(data.state)}${data.endedTimestamp === null ? '' : ` at ${formatTime(data.endedTimestamp)}`}`],
    ['why', data.why],
    ['meant for', `${data.topic ?? '-'}, queue ${data.queueId ?? '-'}`],
    ['message', place],
    ['group', data.producerGroup || '-'],
    ['checks', plural(data.checkTimes, 'time')],
  ];
  return `${fields.map(([name, value]) => `${name.padEnd(11)}  ${value}`).join('\n')}\n\nhalf message\n${messageText(data.half, terminal)}`;
}
