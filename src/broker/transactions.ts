import type { Broker } from './broker.ts';
import { MqliteError } from './errors.ts';
import type { MessageQueue } from './types.ts';
import type { Message } from '../record/message.ts';
import { PROPERTY } from '../record/properties.ts';
import {
  GIVE_UP_TOPIC, HALF_QUEUE_ID, HALF_TOPIC, isLaterCopy, OP_HALF_TOPIC, OP_TAG, parseOpBody, transactionKey, TRANSACTION_GROUP, wholeNumber,
} from '../record/transaction.ts';

export type TransactionState = 'pending' | 'ended' | 'givenUp';

/** One half message with all its copies, and what became of it. */
export interface Transaction {
  /** ended: committed or rolled back; `findCommit` tells which. */
  readonly state: TransactionState;
  /** The newest copy that was read. */
  readonly half: Message;
  readonly transactionId: string;
  /** Where it is meant for; null when that was lost. */
  readonly topic: string | null;
  readonly queueId: number | null;
  /** Empty when that was lost. */
  readonly producerGroup: string;
  /** How often somebody was asked about it. */
  readonly checkTimes: number;
  /** Offset ids of every copy that was read. */
  readonly offsetMsgIds: readonly string[];
  /** Store time of what ended it or gave it up; null while it is pending, or where that is not known. */
  readonly endedTimestamp: number | null;
}

/** What is read of the three topics. The codec of it all is docs/format/transactions.md. */
export interface TransactionRecords {
  readonly halves: readonly Message[];
  readonly ops: readonly Message[];
  readonly givenUp: readonly Message[];
  /** Committed by the transaction group; 0 when nothing was. */
  readonly halfOffset: number;
}

