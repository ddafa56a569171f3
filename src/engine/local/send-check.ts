import type { OutgoingMessage } from '../../broker/types.ts';
import { prepareCompression } from '../../record/compress.ts';
import { prepareMessage } from '../../broker/prepare-message.ts';
import { checkQueue } from './topic-routes.ts';

const NO_HOST = Buffer.alloc(8);
/** As long as an id is. */
const SOME_ID = { next: () => '0'.repeat(32) };

/**
 * Checks a message as sending it would, without a store: before a topic, or a store, is made for it. What is to be compressed is waited for.
 * @param newTopicQueues queues that its topic will have, where it is to be made; null: the topic is there
 * Errors: those of sending (MESSAGE_ILLEGAL, INVALID_INPUT, REFUSED).
 */
export const checkSendable = (message: OutgoingMessage, nowMs: number, newTopicQueues: number | null): Promise<void> | undefined => {
  if (message.compress !== undefined) return prepareCompression(message.compress).then(() => check(message, nowMs, newTopicQueues));
  check(message, nowMs, newTopicQueues);
  return undefined;
};

const check = (message: OutgoingMessage, nowMs: number, newTopicQueues: number | null): void => {
  prepareMessage(message, { bornHost: NO_HOST, ids: SOME_ID, brokerProperties: '', nowMs, routes: { isKnown: () => false }, mayCreateTopic: false });
  if (message.queueId !== undefined && newTopicQueues !== null) checkQueue(message.topic, message.queueId, newTopicQueues);
};
