import type { Clock } from '../../base/clock.ts';
import { changeProperties, PROPERTY } from '../../record/properties.ts';
import type { StoreIdentity } from '../state/store-identity.ts';
import { SCHEDULE_TOPIC, TIMER_TOPIC } from '../../broker/names.ts';
import { placeHalf } from '../transaction/half-copies.ts';
import type { PreparedMessage } from '../../broker/prepared-message.ts';
import { parseDelayLevels } from '../../broker/delay-levels.ts';

/** RocketMQ's `timerPrecisionMs`. [MessageStoreConfig] */
export const TIMER_PRECISION_MS = 1000;

/** What decides where a message goes first. */
export interface PlacementRules {
  /** As `parseDelayLevels` makes them: index 0 is unused. */
  readonly delayLevels: readonly number[];
  readonly clock: Clock;
}

export const placementRules = ({ identity, clock }: { readonly identity: StoreIdentity; readonly clock: Clock }): PlacementRules =>
  ({ delayLevels: parseDelayLevels(identity.messageDelayLevel), clock });

/**
 * Sends a message that is to come later, or perhaps, to the system topic that keeps it until then, as the broker's hooks do before a put:
 * once its own queue is chosen, under the write lock. [HookUtils#handleScheduleMessage]
 */
export const placeMessage = (message: PreparedMessage, rules: PlacementRules): void => {
  // A half says nothing about when: a delay counts once it is committed.
  if (message.isHalf) placeHalf(message);
  else if (message.delayLevel > 0) placeAtLevel(message, rules.delayLevels);
  else if (message.deliverAtMs > rules.clock.nowMs()) placeInTimer(message);
};

/** Queue `level - 1` of the schedule topic; above the last level: the last. [HookUtils#transformDelayLevelMessage] */
const placeAtLevel = (message: PreparedMessage, delayLevels: readonly number[]): void => {
  const level = Math.min(message.delayLevel, delayLevels.length - 1);
  message.properties = changeProperties(message.properties, {
    [PROPERTY.DELAY]: String(level), [PROPERTY.REAL_TOPIC]: message.topic, [PROPERTY.REAL_QID]: String(message.queueId),
  });
  message.delayLevel = level;
  message.topic = SCHEDULE_TOPIC;
  message.queueId = level - 1;
};

/** [HookUtils#transformTimerMessage] */
const placeInTimer = (message: PreparedMessage): void => {
  message.properties = changeProperties(message.properties, {
    [PROPERTY.TIMER_OUT_MS]: String(timerOutMs(message.deliverAtMs)), [PROPERTY.REAL_TOPIC]: message.topic, [PROPERTY.REAL_QID]: String(message.queueId),
  });
  message.topic = TIMER_TOPIC;
  message.queueId = 0;
};

/** TIMER_OUT_MS: floored to whole seconds; a whole second goes to the one before, which a broker reads when it is over. */
export const timerOutMs = (deliverAtMs: number): number => Math.floor((deliverAtMs - 1) / TIMER_PRECISION_MS) * TIMER_PRECISION_MS;

/** When a record of the timer topic is due: TIMER_DELIVER_MS where it lies in the second after TIMER_OUT_MS, else the end of that second. */
export const timerDueMs = (outMs: number, deliverAtMs: number | null): number =>
  deliverAtMs !== null && deliverAtMs > outMs && deliverAtMs <= outMs + TIMER_PRECISION_MS ? deliverAtMs : outMs + TIMER_PRECISION_MS;
