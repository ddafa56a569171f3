import { javaHashCode } from '../../base/java-hash.ts';
import { PROPERTY, propertyOf } from '../../record/properties.ts';
import { ENTRY_PHYSICAL_OFFSET, ENTRY_RECORD_SIZE, ENTRY_SIZE_BYTES, readOffset } from '../consume-queue/layout.ts';
import { TIMER_PRECISION_MS } from '../dispatch/placement.ts';
import { QueueReader } from '../read/queue-reader.ts';
import { readRecord } from '../schedule/delivery-targets.ts';
import { timerFate } from '../schedule/fate.ts';
import type { ServiceContext } from '../services/store-service.ts';
import { TIMER_TOPIC } from '../../broker/names.ts';
import { MAGIC_DEFAULT, MAGIC_DELETE, MAGIC_ROLL } from './layout.ts';
import type { TimerSlot } from './layout.ts';
import { TimerDamage } from './timer-damage.ts';
import type { TimerFiles } from './timer-files.ts';
import { floorToSecond } from './timer-files.ts';

/** RocketMQ's `timerRollWindowSlot`. [MessageStoreConfig] */
const ROLL_WINDOW_MS = 172_800 * TIMER_PRECISION_MS;
/** Look-ups, in one lock hold, of messages of which nothing tells whether they were delivered. */
export const MAX_LOOK_UPS = 64;

/** A message whose second was read before it was entered. */
export interface LateMessage {
  readonly queueOffset: number;
  readonly commitLogOffset: number;
  readonly sizeBytes: number;
}

export interface Entered {
  readonly late: readonly LateMessage[];
  /** blocked: a slot that is needed still holds what has to be delivered first. */
  readonly state: 'all' | 'more' | 'blocked';
  /** Queue offset behind what was looked at. */
  readonly next: number;
  readonly slots: ReadonlyMap<number, TimerSlot>;
}

/** When the slot stands, and whether it is for a roll. [TimerMessageStore#doEnqueue] */
export const slotTimeOf = (outMs: number, baseMs: number): { readonly timeMs: number; readonly isRoll: boolean } => {
  const excessMs = outMs - baseMs - ROLL_WINDOW_MS;
  if (excessMs < 0) return { timeMs: outMs, isRoll: false };
  return { timeMs: baseMs + (excessMs < ROLL_WINDOW_MS / 3 ? ROLL_WINDOW_MS / 2 : ROLL_WINDOW_MS), isRoll: true };
};

/** Makes units of up to `count` records of the timer topic. They are appended to the timer log, not written yet. */
export const enter = (context: ServiceContext, files: TimerFiles, nowMs: number, count: number): Entered => {
  const { reader, writer, onNotice } = context;
  const queue = reader.queue(TIMER_TOPIC, 0);
  const late: LateMessage[] = [];
  const slots = new Map<number, TimerSlot>();
  const { at } = files;
  let { next } = at;
  files.log.discardPending();
  const result = (state: Entered['state']): Entered => ({ late, state, next, slots });
  if (!(queue instanceof QueueReader)) return result('all');
  let lookUps = 0;
  for (const end = next + count; next < end;) {
    const found = queue.read(next, end - next);
    if (found === 0) {
      const minOffset = queue.minOffset(reader.tail.minOffset());
      if (next >= minOffset) return result('all');
      next = minOffset;
      return result('more');
    }
    // The queue's buffer is read again by a look-up's own reads, but not by those of records.
    for (let index = 0; index < found; index++, next++) {
      const place = {
        commitLogOffset: readOffset(queue.entries, index * ENTRY_SIZE_BYTES + ENTRY_PHYSICAL_OFFSET),
        sizeBytes: queue.entries.readInt32BE(index * ENTRY_SIZE_BYTES + ENTRY_RECORD_SIZE),
        queueId: 0, queueOffset: next,
      };
      const message = readRecord(reader, writer.context.identity.brokerName, place);
      if (typeof message === 'string') {
        onNotice(`timer message ${next} cannot be read and is passed over: ${message} (commit-log offset ${place.commitLogOffset})`);
        continue;
      }
      const properties = message.propertiesText;
      const out = propertyOf(properties, PROPERTY.TIMER_OUT_MS);
      if (out === null || !/^\d{1,15}$/.test(out)) {
        onNotice(`timer message ${next} is passed over: its TIMER_OUT_MS is missing or no time (commit-log offset ${place.commitLogOffset})`);
        continue;
      }
      const outMs = Number(out);
      const isDelete = propertyOf(properties, PROPERTY.TIMER_DEL_UNIQKEY) !== null;
      if (floorToSecond(outMs) < at.readTimeMs) {
        if (isDelete) continue;
        if (next < at.unsureBelow) {
          if (lookUps++ >= MAX_LOOK_UPS) return result('more');
          if (timerFate(writer.context, reader, message) !== 'pending') continue;
        }
        late.push(place);
        continue;
      }
      const { timeMs, isRoll } = slotTimeOf(outMs, floorToSecond(nowMs));
      const slot = slotFor(files, slots, Math.floor(timeMs / TIMER_PRECISION_MS));
      // Another second's messages are still in the slot: they go first. Only where nothing was delivered for a week.
      if (slot === null) return result('blocked');
      const position = files.log.append({
        previous: slot.last,
        magic: MAGIC_DEFAULT | (isRoll ? MAGIC_ROLL : 0) | (isDelete ? MAGIC_DELETE : 0),
        baseMs: Math.min(floorToSecond(nowMs), floorToSecond(timeMs)),
        timeMs,
        commitLogOffset: place.commitLogOffset, sizeBytes: place.sizeBytes,
        topicHash: javaHashCode(propertyOf(properties, PROPERTY.REAL_TOPIC) ?? ''),
      });
      if (slot.first < 0) slot.first = position;
      slot.last = position;
      slot.count += isDelete ? -1 : 1;
    }
  }
  return result('more');
};

const slotFor = (files: TimerFiles, slots: Map<number, TimerSlot>, second: number): TimerSlot | null => {
  let slot = slots.get(second);
  if (slot !== undefined) return slot;
  const raw = files.wheel.raw(second);
  if (raw.second !== second && raw.second * TIMER_PRECISION_MS >= files.at.readTimeMs && raw.last >= 0 && raw.second > 0) return null;
  slot = raw.second === second ? raw : { second, first: -1, last: -1, count: 0 };
  if (slot.last >= files.log.end) throw new TimerDamage(`the wheel's slot of second ${second} points to ${slot.last}, behind the end of the timer log at ${files.log.end}`);
  slots.set(second, slot);
  return slot;
};
