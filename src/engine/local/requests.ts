import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { Broker } from '../../broker/broker.ts';
import { MqliteError } from '../../broker/errors.ts';
import type { OutgoingMessage, PullRequest, SendResult } from '../../broker/types.ts';
import type { Clock } from '../../base/clock.ts';
import type { Message } from '../../record/message.ts';
import { isReplyTo, replyTo, replyTopicOf, requestProperties } from '../../record/request-reply.ts';

const PULL_MESSAGES = 32;

/** What a request needs of the broker that sends it. */
export interface RequestPort {
  readonly broker: Pick<Broker, 'queues' | 'maxOffset' | 'pull'>;
  readonly clock: Clock;
  readonly clusterName: string;
  readonly clientId: string;
  /** Sends with properties that users may not set. */
  readonly send: (message: OutgoingMessage, systemProperties: Readonly<Record<string, string>>) => Promise<SendResult>;
}

/**
 * Sends a request and waits for its reply in the cluster's reply topic, which a broker keeps as well as pushing replies to their
 * clients [ReplyMessageProcessor]. TIMED_OUT when there is none in time.
 */
export const request = async (port: RequestPort, message: OutgoingMessage, timeoutMs: number, signal: AbortSignal | undefined): Promise<Message> => {
  if (!Number.isSafeInteger(timeoutMs) || timeoutMs < 1) throw new MqliteError('INVALID_INPUT', `a time-out of ${timeoutMs} ms is not a whole number of at least 1`);
  const { broker, clock } = port;
  const deadlineMs = clock.elapsedMs() + timeoutMs;
  const correlationId = randomUUID();
  const queues = await broker.queues(replyTopicOf(port.clusterName));
  const offsets = await Promise.all(queues.map((queue) => broker.maxOffset(queue)));
  await port.send(message, requestProperties(correlationId, port.clientId, timeoutMs));
  const found = new AbortController();
  const ended = AbortSignal.any(signal === undefined ? [found.signal] : [found.signal, signal]);
  // One listener a queue is no leak.
  setMaxListeners(0, ended);
  const watch = async (index: number): Promise<Message | null> => {
    let offset = offsets[index]!;
    for (;;) {
      const suspendMs = Math.max(0, deadlineMs - clock.elapsedMs());
      const pull: PullRequest = { queue: queues[index]!, offset, maxMessages: PULL_MESSAGES, suspendMs, signal: ended };
      const { messages, nextOffset } = await broker.pull(pull);
      const reply = messages.find((candidate) => isReplyTo(candidate, correlationId));
      if (reply !== undefined) {
        found.abort();
        return reply;
      }
      if (ended.aborted || (nextOffset === offset && clock.elapsedMs() >= deadlineMs)) return null;
      offset = nextOffset;
    }
  };
  const reply = (await Promise.all(queues.map((_, index) => watch(index)))).find((candidate) => candidate !== null);
  if (reply !== undefined && reply !== null) return reply;
  throw new MqliteError('TIMED_OUT', `no reply to the request in ${message.topic} within ${timeoutMs} ms`, { hint: 'Is a consumer of the topic running that replies?' });
};

/** Answers a request. INVALID_INPUT for a message that is none. */
export const reply = (port: RequestPort, to: Message, body: Uint8Array): Promise<SendResult> => {
  const { topic, properties } = replyTo(to);
  return port.send({ topic, body }, properties);
};
