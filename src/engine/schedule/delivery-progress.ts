import type { FileSystem } from '../files/file-system.ts';
import { countOf, formatBrokerJson, isJsonObject, newJsonObject, objectOrEmpty, parseBrokerJson } from '../state/broker-json.ts';
import type { JsonObject } from '../state/broker-json.ts';
import { readBootId } from '../state/engine-state.ts';
import { readWholeFile, writeFileAtomically } from '../state/file-io.ts';
import type { StorePaths } from '../store-paths.ts';

/** How far delivery from one queue is. */
export interface QueueProgress {
  /** Next queue offset. */
  next: number;
  /** Nothing tells which messages below this one were delivered: each is looked up first. */
  unsureBelow: number;
}

export interface TimerQueueProgress extends QueueProgress {
  /** The second to be read next, ms. */
  readTimeMs: number;
  /** Units below this position of the timer log are in the wheel. */
  inWheelBelow: number;
}

/**
 * `mqlite/delivery.json`, docs/format/schedule.md: what mqlite delivered, as it knows itself. It counts alone until a broker really had the
 * store, which then has touched the lock file.
 */
export class DeliveryProgress {
  readonly levels = new Map<number, QueueProgress>();
  timer: TimerQueueProgress | null = null;
  /** false: nothing is known here; the broker's files tell. */
  readonly isKnown: boolean;
  /** The machine went down while the timer's files were in use: any part of them may be missing. */
  wasCut = false;
  readonly #fs: FileSystem;
  readonly #paths: StorePaths;
  readonly #bootId: string;

  constructor(fs: FileSystem, paths: StorePaths) {
    this.#fs = fs;
    this.#paths = paths;
    this.#bootId = readBootId(fs);
    this.isKnown = this.#read();
  }

  /**
   * Without an fsync: `bootId` tells the next process when a power cut may have taken it back, and pages of the timer's files with it.
   * @param isClosed the timer's files are on disk
   */
  save(isClosed = false): void {
    const levels = newJsonObject();
    for (const [level, { next, unsureBelow }] of this.levels) levels[String(level)] = Object.assign(newJsonObject(), { next, unsureBelow });
    const value = Object.assign(newJsonObject(), { lockModifiedMs: this.#lockModifiedMs(), bootId: isClosed ? '' : this.#bootId, levels });
    if (this.timer !== null) value['timer'] = Object.assign(newJsonObject(), this.timer);
    writeFileAtomically(this.#fs, this.#paths.deliveryProgress, Buffer.from(formatBrokerJson(value)), { tempDirectory: this.#paths.temp, sync: false });
  }

  #read(): boolean {
    const bytes = readWholeFile(this.#fs, this.#paths.deliveryProgress);
    if (bytes === null) return false;
    try {
      const value = parseBrokerJson(bytes.toString('utf8'));
      if (!isJsonObject(value) || value['lockModifiedMs'] !== this.#lockModifiedMs()) return false;
      this.wasCut = value['bootId'] !== '' && value['bootId'] !== this.#bootId;
      if (this.wasCut) return false;
      this.#take(value);
      return true;
    } catch {
      // A copy only: the broker's files tell then.
      this.levels.clear();
      this.timer = null;
      return false;
    }
  }

  #take(value: JsonObject): void {
    for (const [level, entry] of Object.entries(objectOrEmpty(value, 'levels'))) {
      if (isJsonObject(entry)) this.levels.set(Number(level), { next: whole(entry, 'next'), unsureBelow: whole(entry, 'unsureBelow') });
    }
    const timer = value['timer'];
    if (!isJsonObject(timer)) return;
    this.timer = {
      next: whole(timer, 'next'), unsureBelow: whole(timer, 'unsureBelow'), readTimeMs: whole(timer, 'readTimeMs'), inWheelBelow: whole(timer, 'inWheelBelow'),
    };
  }

  /** Whole ms: what a JSON number holds exactly on every file system. */
  #lockModifiedMs(): number {
    return Math.floor(this.#fs.stat(this.#paths.lock)?.modifiedMs ?? 0);
  }
}

const whole = (object: JsonObject, name: string): number => {
  const count = countOf(object[name] ?? null);
  if (count === null) throw new Error(`${name} is no count`);
  return count;
};
