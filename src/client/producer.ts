import type { Clock } from '../base/clock.ts';
import type { Broker } from '../broker/broker.ts';
import type { OutgoingMessage, SendOptions, SendOutcome } from '../broker/types.ts';
import { sendWithRetries } from './send-retry.ts';
import type { RetryPolicy } from './send-retry.ts';

export interface ProducerOptions<M extends OutgoingMessage> {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly send: SendOptions;
  /** Most messages of one send. */
  readonly batchSize: number;
  /** Most messages sent and not yet acknowledged. */
  readonly inFlight: number;
  /** Messages a second; undefined: as fast as they are stored. */
  readonly ratePerSecond?: number | undefined;
  /** Most bytes of bodies sent and not yet acknowledged; undefined: as many as `inFlight` messages have. */
  readonly inFlightBytes?: number | undefined;
  /** Of one send. */
  readonly retry: RetryPolicy;
  /** Do not wait for acknowledgements between sends. */
  readonly oneway: boolean;
  /** Called with each batch as it is sent, once for all attempts. */
  readonly onSubmit?: (batch: readonly M[]) => void;
  /** Outcomes of one send after its last attempt, errors included, in order. Throwing ends the producer. A promise is awaited before the next. */
  readonly onOutcomes: (outcomes: readonly SendOutcome[], batch: readonly M[]) => Promise<void> | void;
}

/** Bytes of bodies sent together; one larger body goes alone. */
const BATCH_BYTES = 1 << 20;
/** Waiting messages from which the source is held back: sends, not memory, take up the slack. (With 8192 a scavenge found four times as much alive.) */
const WAITING_MESSAGES = 2048;
const WAITING_BYTES = 8 << 20;
/** With a rate, a send holds at most what this time allows, in ms: an even flow instead of bursts. */
const RATE_SLICE_MS = 50;

/**
 * Sends messages in the order they are given, in batches of what has arrived. While sends are under way more messages gather; the
 * next send takes them. `add` resolves when the source may go on. What `onOutcomes` throws ends the producer: `add` and `finish` reject.
 */
export class Producer<M extends OutgoingMessage = OutgoingMessage> {
  readonly #options: ProducerOptions<M>;
  readonly #batchSize: number;
  #waiting: M[] = [];
  #head = 0;
  #waitingBytes = 0;
  #underWay = 0;
  #underWayBytes = 0;
  #delivered: Promise<void> = Promise.resolve();
  #pump: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;
  #nextSendAtMs = 0;

  constructor(options: ProducerOptions<M>) {
    this.#options = options;
    const perSlice = options.ratePerSecond === undefined ? Infinity : Math.max(1, Math.floor((options.ratePerSecond * RATE_SLICE_MS) / 1000));
    this.#batchSize = Math.max(1, Math.min(options.batchSize, options.inFlight, perSlice));
  }

  async add(messages: readonly M[]): Promise<void> {
    for (const message of messages) {
      this.#waiting.push(message);
      this.#waitingBytes += message.body.length;
    }
    this.#startPump();
    while (this.#count > WAITING_MESSAGES || this.#waitingBytes > WAITING_BYTES) {
      if (this.#failure !== undefined) break;
      await this.#progress();
    }
    this.#throwFailure();
  }

  /** Resolves once everything added is acknowledged and its outcomes are delivered. */
  async finish(): Promise<void> {
    this.#startPump();
    while (this.#pump !== undefined) await this.#pump;
    await this.#delivered;
    this.#throwFailure();
  }

  get #count(): number {
    return this.#waiting.length - this.#head;
  }

  #startPump(): void {
    if (this.#pump !== undefined || this.#failure !== undefined || this.#count === 0) return;
    this.#pump = this.#run().catch((error: unknown) => this.#fail(error)).finally(() => {
      this.#pump = undefined;
      this.#signalProgress();
      this.#startPump();
    });
  }

  async #run(): Promise<void> {
    while (this.#count > 0 && this.#failure === undefined) {
      await this.#awaitRoom();
      await this.#awaitRate();
      if (this.#failure !== undefined) return;
      this.#submit(this.#takeBatch());
      // An adapter that works synchronously must not keep the source from being read.
      await Promise.resolve();
    }
  }

  async #awaitRoom(): Promise<void> {
    const { inFlight, inFlightBytes = Infinity } = this.#options;
    const isFull = (): boolean => this.#underWay + Math.min(this.#count, this.#batchSize) > inFlight || this.#underWayBytes >= inFlightBytes;
    while (this.#underWay > 0 && isFull() && this.#failure === undefined) await this.#progress();
  }

  async #awaitRate(): Promise<void> {
    if (this.#options.ratePerSecond === undefined) return;
    const waitMs = this.#nextSendAtMs - this.#options.clock.elapsedMs();
    if (waitMs > 0) await this.#options.clock.sleep(waitMs);
  }

  #takeBatch(): M[] {
    let end = this.#head;
    let bytes = 0;
    while (end < this.#waiting.length && end - this.#head < this.#batchSize) {
      bytes += this.#waiting[end]!.body.length;
      if (bytes > BATCH_BYTES && end > this.#head) {
        bytes -= this.#waiting[end]!.body.length;
        break;
      }
      end++;
    }
    const batch = this.#waiting.slice(this.#head, end);
    this.#waitingBytes -= bytes;
    this.#head = end;
    if (this.#head === this.#waiting.length || this.#head > WAITING_MESSAGES) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
    return batch;
  }

  #submit(batch: M[]): void {
    const { broker, send, retry, ratePerSecond, clock, onOutcomes, oneway } = this.#options;
    if (ratePerSecond !== undefined) this.#nextSendAtMs = Math.max(this.#nextSendAtMs, clock.elapsedMs() - RATE_SLICE_MS) + (batch.length * 1000) / ratePerSecond;
    this.#underWay += oneway ? 0 : batch.length;
    this.#options.onSubmit?.(batch);
    const bytes = oneway ? 0 : batch.reduce((sum, message) => sum + message.body.length, 0);
    this.#underWayBytes += bytes;
    const sending = sendWithRetries(broker, clock, batch, send, retry);
    // Outcomes are delivered in the order of sending.
    this.#delivered = Promise.all([sending, this.#delivered]).then(([outcomes]) => onOutcomes(outcomes, batch)).catch((error: unknown) => this.#fail(error)).finally(() => {
      this.#underWay -= oneway ? 0 : batch.length;
      this.#underWayBytes -= bytes;
      this.#signalProgress();
    });
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#signalProgress();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #progress(): Promise<void> {
    return new Promise((resolve) => {
      const previous = this.#wake;
      this.#wake = () => {
        previous?.();
        resolve();
      };
    });
  }

  #signalProgress(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
