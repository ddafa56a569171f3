import type { Clock } from '../base/clock.ts';
import { MqliteError } from '../broker/errors.ts';
import { isGone } from '../broker/gone.ts';
import { listTransactions } from '../broker/transactions.ts';
import type { TransactionReader } from '../broker/transactions.ts';
import type { CheckOptions, TransactionChecker, TransactionDecision } from '../broker/types.ts';
import type { Message } from '../record/message.ts';
import { PROPERTY } from '../record/properties.ts';
import { immunityMs } from '../record/transaction.ts';
import { REQUEST_CODE } from '../wire/codes.ts';
import { decodeRequest } from '../wire/definition.ts';
import type { RemotingCommand } from '../wire/frame.ts';
import { decodeMessageStream } from '../wire/message-stream.ts';
import { CHECK_TRANSACTION_STATE, END_TRANSACTION } from '../wire/requests/transaction.ts';
import type { Cluster } from './cluster.ts';
import { toPortError } from './failures.ts';
import { COMMIT_OR_ROLLBACK_OF, findCommitted } from './half-messages.ts';
import type { Queries } from './queries.ts';
import { ProducerPresence } from './producer-presence.ts';
import type { TransactionDesk } from './transaction-desk.ts';

/** [BrokerConfig#transactionTimeOut] */
const DEFAULT_TIMEOUT_MS = 6000;

export interface CheckParts {
  readonly cluster: Cluster;
  readonly desk: TransactionDesk;
  readonly query: Queries;
  readonly reader: TransactionReader;
  /** A client id that nobody else has. */
  readonly newClientId: () => string;
  readonly onNotice: (text: string) => void;
}

interface Round {
  readonly ask: (half: Message) => void;
}

/** Answers brokers that ask what became of half messages. */
export class TransactionChecks {
  readonly #parts: CheckParts;
  readonly #clock: Clock;
  /** Who answers for a producer group. */
  readonly #rounds = new Map<string, Set<Round>>();

