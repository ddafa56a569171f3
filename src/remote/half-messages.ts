import { MqliteError } from '../broker/errors.ts';
import type { EndTransactionRequest, MessageQueue } from '../broker/types.ts';
import { parseOffsetMsgId } from '../record/message-id.ts';
import type { Message } from '../record/message.ts';
import { PROPERTY } from '../record/properties.ts';
import { TRANSACTION_COMMIT, TRANSACTION_MASK } from '../record/sys-flag.ts';
import { HALF_TOPIC, transactionKey, wholeNumber } from '../record/transaction.ts';
import { COMMIT_OR_ROLLBACK } from '../wire/requests/transaction.ts';
import type { Queries } from './queries.ts';

export type Ending = 'commit' | 'rollback';

export const COMMIT_OR_ROLLBACK_OF: Readonly<Record<Ending | 'unknown', number>> = {
  commit: COMMIT_OR_ROLLBACK.COMMIT, rollback: COMMIT_OR_ROLLBACK.ROLLBACK, unknown: COMMIT_OR_ROLLBACK.UNKNOWN,
};

/** The half message that a request means. Errors: INVALID_INPUT, NOT_FOUND, REFUSED (another group's, another place), those of reading. */
export const requireHalf = async (query: Queries, { offsetMsgId, queueOffset, producerGroup }: EndTransactionRequest): Promise<Message> => {
  if (parseOffsetMsgId(offsetMsgId) === null) {
    throw new MqliteError('INVALID_INPUT', `${offsetMsgId} is not the offset id of a half message`, { hint: 'It has 32 or 56 hexadecimal digits.' });
  }
  const half = await query.byOffsetMsgId(offsetMsgId);
  if (half === null || half.topic !== HALF_TOPIC) {
    throw new MqliteError('NOT_FOUND', `there is no half message ${offsetMsgId}`, { hint: 'A cluster keeps its records for 72 hours. See "mqlite tx list".' });
  }
  const owner = half.properties[PROPERTY.PGROUP] ?? '';
  if (owner !== producerGroup) throw new MqliteError('REFUSED', `half message ${offsetMsgId} belongs to producer group ${owner || '(none)'}, not to ${producerGroup}`);
  if (half.queueOffset !== queueOffset) throw new MqliteError('REFUSED', `half message ${offsetMsgId} is at offset ${half.queueOffset} of the half topic, not at ${queueOffset}`);
  return half;
};

/** Where a half message is meant for. Error: REFUSED when that was lost. */
export const destinationOf = ({ properties, brokerName, offsetMsgId }: Message): MessageQueue => {
  const topic = properties[PROPERTY.REAL_TOPIC];
  const queueId = wholeNumber(properties[PROPERTY.REAL_QID]);
  if (topic === undefined || queueId === null) throw new MqliteError('REFUSED', `half message ${offsetMsgId} does not say which topic it is meant for`);
  return { topic, brokerName, queueId };
};

/** Whether a message is what a commit of the half, or of another copy of it, stored. */
export const isCommitOf = (half: Message) => (message: Message): boolean =>
  (message.sysFlag & TRANSACTION_MASK) === TRANSACTION_COMMIT && message.msgId === half.msgId && message.bodyCRC === half.bodyCRC && message.bornTimestamp === half.bornTimestamp;

/** What a commit of the half stored; null when there is none that the broker's index knows of. */
export const findCommitted = async (query: Queries, half: Message): Promise<Message | null> => {
  const topic = half.properties[PROPERTY.REAL_TOPIC];
  if (topic === undefined) return null;
  return (await query.byUniqueId(half.brokerName, topic, half.msgId)).find(isCommitOf(half)) ?? null;
};

export const alreadyEnded = (half: Message, how: Ending, message?: Pick<Message, 'topic' | 'queueId' | 'queueOffset'> | null): MqliteError => {
  const id = half.properties[PROPERTY.TRANSACTION_ID] ?? half.msgId;
  if (how === 'rollback') return new MqliteError('REFUSED', `transaction ${id} is already rolled back`);
  return new MqliteError('REFUSED', `transaction ${id} is already committed${message === undefined || message === null ? '' : `: ${message.topic}, queue ${message.queueId}, offset ${message.queueOffset}`}`);
};

const MAX_REMEMBERED = 100_000;

/**
 * How this process ended half messages. A broker writes down what it was told only every 3 s, and until then would end a half once more and ask
 * about it. [TransactionalOpBatchService]
 */
export class EndedHalves {
  readonly #ended = new Map<string, Ending>();

  of(half: Message): Ending | undefined {
    return this.#ended.get(keyOf(half));
  }

  add(half: Message, how: Ending): void {
    this.#ended.set(keyOf(half), how);
    if (this.#ended.size <= MAX_REMEMBERED) return;
    const [oldest] = this.#ended.keys();
    this.#ended.delete(oldest!);
  }
}

const keyOf = (half: Message): string => `${half.brokerName} ${transactionKey(half)}`;
