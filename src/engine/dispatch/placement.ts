import { changeProperties, PROPERTY } from '../../record/properties.ts';
import { SCHEDULE_TOPIC } from '../state/topic-name.ts';
import type { PreparedMessage } from '../write/batch-appender.ts';

/** What decides where a message goes first. */
export interface PlacementRules {
  /** As `parseDelayLevels` makes them: index 0 is unused. */
  readonly delayLevels: readonly number[];
}

/**
 * Sends a message that is to come later to the system topic that keeps it until then, as the broker's hooks do before a put:
 * once its own queue is chosen, under the write lock. [HookUtils#handleScheduleMessage]
 */
export const placeMessage = (message: PreparedMessage, rules: PlacementRules): void => {
  if (message.delayLevel > 0) placeAtLevel(message, rules.delayLevels);
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