  constructor(parts: CheckParts) {
    this.#parts = parts;
    this.#clock = parts.cluster.client.options.clock;
    parts.cluster.client.handle(REQUEST_CODE.CHECK_TRANSACTION_STATE, (request, address) => this.#receive(request, address));
  }

  /** See the port. When and how often a half is asked about is up to the brokers, unless it is done `once`: then the group is asked at once. */
  async check(producerGroup: string, listener: TransactionChecker, signal: AbortSignal, options: CheckOptions = {}): Promise<void> {
    if (signal.aborted) return;
    if (options.once === true) return this.#checkOnce(producerGroup, listener, signal, options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    const failed = new AbortController();
    let failure: unknown;
    const ended = AbortSignal.any([signal, failed.signal]);
    const underWay = new Set<string>();
    // One at a time, as a store does it.
    let last: Promise<void> = Promise.resolve();
    const round: Round = {
      ask: (half) => {
        if (ended.aborted || underWay.has(half.msgId)) return;
        underWay.add(half.msgId);
        last = last
          .then(() => (ended.aborted ? undefined : this.#checkOne(half, listener, ended)))
          .catch((error: unknown) => {
            failure ??= error;
            failed.abort();
          })
          .finally(() => underWay.delete(half.msgId));
      },
    };
    this.#add(producerGroup, round);
    try {
      const presence = await ProducerPresence.enter(this.#parts.cluster, {
        group: producerGroup, clientId: this.#parts.newClientId(), onFailure: (error) => this.#parts.onNotice(`brokers may not ask about transactions: ${error.message}`),
      });
      await aborted(ended);
      await presence.leave();
      await last;
    } finally {
      this.#remove(producerGroup, round);
    }
    if (failure !== undefined) throw toPortError(failure, 'checking transactions');
  }

  async #checkOnce(producerGroup: string, listener: TransactionChecker, signal: AbortSignal, timeoutMs: number): Promise<void> {
    const pending = (await listTransactions(this.#parts.reader, { withEnded: false, signal })).filter((one) => one.state === 'pending' && one.producerGroup === producerGroup);
    for (const { half } of pending) {
      if (signal.aborted) return;
      const ageMs = this.#clock.nowMs() - half.bornTimestamp;
      if (ageMs >= 0 && ageMs <= immunityMs(half, timeoutMs)) continue;
      await this.#checkOne(half, listener, signal);
    }
  }

  /** Asks, and tells the broker. A broker that cannot be told asks again. */
  async #checkOne(half: Message, listener: TransactionChecker, signal: AbortSignal): Promise<void> {
    const { desk, query, onNotice } = this.#parts;
    const open = await this.#isOpen(half);
    if (open === 'ended') return;
    let decision: TransactionDecision = 'rollback';
    if (open === 'committed') {
      // Its message is there, and the broker has lost or not yet written down that it stored it: a rollback ends the half without another message.
      if (desk.ended.of(half) !== undefined) return;
    } else {
      decision = await listener(half);
      // A listener that is told to stop knows nothing.
      if (signal.aborted && decision === 'unknown') return;
    }
    try {
      if (decision === 'unknown') return await this.#tellUnknown(half);
      // Somebody may have been faster while the listener thought.
      if (open === 'open' && decision === 'commit' && (await findCommitted(query, half)) !== null) decision = 'rollback';
      await desk.tell(half, decision, true);
      await desk.endCopies([half]);
    } catch (error) {
      const failure = toPortError(error, 'answering a check');
      if (failure.code === 'BUG') throw failure;
      onNotice(`transaction ${half.msgId}: the answer did not reach the broker, which will ask again: ${failure.message}`);
    }
  }

  async #isOpen(half: Message): Promise<'open' | 'committed' | 'ended'> {
    if (this.#parts.desk.ended.of(half) !== undefined) return 'ended';
    try {
      return (await findCommitted(this.#parts.query, half)) === null ? 'open' : 'committed';
    } catch (error) {
      if (isGone(error)) return 'open';
      throw error;
    }
  }

  /** Brokers do nothing about it, and do not answer. */
  async #tellUnknown({ brokerName, queueOffset, commitLogOffset, msgId, properties }: Message): Promise<void> {
    const { cluster } = this.#parts;
    await cluster.client.tell(await cluster.masterAddress(brokerName), END_TRANSACTION, {
      topic: properties[PROPERTY.REAL_TOPIC], producerGroup: properties[PROPERTY.PGROUP] ?? '', tranStateTableOffset: queueOffset, commitLogOffset,
      commitOrRollback: COMMIT_OR_ROLLBACK_OF.unknown, fromTransactionCheck: true, msgId, transactionId: properties[PROPERTY.TRANSACTION_ID] ?? msgId, bname: brokerName,
    }, null);
  }

  /** The half as the broker sends it, with the topic and queue it is meant for; one that cannot be read is left to be asked about again. */
  async #receive(request: RemotingCommand, address: string): Promise<null> {
    try {
      const { header, body } = decodeRequest(CHECK_TRANSACTION_STATE, request);
      // Brokers before 5.0 do not say who they are.
      const brokerName = header.bname ?? (await this.#parts.cluster.brokerAt(address))?.brokerName ?? '';
      const [half] = decodeMessageStream(Buffer.from(body.buffer, body.byteOffset, body.byteLength), brokerName).messages;
      if (half === undefined) throw new MqliteError('DAMAGED', 'it holds no message');
      for (const round of this.#rounds.get(half.properties[PROPERTY.PGROUP] ?? '') ?? []) round.ask(half);
    } catch (error) {
      this.#parts.onNotice(`a broker asked about a transaction in a way that cannot be read: ${toPortError(error, 'CHECK_TRANSACTION_STATE').message}`);
    }
    return null;
  }

  #add(group: string, round: Round): void {
    const rounds = this.#rounds.get(group) ?? new Set();
    this.#rounds.set(group, rounds.add(round));
  }

  #remove(group: string, round: Round): void {
    const rounds = this.#rounds.get(group);
    rounds?.delete(round);
    if (rounds?.size === 0) this.#rounds.delete(group);
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
