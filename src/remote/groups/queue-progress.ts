import { isGone } from '../../broker/gone.ts';
import type { MessageQueue } from '../../broker/types.ts';
import type { OffsetStore } from './offset-store.ts';

/** How often a queue is looked at for resets, in ms. */
const LOOK_MS = 700;
/** For so long a former owner of the queue may still commit what it consumed of it, in ms: two of Java's intervals. */
const LATE_COMMITS_MS = 10_000;

/**
 * How far one owned queue is committed, and what becomes of commits that meet a reset or a broker that is gone.
 *
 * A broker keeps a reset until a pull of the group notices it; until then it ignores commits, saying so, and shows the reset as what is committed. The
 * poll of a member that died may be the one that notices: then only that something else is committed than this member did tells of it.
 */
export class QueueProgress {
  readonly queue: MessageQueue;
  /** As the broker last had it; null: nothing. */
  committedOffset: number | null;
  /** Nothing was committed since the queue was taken: a reset to where it began is one that was obeyed by that. */
  #isFresh = true;
  /** Messages committed by this member. */
  consumed = 0;
  #wanted: number | null = null;
  #reset: number | null = null;
  #lookedMs: number;
  readonly #takenMs: number;

  constructor(queue: MessageQueue, committedOffset: number | null, nowMs: number) {
    this.queue = queue;
    this.committedOffset = committedOffset;
    this.#lookedMs = nowMs;
    this.#takenMs = nowMs;
  }

  want(offset: number): void {
    this.#wanted = offset;
  }

  /** A broker or a pull told of it. */
  resetTo(offset: number): void {
    this.#reset = offset;
  }

  /** Commits what is wanted. null, or the offset that the queue was reset to: then that counts, and what was wanted does not. */
  async settle(store: OffsetStore, nowMs: number): Promise<number | null> {
    try {
      if (this.#reset !== null) return await this.#obey(store, this.#reset);
      if (nowMs - this.#lookedMs >= LOOK_MS) {
        this.#lookedMs = nowMs;
        const reset = await this.#look(store, nowMs);
        if (reset !== null) return reset;
      }
      return this.#wanted === null ? null : await this.#commit(store, this.#wanted);
    } catch (error) {
      if (isGone(error)) return null;
      throw error;
    }
  }

  /** The last commit. */
  async finish(store: OffsetStore): Promise<void> {
    if (this.#reset === null && this.#wanted !== null) await store.commit(this.queue, this.#wanted);
  }

  async #commit(store: OffsetStore, offset: number): Promise<number | null> {
    if (!(await store.commit(this.queue, offset))) {
      const reset = await store.takeReset(this.queue);
      if (reset !== null && !(this.#isFresh && reset === this.committedOffset)) return this.#moved(reset);
      if (!(await store.commit(this.queue, offset))) return null;
    }
    this.#isFresh = false;
    this.consumed += Math.max(0, offset - (this.committedOffset ?? offset));
    this.committedOffset = offset;
    if (this.#wanted === offset) this.#wanted = null;
    return null;
  }

  /** What is committed is not what was: a reset, or the late commit of a former owner, which is of no account. */
  async #look(store: OffsetStore, nowMs: number): Promise<number | null> {
    const found = await store.query(this.queue);
    if (found === null || found === this.committedOffset) return null;
    const reset = await store.takeReset(this.queue);
    if (reset !== null) return this.#moved(reset);
    if (nowMs - this.#takenMs >= LATE_COMMITS_MS) return this.#moved(found);
    this.committedOffset = found;
    return null;
  }

  /** Of brokers that tell the members instead of setting the offset themselves. */
  async #obey(store: OffsetStore, reset: number): Promise<number> {
    if (reset !== this.committedOffset) await store.commit(this.queue, reset);
    return this.#moved(reset);
  }

  #moved(reset: number): number {
    this.#reset = null;
    this.#wanted = null;
    this.#isFresh = false;
    this.committedOffset = reset;
    return reset;
  }
}
