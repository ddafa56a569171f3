import type { StoredMessage } from '../../record/decode.ts';
import { HALF_QUEUE_ID, HALF_TOPIC, OP_HALF_TOPIC, OP_TAG, parseOpBody, TRANSACTION_GROUP } from '../../record/transaction.ts';
import type { StoreReader } from '../read/store-reader.ts';
import type { StoreWriter } from '../write/store-writer.ts';

interface OpenOp {
  readonly opOffset: number;
  /** The highest half it names. */
  readonly lastHalf: number;
}

/**
 * Which halves are done with, as far as the op topic says: docs/format/transactions.md, "Progress". Kept by each process for itself and
 * brought up to date under the write lock; only the service writes it down.
 */
export class HalfProgress {
  readonly #writer: StoreWriter;
  readonly #reader: StoreReader;
  /** Halves at or beyond `halfOffset` that an op record names. */
  readonly #ended = new Set<number>();
  /** Op records that name such halves or come after one that does, in order. */
  #openOps: OpenOp[] = [];
  #halfOffset = 0;
  #opOffset = 0;
  #nextOp = -1;
  #halfEnd = 0;
  #logMin = -1;

  constructor(writer: StoreWriter, reader: StoreReader) {
    this.#writer = writer;
    this.#reader = reader;
  }

  /** First half that is not done with, in order. */
  get halfOffset(): number {
    return this.#halfOffset;
  }

  /** First op record that is still needed. */
  get opOffset(): number {
    return this.#opOffset;
  }

  /** Queue offset behind the newest half. */
  get halfEnd(): number {
    return this.#halfEnd;
  }

  get hasPending(): boolean {
    return this.#halfOffset < this.#halfEnd;
  }

  isEnded(halfOffset: number): boolean {
    return halfOffset < this.#halfOffset || this.#ended.has(halfOffset);
  }

  /** Pending queue offsets, oldest first. */
  pending(): number[] {
    const offsets: number[] = [];
    for (let offset = this.#halfOffset; offset < this.#halfEnd; offset++) if (!this.#ended.has(offset)) offsets.push(offset);
    return offsets;
  }

  /** Reads what is new, at most `maxOps` op records; false when there is more. Lock held. Costs two look-ups when nothing is. */
  catchUp(maxOps = Infinity): boolean {
    const { queues } = this.#writer;
    this.#halfEnd = queues.get(HALF_TOPIC, HALF_QUEUE_ID).nextOffset;
    const opEnd = queues.get(OP_HALF_TOPIC, HALF_QUEUE_ID).nextOffset;
    if (this.#nextOp < 0) this.#start();
    this.#skipExpired();
    const stop = Math.min(opEnd, this.#nextOp + maxOps);
    while (this.#nextOp < stop) this.#takeOp(this.#nextOp++);
    this.#advance();
    return this.#nextOp >= opEnd;
  }

  /** The half at a queue offset; null when its record cannot be read. */
  halfAt(queueOffset: number): StoredMessage | null {
    const half = this.#read(HALF_TOPIC, queueOffset);
    return half?.queueOffset === queueOffset ? half : null;
  }

  #start(): void {
    const { offsets } = this.#writer.tables;
    this.#halfOffset = offsets.committed(TRANSACTION_GROUP, HALF_TOPIC, HALF_QUEUE_ID) ?? 0;
    this.#opOffset = offsets.committed(TRANSACTION_GROUP, OP_HALF_TOPIC, HALF_QUEUE_ID) ?? 0;
    this.#nextOp = this.#opOffset;
  }

  /** Halves and op records whose log files are gone. */
  #skipExpired(): void {
    const logMin = this.#reader.tail.minOffset();
    if (logMin === this.#logMin) return;
    this.#logMin = logMin;
    this.#halfOffset = Math.max(this.#halfOffset, this.#reader.queue(HALF_TOPIC, HALF_QUEUE_ID).minOffset(logMin));
    this.#nextOp = Math.max(this.#nextOp, this.#reader.queue(OP_HALF_TOPIC, HALF_QUEUE_ID).minOffset(logMin));
  }

  #takeOp(opOffset: number): void {
    const op = this.#read(OP_HALF_TOPIC, opOffset);
    const named = op?.tags === OP_TAG ? parseOpBody(op.body.toString()).filter((offset) => offset >= this.#halfOffset) : [];
    for (const offset of named) this.#ended.add(offset);
    this.#openOps.push({ opOffset, lastHalf: named.reduce((last, offset) => Math.max(last, offset), -1) });
  }

  #advance(): void {
    while (this.#halfOffset < this.#halfEnd && this.#ended.delete(this.#halfOffset)) this.#halfOffset++;
    let done = 0;
    while (done < this.#openOps.length && this.#openOps[done]!.lastHalf < this.#halfOffset) done++;
    if (done > 0) this.#openOps = this.#openOps.slice(done);
    this.#opOffset = this.#openOps[0]?.opOffset ?? this.#nextOp;
  }

  #read(topic: string, queueOffset: number): StoredMessage | null {
    const commitLogOffset = this.#reader.queue(topic, HALF_QUEUE_ID).recordAt(queueOffset);
    const message = commitLogOffset < 0 ? null : this.#reader.messageAt(commitLogOffset);
    return message?.topic === topic ? message : null;
  }
}
