import type { Clock } from '../../base/clock.ts';
import type { Broker } from '../../broker/broker.ts';
import { MqliteError } from '../../broker/errors.ts';
import type { TuiEvent } from '../events.ts';
import type { Panel, PanelScope, RedrivesOf } from '../panel.ts';

export interface PanelLoaderOptions {
  readonly broker: Broker;
  readonly scope: PanelScope;
  readonly clock: Clock;
  readonly redrives: RedrivesOf;
  readonly emit: (event: TuiEvent) => void;
  readonly onFatal: (error: unknown) => void;
}

/** Loads a table again and again while it is looked at. One that cannot be loaded is tried again, and what was shown stays. */
export class PanelLoader {
  readonly #panel: Panel;
  readonly #options: PanelLoaderOptions;
  #previous: unknown = null;
  #stop: AbortController | null = null;

  constructor(panel: Panel, options: PanelLoaderOptions) {
    this.#panel = panel;
    this.#options = options;
  }

  start(): void {
    if (this.#stop !== null) return;
    this.#stop = new AbortController();
    void this.#run(this.#stop.signal);
  }

  stop(): void {
    this.#stop?.abort();
    this.#stop = null;
  }

  /** At once, if it is looked at: something has changed that it shows. */
  reload(): void {
    if (this.#stop === null) return;
    this.stop();
    this.start();
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { broker, scope, clock, redrives, emit, onFatal } = this.#options;
    const { id, intervalMs } = this.#panel;
    while (!signal.aborted) {
      try {
        const snapshot = await this.#panel.load({ broker, scope, clock, redrives, previous: this.#previous, signal });
        if (signal.aborted) return;
        this.#previous = snapshot;
        emit({ type: 'panel', panel: id, snapshot, atMs: clock.nowMs() });
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof MqliteError) || error.code === 'BUG') return onFatal(error);
        emit({ type: 'health', view: id, atMs: clock.nowMs(), reason: error.message });
      }
      await clock.sleep(intervalMs, signal);
    }
  }
}
