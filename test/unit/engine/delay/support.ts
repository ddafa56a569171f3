import { repeatBySleeping, systemClock } from '../../../../src/base/clock.ts';
import type { Clock, Repetition } from '../../../../src/base/clock.ts';
import type { Broker } from '../../../../src/broker/broker.ts';
import type { OutgoingMessage, SendResult } from '../../../../src/broker/types.ts';
import { initStore } from '../../../../src/engine/inspect/init.ts';
import { openLocalBroker } from '../../../../src/engine/open.ts';
import type { Message } from '../../../../src/record/message.ts';
import { temporaryDirectory } from '../../../support/fixtures.ts';

/** A Tuesday, 0.123 s into a second. */
export const START_MS = 1_795_000_000_123;

/** Stands still until it is moved; whoever sleeps looks again soon. */
export class StillClock implements Clock {
  now = START_MS;

  nowMs(): number {
    return this.now;
  }

  elapsedMs(): number {
    return systemClock.elapsedMs() + this.now - START_MS;
  }

  repeat(delayMs: number, next: () => number): Repetition {
    return repeatBySleeping(this, delayMs, next);
  }

  async sleep(_delayMs: number, signal?: AbortSignal): Promise<void> {
    await systemClock.sleep(2, signal);
  }
}

/** A store whose time the test moves. */
export class DelayStore {
  readonly clock = new StillClock();
  readonly directory = temporaryDirectory('delay');
  readonly notices: string[] = [];
  broker!: Broker;

  /** With files small enough to be hashed. */
  async make(): Promise<void> {
    await initStore({ storeDirectory: this.directory, segmentSizeBytes: 1 << 20, consumeQueueFileEntries: 1000, indexSlotCount: 1000, indexMaxCount: 4000, clock: this.clock });
    await this.open();
    await this.broker.createTopic('T', { readQueueNums: 1, writeQueueNums: 1 });
  }

  async open(): Promise<void> {
    this.broker = await openLocalBroker({ storeDirectory: this.directory, mode: 'write', clock: this.clock, onNotice: (text) => this.notices.push(text) });
  }

  async reopen(meanwhile: () => void = () => {}): Promise<void> {
    await this.broker.close();
    meanwhile();
    await this.open();
  }

  send(body: string, delay: Partial<OutgoingMessage> = {}, topic = 'T'): Promise<SendResult> {
    return this.broker.send({ topic, body: Buffer.from(body), queueId: 0, ...delay });
  }

  /** Moves the time, and gives deliveries more turns than they need. */
  async at(timeMs: number): Promise<string[]> {
    this.clock.now = timeMs;
    for (let turn = 0; turn < 10; turn++) await systemClock.sleep(3);
    return this.bodies();
  }

  async messages(topic = 'T', queueId = 0): Promise<Message[]> {
    const queue = { topic, brokerName: 'broker-a', queueId };
    const end = await this.broker.maxOffset(queue);
    const messages: Message[] = [];
    for (let offset = await this.broker.minOffset(queue); offset < end;) {
      const result = await this.broker.pull({ queue, offset, maxMessages: 1000 });
      messages.push(...result.messages);
      offset = result.nextOffset;
    }
    return messages;
  }

  async bodies(topic = 'T'): Promise<string[]> {
    return (await this.messages(topic)).map(({ body }) => body.toString());
  }
}
