import type { StoreReader } from '../read/store-reader.ts';
import type { StoreWriter } from '../write/store-writer.ts';

/** What a service works with. Everything in it belongs to the process that runs it. */
export interface ServiceContext {
  readonly writer: StoreWriter;
  readonly reader: StoreReader;
  readonly onNotice: (text: string) => void;
}

/** Nothing to do until the store changes. */
export const WHEN_STORE_CHANGES = Infinity;

/**
 * Work on system topics that a broker does in the background: delivery of what is due, transaction checks. One process at a time runs
 * it (`ServiceRunner`); what it knows beyond the store's files must be rebuilt from them when another one takes over.
 */
export interface StoreService {
  readonly name: string;
  /**
   * Does one bounded piece of what is due (≤ 20 ms, ≤ 4096 messages), with the write lock held and caught up, including the progress it
   * writes down. Returns the time, in ms since the epoch, at which it wants to run next: now or earlier when more is due,
   * WHEN_STORE_CHANGES when nothing is pending. It runs sooner when something was stored. Must be cheap when nothing is due.
   */
  run(nowMs: number): number;
  /** This process stops running it, in order. With the write lock held. */
  finish?(): void;
}
