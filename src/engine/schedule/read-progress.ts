import type { DelayProgress, TimerProgress } from '../../broker/types.ts';
import { TIMER_PRECISION_MS } from '../dispatch/placement.ts';
import { parseDelayLevels } from '../../broker/delay-levels.ts';
import type { StoreReader } from '../read/store-reader.ts';
import { SCHEDULE_TOPIC } from '../../broker/names.ts';
import type { StoreContext } from '../store-context.ts';
import { doneInSecond } from '../timer/done-units.ts';
import { readCheck } from '../timer/timer-files.ts';
import { DelayOffsetFile } from './delay-offset-file.ts';
import { DeliveryProgress } from './delivery-progress.ts';

/** How far delivery is, for those who only look. */
export const readDelayProgress = (context: StoreContext, reader: StoreReader): DelayProgress => {
  const progress = new DeliveryProgress(context.fs, context.paths);
  const offsets = new DelayOffsetFile(context);
  const levels = parseDelayLevels(context.identity.messageDelayLevel).slice(1).map((delayMs, index) => {
    const queue = reader.queue(SCHEDULE_TOPIC, index);
    const range = { minOffset: queue.minOffset(reader.tail.minOffset()), maxOffset: queue.maxOffset() };
    return { level: index + 1, delayMs, queueId: index, nextOffset: offsets.progressOf(index + 1, progress, range).next };
  });
  return { levels, timer: timerProgress(context, progress) };
};

const timerProgress = (context: StoreContext, { timer }: DeliveryProgress): TimerProgress => {
  const check = readCheck(context);
  const nextQueueOffset = timer?.next ?? Math.min(check?.lastTimerQueueOffset ?? 0, check?.masterTimerQueueOffset ?? 0);
  const lastReadTimeMs = timer?.readTimeMs ?? check?.lastReadTimeMs ?? 0;
  return { nextQueueOffset, lastReadTimeMs, doneInSecond: doneInSecond(context, Math.floor(lastReadTimeMs / TIMER_PRECISION_MS)) };
};
