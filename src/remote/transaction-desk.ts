import { MqliteError } from '../broker/errors.ts';
import type { Broker } from '../broker/broker.ts';
import type { EndTransactionRequest, MessageQueue, SendOutcome, SendResult } from '../broker/types.ts';
import type { Message } from '../record/message.ts';
import { PROPERTY } from '../record/properties.ts';
import { HALF_QUEUE_ID, HALF_TOPIC, isLaterCopy, OP_HALF_TOPIC, OP_TAG, parseOpBody, transactionKey } from '../record/transaction.ts';
import { RESPONSE_CODE } from '../wire/codes.ts';
import { END_TRANSACTION } from '../wire/requests/transaction.ts';
import { responseError } from '../wire/response-error.ts';
import type { Cluster } from './cluster.ts';
import { toPortError } from './failures.ts';
import { alreadyEnded, COMMIT_OR_ROLLBACK_OF, destinationOf, EndedHalves, findCommitted, isCommitOf, requireHalf } from './half-messages.ts';
import type { Ending } from './half-messages.ts';
import type { Queries } from './queries.ts';
import { mapPooled } from './pool.ts';

export type QueueReader = Pick<Broker, 'minOffset' | 'maxOffset' | 'offsetByTime' | 'pull'>;

/** Halves that are looked up at once. */
const WIDTH = 16;
const PULL_MESSAGES = 256;
/** A message that a broker says it has committed is readable a moment later; it is waited for so long, in ms. */
const READABLE_MS = 3000;
const READABLE_POLL_MS = 100;
/** Halves younger than this have no copies yet: the shortest transactionTimeOut that makes sense. */
const MIN_CHECKED_MS = 1000;

interface Wanted {
  readonly index: number;
  readonly half: Message;
  readonly destination: MessageQueue;
}

/**
 * Ends half messages on the brokers that have them. Brokers end a half as often as they are told, each commit storing its message once more:
 * that a half is still open is made sure of before. What a broker was told less than 3 s ago by somebody else shows by the message alone.
 */
export class TransactionDesk {
  readonly ended = new EndedHalves();
  readonly #cluster: Cluster;
  readonly #query: Queries;
  readonly #reader: QueueReader;

  constructor(cluster: Cluster, query: Queries, reader: QueueReader) {
    this.#cluster = cluster;
    this.#query = query;
    this.#reader = reader;
  }

  /** See the port. */
  async end(request: EndTransactionRequest): Promise<SendResult | null> {
    const [outcome] = await this.endMany([request]);
    if (outcome === null || outcome === undefined) return null;
    if ('error' in outcome) throw outcome.error;
    return outcome;
  }

