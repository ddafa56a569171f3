import type { StoredMessage } from '../../record/decode.ts';
import { TIMER_PRECISION_MS } from '../dispatch/placement.ts';
import type { DeliveryProgress } from '../schedule/delivery-progress.ts';
import { DeliveryTargets, readRecord } from '../schedule/delivery-targets.ts';
import { timerFate } from '../schedule/fate.ts';
import { WHEN_STORE_CHANGES } from '../services/store-service.ts';
import type { ServiceContext, StoreService } from '../services/store-service.ts';
import { TIMER_TOPIC } from '../../broker/names.ts';
import type { PreparedMessage } from '../../broker/prepared-message.ts';
import { copyOf } from '../write/stored-copy.ts';
import { MAGIC_ROLL } from './layout.ts';
import { TimerSecond } from './second.ts';
import type { TimerEntry } from './second.ts';
import { leavingProperties, NEVER_ENTERED, rollOf } from './timer-copy.ts';
import { TimerDamage, TimerHalfMade } from './timer-damage.ts';
import { enter, MAX_LOOK_UPS } from './timer-entering.ts';
import type { Entered, LateMessage } from './timer-entering.ts';
import { TimerFiles } from './timer-files.ts';
import type { TimerQueueRange } from './timer-files.ts';

/** One lock hold enters, reads and delivers at most so much. */
const MAX_ENTERED = 4096;
const MAX_READ = 8192;
const MAX_DELIVERED = 2048;
const MAX_DELIVERED_BYTES = 4 * 1024 * 1024;
/** How far ahead the wheel is looked at: one read. */
const LOOK_AHEAD_SECONDS = 2048;
/** Where entering waits for delivery. */
const BLOCKED_MS = 50;

/** What one run delivers. */
interface Batch {
  readonly nowMs: number;
  readonly targets: DeliveryTargets;
  readonly messages: PreparedMessage[];
  /** Their units in the timer log. */
  readonly positions: number[];
  /** Commit-log offsets of those that had to be looked up. */
  readonly lookedUp: Set<number>;
  /** Everything below this offset of the timer topic has to be. */
  readonly unsureBelow: number;
  bytes: number;
}

/** Delivers what lies in rmq_sys_wheel_timer and is due. [TimerMessageStore] docs/format/timer.md */
export class TimerService implements StoreService {
  readonly name = 'timer';
  readonly #context: ServiceContext;
  readonly #loadProgress: () => DeliveryProgress;
  #progress!: DeliveryProgress;
  #files: TimerFiles | null = null;
  /** The queue had no message when this process began to deliver. */
  #wasEmpty = false;
  #second: TimerSecond | null = null;
  /** What was delivered and could not be written down. */
  #undone: number[] = [];
  #isDirty = false;
  /** Late messages below this queue offset were delivered, be that written down or not. */
  #lateBelow = 0;
  #saidWaiting = '';

  /** @param progress read when this process is the one that delivers, not before */
  constructor(context: ServiceContext, progress: () => DeliveryProgress) {
    this.#context = context;
    this.#loadProgress = progress;
  }

  run(nowMs: number): number {
    this.#progress = this.#loadProgress();
    try {
      if (this.#files === null && !this.#open()) return WHEN_STORE_CHANGES;
      return this.#step(this.#files!, nowMs);
    } catch (error) {
      if (!(error instanceof TimerDamage)) throw error;
      this.#rebuild(error);
      return nowMs;
    }
  }

  /** Everything that is known is on disk. */
  finish(): void {
    this.#files?.sync();
    this.#files?.close();
    this.#files = null;
    this.#progress.save(true);
  }

  #open(): boolean {
    const { context } = this.#context.writer;
    const range = this.#range();
    if (range.maxOffset === 0) {
      this.#wasEmpty = true;
      return false;
    }
    this.#files = TimerFiles.open(context, this.#progress, range, this.#wasEmpty);
    return true;
  }

