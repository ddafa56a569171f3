import type { StoredMessage } from '../../record/decode.ts';
import { changeProperties, PROPERTY, propertyOf } from '../../record/properties.ts';
import { TIMER_TOPIC } from '../../broker/names.ts';
import type { PreparedMessage } from '../../broker/prepared-message.ts';
import { copyOf } from '../write/stored-copy.ts';

/** TIMER_ENQUEUE_MS of a message whose second had passed when it was entered: Long.MAX_VALUE. */
export const NEVER_ENTERED = '9223372036854775807';

/** The joined properties of a message that leaves the wheel. [TimerMessageStore#convert] */
export const leavingProperties = (properties: string, enqueueMs: string, nowMs: number): string =>
  changeProperties(properties, { [PROPERTY.TIMER_ENQUEUE_MS]: enqueueMs, [PROPERTY.TIMER_DEQUEUE_MS]: String(nowMs) });

/** A message that has longer to wait than the wheel looks ahead, put into the timer topic again. */
export const rollOf = (message: StoredMessage, enqueueMs: string, nowMs: number): PreparedMessage => {
  const properties = message.propertiesText;
  const rolls = Number(propertyOf(properties, PROPERTY.TIMER_ROLL_TIMES) ?? 0) + 1;
  const rolled = changeProperties(properties, { [PROPERTY.TIMER_ROLL_TIMES]: String(rolls) });
  return copyOf(message, { topic: TIMER_TOPIC, queueId: 0, properties: leavingProperties(rolled, enqueueMs, nowMs) });
};
