import { HALF_QUEUE_ID, HALF_TOPIC, OP_HALF_TOPIC, TRANSACTION_GROUP } from '../../record/transaction.ts';
import type { StoredMessage } from '../../record/decode.ts';
import { WHEN_STORE_CHANGES } from '../services/store-service.ts';
import type { ServiceContext, StoreService } from '../services/store-service.ts';
import { findOrphan, hasDecisions, removeDecision } from './decision-file.ts';
import type { OrphanedDecision } from './decision-file.ts';
import { CHUNK_HALVES, TransactionEnder } from './ender.ts';
import { collectCommitted } from './find-commit.ts';

/** Op records read in one run. */
const MAX_OPS = 2048;
/** Bytes of the log read in one run. */
const SCAN_BYTES = 4 << 20;
/** As often as a broker writes offsets down (`flushConsumerOffsetInterval`). */
const COMMIT_MS = 5000;
/** How often to look for a decision whose writer died, while there may be one. */
const LOOK_MS = 1000;

/** A dead writer's decision on its way. */
interface TakenOver extends OrphanedDecision {
  /** Where the log is read next; its halves' commits lie behind them. */
  scannedTo: number;
  readonly committed: Set<number>;
  done: number;
}

/**
 * Moves the transaction group's offsets over what is decided, so that a broker which boots later does not begin there, and carries out the
 * decisions of writers that died. It asks nobody: that needs somebody who answers (`TransactionDesk#check`).
 */
export class TransactionService implements StoreService {
  readonly name = 'transactions';
  readonly #context: ServiceContext;
  readonly #ender: TransactionEnder;
  #takenOver: TakenOver | null = null;
  #mayBeDecisions = true;
  #seenEnd = -1;
  #nextCommitMs = 0;
  #nextLookMs = 0;

  constructor(context: ServiceContext) {
    this.#context = context;
    this.#ender = new TransactionEnder(context.writer, context.reader);
  }

  run(nowMs: number): number {
    const { progress } = this.#ender;
    if (!progress.catchUp(MAX_OPS)) return nowMs;
    // A producer is about to write a decision, or has left one behind when all was ended.
    this.#mayBeDecisions ||= progress.hasPending || progress.halfEnd !== this.#seenEnd;
    this.#seenEnd = progress.halfEnd;
    if (this.#mayBeDecisions && this.#finishOrphans(nowMs)) return nowMs;
    const commitAtMs = this.#commit(nowMs);
    return this.#mayBeDecisions ? Math.min(commitAtMs, this.#nextLookMs) : commitAtMs;
  }

  /** What a broker would begin with that boots next. */
  finish(): void {
    this.#ender.progress.catchUp(MAX_OPS);
    this.#commit(this.#nextCommitMs);
  }

  /** When to write the offsets down the next time. */
  #commit(nowMs: number): number {
    const { offsets } = this.#context.writer.tables;
    const { halfOffset, opOffset } = this.#ender.progress;
    const places = [{ topic: HALF_TOPIC, queueId: HALF_QUEUE_ID, offset: halfOffset }, { topic: OP_HALF_TOPIC, queueId: HALF_QUEUE_ID, offset: opOffset }];
    const isNews = places.some(({ topic, queueId, offset }) => offset > (offsets.committed(TRANSACTION_GROUP, topic, queueId) ?? 0));
    if (!isNews) return WHEN_STORE_CHANGES;
    if (nowMs < this.#nextCommitMs && this.#nextCommitMs <= nowMs + COMMIT_MS) return this.#nextCommitMs;
    offsets.commit(TRANSACTION_GROUP, places);
    this.#nextCommitMs = nowMs + COMMIT_MS;
    return WHEN_STORE_CHANGES;
  }

  /** One piece of a dead writer's decision; true when there is more to do at once. */
  #finishOrphans(nowMs: number): boolean {
    if (this.#takenOver === null) {
      if (nowMs < this.#nextLookMs && this.#nextLookMs <= nowMs + LOOK_MS) return false;
      this.#nextLookMs = nowMs + LOOK_MS;
      const orphan = findOrphan(this.#context.writer.context, this.#context.onNotice);
      if (orphan === null) {
        this.#mayBeDecisions = this.#ender.progress.hasPending || hasDecisions(this.#context.writer.context);
        return false;
      }
      const scannedTo = orphan.decision.halves.reduce((first, [, commitLogOffset]) => Math.min(first, commitLogOffset), Infinity);
      this.#takenOver = { ...orphan, scannedTo, committed: new Set(), done: 0 };
    }
    const taken = this.#takenOver;
    const tail = this.#context.writer.state.committedTail;
    if (taken.scannedTo < tail) {
      const from = Math.max(taken.scannedTo, this.#context.reader.tail.minOffset());
      taken.scannedTo = collectCommitted(this.#context.writer.context, from, Math.min(tail, from + SCAN_BYTES), taken.committed);
      return true;
    }
    this.#endPiece(taken);
    if (taken.done === taken.decision.halves.length) {
      removeDecision(this.#context.writer.context, taken.file);
      this.#context.onNotice(`finished a transaction of producer group ${taken.decision.producerGroup} whose writer had died: ${taken.decision.halves.length} messages, ${taken.decision.decision}`);
      this.#takenOver = null;
      this.#nextLookMs = 0;
    }
    return true;
  }

  /** The log was read up to its end in this hold of the lock: what is not among the committed was not committed. */
  #endPiece(taken: TakenOver): void {
    const { halves, producerGroup, decision } = taken.decision;
    const toEnd: StoredMessage[] = [];
    const withoutOp: StoredMessage[] = [];
    for (let count = 0; count < CHUNK_HALVES && taken.done < halves.length && this.#ender.hasRoom(toEnd); count++) {
      const [queueOffset, commitLogOffset] = halves[taken.done++]!;
      const half = this.#half(queueOffset, commitLogOffset, producerGroup);
      if (half === null || this.#ender.progress.isEnded(queueOffset)) continue;
      (taken.committed.has(commitLogOffset) ? withoutOp : toEnd).push(half);
    }
    this.#ender.endChunk(withoutOp, 'rollback');
    this.#end(toEnd, decision);
    // What was just written needs no reading.
    taken.scannedTo = this.#context.writer.state.committedTail;
  }

  /** A half that cannot be committed any more (its topic was deleted) is rolled back, and told. */
  #end(halves: readonly StoredMessage[], decision: 'commit' | 'rollback'): void {
    try {
      this.#ender.endChunk(halves, decision);
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'TOPIC_NOT_FOUND' && (error as { code?: unknown }).code !== 'DAMAGED') throw error;
      this.#context.onNotice(`rolled back instead of committed: ${(error as Error).message}`);
      this.#ender.endChunk(halves, 'rollback');
    }
  }

  #half(queueOffset: number, commitLogOffset: number, producerGroup: string): StoredMessage | null {
    try {
      return this.#ender.require({ queueOffset, commitLogOffset, producerGroup });
    } catch {
      // Gone with its log file, or with the store's last sync.
      return null;
    }
  }
}
