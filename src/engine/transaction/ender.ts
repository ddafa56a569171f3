import { MqliteError } from '../../broker/errors.ts';
import type { StoredMessage } from '../../record/decode.ts';
import { encodeHost } from '../../record/host.ts';
import { PROPERTY } from '../../record/properties.ts';
import { checkTimesOf, GIVE_UP_TOPIC, HALF_QUEUE_ID, HALF_TOPIC, isLaterCopy, transactionKey } from '../../record/transaction.ts';
import { placeMessage, placementRules } from '../dispatch/placement.ts';
import type { PlacementRules } from '../dispatch/placement.ts';
import type { StoreReader } from '../read/store-reader.ts';
import type { PreparedMessage } from '../../broker/prepared-message.ts';
import type { StoreWriter } from '../write/store-writer.ts';
import { findAnyCommit, findCommit, findGivenUp } from './find-commit.ts';
import { committedCopy, givenUpCopy, opRecord, realQueueOf, renewedCopy } from './half-copies.ts';
import { HalfProgress } from './half-progress.ts';

/** What one hold of the write lock ends at most: others wait for it. Its op record stays below `transactionOpMsgMaxSize`. */
export const CHUNK_HALVES = 256;
const CHUNK_BYTES = 4 << 20;

export type Ending = 'commit' | 'rollback';

/** Ends halves in this process: the message, the op record, and never one without the other. Every method is called under the write lock. */
export class TransactionEnder {
  readonly progress: HalfProgress;
  readonly #writer: StoreWriter;
  readonly #reader: StoreReader;
  readonly #storeHost: Buffer;
  readonly #placement: PlacementRules;

  constructor(writer: StoreWriter, reader: StoreReader) {
    this.progress = new HalfProgress(writer, reader);
    this.#writer = writer;
    this.#reader = reader;
    this.#storeHost = encodeHost(writer.context.identity.storeHost);
    this.#placement = placementRules(writer.context);
  }

