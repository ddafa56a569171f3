import { CodecError } from '../base/codec-error.ts';
import type { Message } from './message.ts';
import { PROPERTY } from './properties.ts';

/** Value of MSG_TYPE in a reply. [MixAll#REPLY_MESSAGE_FLAG] */
const REPLY = 'reply';

/** What a request carries besides what its sender set. [DefaultMQProducerImpl#prepareSendRequest] */
export const requestProperties = (correlationId: string, clientId: string, timeoutMs: number): Record<string, string> => ({
  [PROPERTY.CORRELATION_ID]: correlationId, [PROPERTY.REPLY_TO_CLIENT]: clientId, [PROPERTY.TTL]: String(timeoutMs),
});

/** Where replies of a cluster's clients are stored. [MixAll#getReplyTopic] */
export const replyTopicOf = (clusterName: string): string => `${clusterName}_REPLY_TOPIC`;

/** Topic and properties of the reply to a request; CodecError(INVALID_INPUT) for a message that is none. [MessageUtil#createReplyMessage] */
export const replyTo = ({ properties, msgId }: Message): { readonly topic: string; readonly properties: Record<string, string> } => {
  const cluster = properties[PROPERTY.CLUSTER];
  const correlationId = properties[PROPERTY.CORRELATION_ID];
  const client = properties[PROPERTY.REPLY_TO_CLIENT];
  const missing = [[PROPERTY.CLUSTER, cluster], [PROPERTY.CORRELATION_ID, correlationId], [PROPERTY.REPLY_TO_CLIENT, client]].filter(([, value]) => value === undefined).map(([name]) => name);
  if (missing.length > 0) throw new CodecError('INVALID_INPUT', `message ${msgId} is no request: it has no ${missing.join(', ')}`);
  const ttl = properties[PROPERTY.TTL];
  return {
    topic: replyTopicOf(cluster!),
    properties: {
      [PROPERTY.MSG_TYPE]: REPLY, [PROPERTY.CORRELATION_ID]: correlationId!, [PROPERTY.REPLY_TO_CLIENT]: client!, ...(ttl === undefined ? {} : { [PROPERTY.TTL]: ttl }),
    },
  };
};

/** Whether this is the reply to the request with that correlation id. */
export const isReplyTo = ({ properties }: Message, correlationId: string): boolean => properties[PROPERTY.CORRELATION_ID] === correlationId;
