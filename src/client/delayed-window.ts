import type { Broker } from '../broker/broker.ts';
import type { MessageQueue, TimerProgress } from '../broker/types.ts';
import { inParallel } from './asking.ts';
import { asTimer, atLevel, delayingBrokers, isAhead, stillWaiting, timerFacts } from './delayed.ts';
import type { Delayed, TimerFacts } from './delayed.ts';
import { queueKey } from '../broker/queue-key.ts';
import { readWindow } from './queue-window.ts';
import type { QueueWindow } from './queue-window.ts';

export interface DelayedLimits {
  /** Of each level's queue, which is in the order in which its messages are due. */
  readonly levelMessages: number;
  /** Records of a timer topic that are read each time: the rest comes the next times. */
  readonly timerRecordsEachTime: number;
  /** Timer messages of a broker that are held, those that are due first. */
  readonly timerMessages: number;
}

const LIMITS: DelayedLimits = { levelMessages: 200, timerRecordsEachTime: 4096, timerMessages: 20_000 };

interface Held<T> {
  readonly deliverTimestamp: number;
  readonly commitLogOffset: number;
  readonly item: T;
}

interface TimerHeld<T> extends Held<T> {
  readonly facts: TimerFacts;
}

/** How far a timer topic was read, and what of it waits. */
interface TimerWindow<T> {
  readonly to: number;
  readonly waiting: readonly TimerHeld<T>[];
  /** Records that take messages back: a copy of one may come behind them. */
  readonly takenBack: readonly { readonly facts: TimerFacts }[];
  /** Waiting messages that are not held, because they are due later than so many others. */
  readonly dropped: number;
  readonly unread: number;
}

/** What waits, as far as it was read: `followDelayed` goes on with it. */
export interface DelayedWindow<T> {
  readonly levels: ReadonlyMap<string, QueueWindow<Held<T>>>;
  readonly timers: ReadonlyMap<string, TimerWindow<T>>;
  /** In the order in which it is due. */
  readonly items: readonly T[];
  /** Messages that wait behind those. */
  readonly more: number;
  /** Records that are still to be read: some of them may be due before what is known. */
  readonly unread: number;
  /** Brokers that have stored timer messages, and do not tell which of them are delivered: theirs are not among the items. */
  readonly silentBrokers: readonly string[];
}

/**
 * What waits, looked at again and again. Each time at most 200 messages of every level and 4,096 records of every timer topic are read, and none twice;
 * of timer messages the 20,000 that are due first are held. `itemOf` says what of a message is kept.
 */
export async function followDelayed<T>(broker: Broker, previous: DelayedWindow<T> | null, itemOf: (delayed: Delayed) => T, signal: AbortSignal, limits = LIMITS): Promise<DelayedWindow<T>> {
  const levels = new Map<string, QueueWindow<Held<T>>>();
  const timers = new Map<string, TimerWindow<T>>();
  const hold = (delayed: Delayed): Held<T> => ({ deliverTimestamp: delayed.deliverTimestamp, commitLogOffset: delayed.message.commitLogOffset, item: itemOf(delayed) });
  const silent = new Set<string>();
  let more = 0;
  for (const { progress, scheduled, timed } of await delayingBrokers(broker)) {
    await inParallel(scheduled, signal, async (queue) => {
      const level = progress.levels.find(({ queueId }) => queueId === queue.queueId);
      if (level === undefined) return;
      const [minOffset, end] = await Promise.all([broker.minOffset(queue), broker.maxOffset(queue)]);
      const from = Math.max(level.nextOffset, minOffset);
      const held = previous?.levels.get(queueKey(queue));
      const window = await readWindow(broker, queue, from, Math.max(from, Math.min(end, from + limits.levelMessages)), held, (message) => hold(atLevel(message, level.level, level.delayMs)), signal);
      levels.set(queueKey(queue), window);
      more += Math.max(0, end - window.to);
    });
    if (progress.timer === null) {
      for (const queue of timed) if (await broker.maxOffset(queue) > 0) silent.add(queue.brokerName);
      continue;
    }
    for (const queue of timed) timers.set(queueKey(queue), await followTimer(broker, queue, progress.timer, previous?.timers.get(queueKey(queue)), (delayed) => hold(delayed), signal, limits));
  }
  const timerWindows = [...timers.values()];
  const all = [...[...levels.values()].flatMap(({ items }) => items.map(({ item }) => item)), ...timerWindows.flatMap(({ waiting }) => waiting)].sort(byDue);
  const total = (of: (window: TimerWindow<T>) => number): number => timerWindows.reduce((sum, window) => sum + of(window), 0);
  return { levels, timers, items: all.map(({ item }) => item), more: more + total(({ dropped }) => dropped), unread: total(({ unread }) => unread), silentBrokers: [...silent] };
}

async function followTimer<T>(broker: Broker, queue: MessageQueue, timer: TimerProgress, previous: TimerWindow<T> | undefined, hold: (delayed: Delayed) => Held<T>, signal: AbortSignal, limits: DelayedLimits): Promise<TimerWindow<T>> {
  const end = await broker.maxOffset(queue);
  // Of what was dropped the next must be read again when those that were held are delivered; a shorter queue is another one.
  const isUsable = previous !== undefined && previous.to <= end && (previous.dropped === 0 || previous.waiting.length > limits.timerMessages / 2);
  const from = Math.max(isUsable ? previous.to : 0, await broker.minOffset(queue));
  const to = Math.min(end, from + limits.timerRecordsEachTime);
  const read = await readWindow(broker, queue, from, to, undefined, (message): TimerHeld<T> | { readonly facts: TimerFacts } => {
    const facts = timerFacts(message);
    return facts.deletes === undefined && Number.isSafeInteger(facts.outMs) ? { facts, ...hold(asTimer(message)) } : { facts };
  }, signal);
  const records = [...(isUsable ? [...previous.takenBack, ...previous.waiting] : []), ...read.items.map(({ item }) => item)];
  const waiting = stillWaiting(records, timer).filter((record): record is TimerHeld<T> => 'item' in record).sort(byDue);
  const ahead = isAhead(timer);
  return {
    to: read.to, waiting: waiting.slice(0, limits.timerMessages), takenBack: records.filter(({ facts }) => facts.deletes !== undefined && ahead(facts)),
    dropped: (isUsable ? previous.dropped : 0) + Math.max(0, waiting.length - limits.timerMessages), unread: end - read.to,
  };
}

const byDue = (left: Held<unknown>, right: Held<unknown>): number => left.deliverTimestamp - right.deliverTimestamp || left.commitLogOffset - right.commitLogOffset;
