import type { QueryResult } from '../broker/types.ts';
import type { Message } from '../record/message.ts';
import { RESPONSE_CODE } from '../wire/codes.ts';
import { QUERY_CONSUME_QUEUE } from '../wire/requests/broker-admin.ts';
import type { Cluster } from './cluster.ts';

/**
 * What of looked-up messages is a topic's now. Records of a deleted topic stay in the log and in the index: what no queue names, of a topic of the same
 * name made since or of none, is nobody's.
 */
export const currentRecords = async (cluster: Cluster, { messages, truncated }: QueryResult<Message>): Promise<QueryResult<Message>> => {
  const isCurrent = await Promise.all(messages.map((message) => isNamed(cluster, message)));
  return { messages: messages.filter((_, index) => isCurrent[index]), truncated };
};

const isNamed = async (cluster: Cluster, { topic, brokerName, queueId, queueOffset, commitLogOffset }: Message): Promise<boolean> => {
  const route = await cluster.findRoute(topic);
  if (route === null || !route.queues.some((data) => data.brokerName === brokerName)) return false;
  const { response, address } = await cluster.ask(brokerName, QUERY_CONSUME_QUEUE, { topic, queueId, index: queueOffset, count: 1, bname: brokerName }, null);
  // An empty queue is answered without a body.
  if (response.code === RESPONSE_CODE.SYSTEM_ERROR || (response.code === RESPONSE_CODE.SUCCESS && response.body === null)) return false;
  // One who may read messages and not queues is not kept from them; nor are batches, whose entries cover several.
  if (response.code !== RESPONSE_CODE.SUCCESS) return true;
  const { queueData: [entry], minQueueIndex, maxQueueIndex } = cluster.client.decode(address, QUERY_CONSUME_QUEUE, response).body;
  if (queueOffset < minQueueIndex) return true;
  return queueOffset < maxQueueIndex && (entry === undefined || entry.physicOffset === commitLogOffset);
};
