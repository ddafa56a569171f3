import { nextTurn } from '../../base/clock.ts';
import { ERROR_TABLE, MqliteError } from '../../broker/errors.ts';
import type { CheckOptions, EndTransactionRequest, SendOutcome, SendResult, TransactionChecker, TransactionDecision } from '../../broker/types.ts';
import { StoredMessage } from '../../record/decode.ts';
import { encodeHost } from '../../record/host.ts';
import { parseOffsetMsgId } from '../../record/message-id.ts';
import { PROPERTY } from '../../record/properties.ts';
import { checkTimesOf, HALF_MAX_AGE_MS, immunityMs, transactionKey } from '../../record/transaction.ts';
import { parseDelayLevels } from '../../broker/delay-levels.ts';
import { StoredResult } from '../local/stored-result.ts';
import type { ResultContext } from '../local/stored-result.ts';
import type { StoreReader } from '../read/store-reader.ts';
import type { PreparedMessage } from '../../broker/prepared-message.ts';
import type { StoreWriter } from '../write/store-writer.ts';
import { DecisionFile } from './decision-file.ts';
import { CHUNK_HALVES, TransactionEnder } from './ender.ts';
import type { Ending } from './ender.ts';

/** [BrokerConfig] */
const DEFAULT_TIMEOUT_MS = 6_000;
const DEFAULT_INTERVAL_MS = 30_000;
const DEFAULT_MAX_CHECKS = 15;

export interface DeskOptions {
  /** A name for a decision that no other process takes. */
  readonly newName: () => string;
  readonly isSync: boolean;
}

/** Transactions as the port has them, for one process. */
export class TransactionDesk {
  readonly #writer: StoreWriter;
  readonly #ender: TransactionEnder;
  readonly #results: ResultContext;
  readonly #options: DeskOptions;

  constructor(writer: StoreWriter, reader: StoreReader, options: DeskOptions) {
    this.#writer = writer;
    this.#ender = new TransactionEnder(writer, reader);
    const { brokerName, storeHost, messageDelayLevel } = writer.context.identity;
    this.#results = { brokerName, storeHost: encodeHost(storeHost), delayLevels: parseDelayLevels(messageDelayLevel) };
    this.#options = options;
  }

