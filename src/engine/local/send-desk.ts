import { MqliteError } from '../../broker/errors.ts';
import type { OutgoingMessage, SendBackRequest, SendBackResult, SendOptions, SendOutcome, SendResult } from '../../broker/types.ts';
import { prepareCompression } from '../../record/compress.ts';
import type { Message } from '../../record/message.ts';
import { joinProperties } from '../../record/properties.ts';
import type { UniqKeyGenerator } from '../../record/message-id.ts';
import { parseDelayLevels } from '../../broker/delay-levels.ts';
import { toMqliteError } from '../files/storage-errors.ts';
import type { StoreReader } from '../read/store-reader.ts';
import type { PreparedMessage } from '../../broker/prepared-message.ts';
import type { StoreWriter } from '../write/store-writer.ts';
import { brokerProperties, prepareMessage } from '../../broker/prepare-message.ts';
import type { PrepareOptions, RoutableMessage } from '../../broker/prepare-message.ts';
import type { RequestPort } from './requests.ts';
import { SendBackDesk } from './send-back.ts';
import { Sender } from './sender.ts';
import { StoredResult } from './stored-result.ts';
import type { ResultContext } from './stored-result.ts';
import { TopicRoutes } from './topic-routes.ts';

export interface SendDeskParts {
  readonly writer: StoreWriter;
  readonly reader: StoreReader;
  readonly flush: 'async' | 'sync';
  readonly storeHost: Buffer;
  readonly ids: UniqKeyGenerator;
  readonly onTopicCreated: (topic: string) => void;
}

/** Everything that puts messages into the store, for a broker that writes. */
export class SendDesk {
  readonly #parts: SendDeskParts;
  readonly #sender: Sender;
  readonly #sendBack: SendBackDesk;
  readonly #routes: TopicRoutes;
  readonly #resultContext: ResultContext;
  readonly #brokerProperties: string;

  constructor(parts: SendDeskParts) {
    const { writer, reader } = parts;
    const { identity, clock } = writer.context;
    this.#parts = parts;
    this.#resultContext = { brokerName: identity.brokerName, storeHost: parts.storeHost, delayLevels: parseDelayLevels(identity.messageDelayLevel) };
    this.#brokerProperties = brokerProperties(identity.clusterName);
    this.#routes = new TopicRoutes(writer, Math.random, parts.onTopicCreated);
    this.#sender = new Sender(writer, this.#routes, clock);
    this.#sendBack = new SendBackDesk(writer, reader, Math.random);
  }

  send(message: OutgoingMessage, options: SendOptions): Promise<SendResult> {
    return this.#send(message, options, '');
  }

  async sendBatch(messages: readonly OutgoingMessage[], options: SendOptions): Promise<SendOutcome[]> {
    for (const compress of new Set(messages.map((message) => message.compress))) if (compress !== undefined) await prepareCompression(compress);
    const prepareOptions = this.#prepareOptions(options);
    const prepared: (RoutableMessage | MqliteError)[] = [];
    const sendable: RoutableMessage[] = [];
    for (const message of messages) {
      try {
        const item = this.#prepare(message, prepareOptions);
        prepared.push(item);
        sendable.push(item);
      } catch (error) {
        prepared.push(error as MqliteError);
      }
    }
    if (sendable.length > 0) await this.#sender.store(sendable, this.#isSync(options));
    return prepared.map((item) => {
      if (item instanceof MqliteError) return { error: item };
      return item.error === null ? this.result(item) : { error: toMqliteError(item.error, 'sending') };
    });
  }

  sendBack(message: Message, request: SendBackRequest): Promise<SendBackResult> {
    return this.#sendBack.sendBack(message, request, this.#isSync({}));
  }

  /** What requests and replies need, over the broker that reads. */
  requestPort(broker: RequestPort['broker']): RequestPort {
    const { clock, identity } = this.#parts.writer.context;
    return {
      broker, clock, clusterName: identity.clusterName, clientId: `127.0.0.1@${process.pid}`,
      send: (message, systemProperties) => this.#send(message, { createTopic: false }, joinProperties(systemProperties)),
    };
  }

  result(message: PreparedMessage): SendResult {
    return new StoredResult(message, this.#resultContext);
  }

  /** Waits until everything sent so far is stored or refused. */
  drain(): Promise<void> {
    return this.#sender.drain();
  }

  async #send(message: OutgoingMessage, options: SendOptions, systemProperties: string): Promise<SendResult> {
    if (message.compress !== undefined) await prepareCompression(message.compress);
    const prepareOptions = this.#prepareOptions(options);
    const prepared = this.#prepare(message, { ...prepareOptions, brokerProperties: systemProperties + prepareOptions.brokerProperties });
    await this.#sender.store([prepared], this.#isSync(options));
    if (prepared.error !== null) throw toMqliteError(prepared.error, 'sending');
    return this.result(prepared);
  }

  /** Throws MqliteError only. */
  #prepare(message: OutgoingMessage, options: PrepareOptions): RoutableMessage {
    try {
      return prepareMessage(message, options);
    } catch (error) {
      throw toMqliteError(error, 'sending');
    }
  }

  #prepareOptions(options: SendOptions): PrepareOptions {
    return {
      bornHost: this.#parts.storeHost,
      ids: this.#parts.ids,
      brokerProperties: this.#brokerProperties,
      nowMs: this.#parts.writer.context.clock.nowMs(),
      routes: this.#routes,
      mayCreateTopic: options.createTopic !== false,
    };
  }

  #isSync(options: SendOptions): boolean {
    return (options.flush ?? this.#parts.flush) === 'sync';
  }
}
