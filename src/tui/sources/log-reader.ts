import type { Clock } from '../../base/clock.ts';
import type { Broker } from '../../broker/broker.ts';
import { MqliteError } from '../../broker/errors.ts';
import type { LogRecord, MessageQueue } from '../../broker/types.ts';
import { resolvePosition } from '../../client/positions.ts';
import type { Position } from '../../client/positions.ts';
import type { Message } from '../../record/message.ts';
import { mapProperties } from '../../record/property-source.ts';
import type { ViewFilter } from '../filter.ts';
import { logRow } from '../rows.ts';
import type { StreamRow } from '../rows.ts';
import { BackwardsReader } from './backwards.ts';
import { LogFollower } from './log-follower.ts';
import { bodyTest } from './message-reader.ts';
import { NOTHING } from './reader.ts';
import type { Arrivals, StreamReader } from './reader.ts';

type Record_ = LogRecord<Message>;

export interface LogReaderOptions {
  readonly broker: Broker;
  readonly clock: Clock;
  /** Empty: every record. */
  readonly topics: readonly string[];
  readonly filter: ViewFilter | null;
}

/** Records that one step back keeps at most: a stretch of the log that no queue lists may be long. */
const MAX_STRETCH = 2000;
/** Which queues hold anything is asked so often, ms, and of so many of a topic and a broker: RocketMQ has one with a thousand queues that are hardly ever used. */
const KNOWN_MS = 5000;
const MOST_QUEUES = 32;

/**
 * The physical log. It can be read forwards only, from where a record begins: going back, the queues of all topics, RocketMQ's own included, tell where
 * records begin, and the log is read from there.
 */
export class LogReader implements StreamReader {
  readonly #options: LogReaderOptions;
  readonly #wanted: (record: Record_) => boolean;
  readonly #closed = new AbortController();
  /** First byte of the window, and the first behind it. */
  #low = 0;
  #high = 0;
  /** First byte that the follower has not given out. */
  #followed = 0;
  #follower: LogFollower | null = null;
  #back: BackwardsReader;
  #backPlacedAt = -1;
  #known: readonly MessageQueue[] | null = null;
  #knownAtMs = 0;

  constructor(options: LogReaderOptions) {
    this.#options = options;
    this.#wanted = recordTest(options.topics, options.filter);
    this.#back = this.#backwards();
  }

  async begin(to: Position, signal: AbortSignal): Promise<void> {
    if (to.at === 'last' || this.#follower === null) {
      const end = await this.#end(signal);
      // What was found out half is not known.
      if (signal.aborted) return;
      this.#followFrom(end);
    }
    const at = await this.#resolve(to, signal);
    this.#low = at;
    this.#high = at;
  }

  async older(count: number, signal: AbortSignal): Promise<StreamRow[]> {
    const before = this.#low;
    try {
      return await this.#readBack(count, signal);
    } catch (error) {
      // What was read half belongs to the window as little as what was not.
      this.#low = before;
      this.#backPlacedAt = -1;
      throw error;
    }
  }

