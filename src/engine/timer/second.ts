import type { StoredMessage } from '../../record/decode.ts';
import { PROPERTY, propertyOf } from '../../record/properties.ts';
import { deleteKeysOf } from '../../record/recall-handle.ts';
import { timerDueMs } from '../dispatch/placement.ts';
import { MAGIC_DELETE, MAGIC_ROLL } from './layout.ts';
import type { TimerSlot, TimerUnit } from './layout.ts';
import { TimerDamage } from './timer-damage.ts';
import type { TimerLog } from './timer-log.ts';

/** A message of a second that is to be delivered, or put again. */
export interface TimerEntry {
  readonly position: number;
  readonly unit: TimerUnit;
  readonly dueMs: number;
}

/**
 * One second of the wheel while it is read: piece by piece, because it may hold any number of messages, and again when more is entered
 * into it before it is over.
 */
export class TimerSecond {
  readonly second: number;
  /** What the deletes of this second name. */
  readonly #deleteKeys = new Set<string>();
  readonly #log: TimerLog;
  /** Units found in the chain whose records were not read yet. */
  #unread: { readonly position: number; readonly unit: TimerUnit }[] = [];
  /** Sorted by due time, then as entered; those before `#nextEntry` are done with. */
  #entries: TimerEntry[] = [];
  #nextEntry = 0;
  #isSorted = true;
  /** The chain was followed from here on. */
  #followedFrom = -1;
  /** Where following goes on; -1: nowhere. */
  #cursor = -1;
  #stopAt = -1;

  constructor(second: number, log: TimerLog) {
    this.second = second;
    this.#log = log;
  }

  /**
   * Reads up to `count` units and records, and returns what is left of the count.
   * @param read the record of a unit, null when it cannot be read
   */
  advance(slot: TimerSlot, count: number, read: (unit: TimerUnit) => StoredMessage | null): number {
    if (slot.last !== this.#followedFrom && this.#cursor < 0) {
      this.#stopAt = this.#followedFrom;
      this.#followedFrom = slot.last;
      this.#cursor = slot.last;
    }
    let left = count;
    // A chain ends, too, where the file of the next unit has expired, and with it the records. [TimerMessageStore#dequeue]
    const { begin } = this.#log;
    for (; left > 0 && this.#cursor >= begin && this.#cursor !== this.#stopAt; left--) {
      const unit = this.#log.read(this.#cursor);
      if (Math.floor(unit.timeMs / 1000) !== this.second) throw new TimerDamage(`the unit at ${this.#cursor} of the timer log is of another second than its slot`);
      this.#unread.push({ position: this.#cursor, unit });
      this.#cursor = unit.previous;
    }
    if (this.#cursor < begin || this.#cursor === this.#stopAt) this.#cursor = -1;
    if (this.#cursor >= 0) return 0;
    for (; left > 0 && this.#unread.length > 0; left--) {
      const { position, unit } = this.#unread.pop()!;
      const message = read(unit);
      if (message !== null) this.#take(position, unit, message);
    }
    return left;
  }

  /** Everything in the chain was read. */
  isRead(slot: TimerSlot): boolean {
    return this.#cursor < 0 && this.#unread.length === 0 && this.#followedFrom === slot.last;
  }

  isDeleted(message: StoredMessage): boolean {
    if (this.#deleteKeys.size === 0) return false;
    const { REAL_TOPIC: topic = '', UNIQ_KEY: key = '' } = message.properties;
    return deleteKeysOf(topic, key).some((deleteKey) => this.#deleteKeys.has(deleteKey));
  }

  /** The next message in order of time; null when all are done with. */
  peek(): TimerEntry | null {
    if (!this.#isSorted) {
      this.#entries = this.#entries.slice(this.#nextEntry).sort((a, b) => a.dueMs - b.dueMs || a.position - b.position);
      this.#nextEntry = 0;
      this.#isSorted = true;
    }
    return this.#entries[this.#nextEntry] ?? null;
  }

  skip(): void {
    this.#nextEntry++;
  }

  #take(position: number, unit: TimerUnit, message: StoredMessage): void {
    const properties = message.propertiesText;
    if ((unit.magic & MAGIC_ROLL) !== 0) {
      this.#add({ position, unit, dueMs: this.second * 1000 });
      return;
    }
    if ((unit.magic & MAGIC_DELETE) !== 0) {
      const key = propertyOf(properties, PROPERTY.TIMER_DEL_UNIQKEY);
      // Without a key it is a message that was delivered already.
      if (key !== null) this.#deleteKeys.add(key);
      return;
    }
    const deliverAt = propertyOf(properties, PROPERTY.TIMER_DELIVER_MS);
    this.#add({ position, unit, dueMs: timerDueMs(unit.timeMs, deliverAt === null ? null : Number(deliverAt)) });
  }

  #add(entry: TimerEntry): void {
    this.#isSorted = false;
    this.#entries.push(entry);
  }
}
