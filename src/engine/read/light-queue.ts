import { RETRY_TOPIC_PREFIX } from '../../broker/retry-topics.ts';
import { propertyOf } from '../../record/properties.ts';
import { SCHEDULE_TOPIC, SYSTEM_TOPIC_PREFIX } from '../../broker/names.ts';

/**
 * Light queues (LMQ): a record of an ordinary topic that is also listed in the queues its property INNER_MULTI_DISPATCH names.
 * TOPIC, QUEUEID and QUEUEOFFSET of the record stay those of its own topic. [LmqDispatch] [ConsumeQueue#multiDispatchLmqQueue]
 */
const LIGHT_PREFIX = '%LMQ%';
const NAMES = 'INNER_MULTI_DISPATCH';
/** Written by a broker that has light queues switched on; without it the names mean nothing. */
const OFFSETS = 'INNER_MULTI_QUEUE_OFFSET';

export const isLightTopic = (topic: string): boolean => topic.startsWith(LIGHT_PREFIX);

export interface LightPlace {
  readonly topic: string;
  readonly queueId: number;
  readonly queueOffset: number;
}

/** Where else than in its own queue a record is listed. Names that cannot be directories are skipped, as a broker does. */
export const lightPlaces = (topic: string, queueId: number, propertiesText: string): LightPlace[] => {
  // [MixAll#topicAllowsLMQ]
  if (topic.startsWith(RETRY_TOPIC_PREFIX) || topic.startsWith(SYSTEM_TOPIC_PREFIX) || topic === SCHEDULE_TOPIC) return [];
  const names = propertyOf(propertiesText, NAMES)?.split(',') ?? [];
  const offsets = propertyOf(propertiesText, OFFSETS)?.split(',') ?? [];
  if (names.length !== offsets.length) return [];
  const places: LightPlace[] = [];
  names.forEach((name, index) => {
    const queueOffset = Number(offsets[index]);
    if (name === '' || name === '.' || name === '..' || name.includes('/') || !/^\d{1,15}$/.test(offsets[index]!)) return;
    places.push({ topic: name, queueId: isLightTopic(name) ? 0 : queueId, queueOffset });
  });
  return places;
};
