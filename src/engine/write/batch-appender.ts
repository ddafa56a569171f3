import type { Clock } from '../../base/clock.ts';
import { encodeHost } from '../../record/host.ts';
import { encodeRecordInto, maxRecordSize } from '../../record/encode.ts';
import type { RecordFields } from '../../record/encode.ts';
import { MAX_RECORD_BYTES } from '../../record/layout.ts';
import { MqliteError } from '../../broker/errors.ts';
import type { PreparedMessage } from '../../broker/prepared-message.ts';
import type { LogWriter } from '../commit-log/log-writer.ts';
import type { QueueTable } from '../consume-queue/queue-table.ts';
import { setTagsCode } from '../dispatch/tags-code.ts';
import type { TagsCode } from '../dispatch/tags-code.ts';
import type { EngineState } from '../state/engine-state.ts';
import type { StoreIdentity } from '../state/store-identity.ts';

const STAGING_BYTES = 1 << 20;

/**
 * Turns prepared messages into bytes: the record once into a staging buffer, from there to the log with few large
 * writes, then one write per touched queue. Called under the write lock; `state` is the shared record's content.
 */
export class BatchAppender {
  readonly #log: LogWriter;
  readonly #queues: QueueTable;
  readonly #clock: Clock;
  readonly #delayLevels: readonly number[];
  readonly #tagsCode: TagsCode = { high: 0, low: 0 };
  readonly #fields: RecordFields;
  #staging = Buffer.allocUnsafe(STAGING_BYTES);
  #view = viewOf(this.#staging);
  #staged = 0;
  #stagedAt = 0;

  constructor(log: LogWriter, queues: QueueTable, clock: Clock, identity: StoreIdentity, delayLevels: readonly number[]) {
    this.#log = log;
    this.#queues = queues;
    this.#clock = clock;
    this.#delayLevels = delayLevels;
    const storeHost = encodeHost(identity.storeHost);
    this.#fields = {
      topic: '', queueId: 0, flag: 0, queueOffset: 0, commitLogOffset: 0, sysFlag: 0, bornTimestamp: 0, bornHost: storeHost, storeTimestamp: 0, storeHost,
      reconsumeTimes: 0, preparedTransactionOffset: 0, body: Buffer.alloc(0), properties: '', propertyCrc: identity.propertyCrc,
    };
  }

  /** An upper bound of where the log may end after these messages; beyond it nothing is written. */
  plannedEnd(tail: number, messages: readonly PreparedMessage[]): number {
    let bytes = 0;
    for (const message of messages) bytes += maxRecordSize(this.#fill(message, 0, 0, 0));
    return this.#log.fits(tail, bytes) ? tail + bytes : tail + bytes + this.#log.segmentSizeBytes;
  }

  /** Stores the messages in order; returns the new end of the log. A message that no record can hold gets its `error`. */
  append(state: EngineState, messages: readonly PreparedMessage[]): number {
    // Taken once per batch, under the lock, and never earlier than the newest record's: store timestamps do not decrease.
    const storeTimestamp = Math.max(this.#clock.nowMs(), state.lastStoreTimestamp);
    let tail = state.committedTail;
    this.#staged = 0;
    this.#stagedAt = tail;
    for (const message of messages) tail = this.#appendOne(message, tail, storeTimestamp);
    this.#flushStaging();
    this.#queues.flush();
    this.#log.restoreUnlinked();
    this.#queues.restoreUnlinked();
    state.lastStoreTimestamp = storeTimestamp;
    return tail;
  }

  #appendOne(message: PreparedMessage, tail: number, storeTimestamp: number): number {
    const queue = this.#queues.get(message.topic, message.queueId);
    let at = tail;
    let sizeBytes: number;
    try {
      sizeBytes = this.#encode(message, queue.nextOffset, at, storeTimestamp);
      if (!this.#log.fits(at, sizeBytes)) {
        if (sizeBytes > MAX_RECORD_BYTES || sizeBytes + 8 > this.#log.segmentSizeBytes) {
          throw new MqliteError('MESSAGE_ILLEGAL', `the message needs a record of ${sizeBytes} bytes, which does not fit a commit-log file of this store`);
        }
        this.#flushStaging();
        at = this.#log.endSegment(at);
        this.#stagedAt = at;
        sizeBytes = this.#encode(message, queue.nextOffset, at, storeTimestamp);
      }
    } catch (error) {
      if (isAboutMessage(error)) {
        message.error = error as Error;
        return at;
      }
      throw error;
    }
    this.#staged += sizeBytes;
    message.queueOffset = queue.nextOffset;
    message.commitLogOffset = at;
    message.storeTimestamp = storeTimestamp;
    setTagsCode(this.#tagsCode, message, this.#delayLevels);
    this.#queues.touch(queue);
    queue.append(at, sizeBytes, this.#tagsCode.high, this.#tagsCode.low);
    return at + sizeBytes;
  }

  #encode(message: PreparedMessage, queueOffset: number, commitLogOffset: number, storeTimestamp: number): number {
    const fields = this.#fill(message, queueOffset, commitLogOffset, storeTimestamp);
    const room = maxRecordSize(fields);
    if (this.#staged + room > this.#staging.length) {
      this.#flushStaging();
      if (room > this.#staging.length) {
        this.#staging = Buffer.allocUnsafe(room);
        this.#view = viewOf(this.#staging);
      }
    }
    return encodeRecordInto(fields, this.#staging, this.#view, this.#staged);
  }

  #fill(message: PreparedMessage, queueOffset: number, commitLogOffset: number, storeTimestamp: number): RecordFields {
    const fields = this.#fields;
    fields.topic = message.topic;
    fields.queueId = message.queueId;
    fields.flag = message.flag;
    fields.queueOffset = queueOffset;
    fields.commitLogOffset = commitLogOffset;
    fields.sysFlag = message.sysFlag;
    fields.bornTimestamp = message.bornTimestamp;
    fields.bornHost = message.bornHost;
    fields.storeTimestamp = storeTimestamp;
    fields.reconsumeTimes = message.reconsumeTimes;
    fields.preparedTransactionOffset = message.preparedTransactionOffset;
    fields.body = message.body;
    fields.properties = message.properties;
    return fields;
  }

  #flushStaging(): void {
    if (this.#staged === 0) return;
    this.#log.write(this.#staging, this.#staged, this.#stagedAt);
    this.#stagedAt += this.#staged;
    this.#staged = 0;
  }
}

const viewOf = (buffer: Buffer): DataView => new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);

/** Errors that are the message's own fault leave the rest of the batch alone. */
const isAboutMessage = (error: unknown): boolean => {
  const { code } = error as { code?: unknown };
  return code === 'MESSAGE_ILLEGAL' || code === 'INVALID_INPUT';
};
