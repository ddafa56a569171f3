import type { Broker } from '../../broker/broker.ts';
import { MqliteError } from '../../broker/errors.ts';
import type { QueryResult } from '../../broker/types.ts';
import type { Message } from '../../record/message.ts';
import type { RecordReference } from '../panel.ts';

/** The message at a place. Errors: NOT_FOUND when it has gone; those of the broker. */
export async function readRecord(broker: Broker, { topic, brokerName, queueId, queueOffset }: RecordReference): Promise<Message> {
  const { messages, damaged } = await broker.pull({ queue: { topic, brokerName, queueId }, offset: queueOffset, maxMessages: 1 });
  const message = messages[0];
  if (message?.queueOffset === queueOffset) return message;
  const damage = damaged.find((report) => report.queueOffset === queueOffset);
  if (damage !== undefined) throw new MqliteError('DAMAGED', `${topic}/${queueId}@${queueOffset} cannot be read: ${damage.reason}`);
  throw new MqliteError('NOT_FOUND', `${topic}/${queueId}@${queueOffset} is not in the store any more`);
}

/** By id, in a topic where it is known, and everywhere when it is not there. */
export async function findById(broker: Broker, msgId: string, topic: string | undefined): Promise<QueryResult<Message>> {
  if (topic === undefined) return broker.queryByMsgId(msgId);
  try {
    const found = await broker.queryByMsgId(msgId, topic);
    if (found.messages.length > 0) return found;
  } catch (error) {
    if (!(error instanceof MqliteError) || (error.code !== 'TOPIC_NOT_FOUND' && error.code !== 'NOT_FOUND')) throw error;
  }
  return broker.queryByMsgId(msgId);
}
