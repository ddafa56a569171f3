import path from 'node:path';
import { CodecError } from '../../base/codec-error.ts';
import { TIMER_PRECISION_MS } from '../dispatch/placement.ts';
import type { DeliveryProgress, TimerQueueProgress } from '../schedule/delivery-progress.ts';
import { readWholeFile, writeFileAtomically } from '../state/file-io.ts';
import type { StoreContext } from '../store-context.ts';
import { CHECK_SIZE_BYTES, decodeCheck, encodeCheck } from './layout.ts';
import type { TimerCheck, TimerSlot } from './layout.ts';
import { TimerDamage, TimerHalfMade } from './timer-damage.ts';
import { TimerLog } from './timer-log.ts';
import { TimerWheel } from './timer-wheel.ts';

/** What rmq_sys_wheel_timer holds. */
export interface TimerQueueRange {
  readonly minOffset: number;
  readonly maxOffset: number;
  /** Of its first record; now when there is none. Nothing in it is due before. */
  readonly firstStoreTimestamp: number;
  /** Of its first record; Infinity when there is none. */
  readonly firstCommitLogOffset: number;
}

/** A clock that is set back by less than this makes no time implausible. */
const PLAUSIBLE_AHEAD_MS = 60_000;

/** timerwheel, timerlog and timercheck, as one process keeps them with the write lock held; docs/format/timer.md says in which order. */
export class TimerFiles {
  readonly log: TimerLog;
  readonly wheel: TimerWheel;
  readonly at: TimerQueueProgress;
  readonly #context: StoreContext;
  readonly #progress: DeliveryProgress;
  #check: TimerCheck;

  private constructor(context: StoreContext, progress: DeliveryProgress, log: TimerLog, wheel: TimerWheel, at: TimerQueueProgress, check: TimerCheck) {
    this.#context = context;
    this.#progress = progress;
    this.log = log;
    this.wheel = wheel;
    this.at = at;
    this.#check = check;
    progress.timer = at;
  }

  /** Throws TimerDamage when they must be rebuilt. @param wasEmpty this process saw the queue without a message */
  static open(context: StoreContext, progress: DeliveryProgress, range: TimerQueueRange, wasEmpty: boolean): TimerFiles {
    const { fs, paths, clock } = context;
    if (progress.wasCut && fs.stat(paths.timerWheel) !== null) throw new TimerDamage('the machine went down while they were in use');
    const check = readCheck(context);
    const known = progress.timer;
    // A store whose first timer messages were just stored has none of the files.
    const isNew = check === null && fs.stat(paths.timerWheel) === null && (fs.list(paths.timerLog) ?? []).length === 0;
    if (check === null && known === null && !(isNew && (wasEmpty || progress.isKnown))) {
      // delivery.json counts, so nobody but mqlite was here; and it had nothing to say of the timer yet.
      const Damage = progress.isKnown ? TimerHalfMade : TimerDamage;
      throw new Damage(`${paths.timerCheck} is missing or unreadable`);
    }
    const at = known ?? progressOf(check, range);
    at.next = Math.min(Math.max(at.next, range.minOffset), range.maxOffset);
    if (at.readTimeMs > clock.nowMs() + PLAUSIBLE_AHEAD_MS) throw new TimerDamage(`${paths.timerCheck}: lastReadTimeMs ${at.readTimeMs} lies ahead`);
    if (fs.stat(paths.timerWheel) === null && at.inWheelBelow > 0) throw new TimerDamage(`${paths.timerWheel} is missing`);
    const log = TimerLog.open(fs, paths);
    try {
      // Files expire with the records they name: where the log begins later than that, something else took them.
      if (log.begin > 0 && log.begin < log.end && log.read(log.begin).commitLogOffset > range.firstCommitLogOffset) throw new TimerDamage(`${paths.timerLog} lacks the files before ${log.begin}`);
      if (log.end < at.inWheelBelow) throw new TimerDamage(`${paths.timerLog} ends at ${log.end}, but the wheel knows units up to ${at.inWheelBelow}`);
      const files = new TimerFiles(context, progress, log, TimerWheel.open(fs, paths), at, check ?? emptyCheck());
      files.#enterLogged(known === null ? log.recoveryStart(at.inWheelBelow) : at.inWheelBelow);
      return files;
    } catch (error) {
      log.close();
      throw error;
    }
  }

  /** Moves what is there to the quarantine and begins anew: everything in the queue is entered again, and each message looked up before. */
  static rebuild(context: StoreContext, progress: DeliveryProgress, range: TimerQueueRange): TimerFiles {
    const { fs, paths, clock } = context;
    moveAside(context, paths.timerWheel);
    for (const name of fs.list(paths.timerLog) ?? []) moveAside(context, path.join(paths.timerLog, name));
    moveAside(context, paths.timerCheck);
    progress.wasCut = false;
    const at = { next: range.minOffset, unsureBelow: range.maxOffset, readTimeMs: floorToSecond(clock.nowMs()), inWheelBelow: 0 };
    const files = new TimerFiles(context, progress, TimerLog.open(fs, paths), TimerWheel.open(fs, paths), at, emptyCheck());
    files.commit();
    return files;
  }

