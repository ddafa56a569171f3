import { ENTRY_PHYSICAL_OFFSET, ENTRY_RECORD_SIZE, ENTRY_SIZE_BYTES, ENTRY_TAGS_CODE, readOffset } from '../consume-queue/layout.ts';
import { deliverTimestamp, parseDelayLevels } from '../../broker/delay-levels.ts';
import { QueueReader } from '../read/queue-reader.ts';
import { WHEN_STORE_CHANGES } from '../services/store-service.ts';
import type { ServiceContext, StoreService } from '../services/store-service.ts';
import { SCHEDULE_TOPIC } from '../../broker/names.ts';
import type { PreparedMessage } from '../../broker/prepared-message.ts';
import { copyOf } from '../write/stored-copy.ts';
import { DelayOffsetFile } from './delay-offset-file.ts';
import type { DeliveryProgress, QueueProgress } from './delivery-progress.ts';
import { DeliveryTargets, readRecord } from './delivery-targets.ts';
import { levelFate } from './fate.ts';

/** One lock hold delivers at most so much, so that no level makes the others wait. */
const MAX_LEVEL_MESSAGES = 1024;
const MAX_BATCH_MESSAGES = 4096;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
/** Look-ups of messages of which nothing tells whether they were delivered. */
const MAX_LOOK_UPS = 64;

/** What one run gathers. */
interface Batch {
  readonly nowMs: number;
  readonly targets: DeliveryTargets;
  readonly messages: PreparedMessage[];
  /** Where each message comes from, for reports. */
  readonly sources: string[];
  bytes: number;
  lookUps: number;
}

/** Delivers what lies in SCHEDULE_TOPIC_XXXX and is due. [ScheduleMessageService] docs/format/schedule.md */
export class LevelService implements StoreService {
  readonly name = 'delay levels';
  readonly #context: ServiceContext;
  readonly #loadProgress: () => DeliveryProgress;
  #progress!: DeliveryProgress;
  readonly #offsets: DelayOffsetFile;
  readonly #delays: readonly number[];
  /** By level: when its next message is due; WHEN_STORE_CHANGES at the end of its queue. */
  readonly #dueMs: number[];
  #isLoaded = false;
  /** What was delivered and is not written down yet, because writing failed. */
  #isDirty = false;
  readonly #saidWaiting = new Set<number>();
  /** Rotates, so that a flood at one level does not hold up the others. */
  #firstLevel = 1;

  /** @param progress read when this process is the one that delivers, not before */
  constructor(context: ServiceContext, progress: () => DeliveryProgress) {
    const store = context.writer.context;
    this.#context = context;
    this.#loadProgress = progress;
    this.#offsets = new DelayOffsetFile(store);
    this.#delays = parseDelayLevels(store.identity.messageDelayLevel);
    this.#dueMs = this.#delays.map(() => WHEN_STORE_CHANGES);
  }

