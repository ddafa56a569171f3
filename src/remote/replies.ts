import { randomUUID } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { MqliteError } from '../broker/errors.ts';
import type { OutgoingMessage, SendResult } from '../broker/types.ts';
import { decodeRecord } from '../record/decode.ts';
import { encodeRecord, maxRecordSize } from '../record/encode.ts';
import { encodeHost } from '../record/host.ts';
import type { Message } from '../record/message.ts';
import { PROPERTY } from '../record/properties.ts';
import { replyTo, requestProperties } from '../record/request-reply.ts';
import { BORN_HOST_IPV6, STORE_HOST_IPV6 } from '../record/sys-flag.ts';
import { REQUEST_CODE, RESPONSE_CODE } from '../wire/codes.ts';
import { responseCommand } from '../wire/command.ts';
import { decodeRequest } from '../wire/definition.ts';
import type { RemotingCommand } from '../wire/frame.ts';
import { PUSH_REPLY_MESSAGE_TO_CLIENT } from '../wire/requests/send-message.ts';
import type { Cluster } from './cluster.ts';
import { toPortError } from './failures.ts';
import { ProducerPresence } from './producer-presence.ts';

export interface ReplyParts {
  readonly cluster: Cluster;
  /** A client id that nobody else has. */
  readonly newClientId: () => string;
  /** Sends with properties that users may not set, to any broker or to this one. */
  readonly send: (message: OutgoingMessage, systemProperties: Readonly<Record<string, string>>, brokerName?: string) => Promise<SendResult>;
  readonly onNotice: (text: string) => void;
}

/** The group that brokers know us by while we wait for replies. */
const GROUP = 'MQLITE_REQUESTER';

/** Requests that wait for their replies, which brokers push to whoever is present as a producer. */
export class Replies {
  readonly #parts: ReplyParts;
  readonly #clock: Clock;
  /** By CORRELATION_ID. */
  readonly #waiting = new Map<string, (reply: Message) => void>();
  #presence: Promise<ProducerPresence> | null = null;

  constructor(parts: ReplyParts) {
    this.#parts = parts;
    this.#clock = parts.cluster.client.options.clock;
    parts.cluster.client.handle(REQUEST_CODE.PUSH_REPLY_MESSAGE_TO_CLIENT, (request, address) => this.#receive(request, address));
  }

  /** See the port. */
  async request(message: OutgoingMessage, timeoutMs: number, signal: AbortSignal | undefined): Promise<Message> {
    if (!Number.isSafeInteger(timeoutMs) || timeoutMs < 1) throw new MqliteError('INVALID_INPUT', `a time-out of ${timeoutMs} ms is not a whole number of at least 1`);
    const deadlineMs = this.#clock.elapsedMs() + timeoutMs;
    // Nobody makes a topic by asking: nobody would be there to answer.
    await this.#parts.cluster.route(message.topic);
    const correlationId = randomUUID();
    const { clientId } = await this.#enter();
    const settled = new AbortController();
    const over = signal === undefined ? settled.signal : AbortSignal.any([signal, settled.signal]);
    try {
      const replied = new Promise<Message>((resolve) => this.#waiting.set(correlationId, resolve));
      await this.#parts.send(message, requestProperties(correlationId, clientId, timeoutMs));
      const reply = await Promise.race([replied, this.#clock.sleep(deadlineMs - this.#clock.elapsedMs(), over).then(() => null)]);
      if (reply !== null) return reply;
    } finally {
      settled.abort();
      this.#waiting.delete(correlationId);
    }
    const why = signal?.aborted === true ? 'before it was called off' : `within ${timeoutMs} ms`;
    throw new MqliteError('TIMED_OUT', `no reply to the request in ${message.topic} ${why}`, { hint: 'Is a consumer of the topic running that replies?' });
  }

  /** See the port. Sent to the broker that had the request: that one knows who asked. */
  async reply(to: Message, body: Uint8Array): Promise<SendResult> {
    const { topic, properties } = replyTo(to);
    const route = await this.#parts.cluster.findRoute(topic);
    const isThere = route?.queues.some(({ brokerName }) => brokerName === to.brokerName) ?? false;
    return this.#parts.send({ topic, body }, properties, isThere ? to.brokerName : undefined);
  }

  async close(): Promise<void> {
    const presence = await this.#presence?.catch(() => null);
    await presence?.leave();
  }

  /** Once for all requests, and until the end. */
  #enter(): Promise<ProducerPresence> {
    if (this.#presence !== null) return this.#presence;
    const { cluster, newClientId, onNotice } = this.#parts;
    const entering = ProducerPresence.enter(cluster, { group: GROUP, clientId: newClientId(), onFailure: (error) => onNotice(`replies may not come: ${error.message}`) });
    this.#presence = entering;
    entering.catch(() => {
      this.#presence = null;
    });
    return entering;
  }

  /** Whoever replied waits for our answer. [ClientRemotingProcessor#receiveReplyMessage] */
  async #receive(request: RemotingCommand, address: string): Promise<RemotingCommand> {
    try {
      const message = await this.#toMessage(request, address);
      this.#waiting.get(message.properties[PROPERTY.CORRELATION_ID] ?? '')?.(message);
      return responseCommand(request, RESPONSE_CODE.SUCCESS);
    } catch (error) {
      const failure = toPortError(error, 'a reply');
      this.#parts.onNotice(`a reply cannot be read: ${failure.message}`);
      return responseCommand(request, RESPONSE_CODE.SYSTEM_ERROR, failure.message);
    }
  }

  /** As the record would be: where in the log it lies the broker does not say. */
  async #toMessage(request: RemotingCommand, address: string): Promise<Message> {
    const { header, body } = decodeRequest(PUSH_REPLY_MESSAGE_TO_CLIENT, request);
    const brokerName = (await this.#parts.cluster.brokerAt(address))?.brokerName ?? '';
    const { topic, flag, sysFlag, bornTimestamp, storeTimestamp, properties = '' } = header;
    const fields = {
      topic, queueId: Math.max(0, header.queueId), flag, queueOffset: 0, commitLogOffset: 0, sysFlag: sysFlag & ~(BORN_HOST_IPV6 | STORE_HOST_IPV6),
      bornTimestamp, bornHost: hostOf(header.bornHost), storeTimestamp, storeHost: hostOf(header.storeHost),
      reconsumeTimes: header.reconsumeTimes ?? 0, preparedTransactionOffset: 0, body, properties, propertyCrc: false,
    };
    const record = Buffer.alloc(maxRecordSize(fields));
    return decodeRecord(record.subarray(0, encodeRecord(fields, record, 0)), 0, brokerName);
  }
}

/** `/ip:port` of older brokers, `[ip]:port` and `ip:port` of either kind. */
const hostOf = (text: string): Buffer => {
  const host = text.replace(/^[^/]*\//, '');
  const colon = host.lastIndexOf(':');
  const ip = host.slice(0, colon).replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  try {
    return encodeHost(`${ip.includes(':') ? `[${ip}]` : ip}${host.slice(colon)}`);
  } catch {
    // Where a reply was born is not worth losing it.
    return encodeHost('0.0.0.0:0');
  }
};
