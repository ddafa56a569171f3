import { deliverTimestamp } from '../../broker/delay-levels.ts';
import { SCHEDULE_TOPIC } from '../../broker/names.ts';

/** The two 32-bit halves of a queue entry's tags code: the tags hash, or the due time in the schedule topic. */
export interface TagsCode {
  high: number;
  low: number;
}

/** Fills `target` for a record. [CommitLog#checkMessageAndReturnSize] */
export const setTagsCode = (
  target: TagsCode,
  record: { readonly topic: string; readonly tagsHash: number; readonly delayLevel: number; readonly storeTimestamp: number },
  delayLevels: readonly number[],
): void => {
  if (record.delayLevel > 0 && record.topic === SCHEDULE_TOPIC) {
    const due = deliverTimestamp(delayLevels, record.delayLevel, record.storeTimestamp);
    target.high = Math.floor(due / 0x1_0000_0000);
    target.low = due % 0x1_0000_0000 | 0;
    return;
  }
  target.high = record.tagsHash < 0 ? -1 : 0;
  target.low = record.tagsHash;
};
