import type { StoredMessage } from '../../record/decode.ts';
import { PROPERTY } from '../../record/properties.ts';
import { deleteKeysOf } from '../../record/recall-handle.ts';
import { queryByKey } from '../read/key-query.ts';
import type { StoreReader } from '../read/store-reader.ts';
import { TIMER_TOPIC } from '../../broker/names.ts';
import type { StoreContext } from '../store-context.ts';

/** Records with one UNIQ_KEY that are looked at: a message, its rolls, its retries. */
const MAX_COPIES = 256;

/** What the log proves about a delayed message. */
export type Fate = 'pending' | 'delivered' | 'cancelled' | 'rolled';

const find = (context: StoreContext, reader: StoreReader, topic: string, key: string): readonly StoredMessage[] =>
  queryByKey(context, reader, { topic, key, maxMessages: MAX_COPIES }, 0).messages;

/** Whether a message of the schedule topic was delivered: its copy lies behind it. */
export const levelFate = (context: StoreContext, reader: StoreReader, message: StoredMessage): Fate => {
  const { UNIQ_KEY: key, REAL_TOPIC: topic, DELAY: level } = message.properties;
  if (key === undefined || topic === undefined) return 'pending';
  const isCopy = (other: StoredMessage): boolean =>
    other.commitLogOffset > message.commitLogOffset && other.reconsumeTimes === message.reconsumeTimes && other.properties['DELAY'] === level;
  return find(context, reader, topic, key).some(isCopy) ? 'delivered' : 'pending';
};

/** The same of a message of the timer topic, whose rolls and deletes lie in that topic too. */
export const timerFate = (context: StoreContext, reader: StoreReader, message: StoredMessage): Fate => {
  const { UNIQ_KEY: key, REAL_TOPIC: topic, TIMER_OUT_MS: outMs } = message.properties;
  if (key === undefined || topic === undefined || message.properties[PROPERTY.TIMER_DEL_UNIQKEY] !== undefined) return 'pending';
  const isLater = (other: StoredMessage): boolean => other.commitLogOffset > message.commitLogOffset && other.properties['TIMER_OUT_MS'] === outMs;
  if (find(context, reader, topic, key).some(isLater)) return 'delivered';
  const deletes: readonly string[] = deleteKeysOf(topic, key);
  const relatives = find(context, reader, TIMER_TOPIC, key);
  if (relatives.some((other) => deletes.includes(other.properties[PROPERTY.TIMER_DEL_UNIQKEY] ?? ''))) return 'cancelled';
  const rollsOf = (other: StoredMessage): number => Number(other.properties[PROPERTY.TIMER_ROLL_TIMES] ?? 0);
  return relatives.some((other) => isLater(other) && rollsOf(other) > rollsOf(message)) ? 'rolled' : 'pending';
};
