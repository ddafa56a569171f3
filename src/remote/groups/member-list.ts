import { isGone } from '../../broker/gone.ts';
import { RESPONSE_CODE } from '../../wire/codes.ts';
import { GET_CONSUMER_LIST_BY_GROUP } from '../../wire/requests/client.ts';
import type { RemotingClient } from '../remoting-client.ts';

/**
 * Client ids of the group's members, of the first of these brokers that answers: every broker knows all of them. null: none answers, and nothing
 * is to be concluded. [MQClientInstance#findConsumerIdList]
 */
export const memberIds = async (client: RemotingClient, group: string, addresses: readonly string[]): Promise<{ readonly ids: readonly string[]; readonly address: string } | null> => {
  for (const address of addresses) {
    try {
      const response = await client.ask(address, GET_CONSUMER_LIST_BY_GROUP, { consumerGroup: group }, null);
      // Of a group without members a broker says that something went wrong.
      if (response.code === RESPONSE_CODE.SYSTEM_ERROR) return { ids: [], address };
      if (response.code === RESPONSE_CODE.SUCCESS) return { ids: client.decode(address, GET_CONSUMER_LIST_BY_GROUP, response).body.consumerIdList, address };
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
  return null;
};
