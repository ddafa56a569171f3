import type { Broker } from '../broker/broker.ts';
import { MqliteError } from '../broker/errors.ts';
import { SCHEDULE_TOPIC, TIMER_TOPIC } from '../broker/names.ts';
import { RETRY_TOPIC_PREFIX } from '../broker/retry-topics.ts';
import type { DelayProgress, MessageQueue, TimerProgress } from '../broker/types.ts';
import type { Message } from '../record/message.ts';
import { PROPERTY } from '../record/properties.ts';
import { deleteKeysOf, encodeRecallHandle } from '../record/recall-handle.ts';
import { formatDuration } from '../text/numbers.ts';

const PULL_MESSAGES = 256;
const SECOND_MS = 1000;

/** How a message came to be delayed. */
export type DelayAsked =
  | { readonly by: 'level'; readonly level: number }
  /** A failed message on its way to its group again. */
  | { readonly by: 'retry'; readonly level: number; readonly group: string }
  | { readonly by: 'delay'; readonly delayMs: number }
  | { readonly by: 'deliver-at' };

export function askedText(asked: DelayAsked): string {
  switch (asked.by) {
    case 'level': return `level ${asked.level}`;
    case 'retry': return `retry of ${asked.group}, level ${asked.level}`;
    case 'delay': return `delay ${formatDuration(asked.delayMs)}`;
    case 'deliver-at': return 'deliver-at';
  }
}

/** A message that waits to be delivered. */
export interface Delayed {
  /** The record that waits, in a system topic. */
  readonly message: Message;
  /** Where it goes. */
  readonly topic: string;
  readonly queueId: number;
  readonly deliverTimestamp: number;
  readonly asked: DelayAsked;
  /** Of timer messages: what takes it back. */
  readonly recallHandle: string | null;
}

/** Everything that waits, in the order in which it is due. What cannot be read is named in `damaged`. */
export const findDelayed = async (broker: Broker, signal: AbortSignal): Promise<{ readonly delayed: Delayed[]; readonly damaged: string[] }> => {
  const damaged: string[] = [];
  const delayed: Delayed[] = [];
  for (const { progress, scheduled, timed } of await delayingBrokers(broker)) {
    for (const queue of scheduled) {
      const level = progress.levels.find(({ queueId }) => queueId === queue.queueId);
      if (level === undefined) continue;
      for (const message of await pullFrom(broker, queue, level.nextOffset, damaged, signal)) delayed.push(atLevel(message, level.level, level.delayMs));
    }
    if (progress.timer === null) continue;
    for (const queue of timed) {
      const records = (await pullFrom(broker, queue, 0, damaged, signal)).map((message) => ({ message, facts: timerFacts(message) }));
      delayed.push(...stillWaiting(records, progress.timer).map(({ message }) => asTimer(message)));
    }
  }
  delayed.sort((left, right) => left.deliverTimestamp - right.deliverTimestamp || left.message.commitLogOffset - right.message.commitLogOffset);
  return { delayed, damaged };
};

export interface WaitingAtLevel {
  readonly level: number;
  readonly delayMs: number;
  /** null: nothing was ever delayed there. */
  readonly brokerName: string | null;
  readonly queueId: number;
  readonly nextOffset: number;
  readonly waiting: number;
}

/** How many messages wait at each level, on each broker. */
export const waitingAtLevels = async (broker: Broker): Promise<WaitingAtLevel[]> => {
  const levels: WaitingAtLevel[] = [];
  for (const { brokerName, progress, scheduled } of await delayingBrokers(broker)) {
    levels.push(...await Promise.all(progress.levels.map(async ({ level, delayMs, queueId, nextOffset }) => {
      const queue = scheduled.find((candidate) => candidate.queueId === queueId);
      return { level, delayMs, brokerName, queueId, nextOffset, waiting: queue === undefined ? 0 : Math.max(0, (await broker.maxOffset(queue)) - nextOffset) };
    })));
  }
  return levels;
};

export interface DelayingBroker {
  readonly brokerName: string | null;
  readonly progress: DelayProgress;
  readonly scheduled: readonly MessageQueue[];
  readonly timed: readonly MessageQueue[];
}

/** Each broker delivers what it stores itself. One at least, for its levels. */
export const delayingBrokers = async (broker: Broker): Promise<DelayingBroker[]> => {
  const [scheduled, timed] = [await queuesOf(broker, SCHEDULE_TOPIC), await queuesOf(broker, TIMER_TOPIC)];
  const names = [...new Set([...scheduled, ...timed].map(({ brokerName }) => brokerName))].sort();
  if (names.length === 0) return [{ brokerName: null, progress: await broker.delayProgress(), scheduled, timed }];
  return Promise.all(names.map(async (brokerName) => {
    const isOn = (queue: MessageQueue): boolean => queue.brokerName === brokerName;
    return { brokerName, progress: await broker.delayProgress(brokerName), scheduled: scheduled.filter(isOn), timed: timed.filter(isOn) };
  }));
};

