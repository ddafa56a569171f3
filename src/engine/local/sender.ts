import { nextTurn } from '../../base/clock.ts';
import type { Clock } from '../../base/clock.ts';
import { MqliteError } from '../../broker/errors.ts';
import { placeMessage, placementRules } from '../dispatch/placement.ts';
import type { PlacementRules } from '../dispatch/placement.ts';
import { toMqliteError } from '../files/storage-errors.ts';
import type { StoreWriter } from '../write/store-writer.ts';
import type { RoutableMessage } from '../../broker/prepare-message.ts';
import type { TopicRoutes } from './topic-routes.ts';

/** One hold of the write lock stores at most so much: others wait for it. */
const MAX_BATCH_MESSAGES = 4096;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
/** After so long without a turn of the event loop, timers and signals get one. */
const MAX_TURN_MS = 15;

interface Job {
  readonly messages: readonly RoutableMessage[];
  /** First message not stored yet. */
  done: number;
  readonly sync: boolean;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * Gathers what is sent in one turn into batches: many senders share one lock hold and, with `flush sync`, one fsync
 * (group commit). A promise resolves when its messages are stored as durably as asked.
 */
export class Sender {
  readonly #writer: StoreWriter;
  readonly #routes: TopicRoutes;
  readonly #clock: Clock;
  readonly #placement: PlacementRules;
  #jobs: Job[] = [];
  #running = false;
  #turnStartMs = 0;

  constructor(writer: StoreWriter, routes: TopicRoutes, clock: Clock) {
    this.#writer = writer;
    this.#routes = routes;
    this.#clock = clock;
    this.#placement = placementRules(writer.context);
  }

  /** Stores messages in order. Each one that could not be stored has its `error`; rejects when none can be. */
  store(messages: readonly RoutableMessage[], sync: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#jobs.push({ messages, done: 0, sync, resolve, reject });
      if (this.#running) return;
      this.#running = true;
      queueMicrotask(() => void this.#run());
    });
  }

  /** Waits until everything sent so far is stored or refused. */
  async drain(): Promise<void> {
    while (this.#running) await nextTurn();
  }

  async #run(): Promise<void> {
    while (this.#jobs.length > 0) {
      if (this.#clock.elapsedMs() - this.#turnStartMs > MAX_TURN_MS) {
        await nextTurn();
        this.#turnStartMs = this.#clock.elapsedMs();
      }
      const { messages, finished, isSync } = this.#take();
      try {
        if (!this.#writer.tryLock()) await this.#writer.lock();
        try {
          this.#writer.refresh();
          this.#append(messages);
        } finally {
          this.#writer.unlock();
        }
        if (isSync) this.#writer.syncLog();
        for (const job of finished) job.resolve();
      } catch (error) {
        this.#fail(messages, finished, toMqliteError(error, `writing to ${this.#writer.context.paths.root}`));
      }
      // Resolved senders go on now: what they send joins the next batch.
      await Promise.resolve();
    }
    this.#running = false;
  }

  #append(messages: readonly RoutableMessage[]): void {
    const routed: RoutableMessage[] = [];
    for (const message of messages) {
      try {
        this.#routes.route(message);
        placeMessage(message, this.#placement);
        routed.push(message);
      } catch (error) {
        if (!(error instanceof MqliteError) || error.exitCode >= 6) throw error;
        message.error = error;
      }
    }
    if (routed.length > 0) this.#writer.append(routed);
  }

  /** The next batch: whole jobs, or a slice of a large one, which then stays the first job. */
  #take(): { messages: RoutableMessage[]; finished: Job[]; isSync: boolean } {
    const messages: RoutableMessage[] = [];
    const finished: Job[] = [];
    let bytes = 0;
    let isSync = false;
    while (this.#jobs.length > finished.length && messages.length < MAX_BATCH_MESSAGES && bytes < MAX_BATCH_BYTES) {
      const job = this.#jobs[finished.length]!;
      isSync ||= job.sync;
      while (job.done < job.messages.length && messages.length < MAX_BATCH_MESSAGES && bytes < MAX_BATCH_BYTES) {
        const message = job.messages[job.done++]!;
        bytes += message.body.length;
        messages.push(message);
      }
      if (job.done < job.messages.length) break;
      finished.push(job);
    }
    this.#jobs.splice(0, finished.length);
    return { messages, finished, isSync };
  }

  /** Messages of the failed batch carry the error; a job of which nothing is stored is rejected with it. */
  #fail(messages: readonly RoutableMessage[], finished: readonly Job[], error: MqliteError): void {
    for (const message of messages) message.error ??= error;
    for (const job of finished) settle(job, error);
    const open = this.#jobs[0];
    if (open === undefined || open.done === 0) return;
    // The rest of a large job is not tried: its order would have a hole.
    for (const message of open.messages.slice(open.done)) message.error ??= error;
    this.#jobs.shift();
    settle(open, error);
  }
}

const settle = (job: Job, error: MqliteError): void => {
  if (job.messages.every((message) => message.error !== null)) job.reject(error);
  else job.resolve();
};
