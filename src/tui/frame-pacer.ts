import { callAfter } from '../base/clock.ts';
import type { Clock } from '../base/clock.ts';

/** 30 frames a second at most, 5 at least. */
const SHORTEST_MS = 33;
const LONGEST_MS = 200;
/** A frame may take this part of the time until the next one. */
const SHARE = 4;

export interface FramePacerOptions {
  readonly clock: Clock;
  readonly draw: () => void;
  /** The terminal has not taken the frame before. */
  readonly isBlocked: () => boolean;
}

/**
 * Draws when something is to be drawn, and not too often: the longer a frame takes, and the later a timer is served, the rarer they become. A key is answered
 * at the highest rate all the same.
 */
export class FramePacer {
  readonly #options: FramePacerOptions;
  #lastMs = -Infinity;
  #intervalMs = SHORTEST_MS;
  #dueMs = Infinity;
  #cancel: (() => void) | null = null;

  constructor(options: FramePacerOptions) {
    this.#options = options;
  }

  get intervalMs(): number {
    return this.#intervalMs;
  }

  /** `isUrgent`: somebody waits for it. */
  request(isUrgent: boolean): void {
    const nowMs = this.#options.clock.elapsedMs();
    const dueMs = Math.max(nowMs, this.#lastMs + (isUrgent ? SHORTEST_MS : this.#intervalMs));
    if (dueMs < this.#dueMs) this.#schedule(dueMs, dueMs - nowMs);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#dueMs = -Infinity;
  }

  #schedule(dueMs: number, delayMs: number): void {
    this.#cancel?.();
    this.#dueMs = dueMs;
    this.#cancel = callAfter(this.#options.clock, delayMs, () => this.#fire());
  }

  #fire(): void {
    const { clock, draw, isBlocked } = this.#options;
    const startedMs = clock.elapsedMs();
    if (isBlocked()) return this.#schedule(startedMs + SHORTEST_MS, SHORTEST_MS);
    const lateMs = Math.max(0, startedMs - this.#dueMs);
    this.#cancel = null;
    this.#dueMs = Infinity;
    this.#lastMs = startedMs;
    draw();
    this.#intervalMs = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, SHARE * (clock.elapsedMs() - startedMs), lateMs));
  }
}