/** A store without delayed messages may lack the topic. */
const queuesOf = async (broker: Broker, topic: string): Promise<MessageQueue[]> => {
  try {
    return await broker.queues(topic);
  } catch (error) {
    if (error instanceof MqliteError && error.code === 'TOPIC_NOT_FOUND') return [];
    throw error;
  }
};

const pullFrom = async (broker: Broker, queue: MessageQueue, from: number, damaged: string[], signal: AbortSignal): Promise<Message[]> => {
  const messages: Message[] = [];
  const end = await broker.maxOffset(queue);
  for (let offset = Math.max(from, await broker.minOffset(queue)); offset < end && !signal.aborted;) {
    const result = await broker.pull({ queue, offset, maxMessages: PULL_MESSAGES });
    messages.push(...result.messages);
    damaged.push(...result.damaged.map(({ file, position, reason }) => `${file} at ${position}: ${reason}`));
    if (result.nextOffset <= offset) break;
    offset = result.nextOffset;
  }
  return messages;
};

const targetOf = ({ properties }: Message): { readonly topic: string; readonly queueId: number } =>
  ({ topic: properties[PROPERTY.REAL_TOPIC] ?? '', queueId: Number(properties[PROPERTY.REAL_QID] ?? 0) || 0 });

export const atLevel = (message: Message, level: number, delayMs: number): Delayed => {
  const target = targetOf(message);
  const asked: DelayAsked = target.topic.startsWith(RETRY_TOPIC_PREFIX) ? { by: 'retry', level, group: target.topic.slice(RETRY_TOPIC_PREFIX.length) } : { by: 'level', level };
  return { message, ...target, deliverTimestamp: message.storeTimestamp + delayMs, asked, recallHandle: null };
};

/** What of a record of the timer topic decides whether its message waits. */
export interface TimerFacts {
  /** The same for all records of a message. */
  readonly key: string;
  /** By what a record that takes it back may name it. */
  readonly deleteKeys: readonly string[];
  /** Of a record that takes another one back; undefined of any other. */
  readonly deletes: string | undefined;
  /** Stored once more, because its time is further away than the wheel is round. */
  readonly isRolled: boolean;
  readonly outMs: number;
  readonly queueOffset: number;
  readonly commitLogOffset: number;
}

export const timerFacts = ({ properties, msgId, queueOffset, commitLogOffset }: Message): TimerFacts => {
  const topic = properties[PROPERTY.REAL_TOPIC] ?? '';
  return {
    key: `${topic}+${msgId}`, deleteKeys: deleteKeysOf(topic, msgId), deletes: properties[PROPERTY.TIMER_DEL_UNIQKEY],
    isRolled: properties[PROPERTY.TIMER_ROLL_TIMES] !== undefined, outMs: Number(properties[PROPERTY.TIMER_OUT_MS]), queueOffset, commitLogOffset,
  };
};

/** Whether the broker has not come to a record yet. */
export const isAhead = (timer: TimerProgress): ((facts: TimerFacts) => boolean) => {
  const done = new Set(timer.doneInSecond);
  return ({ queueOffset, outMs, commitLogOffset }) => queueOffset >= timer.nextQueueOffset || (outMs >= timer.lastReadTimeMs && !done.has(commitLogOffset));
};

/** Records of the timer topic that are neither delivered nor taken back, nor rolled on as a later record. */
export const stillWaiting = <T extends { readonly facts: TimerFacts }>(records: readonly T[], timer: TimerProgress): T[] => {
  const ahead = isAhead(timer);
  const deleted = new Set<string>();
  /** The last record of a message is the one that counts. */
  const last = new Map<string, number>();
  for (const { facts } of records) {
    if (facts.deletes !== undefined) deleted.add(facts.deletes);
    else if (facts.isRolled) last.set(facts.key, facts.commitLogOffset);
  }
  const waits = (facts: TimerFacts): boolean => facts.deletes === undefined && Number.isSafeInteger(facts.outMs)
    && !facts.deleteKeys.some((key) => deleted.has(key)) && (last.get(facts.key) ?? 0) <= facts.commitLogOffset && ahead(facts);
  return records.filter(({ facts }) => waits(facts));
};

export const asTimer = (message: Message): Delayed => {
  const { properties } = message;
  const outMs = Number(properties[PROPERTY.TIMER_OUT_MS]);
  const deliverAt = Number(properties[PROPERTY.TIMER_DELIVER_MS]);
  const delayMs = properties[PROPERTY.TIMER_DELAY_SEC] === undefined ? Number(properties[PROPERTY.TIMER_DELAY_MS]) : Number(properties[PROPERTY.TIMER_DELAY_SEC]) * SECOND_MS;
  const target = targetOf(message);
  return {
    message, ...target,
    deliverTimestamp: deliverAt > outMs && deliverAt <= outMs + SECOND_MS ? deliverAt : outMs + SECOND_MS,
    asked: Number.isSafeInteger(delayMs) ? { by: 'delay', delayMs } : { by: 'deliver-at' },
    recallHandle: encodeRecallHandle({ topic: target.topic, brokerName: message.brokerName, timestamp: outMs + 1, msgId: message.msgId }),
  };
};
