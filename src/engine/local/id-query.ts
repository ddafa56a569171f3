import type { KeyQuery, QueryResult } from '../../broker/types.ts';
import { parseOffsetMsgId } from '../../record/message-id.ts';
import type { Message } from '../../record/message.ts';
import type { StoreReader } from '../read/store-reader.ts';
import { queryByInnerId } from './inner-id-query.ts';
import type { TopicAdmin } from './topic-admin.ts';

/** Messages that share one client id in a topic: more than one exists only where ids were kept (`--keep-id`). */
const MAX_SAME_ID = 32;

/** By offsetMsgId, which is a place in the log, or by client id in one topic or all of them; inside batches only where nothing else has it. */
export const queryById = async (reader: StoreReader, admin: TopicAdmin, byKey: (query: KeyQuery) => QueryResult<Message>, msgId: string, topic: string | undefined): Promise<QueryResult<Message>> => {
  if (topic !== undefined) admin.require(topic);
  const position = parseOffsetMsgId(msgId);
  if (position !== null) {
    const message = reader.messageAt(position.commitLogOffset);
    if (message !== null && message.offsetMsgId === msgId.toUpperCase() && !admin.isDeleted(message)) return { messages: [message], truncated: false };
  }
  const topics = topic === undefined ? admin.list().map((config) => config.topic) : [topic];
  const found = topics.flatMap((name) => [...byKey({ topic: name, key: msgId, maxMessages: MAX_SAME_ID }).messages]).filter((message) => message.msgId === msgId);
  return { messages: found.length > 0 ? found : await queryByInnerId(reader, admin, msgId, topics, MAX_SAME_ID), truncated: false };
};
