import type { Clock, Repetition } from '../../base/clock.ts';
import { progressLine } from '../../text/progress-line.ts';
import type { Output } from '../output.ts';

/** A live line on stderr, of something that is counted. */
export interface Progress {
  /** What is done from now on, and how many there are of it; null: unknown. Counting starts anew. */
  begin(stage: string, total: number | null): void;
  /** How many are done. May be called as often as one likes. */
  update(done: number): void;
  /** Removes the line. */
  stop(): void;
}

export const NO_PROGRESS: Progress = { begin: () => undefined, update: () => undefined, stop: () => undefined };

/** How often the line is drawn, and how long a rate is measured for, in ms. */
const DRAW_MS = 100;
const SAMPLE_MS = 250;
/** Rates kept; the one in numbers is the mean of the last few. */
const MOST_RATES = 64;
const SHOWN_RATES = 4;
const DEFAULT_COLUMNS = 80;

export interface ProgressOptions {
  readonly out: Output;
  readonly clock: Clock;
  /** Bars need a UTF-8 locale. */
  readonly unicode: boolean;
}

/** Some terminals have no size (`script` and CI runners make them), some cannot go back in a line (TERM=dumb): nothing is drawn there. */
export function startProgress(wanted: boolean, options: ProgressOptions, env: Readonly<Record<string, string | undefined>>): Progress {
  return wanted && options.out.columns !== 0 && env['TERM'] !== 'dumb' ? new LiveProgress(options) : NO_PROGRESS;
}

/** Drawn by a timer, and by `update` too: a loop that leaves timers no turn is seen going on as well. */
class LiveProgress implements Progress {
  readonly #options: ProgressOptions;
  readonly #timer: Repetition;
  #stage = '';
  #total: number | null = null;
  #done = 0;
  #rates: number[] = [];
  #sampledDone = 0;
  #sampledMs: number;
  #drawnMs: number;
  #stopped = false;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#sampledMs = options.clock.elapsedMs();
    this.#drawnMs = this.#sampledMs - DRAW_MS;
    this.#timer = options.clock.repeat(DRAW_MS, () => {
      if (this.#stopped) return -1;
      this.#tick(this.#options.clock.elapsedMs());
      return DRAW_MS;
    });
  }

  begin(stage: string, total: number | null): void {
    this.#stage = stage;
    this.#total = total;
    this.#done = 0;
    this.#rates = [];
    this.#sampledDone = 0;
    this.#sampledMs = this.#options.clock.elapsedMs();
    this.#draw(this.#sampledMs);
  }

  update(done: number): void {
    this.#done = done;
    this.#tick(this.#options.clock.elapsedMs());
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#timer.within(0);
    void this.#options.out.write('\r\u001b[K');
  }

  #tick(nowMs: number): void {
    const sampledForMs = nowMs - this.#sampledMs;
    if (sampledForMs >= SAMPLE_MS) {
      this.#rates.push(((this.#done - this.#sampledDone) / sampledForMs) * 1000);
      if (this.#rates.length > MOST_RATES) this.#rates.shift();
      this.#sampledDone = this.#done;
      this.#sampledMs = nowMs;
    }
    if (nowMs - this.#drawnMs >= DRAW_MS) this.#draw(nowMs);
  }

  #draw(nowMs: number): void {
    this.#drawnMs = nowMs;
    const { out, unicode } = this.#options;
    const recent = this.#rates.slice(-SHOWN_RATES);
    const perSecond = recent.length === 0 ? null : recent.reduce((sum, rate) => sum + rate, 0) / recent.length;
    const state = { stage: this.#stage, done: this.#done, total: this.#total, perSecond, rates: this.#rates };
    // The last column is left free: some terminals wrap there.
    void out.write(`\r${progressLine(state, (out.columns ?? DEFAULT_COLUMNS) - 1, unicode)}\u001b[K`);
  }
}
