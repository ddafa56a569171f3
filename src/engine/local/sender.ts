import { nextTurn } from '../../base/clock.ts';
import type { Clock } from '../../base/clock.ts';
import { MqliteError } from '../../broker/errors.ts';
import { toMqliteError } from '../files/storage-errors.ts';
import type { StoreWriter } from '../write/store-writer.ts';
import type { RoutableMessage } from './prepare.ts';
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
  readonly mayCreate: boolean;
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
  #jobs: Job[] = [];
  #running = false;
  #turnStartMs = 0;

  constructor(writer: StoreWriter, routes: TopicRoutes, clock: Clock) {
    this.#writer = writer;
    this.#routes = routes;
    this.#clock = clock;
  }

  /** Stores messages in order. Each one that could not be stored has its `error`; rejects when none can be. */
  store(messages: readonly RoutableMessage[], options: { readonly sync: boolean; readonly mayCreate: boolean }): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#jobs.push({ messages, done: 0, ...options, resolve, reject });
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
      if (this.#clock.nowMs() - this.#turnStartMs > MAX_TURN_MS) {
        await nextTurn();
        this.#turnStartMs = this.#clock.nowMs();
      }
      const { batch, finished, isSync } = this.#take();
      try {
        if (!this.#writer.tryLock()) await this.#writer.lock();
        try {
          this.#writer.refresh();
          this.#append(batch);
        } finally {
          this.#writer.unlock();
        }
        if (isSync) this.#writer.syncLog();
        for (const job of finished) job.resolve();
      } catch (error) {
        this.#fail(batch, finished, toMqliteError(error, `writing to ${this.#writer.context.paths.root}`));
      }
      // Resolved senders go on now: what they send joins the next batch.
      await null;
    }
    this.#running = false;
  }

  #append(batch: readonly { message: RoutableMessage; job: Job }[]): void {
    const routed: RoutableMessage[] = [];
    for (const { message, job } of batch) {
      try {
        this.#routes.route(message, job.mayCreate);
        routed.push(message);
      } catch (error) {
        if (!(error instanceof MqliteError) || error.exitCode >= 6) throw error;
        message.error = error;
      }
    }
    if (routed.length > 0) this.#writer.append(routed);
  }

  /** The next batch: whole jobs, or a slice of a large one. */
  #take(): { batch: { message: RoutableMessage; job: Job }[]; finished: Job[]; isSync: boolean } {
    const batch: { message: RoutableMessage; job: Job }[] = [];
    const finished: Job[] = [];
    let bytes = 0;
    let isSync = false;
    while (this.#jobs.length > finished.length && batch.length < MAX_BATCH_MESSAGES && bytes < MAX_BATCH_BYTES) {
      const job = this.#jobs[finished.length]!;
      isSync ||= job.sync;
      while (job.done < job.messages.length && batch.length < MAX_BATCH_MESSAGES && bytes < MAX_BATCH_BYTES) {
        const message = job.messages[job.done++]!;
        bytes += message.body.length;
        batch.push({ message, job });
      }
      if (job.done < job.messages.length) break;
      finished.push(job);
    }
    this.#jobs.splice(0, finished.length);
    return { batch, finished, isSync };
  }

  /** Messages of the failed batch carry the error; a job of which nothing is stored is rejected with it. */
  #fail(batch: readonly { message: RoutableMessage; job: Job }[], finished: readonly Job[], error: MqliteError): void {
    for (const { message } of batch) message.error ??= error;
    const open = this.#jobs[0];
    const jobs = new Set([...finished, ...batch.map(({ job }) => job)]);
    for (const job of jobs) {
      if (job === open && job.done < job.messages.length) {
        for (const message of job.messages.slice(job.done)) message.error ??= error;
        this.#jobs.shift();
      }
      if (job.messages.every((message) => message.error !== null)) job.reject(error);
      else job.resolve();
    }
  }
}
