import { bumpDataVersion, countOf, objectAt, objectOrEmpty } from './broker-json.ts';
import type { JsonObject } from './broker-json.ts';

/**
 * delayOffset.json: `offsetTable` maps a delay level (from 1) to the next queue offset in queue level-1 of SCHEDULE_TOPIC_XXXX
 * [ScheduleMessageService]. A level that is missing is delivered again from 0 by a broker, so nothing here ever removes one.
 */
export const readDelayOffsets = (root: JsonObject): Map<number, number> => {
  const levels = new Map<number, number>();
  for (const [level, value] of Object.entries(objectOrEmpty(root, 'offsetTable'))) {
    const offset = countOf(value);
    if (offset !== null && /^[1-9]\d{0,3}$/.test(level)) levels.set(Number(level), offset);
  }
  return levels;
};

/** Moves the given levels forward; a level further on in the file stays (what was delivered is not delivered again). */
export const mergeDelayOffsets = (root: JsonObject, levels: ReadonlyMap<number, number>, nowMs: number): void => {
  const known = readDelayOffsets(root);
  let changed = false;
  for (const [level, offset] of levels) {
    if ((known.get(level) ?? -1) >= offset) continue;
    objectAt(root, 'offsetTable')[level] = offset;
    changed = true;
  }
  if (changed) bumpDataVersion(root, nowMs);
};