  /** The slot of a second, empty when there is none yet. */
  slot(second: number): TimerSlot {
    const slot = this.wheel.raw(second);
    return slot.second === second ? slot : { second, first: -1, last: -1, count: 0 };
  }

  /** Units were written: they and the offset they reach to, then the slots. What dies in between is found by the log. */
  commitEntered(next: number, slots: ReadonlyMap<number, TimerSlot>): void {
    this.log.flush();
    this.at.next = next;
    this.commit();
    this.wheel.restoreUnlinked();
    for (const slot of slots.values()) this.wheel.put(slot);
    this.at.inWheelBelow = this.log.end;
  }

  /** Writes down how far reading and entering are: delivery.json, then timercheck. */
  commit(): void {
    const { fs, paths, clock } = this.#context;
    const { readTimeMs, next, inWheelBelow } = this.at;
    this.#progress.save();
    const check = this.#check;
    const isMoved = check.lastReadTimeMs !== readTimeMs || check.masterTimerQueueOffset !== next;
    this.#check = {
      ...check, lastReadTimeMs: readTimeMs, lastTimerLogFlushPos: inWheelBelow, lastTimerQueueOffset: next, masterTimerQueueOffset: next,
      ...(isMoved ? { timestamp: clock.nowMs(), counter: check.counter + 1 } : {}),
    };
    const bytes = encodeCheck(this.#check);
    // In place, as a broker does: it maps the file.
    if (fs.stat(paths.timerCheck)?.sizeBytes !== CHECK_SIZE_BYTES) {
      writeFileAtomically(fs, paths.timerCheck, bytes, { tempDirectory: paths.temp, sync: false });
      return;
    }
    const fd = fs.open(paths.timerCheck, 'write');
    try {
      fs.write(fd, bytes, 0, bytes.length, 0);
    } finally {
      fs.close(fd);
    }
  }

  /** Everything to disk, timercheck last: a closed store is whole. */
  sync(): void {
    this.log.sync();
    this.wheel.sync();
    this.commit();
    const fd = this.#context.fs.open(this.#context.paths.timerCheck, 'write');
    try {
      this.#context.fs.dataSync(fd);
    } finally {
      this.#context.fs.close(fd);
    }
  }

  close(): void {
    this.log.close();
    this.wheel.close();
  }

  /** Units that a dead process wrote and the wheel does not know. [TimerMessageStore#recoverAndRevise] */
  #enterLogged(from: number): void {
    const slots = new Map<number, TimerSlot>();
    for (const position of this.log.positionsFrom(from)) {
      const second = Math.floor(this.log.read(position).timeMs / TIMER_PRECISION_MS);
      if (second * TIMER_PRECISION_MS < this.at.readTimeMs) continue;
      const slot = slots.get(second) ?? this.slot(second);
      slots.set(second, slot);
      if (slot.last >= position) continue;
      if (slot.first < 0) slot.first = position;
      slot.last = position;
      slot.count++;
    }
    for (const slot of slots.values()) this.wheel.put(slot);
    this.at.inWheelBelow = this.log.end;
  }
}

export const floorToSecond = (timeMs: number): number => Math.floor(timeMs / TIMER_PRECISION_MS) * TIMER_PRECISION_MS;

const emptyCheck = (): TimerCheck => ({
  lastReadTimeMs: 0, lastTimerLogFlushPos: 0, lastTimerQueueOffset: 0, masterTimerQueueOffset: 0, stateVersion: 0, timestamp: 0, counter: 0,
});

/** What a broker wrote down; null when it is missing or unreadable. */
export const readCheck = ({ fs, paths }: StoreContext): TimerCheck | null => {
  const bytes = readWholeFile(fs, paths.timerCheck);
  if (bytes === null) return null;
  try {
    return decodeCheck(bytes);
  } catch (error) {
    if (error instanceof CodecError) return null;
    throw error;
  }
};

const progressOf = (check: TimerCheck | null, { maxOffset, firstStoreTimestamp }: TimerQueueRange): TimerQueueProgress => {
  // TIMER_OUT_MS is at most a second before the time at which its record was stored.
  const earliestMs = Math.max(0, floorToSecond(firstStoreTimestamp) - 2 * TIMER_PRECISION_MS);
  if (check === null) return { next: 0, unsureBelow: 0, readTimeMs: earliestMs, inWheelBelow: 0 };
  const readTimeMs = check.lastReadTimeMs === 0 ? earliestMs : floorToSecond(check.lastReadTimeMs);
  const next = Math.min(check.lastTimerQueueOffset, check.masterTimerQueueOffset);
  if (next > maxOffset) throw new TimerDamage(`timercheck: queue offset ${next} lies behind the end of the queue, ${maxOffset}`);
  // A broker that died wrote this up to a second before, and may have delivered since.
  return { next, unsureBelow: maxOffset, readTimeMs, inWheelBelow: check.lastTimerLogFlushPos };
};

/** Keeps a file of any length: a rename within the store. */
const moveAside = ({ fs, paths }: StoreContext, file: string): void => {
  if (fs.stat(file) === null) return;
  fs.makeDirectory(paths.quarantine);
  let number = 1;
  const name = (): string => path.join(paths.quarantine, `${path.basename(file)}.${number}`);
  while (fs.stat(name()) !== null) number++;
  fs.rename(file, name());
};
