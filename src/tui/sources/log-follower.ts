import type { Clock } from '../../base/clock.ts';
import type { Broker } from '../../broker/broker.ts';
import type { LogRecord } from '../../broker/types.ts';
import type { Message } from '../../record/message.ts';

type Batch = LogRecord<Message>[];

interface Outcome {
  readonly batch: Batch | null;
  readonly error: Error | null;
}

/** Reads the log on from a place, as long as it is not closed. What is read may take longer than a caller waits: it is read on, and the next call is told. */
export class LogFollower {
  readonly #options: { readonly broker: Broker; readonly clock: Clock };
  readonly #place: () => number;
  readonly #closed = new AbortController();
  #batches: AsyncIterator<Batch> | null = null;
  #isReading = false;
  #outcome: Outcome | null = null;
  /** Whoever waits now: one at a time, however long a read lasts. */
  #wake: () => void = () => undefined;

  /** `place`: commitLogOffset to go on from, asked when reading begins, and again after it has failed. */
  constructor(options: { readonly broker: Broker; readonly clock: Clock }, place: () => number) {
    this.#options = options;
    this.#place = place;
  }

  /** The next records; null: none within so many ms, or closed. Errors: those of the broker; the next call begins anew. */
  async next(waitMs: number): Promise<Batch | null> {
    if (this.#closed.signal.aborted) return null;
    if (this.#outcome === null) {
      const waiting = new AbortController();
      this.#wake = () => waiting.abort();
      if (!this.#isReading) void this.#read();
      await this.#options.clock.sleep(waitMs, waiting.signal);
      this.#wake = () => undefined;
    }
    const outcome = this.#outcome;
    this.#outcome = null;
    if (outcome === null || this.#closed.signal.aborted) return null;
    if (outcome.error !== null) throw outcome.error;
    return outcome.batch;
  }

  /** Ends what is under way at once. */
  close(): void {
    this.#closed.abort();
    this.#wake();
  }

  async #read(): Promise<void> {
    this.#isReading = true;
    try {
      this.#batches ??= this.#options.broker.readLog({ from: { at: 'offset', commitLogOffset: this.#place() }, follow: true }, this.#closed.signal)[Symbol.asyncIterator]();
      const result = await this.#batches.next();
      // One that has ended is over, as one that has thrown; the log goes on.
      if (result.done === true) this.#batches = null;
      else this.#outcome = { batch: result.value, error: null };
    } catch (error) {
      this.#batches = null;
      this.#outcome = { batch: null, error: error as Error };
    } finally {
      this.#isReading = false;
      // An iterator that ends at once is asked again when the caller's time is over.
      if (this.#outcome !== null) this.#wake();
    }
  }
}