export interface TransactionQuery {
  /** Those that are ended, too: everything the topics still hold is read. */
  readonly withEnded: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** What listing needs of a broker. */
export type TransactionReader = Pick<Broker, 'queues' | 'committedOffsets' | 'minOffset' | 'maxOffset' | 'offsetByTime' | 'pull'>;

const PULL_MESSAGES = 1024;

/** Every transaction that is asked for, oldest first: each broker has its own. Reads only. */
export const listTransactions = async (broker: TransactionReader, query: TransactionQuery): Promise<Transaction[]> => {
  const all: Transaction[] = [];
  for (const queues of await transactionQueues(broker)) all.push(...(await listOnBroker(broker, queues, query)).transactions);
  return all.sort(byBirth);
};

/** What is pending or was given up, as far as it was looked for. */
export interface RecentTransactions {
  /** Oldest first. */
  readonly transactions: readonly Transaction[];
  /** Half messages and given up ones, copies counted, that were not read: some of them may be pending. */
  readonly unreadRecords: number;
  /** The same as long as nothing has changed in the three topics. */
  readonly mark: string;
}

/**
 * The pending and given up transactions of `listTransactions`, of at most the newest `maxRecords` records of each of a broker's three queues: bounded work,
 * for a view that asks again and again. null: nothing has changed since what bore `previousMark`. What may have been decided in a record that was
 * not read is left out, and never taken for pending. Reads only.
 */
export const recentTransactions = async (broker: TransactionReader, maxRecords: number, previousMark: string | null, signal: AbortSignal): Promise<RecentTransactions | null> => {
  const brokers = await transactionQueues(broker);
  const marks = await Promise.all(brokers.map(async (queues) => {
    const ends = await Promise.all([queues.half, queues.op, queues.giveUp].map(async (queue) => (queue === null ? '-' : `${queue.brokerName}:${await broker.maxOffset(queue)}`)));
    const { half, op } = await committedProgress(broker, queues);
    return [...ends, half, op].join(' ');
  }));
  const mark = marks.join('\n');
  if (mark === previousMark) return null;
  const found = await Promise.all(brokers.map((queues) => listOnBroker(broker, queues, { withEnded: false, signal }, maxRecords)));
  return {
    transactions: found.flatMap(({ transactions }) => transactions).sort(byBirth),
    // Of what was given up half-way nothing is sure.
    mark: signal.aborted ? '' : mark,
    unreadRecords: found.reduce((sum, { unreadRecords }) => sum + unreadRecords, 0),
  };
};

/** @param maxRecords read of each queue, the newest; Infinity: all that is asked for */
const listOnBroker = async (broker: TransactionReader, queues: TransactionQueues, query: TransactionQuery, maxRecords = Infinity): Promise<Omit<RecentTransactions, 'mark'>> => {
  const progress = await committedProgress(broker, queues);
  const givenUp = await readQueue(broker, queues.giveUp, 0, maxRecords, query.signal);
  const read = async (halfFrom: number, opFrom: number): Promise<Omit<RecentTransactions, 'mark'>> => {
    const halves = await readQueue(broker, queues.half, halfFrom, maxRecords, query.signal);
    const ops = await readQueue(broker, queues.op, opFrom, maxRecords, query.signal);
    const all = reduceTransactions({ halves: halves.messages, ops: ops.messages, givenUp: givenUp.messages, halfOffset: progress.half });
    // A decision is stored behind its half, and behind the birth of a copy's first one.
    const decidedSinceMs = ops.unread === 0 ? -Infinity : ops.messages[0]?.storeTimestamp ?? Infinity;
    const isSure = ({ state, half }: Transaction): boolean => state !== 'pending' || (isLaterCopy(half) ? half.bornTimestamp : half.storeTimestamp) >= decidedSinceMs;
    return { transactions: all.filter(isSure), unreadRecords: halves.unread + givenUp.unread };
  };
  if (query.withEnded) return read(0, 0);
  const withoutEnded = ({ transactions, unreadRecords }: Omit<RecentTransactions, 'mark'>): Omit<RecentTransactions, 'mark'> =>
    ({ transactions: transactions.filter(({ state }) => state !== 'ended'), unreadRecords });
  const found = withoutEnded(await read(progress.half, progress.op));
  // Of a copy the decision may lie further back than what is still to be done.
  const copies = found.transactions.filter(({ state, half }) => state === 'pending' && isLaterCopy(half));
  if (copies.length === 0) return found;
  const bornMs = copies.reduce((first, { half }) => Math.min(first, half.bornTimestamp), Infinity);
  const since = async (queue: MessageQueue | null, offset: number): Promise<number> =>
    queue === null ? 0 : Math.min(offset, await broker.offsetByTime(queue, bornMs, 'lower'));
  return withoutEnded(await read(await since(queues.half, progress.half), await since(queues.op, progress.op)));
};

/** Pure: what the records of the three topics say together. */
export const reduceTransactions = ({ halves, ops, givenUp, halfOffset }: TransactionRecords): Transaction[] => {
  const ended = new Map<number, Message>();
  for (const op of ops) {
    // A record that says that a copy counts from now on ends nothing.
    if (op.tags !== OP_TAG || op.properties[PROPERTY.RENEWED] !== undefined) continue;
    for (const offset of parseOpBody(op.body.toString())) ended.set(offset, op);
  }
  const renewed = new Set(ops.filter((op) => op.properties[PROPERTY.RENEWED] !== undefined).flatMap((op) => parseOpBody(op.body.toString())));
  const givenUpByKey = new Map(givenUp.map((message) => [transactionKey(message), message]));
  const byKey = new Map<string, Message[]>();
  const transactions: Message[][] = [];
  for (const half of halves) {
    const key = transactionKey(half);
    const copies = isLaterCopy(half) ? byKey.get(key) : undefined;
    if (copies === undefined) {
      const first = [half];
      byKey.set(key, first);
      transactions.push(first);
    } else copies.push(half);
  }
  const described = transactions.map((copies): Transaction => {
    const half = copies.at(-1)!;
    const key = transactionKey(half);
    const kept = givenUpByKey.get(key);
    if (kept !== undefined) givenUpByKey.delete(key);
    const op = copies.map(({ queueOffset }) => ended.get(queueOffset)).find((found) => found !== undefined)
      ?? ended.get(wholeNumber(half.properties[PROPERTY.TRAN_PREPARED_QUEUE_OFFSET]) ?? -1);
    if (kept !== undefined) return describe('givenUp', half, copies, kept.storeTimestamp);
    if (op !== undefined) return describe('ended', half, copies, op.storeTimestamp);
    const isPassed = half.queueOffset < halfOffset || renewed.has(half.queueOffset);
    return isPassed ? describe('ended', half, copies, null) : describe('pending', half, copies, null);
  });
  // Given up so long ago that the halves are not read, or gone.
  const alone = [...givenUpByKey.values()].map((message) => describe('givenUp', message, [], message.storeTimestamp));
  return [...alone, ...described].sort(byBirth);
};

const byBirth = (left: Transaction, right: Transaction): number => left.half.bornTimestamp - right.half.bornTimestamp || left.half.commitLogOffset - right.half.commitLogOffset;

const describe = (state: TransactionState, half: Message, copies: readonly Message[], endedTimestamp: number | null): Transaction => ({
  state, half, endedTimestamp,
  transactionId: half.properties[PROPERTY.TRANSACTION_ID] ?? half.msgId,
  topic: half.properties[PROPERTY.REAL_TOPIC] ?? null,
  queueId: wholeNumber(half.properties[PROPERTY.REAL_QID]),
  producerGroup: half.properties[PROPERTY.PGROUP] ?? '',
  checkTimes: wholeNumber(half.properties[PROPERTY.TRANSACTION_CHECK_TIMES]) ?? 0,
  offsetMsgIds: copies.map(({ offsetMsgId }) => offsetMsgId),
});

/** The three queues of one broker. */
interface TransactionQueues {
  /** null: nothing was ever stored there. */
  readonly half: MessageQueue | null;
  readonly op: MessageQueue | null;
  readonly giveUp: MessageQueue | null;
}

const transactionQueues = async (broker: TransactionReader): Promise<TransactionQueues[]> => {
  const [half, op, giveUp] = await Promise.all([HALF_TOPIC, OP_HALF_TOPIC, GIVE_UP_TOPIC].map(async (topic) => (await queuesOf(broker, topic)).filter(({ queueId }) => queueId === HALF_QUEUE_ID)));
  const names = new Set([...half!, ...giveUp!].map(({ brokerName }) => brokerName));
  const on = (queues: readonly MessageQueue[], brokerName: string): MessageQueue | null => queues.find((queue) => queue.brokerName === brokerName) ?? null;
  return [...names].map((brokerName) => ({ half: on(half!, brokerName), op: on(op!, brokerName), giveUp: on(giveUp!, brokerName) }));
};

/** None of a topic that is not there. */
const queuesOf = async (broker: TransactionReader, topic: string): Promise<MessageQueue[]> => {
  try {
    return await broker.queues(topic);
  } catch (error) {
    if (error instanceof MqliteError && error.code === 'TOPIC_NOT_FOUND') return [];
    throw error;
  }
};

const committedProgress = async (broker: TransactionReader, { half, op }: TransactionQueues): Promise<{ readonly half: number; readonly op: number }> => {
  const committed = async (queue: MessageQueue | null): Promise<number> => {
    if (queue === null) return 0;
    try {
      const offsets = await broker.committedOffsets(TRANSACTION_GROUP, queue.topic);
      return offsets.find((offset) => offset.queue.brokerName === queue.brokerName && offset.queue.queueId === queue.queueId)?.committedOffset ?? 0;
    } catch (error) {
      if (error instanceof MqliteError && error.code === 'GROUP_NOT_FOUND') return 0;
      throw error;
    }
  };
  return { half: await committed(half), op: await committed(op) };
};

/** Everything from `from` on to the end as it is now, or the newest `maxRecords` of it; `unread` says how many were passed over. */
const readQueue = async (broker: TransactionReader, queue: MessageQueue | null, from: number, maxRecords: number, signal: AbortSignal | undefined): Promise<{ readonly messages: Message[]; readonly unread: number }> => {
  const messages: Message[] = [];
  if (queue === null) return { messages, unread: 0 };
  const first = Math.max(from, await broker.minOffset(queue));
  const end = await broker.maxOffset(queue);
  const start = Math.max(first, end - maxRecords);
  for (let offset = start; offset < end && signal?.aborted !== true;) {
    const pulled = await broker.pull({ queue, offset, maxMessages: PULL_MESSAGES });
    for (const message of pulled.messages) messages.push(message);
    if (pulled.nextOffset <= offset) break;
    offset = pulled.nextOffset;
  }
  return { messages, unread: start - first };
};