  #rebuild(reason: TimerDamage): void {
    const { writer, onNotice } = this.#context;
    if (!(reason instanceof TimerHalfMade)) onNotice(`the timer's files cannot be gone on with (${reason.message}): they are kept in mqlite/quarantine and made anew, and each timer message is looked up before it is delivered`);
    this.#files?.close();
    this.#second = null;
    this.#undone = [];
    this.#isDirty = false;
    this.#files = TimerFiles.rebuild(writer.context, this.#progress, this.#range());
  }

  #range(): TimerQueueRange {
    const { reader, writer } = this.#context;
    const queue = reader.queue(TIMER_TOPIC, 0);
    const minOffset = queue.minOffset(reader.tail.minOffset());
    const maxOffset = queue.maxOffset();
    const isEmpty = maxOffset === minOffset;
    return {
      minOffset, maxOffset,
      firstStoreTimestamp: (isEmpty ? null : reader.storeTimestampAt(queue, minOffset)) ?? writer.context.clock.nowMs(),
      firstCommitLogOffset: isEmpty ? Infinity : queue.recordAt(minOffset),
    };
  }

  /** Everything is entered before anything is delivered: a delete that was stored in time counts. */
  #step(files: TimerFiles, nowMs: number): number {
    if (this.#isDirty) this.#writeDown(files);
    const entered = enter(this.#context, files, nowMs, MAX_ENTERED);
    if (entered.next !== files.at.next) {
      if (!this.#deliverLate(entered.late, nowMs)) {
        files.log.discardPending();
        return WHEN_STORE_CHANGES;
      }
      this.#commitEntered(files, entered);
    }
    if (entered.state === 'more') return nowMs;
    const next = this.#deliverDue(files, nowMs);
    return entered.state === 'all' ? next : Math.min(next, nowMs + BLOCKED_MS);
  }

  #commitEntered(files: TimerFiles, entered: Entered): void {
    try {
      files.commitEntered(entered.next, entered.slots);
    } catch (error) {
      // Half done: opened again, the files say what was.
      files.close();
      this.#files = null;
      this.#second = null;
      throw error;
    }
  }

  /** Delivers one batch of what is due, second after second; when to come back. */
  #deliverDue(files: TimerFiles, nowMs: number): number {
    const batch: Batch = { nowMs, targets: new DeliveryTargets(this.#context.writer.tables), messages: [], positions: [], lookedUp: new Set(), unsureBelow: files.at.unsureBelow, bytes: 0 };
    const startMs = files.at.readTimeMs;
    const next = this.#gather(files, batch);
    if (batch.messages.length === 0) return next;
    try {
      this.#append(batch.messages);
    } catch (error) {
      this.#second = null;
      files.at.readTimeMs = startMs;
      throw error;
    }
    this.#undone = batch.positions;
    this.#writeDown(files);
    return next;
  }

  /** Reads seconds until one has to be waited for, or the batch is full. */
  #gather(files: TimerFiles, batch: Batch): number {
    const { nowMs } = batch;
    const nowSecond = Math.floor(nowMs / TIMER_PRECISION_MS);
    for (let budget = MAX_READ; budget > 0;) {
      const from = files.at.readTimeMs / TIMER_PRECISION_MS;
      const slot = files.wheel.next(from, nowSecond + 1);
      if (slot === null) {
        this.#second = null;
        files.at.readTimeMs = Math.max(from, nowSecond) * TIMER_PRECISION_MS;
        const lookFrom = Math.max(from, nowSecond + 1);
        return (files.wheel.next(lookFrom, lookFrom + LOOK_AHEAD_SECONDS)?.second ?? lookFrom + LOOK_AHEAD_SECONDS) * TIMER_PRECISION_MS;
      }
      files.at.readTimeMs = slot.second * TIMER_PRECISION_MS;
      if (this.#second?.second !== slot.second) this.#second = new TimerSecond(slot.second, files.log);
      budget = this.#second.advance(slot, budget, (unit) => this.#recordOf(unit));
      if (!this.#second.isRead(slot)) return nowMs;
      const next = this.#take(this.#second, batch);
      if (next <= nowMs || next === WHEN_STORE_CHANGES) return next;
      // What is entered into this second from now on is looked for as long as it lasts.
      const endMs = (slot.second + 1) * TIMER_PRECISION_MS;
      if (nowMs < endMs) return Math.min(next, endMs);
      files.at.readTimeMs = endMs;
      this.#second = null;
    }
    return nowMs;
  }

  /** Takes what is due in a second; now when the batch is full, else when the next one is due (the end of time when none is left). */
  #take(second: TimerSecond, batch: Batch): number {
    for (let entry = second.peek(); entry !== null; entry = second.peek()) {
      if (entry.dueMs > batch.nowMs) return entry.dueMs;
      if (batch.messages.length >= MAX_DELIVERED || batch.bytes >= MAX_DELIVERED_BYTES || batch.lookedUp.size >= MAX_LOOK_UPS) return batch.nowMs;
      const message = this.#recordOf(entry.unit);
      const copy = message === null || second.isDeleted(message) || this.#isDone(message, batch) ? null : this.#copyOf(entry, message, batch);
      if (copy === 'wait') return WHEN_STORE_CHANGES;
      second.skip();
      if (copy === null) continue;
      batch.messages.push(copy);
      batch.positions.push(entry.position);
      batch.bytes += copy.body.length + copy.properties.length;
    }
    return Number.MAX_SAFE_INTEGER;
  }

  /** A message of which nothing tells whether it was delivered, and the log says that it was; or its unit was entered twice. */
  #isDone(message: StoredMessage, { unsureBelow, lookedUp }: Batch): boolean {
    const { reader, writer } = this.#context;
    if (message.queueOffset >= unsureBelow) return false;
    if (lookedUp.has(message.commitLogOffset)) return true;
    lookedUp.add(message.commitLogOffset);
    return timerFate(writer.context, reader, message) !== 'pending';
  }

  #copyOf({ unit }: TimerEntry, message: StoredMessage, { targets, nowMs }: Batch): PreparedMessage | 'wait' | null {
    const enqueueMs = String(unit.baseMs);
    return (unit.magic & MAGIC_ROLL) !== 0 ? rollOf(message, enqueueMs, nowMs) : this.#deliveredCopy(message, enqueueMs, targets, nowMs);
  }

  #recordOf(place: { readonly commitLogOffset: number; readonly sizeBytes: number }): StoredMessage | null {
    const { reader, writer, onNotice } = this.#context;
    const message = readRecord(reader, writer.context.identity.brokerName, { ...place, queueId: -1, queueOffset: -1 });
    if (typeof message === 'string') {
      // Made anew, the unit is made from the queue; a record that is damaged itself is passed over there.
      if (place.commitLogOffset >= reader.tail.minOffset()) throw new TimerDamage(`a unit of the timer log names a record at commit-log offset ${place.commitLogOffset} that cannot be read: ${message}`);
      onNotice(`the timer message at commit-log offset ${place.commitLogOffset} is passed over: the log begins at ${reader.tail.minOffset()} now`);
      return null;
    }
    if (message.topic !== TIMER_TOPIC) throw new TimerDamage(`a unit of the timer log names a record of ${message.topic} at ${place.commitLogOffset}`);
    return message;
  }

  #deliveredCopy(message: StoredMessage, enqueueMs: string, targets: DeliveryTargets, nowMs: number): PreparedMessage | 'wait' | null {
    const { onNotice } = this.#context;
    const properties = message.propertiesText;
    const target = targets.of(message, properties);
    if (target.kind === 'deliver') return copyOf(message, { ...target.to, properties: leavingProperties(properties, enqueueMs, nowMs) });
    const source = `the timer message at commit-log offset ${message.commitLogOffset}`;
    if (target.kind === 'skip') {
      onNotice(`${source} is passed over: ${target.reason}`);
      return null;
    }
    if (this.#saidWaiting !== source) onNotice(`${source} and those behind it wait: ${target.reason}`);
    this.#saidWaiting = source;
    return 'wait';
  }

  /** Messages whose second was over when they were entered. false: one of them has to wait, and none was delivered. */
  #deliverLate(late: readonly LateMessage[], nowMs: number): boolean {
    const targets = new DeliveryTargets(this.#context.writer.tables);
    const messages: PreparedMessage[] = [];
    for (const place of late) {
      if (place.queueOffset < this.#lateBelow) continue;
      const message = this.#recordOf(place);
      const copy = message === null ? null : this.#deliveredCopy(message, NEVER_ENTERED, targets, nowMs);
      if (copy === 'wait') return false;
      if (copy !== null) messages.push(copy);
    }
    if (messages.length > 0) this.#append(messages);
    this.#lateBelow = Math.max(this.#lateBelow, (late.at(-1)?.queueOffset ?? -1) + 1);
    return true;
  }

  /** Stored, and on disk before anything says that it was delivered. */
  #append(messages: readonly PreparedMessage[]): void {
    const { writer, onNotice } = this.#context;
    writer.append(messages);
    for (const message of messages) {
      if (message.error !== null) onNotice(`timer message ${message.uniqKey ?? ''} for ${message.topic} cannot be stored and is passed over: ${message.error.message}`);
    }
    writer.syncLog();
  }

  #writeDown(files: TimerFiles): void {
    this.#isDirty = true;
    files.log.markDone(this.#undone.sort((a, b) => a - b));
    this.#undone = [];
    files.commit();
    this.#isDirty = false;
  }
}
