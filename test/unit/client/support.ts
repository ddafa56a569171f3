import { repeatBySleeping } from '../../../src/base/clock.ts';
import type { Clock, Repetition } from '../../../src/base/clock.ts';
import { FakeBroker } from '../../support/fake-broker.ts';
import type { Message } from '../../../src/record/message.ts';

/** Time that passes only by `advance`; sleepers wake in order. */
export class ManualClock implements Clock {
  #nowMs = 1_000_000;
  #sleepers: { at: number; wake: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  elapsedMs(): number {
    return this.#nowMs;
  }

  repeat(delayMs: number, next: () => number): Repetition {
    return repeatBySleeping(this, delayMs, next);
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const sleeper = { at: this.#nowMs + delayMs, wake: resolve };
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        resolve();
      }, { once: true });
    });
  }

  async advance(ms: number): Promise<void> {
    this.#nowMs += ms;
    const due = this.#sleepers.filter((sleeper) => sleeper.at <= this.#nowMs).sort((left, right) => left.at - right.at);
    this.#sleepers = this.#sleepers.filter((sleeper) => sleeper.at > this.#nowMs);
    for (const sleeper of due) sleeper.wake();
    await settle();
  }
}

/** Lets everything that can run now run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** A topic with messages `<queue>:<n>` in the order of `queueIds`. */
export async function brokerWith(topic: string, queues: number, queueIds: readonly number[], clock?: Clock): Promise<FakeBroker> {
  const broker = new FakeBroker({ clock });
  await broker.createTopic(topic, { readQueueNums: queues, writeQueueNums: queues });
  await fill(broker, topic, queueIds);
  return broker;
}

export async function fill(broker: FakeBroker, topic: string, queueIds: readonly number[]): Promise<void> {
  for (const queueId of queueIds) await broker.send({ topic, body: Buffer.from(`${queueId}`), queueId, tags: queueId % 2 === 0 ? 'even' : 'odd' });
}

export function places(messages: readonly Message[]): string[] {
  return messages.map((message) => `${message.queueId}@${message.queueOffset}`);
}