  /**
   * Ends a half that somebody may have ended before: REFUSED, naming how. What a commit has stored without its op record (its writer died
   * in between, or a broker had it in memory) is not stored again. Returns what was stored; null when nothing was.
   * @param isAnswer of a check, which counts
   */
  end(half: StoredMessage, ending: Ending, isAnswer = false): PreparedMessage | StoredMessage | null {
    this.progress.catchUp();
    if (this.progress.isEnded(half.queueOffset)) throw this.#endedError(half);
    const commit = findCommit(this.#writer.context, this.#reader, half);
    const copies = this.#copiesOf(half);
    if (commit !== null) {
      this.#append([this.#op(copies)]);
      if (ending === 'rollback') throw new MqliteError('REFUSED', `transaction ${half.msgId} is already committed`);
      return commit;
    }
    const message = ending === 'commit' ? this.#place(half, isAnswer) : null;
    this.#append(message === null ? [this.#op(copies)] : [message, this.#op(copies)]);
    return message;
  }

  /** Ends these at once; none of them is ended, and none has a commit without an op record. One message each; null after a rollback. */
  endChunk(halves: readonly StoredMessage[], ending: Ending): (PreparedMessage | null)[] {
    if (halves.length === 0) return [];
    const messages = halves.map((half) => (ending === 'commit' ? this.#place(half, false) : null));
    this.#append([...messages.filter((message) => message !== null), this.#op(halves.map((half) => half.queueOffset))]);
    return messages;
  }

  /** Nobody knows yet: the half again, with one check more. */
  renew(half: StoredMessage): void {
    const copy = renewedCopy(half);
    if (copy === null) return;
    const renewedAt = this.#writer.queues.get(HALF_TOPIC, HALF_QUEUE_ID).nextOffset;
    this.#append([copy, opRecord(this.#copiesOf(half), this.#storeHost, this.#nowMs(), renewedAt)]);
  }

  giveUp(half: StoredMessage): void {
    const { topics } = this.#writer.tables;
    if (topics.get(GIVE_UP_TOPIC) === null) {
      topics.create(GIVE_UP_TOPIC, { readQueueNums: 1, writeQueueNums: 1 });
      this.#writer.bumpTopicsGeneration();
    }
    this.#append([givenUpCopy(half), this.#op(this.#copiesOf(half))]);
  }

  /** The half at both places, of this group. Errors: NOT_FOUND, REFUSED. */
  require(place: { readonly queueOffset: number; readonly commitLogOffset: number; readonly producerGroup: string }): StoredMessage {
    const half = this.#reader.messageAt(place.commitLogOffset);
    if (half === null || half.topic !== HALF_TOPIC) throw new MqliteError('NOT_FOUND', `no half message is stored at commit-log offset ${place.commitLogOffset}`, { hint: 'see "mqlite tx list"' });
    if (half.queueOffset !== place.queueOffset) throw new MqliteError('REFUSED', `the half message ${half.offsetMsgId} has queue offset ${half.queueOffset}, not ${place.queueOffset}`);
    // Of a damaged one the group may be lost.
    const group = half.properties[PROPERTY.PGROUP] ?? '';
    if (group !== place.producerGroup) throw new MqliteError('REFUSED', `the half message ${half.offsetMsgId} belongs to producer group ${group}, not ${place.producerGroup}`);
    return half;
  }

  /** Whether one hold of the lock may end more than these. */
  hasRoom(halves: readonly StoredMessage[]): boolean {
    return halves.length < CHUNK_HALVES && halves.reduce((bytes, half) => bytes + half.storeSize, 0) < CHUNK_BYTES;
  }

  #place(half: StoredMessage, isAnswer: boolean): PreparedMessage {
    const queue = realQueueOf(half);
    if (queue === null || half.properties[PROPERTY.DAMAGED] !== undefined) {
      throw new MqliteError('DAMAGED', `the half message at commit-log offset ${half.commitLogOffset} was damaged and cannot be committed`, { hint: 'end it with "mqlite tx rollback"' });
    }
    if (this.#writer.tables.topics.get(queue.topic) === null) {
      throw new MqliteError('TOPIC_NOT_FOUND', `topic ${queue.topic}, which transaction ${half.msgId} is meant for, does not exist any more`, {
        hint: `make it with "mqlite topics create ${queue.topic}", or roll the transaction back`,
      });
    }
    const message = committedCopy(half, queue, isAnswer);
    placeMessage(message, this.#placement);
    return message;
  }

  /** This half and the older copies of it that nobody has ended: a broker killed at a check-back leaves two. */
  #copiesOf(half: StoredMessage): number[] {
    if (!isLaterCopy(half)) return [half.queueOffset];
    const key = transactionKey(half);
    const copies = this.progress.pending().filter((offset) => {
      const other = offset === half.queueOffset ? half : this.progress.halfAt(offset);
      return other !== null && transactionKey(other) === key;
    });
    return copies.includes(half.queueOffset) ? copies : [...copies, half.queueOffset];
  }

  #op(halfOffsets: readonly number[]): PreparedMessage {
    return opRecord(halfOffsets, this.#storeHost, this.#nowMs());
  }

  #append(messages: readonly PreparedMessage[]): void {
    this.#writer.append(messages);
    // No copy is larger than what it is a copy of, but for the number of checks (`askedOnceMore`): this cannot be, and would not be silent.
    const failed = messages.find((message) => message.error !== null);
    if (failed !== undefined) throw failed.error!;
    this.progress.catchUp();
  }

  #nowMs(): number {
    return this.#writer.context.clock.nowMs();
  }

  #endedError(half: StoredMessage): MqliteError {
    const { context } = this.#writer;
    const commit = findAnyCommit(context, this.#reader, half);
    if (commit !== null) return new MqliteError('REFUSED', `transaction ${half.msgId} is already committed: ${commit.topic} queue ${commit.queueId}, offset ${commit.queueOffset}`);
    const givenUp = findGivenUp(context, this.#reader, half);
    if (givenUp !== null) return new MqliteError('REFUSED', `transaction ${half.msgId} was given up after ${checkTimesOf(half.propertiesText)} checks`, { hint: `its message is kept in ${GIVE_UP_TOPIC}` });
    return new MqliteError('REFUSED', `transaction ${half.msgId} is already rolled back, or a newer copy of its half message counts`, { hint: 'see "mqlite tx show"' });
  }
}
