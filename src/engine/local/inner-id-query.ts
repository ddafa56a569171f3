import { nextTurn } from '../../base/clock.ts';
import type { Message } from '../../record/message.ts';
import { BatchQueueReader } from '../read/batch-queue-reader.ts';
import type { StoreReader } from '../read/store-reader.ts';
import type { TopicAdmin } from './topic-admin.ts';

const PULL_MESSAGES = 1024;
/** How long a search goes on before signals and timers get their turn. */
const PULLS_PER_TURN = 8;

/**
 * Messages of batches by their own client id. A broker that stores a batch as one record (queue.type=BatchCQ) puts the batch's id
 * into the index, not those of its messages, so that nothing but the batches themselves tells: the queues of such topics are read.
 * @param topics those to look in; whatever is no batch queue costs one look at its directory
 */
export const queryByInnerId = async (reader: StoreReader, admin: TopicAdmin, msgId: string, topics: readonly string[], maxMessages: number): Promise<Message[]> => {
  const found: Message[] = [];
  let pulls = 0;
  for (const queue of topics.flatMap((topic) => admin.queues(topic))) {
    const entries = reader.queue(queue.topic, queue.queueId);
    if (!(entries instanceof BatchQueueReader)) continue;
    let offset = entries.minOffset(reader.tail.minOffset());
    for (const end = entries.maxOffset(); offset < end && found.length < maxMessages;) {
      const { messages, nextOffset } = await reader.pull({ queue, offset, maxMessages: PULL_MESSAGES });
      found.push(...messages.filter((message) => message.msgId === msgId && !admin.isDeleted(message)));
      // Expired meanwhile, or deleted.
      if (nextOffset <= offset) break;
      offset = nextOffset;
      if (++pulls % PULLS_PER_TURN === 0) await nextTurn();
    }
  }
  return found.slice(0, maxMessages);
};
