import type { Message } from '../../record/message.ts';
import type { RecordReference } from '../panel.ts';

/** A record is where it lies, as long as its topic is not made anew. */
export function recordId({ topic, brokerName, queueId, queueOffset }: RecordReference): string {
  return `${topic}/${brokerName}/${queueId}/${queueOffset}`;
}

export function referenceTo({ topic, brokerName, queueId, queueOffset }: Message): RecordReference {
  return { topic, brokerName, queueId, queueOffset };
}