  /** See the port: one after the other within a queue, so that messages keep their order. */
  async endMany(requests: readonly EndTransactionRequest[]): Promise<(SendOutcome | null)[]> {
    const decision = requests[0]?.decision;
    if (decision === undefined || decision === 'unknown') return requests.map(() => null);
    if (requests.some((request) => request.producerGroup !== requests[0]!.producerGroup || request.decision !== decision)) {
      throw new MqliteError('INVALID_INPUT', 'halves that are ended together need one producer group and one decision');
    }
    const outcomes: (SendOutcome | null)[] = requests.map(() => null);
    const found: Wanted[] = [];
    await mapPooled(requests, WIDTH, async (request, index) => {
      try {
        const half = await requireHalf(this.#query, request);
        found.push({ index, half, destination: destinationOf(half) });
      } catch (error) {
        outcomes[index] = { error: toPortError(error, 'ending a transaction') };
      }
    });
    found.sort((left, right) => left.index - right.index);
    const opened = await this.#open(found, outcomes);
    await Promise.all([...byQueue(opened).values()].map((wanted) => (decision === 'commit' ? this.#commit(wanted, outcomes) : this.#rollBack(wanted, outcomes))));
    await this.endCopies(opened.map(({ half }) => half).filter((half) => this.ended.of(half) !== undefined));
    return outcomes;
  }

  /** Ends one half that is known to be open; what the broker answered decides. Errors: REFUSED and others of the answer; UNREACHABLE, TIMED_OUT. */
  async tell(half: Message, ending: Ending, fromCheck: boolean): Promise<void> {
    const { brokerName, queueOffset, commitLogOffset, msgId, properties } = half;
    const header = {
      topic: properties[PROPERTY.REAL_TOPIC], producerGroup: properties[PROPERTY.PGROUP] ?? '', tranStateTableOffset: queueOffset, commitLogOffset,
      commitOrRollback: COMMIT_OR_ROLLBACK_OF[ending], fromTransactionCheck: fromCheck, msgId, transactionId: properties[PROPERTY.TRANSACTION_ID] ?? msgId, bname: brokerName,
    };
    const { response, address } = await this.#cluster.ask(brokerName, END_TRANSACTION, header, null);
    // After its CHECK_IMMUNITY_TIME the group itself is to be asked first. It is open all the same: that was made sure of.
    if (response.code === RESPONSE_CODE.ILLEGAL_OPERATION && !fromCheck) return this.tell(half, ending, true);
    if (response.code !== RESPONSE_CODE.SUCCESS) throw responseError(`broker ${brokerName} (${address})`, `to ${ending === 'commit' ? 'commit' : 'roll back'} ${msgId}`, response);
    if (this.ended.of(half) === undefined) this.ended.add(half, ending);
  }

  /** Those that nobody has ended; of the others the outcome is that somebody has. */
  async #open(found: readonly Wanted[], outcomes: (SendOutcome | null)[]): Promise<Wanted[]> {
    const decided = await this.#decided(found.map(({ half }) => half));
    const open = await mapPooled(found, WIDTH, async (wanted): Promise<Wanted | null> => {
      const { half, index } = wanted;
      try {
        const how = this.ended.of(half);
        const committed = how === 'rollback' ? null : await findCommitted(this.#query, half);
        if (how !== undefined || committed !== null || decided.has(half)) throw alreadyEnded(half, how ?? (committed === null ? 'rollback' : 'commit'), committed);
        return wanted;
      } catch (error) {
        outcomes[index] = { error: toPortError(error, 'ending a transaction') };
        return null;
      }
    });
    return open.filter((wanted) => wanted !== null);
  }

  /** Which of them the op topics of their brokers name. */
  async #decided(halves: readonly Message[]): Promise<ReadonlySet<Message>> {
    const decided = new Set<Message>();
    for (const brokerName of new Set(halves.map((half) => half.brokerName))) {
      const own = halves.filter((half) => half.brokerName === brokerName);
      const sinceTimestamp = own.reduce((first, { storeTimestamp }) => Math.min(first, storeTimestamp), Infinity);
      const offsets = await this.#opOffsets(brokerName, sinceTimestamp);
      for (const half of own) if (offsets.has(half.queueOffset)) decided.add(half);
    }
    return decided;
  }

  async #opOffsets(brokerName: string, sinceTimestamp: number): Promise<ReadonlySet<number>> {
    const queue = { topic: OP_HALF_TOPIC, brokerName, queueId: HALF_QUEUE_ID };
    const offsets = new Set<number>();
    try {
      const start = await this.#reader.offsetByTime(queue, sinceTimestamp, 'lower');
      for (const op of await this.#read(queue, start)) if (op.tags === OP_TAG) for (const offset of parseOpBody(op.body.toString())) offsets.add(offset);
    } catch (error) {
      // The topic comes with the first decision.
      if (!(error instanceof MqliteError) || (error.code !== 'TOPIC_NOT_FOUND' && error.code !== 'NOT_FOUND')) throw error;
    }
    return offsets;
  }

  /**
   * A broker that asks about a half copies it, whether anybody answers or not, and would go on asking about a copy made meanwhile. A rollback ends
   * a copy and does nothing else. What cannot be done here is left to the next check.
   */
  async endCopies(halves: readonly Message[]): Promise<void> {
    const { clock } = this.#cluster.client.options;
    const old = halves.filter(({ bornTimestamp }) => clock.nowMs() - bornTimestamp > MIN_CHECKED_MS);
    for (const brokerName of new Set(old.map((half) => half.brokerName))) {
      const ended = new Map(old.filter((half) => half.brokerName === brokerName).map((half) => [transactionKey(half), half.queueOffset]));
      try {
        const from = Math.min(...ended.values()) + 1;
        for (const copy of await this.#read({ topic: HALF_TOPIC, brokerName, queueId: HALF_QUEUE_ID }, from)) {
          const endedOffset = ended.get(transactionKey(copy));
          if (endedOffset !== undefined && copy.queueOffset > endedOffset && isLaterCopy(copy)) await this.tell(copy, 'rollback', true);
        }
      } catch (error) {
        if (!(error instanceof MqliteError)) throw error;
      }
    }
  }

  async #rollBack(wanted: readonly Wanted[], outcomes: (SendOutcome | null)[]): Promise<void> {
    for (const { half, index } of wanted) {
      try {
        await this.tell(half, 'rollback', false);
      } catch (error) {
        outcomes[index] = { error: toPortError(error, 'rolling back') };
      }
    }
  }

  /** Halves for one queue. Brokers do not say where they stored a message: it is looked for behind what was there before. */
  async #commit(wanted: readonly Wanted[], outcomes: (SendOutcome | null)[]): Promise<void> {
    const queue = wanted[0]!.destination;
    const failures = new Map<number, MqliteError>();
    try {
      // Nothing is told of a topic that is deleted: a broker would store the message where no consumer looks.
      const start = await this.#reader.maxOffset(queue);
      for (const { half, index } of wanted) {
        try {
          await this.tell(half, 'commit', false);
        } catch (error) {
          failures.set(index, toPortError(error, 'committing'));
        }
      }
      const open = wanted.filter(({ index }) => !failures.has(index));
      const places = await this.#find(queue, start, open.map(({ half }) => half));
      for (const { half, index } of wanted) outcomes[index] = resultOf(half, places.get(half), failures.get(index));
    } catch (error) {
      for (const { half, index } of wanted) {
        const isToldSo = this.ended.of(half) === 'commit';
        outcomes[index] = { error: isToldSo ? notSeen(half, error) : failures.get(index) ?? toPortError(error, 'committing') };
      }
    }
  }

  /** The messages of these commits, waited for. */
  async #find(queue: MessageQueue, start: number, halves: readonly Message[]): Promise<Map<Message, Message>> {
    const places = new Map<Message, Message>();
    const byOffset = new Map(halves.map((half) => [half.commitLogOffset, half]));
    const { clock } = this.#cluster.client.options;
    const deadlineMs = clock.elapsedMs() + READABLE_MS;
    for (let offset = start; places.size < halves.length;) {
      const { messages, nextOffset } = await this.#reader.pull({ queue, offset, maxMessages: PULL_MESSAGES });
      for (const message of messages) {
        const half = byOffset.get(message.preparedTransactionOffset);
        if (half !== undefined && isCommitOf(half)(message)) places.set(half, message);
      }
      if (nextOffset > offset) offset = nextOffset;
      else if (clock.elapsedMs() < deadlineMs) await clock.sleep(places.size === 0 ? 5 : READABLE_POLL_MS);
      else break;
    }
    return places;
  }

