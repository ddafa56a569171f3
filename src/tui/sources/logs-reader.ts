import { MqliteError } from '../../broker/errors.ts';
import type { DamageReport, MessageQueue } from '../../broker/types.ts';
import { unlessGone } from '../../client/asking.ts';
import type { Position } from '../../client/positions.ts';
import { mergedLogRow } from '../rows.ts';
import type { StreamRow } from '../rows.ts';
import { LogReader, usedQueues } from './log-reader.ts';
import type { LogReaderOptions } from './log-reader.ts';
import { MessageReader } from './message-reader.ts';
import type { Arrivals, StreamReader } from './reader.ts';

export interface LogsReaderOptions extends LogReaderOptions {
  readonly onDamage: (report: DamageReport) => void;
}

/** How often it is looked for queues of RocketMQ's own topics that hold anything by now, ms. */
const SYSTEM_QUEUES_MS = 10_000;

/**
 * The physical log; where the target has several, all of them as one, by store time. A place in several logs has no number from which they could be read on: there,
 * what the queues of all topics list stands for the logs, RocketMQ's own included; blanks and damage are not among it.
 */
export class LogsReader implements StreamReader {
  readonly #options: LogsReaderOptions;
  #reader: StreamReader;
  #isMerged = false;
  #isClosed = false;
  #systemQueues: readonly MessageQueue[] = [];
  #systemQueuesAtMs = -Infinity;

  constructor(options: LogsReaderOptions) {
    this.#options = options;
    this.#reader = new LogReader(options);
  }

  /** Errors: also UNSUPPORTED for an offset, where there are several logs. */
  async begin(to: Position, signal: AbortSignal): Promise<void> {
    if (this.#isMerged && to.at === 'offset') throw new MqliteError('UNSUPPORTED', `${to.offset} is a place in the log of one broker, and there are several`);
    try {
      await this.#reader.begin(to, signal);
    } catch (error) {
      if (this.#isMerged || !(error instanceof MqliteError) || error.code !== 'UNSUPPORTED') throw error;
      this.#reader.close();
      // What was left meanwhile asks nobody any more.
      if (this.#isClosed) return;
      this.#isMerged = true;
      this.#reader = new MessageReader({ ...this.#options, queueId: undefined, queues: () => this.#queues(), rowOf: mergedLogRow });
      await this.begin(to, signal);
    }
  }

  older(count: number, signal: AbortSignal): Promise<StreamRow[]> {
    return this.#reader.older(count, signal);
  }

  newer(count: number, signal: AbortSignal): Promise<StreamRow[]> {
    return this.#reader.newer(count, signal);
  }

  isAtEnd(): boolean {
    return this.#reader.isAtEnd();
  }

  takeArrivals(): void {
    this.#reader.takeArrivals();
  }

  dropOldest(rows: readonly StreamRow[]): void {
    this.#reader.dropOldest(rows);
  }

  dropNewest(rows: readonly StreamRow[]): void {
    this.#reader.dropNewest(rows);
  }

  arrivals(waitMs: number): Promise<Arrivals> {
    return this.#reader.arrivals(waitMs);
  }

  close(): void {
    this.#isClosed = true;
    this.#reader.close();
  }

  async #queues(): Promise<readonly MessageQueue[]> {
    const { broker, clock, topics } = this.#options;
    const wanted = (await broker.listTopics()).filter(({ topic }) => topics.length === 0 || topics.includes(topic));
    if (clock.elapsedMs() - this.#systemQueuesAtMs >= SYSTEM_QUEUES_MS) {
      this.#systemQueues = (await Promise.all(wanted.filter(({ system }) => system).map(({ topic }) => usedQueues(broker, topic)))).flat();
      this.#systemQueuesAtMs = clock.elapsedMs();
    }
    const users = await Promise.all(wanted.filter(({ system }) => !system).map(({ topic }) => unlessGone(() => broker.queues(topic))));
    return [...users.flatMap((queues) => queues ?? []), ...this.#systemQueues];
  }
}
