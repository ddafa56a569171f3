import type { Clock } from '../base/clock.ts';

/** A send that took so long (ms) keeps further ones away from its broker for so long. [MQFaultStrategy#latencyMax] [MQFaultStrategy#notAvailableDuration] */
const AVOIDED_FOR: readonly (readonly [latencyMs: number, avoidMs: number])[] = [[15_000, 30_000], [5000, 10_000], [3000, 6000], [1800, 5000], [550, 2000]];
/** What a failure counts as. [MQFaultStrategy#updateFaultItem] */
const FAILURE_LATENCY_MS = 10_000;

/** Which brokers were slow or failed of late: others are preferred where a message may go to any. */
export class Faults {
  readonly #clock: Clock;
  readonly #avoidedUntilMs = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  record(brokerName: string, latencyMs: number): void {
    const avoidMs = AVOIDED_FOR.find(([from]) => latencyMs >= from)?.[1];
    if (avoidMs === undefined) this.#avoidedUntilMs.delete(brokerName);
    else this.#avoidedUntilMs.set(brokerName, this.#clock.elapsedMs() + avoidMs);
  }

  recordFailure(brokerName: string): void {
    this.record(brokerName, FAILURE_LATENCY_MS);
  }

  isAvoided(brokerName: string): boolean {
    const untilMs = this.#avoidedUntilMs.get(brokerName);
    return untilMs !== undefined && this.#clock.elapsedMs() < untilMs;
  }
}