  async #read(queue: MessageQueue, from: number): Promise<Message[]> {
    const all: Message[] = [];
    const end = await this.#reader.maxOffset(queue);
    for (let offset = from; offset < end;) {
      const { messages, nextOffset } = await this.#reader.pull({ queue, offset, maxMessages: PULL_MESSAGES });
      all.push(...messages);
      if (nextOffset <= offset) break;
      offset = nextOffset;
    }
    return all;
  }
}

const byQueue = (wanted: readonly Wanted[]): Map<string, Wanted[]> => {
  const groups = new Map<string, Wanted[]>();
  for (const one of wanted) {
    const { brokerName, topic, queueId } = one.destination;
    const key = `${brokerName} ${topic} ${queueId}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [one]);
    else group.push(one);
  }
  return groups;
};

const resultOf = (half: Message, message: Message | undefined, failure: MqliteError | undefined): SendOutcome => {
  if (failure !== undefined) return { error: failure };
  if (message === undefined) return { error: notSeen(half) };
  const { topic, brokerName, queueId, queueOffset, msgId, offsetMsgId } = message;
  return { status: 'SEND_OK', topic, brokerName, queueId, queueOffset, msgId, offsetMsgId };
};

const notSeen = (half: Message, cause?: unknown): MqliteError => new MqliteError('NOT_CONFIRMED', `broker ${half.brokerName} has committed ${half.msgId}, and its message cannot be seen yet`, {
  hint: `Look for it with "mqlite message get ${half.msgId}".`, cause,
});
