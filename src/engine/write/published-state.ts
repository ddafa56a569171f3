import { MqliteError } from '../../broker/errors.ts';
import { WriteLock } from '../locks/write-lock.ts';
import { EngineStateFile } from '../state/engine-state.ts';
import type { StoreContext } from '../store-context.ts';

/** A second look at the shared record, without the write lock: what this process knows by it stays as it is. */
export class PublishedState {
  readonly #file: EngineStateFile;

  constructor({ fs, paths }: StoreContext) {
    this.#file = EngineStateFile.open(fs, paths.state, 'read', paths.temp)!;
  }

  /** Raised by every batch of every process: waiters for the write lock take turns by it. */
  generation(): number {
    this.#file.read();
    return this.#file.state.generation;
  }

  topicsGeneration(): number {
    this.#file.read();
    return this.#file.state.topicsGeneration;
  }

  resetGeneration(): number {
    this.#file.read();
    return this.#file.state.resetGeneration;
  }

  isAt(generation: number): boolean {
    return this.#file.peek() === generation;
  }

  close(): void {
    this.#file.close();
  }
}

export const writeLockOf = ({ fs, locks, clock, paths }: StoreContext, timeoutMs: number, published: PublishedState): WriteLock =>
  new WriteLock({ fs, locks, clock, path: paths.writeLock, timeoutMs, turn: () => published.generation() });

/** For whoever still wants to write then: behind the close nothing may change. */
export const isBeingClosed = ({ paths }: StoreContext): MqliteError => new MqliteError('REFUSED', `${paths.root} is being closed`);

export const isUnreadable = ({ paths }: StoreContext): MqliteError =>
  new MqliteError('DAMAGED', `${paths.state} is unreadable while the store is open`, { hint: 'close all writers, then run "mqlite store verify"' });
