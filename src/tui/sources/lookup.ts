import type { Broker } from '../../broker/broker.ts';
import { MqliteError } from '../../broker/errors.ts';
import type { QueryResult } from '../../broker/types.ts';
import type { Message } from '../../record/message.ts';
import type { RecordReference } from '../panel.ts';

/**
 * The message at a place; of a topic that was deleted, or made anew meanwhile, the one that was seen there, as long as the log has it. Errors: NOT_FOUND
 * when it has gone; those of the broker.
 */
export async function readRecord(broker: Broker, reference: RecordReference): Promise<Message> {
  const { topic, brokerName, queueId, queueOffset, commitLogOffset } = reference;
  try {
    const { messages, damaged } = await broker.pull({ queue: { topic, brokerName, queueId }, offset: queueOffset, maxMessages: 1 });
    const message = messages[0];
    if (message?.queueOffset === queueOffset && (commitLogOffset === undefined || message.commitLogOffset === commitLogOffset)) return message;
    const damage = damaged.find((report) => report.queueOffset === queueOffset);
    if (damage !== undefined) throw new MqliteError('DAMAGED', `${topic}/${queueId}@${queueOffset} cannot be read: ${damage.reason}`);
  } catch (error) {
    if (commitLogOffset === undefined || !(error instanceof MqliteError) || (error.code !== 'TOPIC_NOT_FOUND' && error.code !== 'NOT_FOUND')) throw error;
  }
  const logged = commitLogOffset === undefined ? null : await readLogged(broker, commitLogOffset);
  if (logged?.topic === topic && logged.queueId === queueId && logged.queueOffset === queueOffset) return logged;
  throw new MqliteError('NOT_FOUND', `${topic}/${queueId}@${queueOffset} is not in the store any more`);
}

/** The message whose record begins there; null: none does, or the target has several logs. */
async function readLogged(broker: Broker, commitLogOffset: number): Promise<Message | null> {
  const ended = new AbortController();
  try {
    for await (const [record] of broker.readLog({ from: { at: 'offset', commitLogOffset }, follow: false }, ended.signal)) {
      return record?.recordType === 'message' && record.commitLogOffset === commitLogOffset ? record.message : null;
    }
    return null;
  } catch (error) {
    if (error instanceof MqliteError && (error.code === 'UNSUPPORTED' || error.code === 'NOT_FOUND' || error.code === 'INVALID_INPUT')) return null;
    throw error;
  } finally {
    ended.abort();
  }
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