  /** See the port. */
  end(request: EndTransactionRequest): Promise<SendResult | null> {
    const { decision } = request;
    return this.#ending(() => {
      const half = this.#require(request);
      return decision === 'unknown' ? null : this.#result(this.#ender.end(half, decision));
    });
  }

  /** See the port. One decision: the requests name the same group and decision. */
  async endMany(requests: readonly EndTransactionRequest[]): Promise<(SendOutcome | null)[]> {
    const first = requests[0];
    if (first === undefined || first.decision === 'unknown') return requests.map(() => null);
    const { producerGroup, decision } = first;
    if (requests.some((request) => request.producerGroup !== producerGroup || request.decision !== decision)) {
      throw new MqliteError('INVALID_INPUT', 'halves that are ended together need one producer group and one decision');
    }
    const halves = requests.map((request) => [request.queueOffset, commitLogOffsetOf(request)] as const);
    const file = await this.#writer.locked(() => {
      // The decision must not outlive its halves.
      this.#writer.syncLog();
      return DecisionFile.write(this.#writer.context, this.#options.newName(), { producerGroup, decision, halves });
    });
    try {
      const outcomes: (SendOutcome | null)[] = [];
      while (outcomes.length < requests.length) {
        await this.#ending(() => outcomes.push(...this.#endPiece(requests, outcomes.length, decision)));
        await nextTurn();
      }
      await this.#writer.locked(() => file.remove());
      return outcomes;
    } catch (error) {
      file.abandon();
      throw error;
    }
  }

  /** As many as one hold of the lock may end, from `start` on. */
  #endPiece(requests: readonly EndTransactionRequest[], start: number, decision: Ending): (SendOutcome | null)[] {
    const { progress } = this.#ender;
    progress.catchUp();
    const halves: StoredMessage[] = [];
    const found: (StoredMessage | MqliteError)[] = [];
    while (start + found.length < requests.length && found.length < CHUNK_HALVES && this.#ender.hasRoom(halves)) {
      const half = orError(() => this.#require(requests[start + found.length]!));
      found.push(half);
      if (!(half instanceof MqliteError) && !progress.isEnded(half.queueOffset)) halves.push(half);
    }
    const ended = new Map(halves.map((half, index) => [half, index]));
    const messages = this.#ender.endChunk(halves, decision);
    return found.map((half) => {
      if (half instanceof MqliteError) return { error: half };
      const index = ended.get(half);
      // Ended by somebody else meanwhile: asking for it says how.
      if (index === undefined) return outcomeOf(orError(() => this.#result(this.#ender.end(half, decision))));
      return this.#result(messages[index]!);
    });
  }

  /** See the port. */
  async check(producerGroup: string, listener: TransactionChecker, signal: AbortSignal, options: CheckOptions = {}): Promise<void> {
    const { clock } = this.#writer.context;
    while (!signal.aborted) {
      for (const half of await this.#due(producerGroup, options.timeoutMs ?? DEFAULT_TIMEOUT_MS)) {
        if (signal.aborted) return;
        await this.#checkOne(half, listener, signal, options.maxChecks ?? DEFAULT_MAX_CHECKS);
      }
      if (options.once === true) return;
      await clock.sleep(options.intervalMs ?? DEFAULT_INTERVAL_MS, signal);
    }
  }

  /** The group's halves that have waited for long enough, each transaction once, by its newest copy. */
  async #due(producerGroup: string, timeoutMs: number): Promise<StoredMessage[]> {
    const { progress } = this.#ender;
    const offsets = await this.#writer.locked(() => {
      progress.catchUp();
      return progress.pending();
    });
    const nowMs = this.#writer.context.clock.nowMs();
    const newest = new Map<string, StoredMessage>();
    for (const offset of offsets) {
      const half = progress.halfAt(offset);
      if (half?.properties[PROPERTY.PGROUP] === producerGroup) newest.set(transactionKey(half), half);
    }
    return [...newest.values()].filter((half) => {
      const ageMs = nowMs - half.bornTimestamp;
      // Born later than now: a clock is wrong, and waiting would be of no use. [TransactionalMessageServiceImpl#check]
      return ageMs < 0 || ageMs > immunityMs(half, timeoutMs);
    });
  }

  async #checkOne(half: StoredMessage, listener: TransactionChecker, signal: AbortSignal, maxChecks: number): Promise<void> {
    const { clock } = this.#writer.context;
    const isHopeless = checkTimesOf(half.propertiesText) >= maxChecks || clock.nowMs() - half.bornTimestamp > HALF_MAX_AGE_MS;
    const answer = isHopeless ? null : await listener(half);
    // A listener that is told to stop knows nothing.
    if (signal.aborted && answer === 'unknown') return;
    await this.#ending(() => this.#applyAnswer(half, answer));
  }

  #applyAnswer(half: StoredMessage, answer: TransactionDecision | null): void {
    this.#ender.progress.catchUp();
    // Somebody else was faster.
    if (this.#ender.progress.isEnded(half.queueOffset)) return;
    if (answer === null) this.#ender.giveUp(half);
    else if (answer === 'unknown') this.#ender.renew(half);
    else this.#ender.end(half, answer, true);
  }

  #result(message: PreparedMessage | StoredMessage | null): SendResult | null {
    if (message === null) return null;
    if (!(message instanceof StoredMessage)) return new StoredResult(message, this.#results);
    const { topic, queueId, queueOffset, msgId, offsetMsgId } = message;
    return { status: 'SEND_OK', topic, brokerName: this.#results.brokerName, queueId, queueOffset, msgId, offsetMsgId };
  }

  /** One hold of the lock, and as durable afterwards as this broker's sends are. */
  #ending<T>(action: () => T): Promise<T> {
    return this.#writer.locked(() => {
      const result = action();
      if (this.#options.isSync) this.#writer.syncLog();
      return result;
    });
  }

  #require(request: EndTransactionRequest): StoredMessage {
    return this.#ender.require({ queueOffset: request.queueOffset, commitLogOffset: commitLogOffsetOf(request), producerGroup: request.producerGroup });
  }
}

const commitLogOffsetOf = ({ offsetMsgId }: EndTransactionRequest): number => {
  const position = parseOffsetMsgId(offsetMsgId);
  if (position === null) throw new MqliteError('INVALID_INPUT', `${offsetMsgId} is not the offset id of a half message`, { hint: 'it has 32 or 56 hexadecimal digits' });
  return position.commitLogOffset;
};

const orError = <T>(action: () => T): T | MqliteError => {
  try {
    return action();
  } catch (error) {
    if (error instanceof MqliteError && error.exitCode < ERROR_TABLE.LOCKED.exitCode) return error;
    throw error;
  }
};

const outcomeOf = (result: SendResult | null | MqliteError): SendOutcome | null => (result instanceof MqliteError ? { error: result } : result);
