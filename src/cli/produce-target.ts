import type { Broker } from '../broker/broker.ts';
import { MqliteError } from '../broker/errors.ts';
import type { MessageQueue } from '../broker/types.ts';
import { nearest } from './did-you-mean.ts';
import { topicNames } from './name-hints.ts';
import type { MessageCheck } from './open-broker.ts';
import type { NumberedMessage } from './produce-input.ts';
import type { ProduceRun } from './produce-run.ts';
import { plural } from '../text/numbers.ts';

/**
 * Where a run of `produce` sends to. A store that is there is opened at once: what is due there is delivered, and what is wrong with it is
 * said, before the first line comes. A store or topic that is not there is made for the first message, once that is known to be fit to send.
 */
export class ProduceTarget {
  readonly #run: ProduceRun;
  #broker: Broker | undefined;
  #hasTopic = false;
  #check: MessageCheck | undefined;

  constructor(run: ProduceRun) {
    this.#run = run;
  }

  /** undefined: there is no store yet. Errors: those of opening; STORE_NOT_FOUND under --no-create. */
  async openEarly(): Promise<Broker | undefined> {
    try {
      this.#broker = await this.#run.openBroker(false);
    } catch (error) {
      const mayMake = error instanceof MqliteError && error.code === 'STORE_NOT_FOUND' && !this.#run.flags['no-create'];
      if (!mayMake) throw error;
    }
    return this.#broker;
  }

  /** The broker, with the topic there. Errors: those of the message, with its line; those of opening; TOPIC_NOT_FOUND under --no-create. */
  async openFor(first: NumberedMessage): Promise<Broker> {
    if (this.#broker === undefined) {
      await this.check([first], true);
      this.#broker = await this.#run.openBroker(true);
    }
    if (!this.#hasTopic) await this.#prepareTopic(this.#broker, first);
    this.#hasTopic = true;
    return this.#broker;
  }

  /** The topic's queues where more than one broker may have some. None where they cannot be told: what is stored is stored. */
  async queues(): Promise<readonly MessageQueue[]> {
    if (this.#broker?.kind !== 'remote') return [];
    return this.#broker.queues(this.#run.topic).catch(() => []);
  }

  /** Errors: those of sending it, with its line. */
  async check(messages: readonly NumberedMessage[], isNewTopic: boolean): Promise<void> {
    const check = (this.#check ??= await this.#run.messageCheck());
    for (const message of messages) {
      try {
        const pending = check(message, isNewTopic ? this.#newTopicQueues : null);
        if (pending !== undefined) await pending;
      } catch (error) {
        if (!(error instanceof MqliteError)) throw error;
        throw new MqliteError(error.code, error.message, { line: message.line, ...(error.hint === undefined ? {} : { hint: error.hint }), cause: error });
      }
    }
  }

  get #newTopicQueues(): number {
    return this.#run.settings.integer('defaultTopicQueueNums');
  }

  /** A missing topic: refused under --no-create, else made, and said, with names that were perhaps meant. */
  async #prepareTopic(broker: Broker, first: NumberedMessage): Promise<void> {
    const { topic, flags, notice } = this.#run;
    const known = await topicNames(broker);
    if (known.includes(topic)) return;
    const near = nearest(topic, known);
    if (flags['no-create']) {
      throw new MqliteError('TOPIC_NOT_FOUND', `there is no topic ${topic}`, {
        hint: near.length > 0 ? `Did you mean ${near.join(' or ')}?` : `Leave out --no-create, or make it: mqlite topics create ${topic}`,
      });
    }
    await this.check([first], true);
    const queues = this.#newTopicQueues;
    try {
      await broker.createTopic(topic, { readQueueNums: queues, writeQueueNums: queues });
    } catch (error) {
      // Another producer may have been faster.
      if (!(await topicNames(broker)).includes(topic)) throw error;
      return;
    }
    notice(`topic ${topic} is new and has ${plural(queues, 'queue')}${near.length > 0 ? ` (did you mean ${near.join(' or ')}?)` : ''}`);
  }
}