  async #readBack(count: number, signal: AbortSignal): Promise<StreamRow[]> {
    let rows: StreamRow[] = [];
    while (rows.length < count && !signal.aborted) {
      if (this.#backPlacedAt !== this.#low) await this.#placeBack(this.#low);
      const messages = await this.#back.take(count, signal);
      if (signal.aborted) break;
      const isStart = messages.length < count;
      const start = isStart ? await this.#first() : messages[0]!.commitLogOffset;
      const stretch: StreamRow[] = [];
      if (start < this.#low) {
        for await (const record of this.#records(start, this.#low, signal)) {
          if (this.#wanted(record)) stretch.push(logRow(record));
          if (stretch.length > 2 * MAX_STRETCH) stretch.splice(0, MAX_STRETCH);
        }
      }
      if (signal.aborted) break;
      this.#low = stretch.length > MAX_STRETCH ? stretch[0]!.commitLogOffset : start;
      this.#backPlacedAt = stretch.length > MAX_STRETCH ? -1 : start;
      rows = [...stretch, ...rows];
      if (isStart && stretch.length <= MAX_STRETCH) break;
    }
    return rows;
  }

  async newer(count: number, signal: AbortSignal): Promise<StreamRow[]> {
    const rows: StreamRow[] = [];
    for await (const record of this.#records(this.#high, this.#followed, signal)) {
      this.#high = endOf(record);
      if (this.#wanted(record)) rows.push(logRow(record));
      if (rows.length >= count) break;
    }
    return rows;
  }

  isAtEnd(): boolean {
    return this.#high >= this.#followed;
  }

  takeArrivals(): void {
    this.#high = this.#followed;
  }

  dropOldest(rows: readonly StreamRow[]): void {
    const last = rows.at(-1);
    if (last?.kind === 'log') this.#low = last.commitLogOffset + last.sizeBytes;
  }

  dropNewest(rows: readonly StreamRow[]): void {
    if (rows[0] !== undefined) this.#high = rows[0].commitLogOffset;
  }

  async arrivals(waitMs: number): Promise<Arrivals> {
    const { clock } = this.#options;
    const follower = this.#follower;
    if (follower === null) {
      await clock.sleep(waitMs, this.#closed.signal);
      return NOTHING;
    }
    const batch = await follower.next(waitMs);
    // The window has gone elsewhere meanwhile.
    if (batch === null || follower !== this.#follower) return NOTHING;
    const last = batch.at(-1);
    if (last !== undefined) this.#followed = endOf(last);
    const kept = batch.filter(this.#wanted);
    const behindMs = last?.recordType === 'message' ? clock.nowMs() - last.message.storeTimestamp : 0;
    return { count: kept.length, rows: () => kept.map(logRow), behindMs };
  }

  close(): void {
    this.#closed.abort();
    this.#follower?.close();
  }

  #followFrom(offset: number): void {
    this.#follower?.close();
    this.#followed = offset;
    this.#follower = new LogFollower(this.#options, () => this.#followed);
  }

  /** Records from an offset on that begin before `end`. */
  async *#records(start: number, end: number, signal: AbortSignal): AsyncGenerator<Record_> {
    if (start >= end) return;
    for await (const batch of this.#options.broker.readLog({ from: { at: 'offset', commitLogOffset: start }, follow: false }, signal)) {
      for (const record of batch) {
        if (record.commitLogOffset >= end || signal.aborted) return;
        yield record;
      }
    }
  }

  async #first(): Promise<number> {
    for await (const batch of this.#options.broker.readLog({ from: { at: 'first' }, follow: false })) return batch[0]?.commitLogOffset ?? 0;
    return this.#followed;
  }

  /** The end of the log as it is now: that of the record which no other follows. */
  async #end(signal: AbortSignal): Promise<number> {
    await this.#placeBack(Infinity);
    const [newest] = await this.#back.take(1, signal);
    this.#backPlacedAt = -1;
    let end = newest?.commitLogOffset ?? await this.#first();
    for await (const record of this.#records(end, Infinity, signal)) end = endOf(record);
    return end;
  }

  async #resolve(to: Position, signal: AbortSignal): Promise<number> {
    switch (to.at) {
      case 'first': return this.#first();
      case 'last': return this.#followed;
      case 'offset': return this.#recordAt(Math.min(to.offset, this.#followed), signal);
      case 'lastN': {
        await this.#placeBack(this.#followed);
        const messages = await this.#back.take(to.count, signal);
        this.#backPlacedAt = -1;
        return messages.length < to.count ? this.#first() : messages[0]!.commitLogOffset;
      }
      case 'time': return this.#atTime(to.timestamp);
      case 'committed': throw new MqliteError('USAGE', '"committed": the commit log belongs to no group');
    }
  }

  /** Of the record that covers the offset: a record can only be read from where it begins. */
  async #recordAt(offset: number, signal: AbortSignal): Promise<number> {
    await this.#placeBack(offset + 1);
    const [before] = await this.#back.take(1, signal);
    this.#backPlacedAt = -1;
    for await (const record of this.#records(before?.commitLogOffset ?? await this.#first(), this.#followed, signal)) if (endOf(record) > offset) return record.commitLogOffset;
    return this.#followed;
  }

  /** Of the first message stored at or after a time. */
  async #atTime(timestamp: number): Promise<number> {
    const { broker } = this.#options;
    const queues = await this.#queues();
    const starts = await resolvePosition(broker, queues, { at: 'time', timestamp });
    const firsts = await Promise.all(queues.map((queue, index) => broker.pull({ queue, offset: starts[index]!, maxMessages: 1 })));
    return firsts.flatMap(({ messages }) => messages).reduce((least, { commitLogOffset }) => Math.min(least, commitLogOffset), this.#followed);
  }

  /** Those that hold anything. One that is missing here costs time, not truth: the log is read from where the others know a record. */
  async #queues(): Promise<readonly MessageQueue[]> {
    const { broker, clock } = this.#options;
    if (this.#known !== null && clock.elapsedMs() - this.#knownAtMs < KNOWN_MS) return this.#known;
    const topics = await broker.listTopics();
    this.#known = (await Promise.all(topics.map(({ topic }) => usedQueues(broker, topic)))).flat();
    this.#knownAtMs = clock.elapsedMs();
    return this.#known;
  }

  /** The reader of queues before everything that lies at or behind an offset of the log. */
  async #placeBack(offset: number): Promise<void> {
    this.#back = this.#backwards();
    this.#backPlacedAt = offset;
    const queues = await this.#queues();
    const places = await Promise.all(queues.map((queue) => this.#firstAtOrBehind(queue, offset)));
    queues.forEach((queue, index) => this.#back.place(queue, places[index]!));
  }

  /** By halving: queues list records in the order of the log. */
  async #firstAtOrBehind(queue: MessageQueue, commitLogOffset: number): Promise<number> {
    const { broker } = this.#options;
    let [low, high] = await Promise.all([broker.minOffset(queue), broker.maxOffset(queue)]);
    if (commitLogOffset === Infinity) return high;
    while (low < high) {
      const middle = low + Math.floor((high - low) / 2);
      const { messages, nextOffset } = await broker.pull({ queue, offset: middle, maxMessages: 1 });
      const message = messages[0];
      if (message === undefined) {
        // Nothing can be read from here on, or what there was is gone.
        if (nextOffset <= middle || nextOffset >= high) high = middle;
        else low = nextOffset;
      } else if (message.commitLogOffset < commitLogOffset) {
        low = Math.max(middle, message.queueOffset) + 1;
      } else {
        high = middle;
      }
    }
    return high;
  }

  #backwards(): BackwardsReader {
    // Damage is shown as it lies in the log.
    return new BackwardsReader({ broker: this.#options.broker, filter: undefined, keep: () => true, onDamage: () => undefined });
  }
}

const endOf = (record: Record_): number => record.commitLogOffset + record.sizeBytes;

/** Queues of a topic that hold anything, among the first of each broker; none of a topic that was deleted meanwhile. */
export async function usedQueues(broker: Broker, topic: string): Promise<MessageQueue[]> {
  try {
    const queues = (await broker.queues(topic)).filter(({ queueId }) => queueId < MOST_QUEUES);
    const ends = await Promise.all(queues.map((queue) => broker.maxOffset(queue)));
    return queues.filter((_, index) => ends[index]! > 0);
  } catch (error) {
    if (error instanceof MqliteError && error.code === 'TOPIC_NOT_FOUND') return [];
    throw error;
  }
}

/** With any filter only messages that pass it, and damage; without, every record. */
export function recordTest(topics: readonly string[], filter: ViewFilter | null): (record: Record_) => boolean {
  if (topics.length === 0 && filter === null) return () => true;
  const names = new Set(topics);
  const bodyPasses = bodyTest(filter);
  return (record) => {
    if (record.recordType !== 'message') return record.recordType === 'damaged';
    const { message } = record;
    if (names.size > 0 && !names.has(message.topic)) return false;
    return (filter?.compiled?.matches(mapProperties(message.properties)) ?? true) && bodyPasses(message);
  };
}