  run(nowMs: number): number {
    if (!this.#isLoaded) this.#load();
    if (this.#isDirty) this.#save();
    const batch: Batch = { nowMs, targets: new DeliveryTargets(this.#context.writer.tables), messages: [], sources: [], bytes: 0, lookUps: 0 };
    const count = this.#delays.length - 1;
    const moved = new Map<number, number>();
    for (let step = 0; step < count; step++) {
      const level = (this.#firstLevel - 1 + step) % count + 1;
      const next = this.#take(level, batch);
      if (next !== null) moved.set(level, next);
    }
    this.#firstLevel = this.#firstLevel % count + 1;
    this.#deliver(batch, moved);
    return Math.min(...this.#dueMs.slice(1));
  }

  /** The files say so, even if a refused broker rewrote one since the last delivery. */
  finish(): void {
    if (this.#isLoaded) this.#offsets.write(this.#progress.levels);
  }

  #load(): void {
    this.#progress = this.#loadProgress();
    for (const reason of this.#offsets.reasons()) this.#context.onNotice(`${reason}; the file is kept in mqlite/quarantine when it is written again`);
    for (let level = 1; level < this.#delays.length; level++) {
      const queue = this.#queue(level);
      if (queue === null) continue;
      const range = { minOffset: queue.minOffset(this.#context.reader.tail.minOffset()), maxOffset: queue.maxOffset() };
      const progress = this.#offsets.progressOf(level, this.#progress, range);
      if (progress.unsureBelow > progress.next && !this.#offsets.has(level)) {
        this.#context.onNotice(`nothing tells how far delivery of delay level ${level} was (delayOffset.json): each of its messages is looked up before it is delivered`);
      }
      this.#progress.levels.set(level, progress);
    }
    // From now on it is known, be it that nothing was delivered.
    if (!this.#progress.isKnown) this.#progress.save();
    this.#isLoaded = true;
  }

  #queue(level: number): QueueReader | null {
    const queue = this.#context.reader.queue(SCHEDULE_TOPIC, level - 1);
    return queue instanceof QueueReader ? queue : null;
  }

  /** Takes what is due at one level; the next offset when that moved. */
  #take(level: number, batch: Batch): number | null {
    const delayMs = this.#delays[level]!;
    const knownDueMs = this.#dueMs[level]!;
    // A known time that lies further ahead than the delay: the clock was set back.
    if (knownDueMs > batch.nowMs && knownDueMs <= batch.nowMs + delayMs) return null;
    const queue = this.#queue(level);
    const progress = this.#progressOf(level);
    if (queue === null) return null;
    let { next } = progress;
    this.#dueMs[level] = batch.nowMs;
    for (const end = next + MAX_LEVEL_MESSAGES; next < end && !isFull(batch);) {
      const count = queue.read(next, end - next);
      if (count === 0) {
        // Nothing here: the end, or records that were cleaned away.
        const minOffset = queue.minOffset(this.#context.reader.tail.minOffset());
        if (next < minOffset) next = minOffset;
        else this.#dueMs[level] = WHEN_STORE_CHANGES;
        break;
      }
      const after = this.#takeEntries(level, queue, next, count, batch);
      if (after.next < next + count) {
        next = after.next;
        this.#dueMs[level] = after.dueMs;
        break;
      }
      next = after.next;
    }
    return next === progress.next ? null : next;
  }

  #progressOf(level: number): QueueProgress {
    let progress = this.#progress.levels.get(level);
    if (progress === undefined) this.#progress.levels.set(level, (progress = { next: 0, unsureBelow: 0 }));
    return progress;
  }

  /** Takes entries that are due; `next` is the first one left, `dueMs` when to look at it. */
  #takeEntries(level: number, queue: QueueReader, from: number, count: number, batch: Batch): { next: number; dueMs: number } {
    const { entries } = queue;
    const { nowMs } = batch;
    for (let index = 0; index < count; index++) {
      const at = index * ENTRY_SIZE_BYTES;
      const dueMs = readOffset(entries, at + ENTRY_TAGS_CODE);
      if (dueMs > nowMs && dueMs <= nowMs + this.#delays[level]!) return { next: from + index, dueMs };
      if (isFull(batch)) return { next: from + index, dueMs: nowMs };
      const place = { commitLogOffset: readOffset(entries, at + ENTRY_PHYSICAL_OFFSET), sizeBytes: entries.readInt32BE(at + ENTRY_RECORD_SIZE), queueId: level - 1, queueOffset: from + index };
      const waitMs = this.#takeRecord(level, place, dueMs, batch);
      if (waitMs !== null) return { next: from + index, dueMs: waitMs };
    }
    return { next: from + count, dueMs: nowMs };
  }

  /** null: done with; otherwise when to come back. */
  #takeRecord(level: number, place: Parameters<typeof readRecord>[2], entryDueMs: number, batch: Batch): number | null {
    const { reader, writer, onNotice } = this.#context;
    const source = `delayed message ${place.queueOffset} of level ${level}`;
    const message = readRecord(reader, writer.context.identity.brokerName, place);
    if (typeof message === 'string') {
      onNotice(`${source} cannot be read and is passed over: ${message} (commit-log offset ${place.commitLogOffset})`);
      return null;
    }
    // Below zero it is an address into an ext file. [ConsumeQueueExt#isExtAddr]
    const dueMs = entryDueMs < 0 ? deliverTimestamp(this.#delays, level, message.storeTimestamp) : entryDueMs;
    // Stored in the future: the clock was set back. Else the level was longer when it was stored.
    if (dueMs > batch.nowMs && message.storeTimestamp <= batch.nowMs) return dueMs;
    const properties = message.propertiesText;
    const target = batch.targets.of(message, properties);
    if (target.kind === 'wait') {
      if (!this.#saidWaiting.has(level)) onNotice(`${source} and those behind it wait: ${target.reason}`);
      this.#saidWaiting.add(level);
      return WHEN_STORE_CHANGES;
    }
    if (target.kind === 'skip') {
      onNotice(`${source} is passed over: ${target.reason} (commit-log offset ${place.commitLogOffset})`);
      return null;
    }
    if (place.queueOffset < this.#progressOf(level).unsureBelow) {
      batch.lookUps++;
      if (levelFate(writer.context, reader, message) !== 'pending') return null;
    }
    batch.messages.push(copyOf(message, target.to));
    batch.sources.push(source);
    batch.bytes += message.storeSize;
    return null;
  }

  /** The order: the messages, to disk; delivery.json; delayOffset.json. A process that dies in between delivers this batch again. */
  #deliver(batch: Batch, moved: ReadonlyMap<number, number>): void {
    const { writer, onNotice } = this.#context;
    if (batch.messages.length > 0) writer.append(batch.messages);
    if (moved.size === 0) return;
    for (const [level, next] of moved) this.#progressOf(level).next = next;
    this.#isDirty = true;
    batch.messages.forEach((message, index) => {
      if (message.error !== null) onNotice(`${batch.sources[index]} cannot be stored and is passed over: ${message.error.message}`);
    });
    if (batch.messages.length > 0) writer.syncLog();
    this.#save();
  }

  #save(): void {
    this.#progress.save();
    this.#offsets.write(this.#progress.levels);
    this.#isDirty = false;
  }
}

const isFull = (batch: Batch): boolean =>
  batch.messages.length >= MAX_BATCH_MESSAGES || batch.bytes >= MAX_BATCH_BYTES || batch.lookUps >= MAX_LOOK_UPS;
