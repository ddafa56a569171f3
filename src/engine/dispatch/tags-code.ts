import { SCHEDULE_TOPIC } from '../state/topic-name.ts';

const UNIT_MS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Delays of `messageDelayLevel` in ms; index 0 is unused, levels start at 1. [DefaultMessageStore#parseDelayLevel] */
export const parseDelayLevels = (text: string): number[] => [
  0,
  ...text.split(' ').filter((item) => item !== '').map((item) => Number(item.slice(0, -1)) * (UNIT_MS[item.at(-1)!] ?? Number.NaN)),
];

/** When a scheduled record is due. Above the last level: the last. [DefaultMessageStore#computeDeliverTimestamp] */
export const deliverTimestamp = (delayLevels: readonly number[], level: number, storeTimestamp: number): number =>
  storeTimestamp + (delayLevels[Math.min(level, delayLevels.length - 1)] ?? 1000);

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
