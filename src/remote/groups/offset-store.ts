import type { MessageQueue } from '../../broker/types.ts';
import { RESPONSE_CODE } from '../../wire/codes.ts';
import { GET_MAX_OFFSET, QUERY_CONSUMER_OFFSET, UPDATE_CONSUMER_OFFSET } from '../../wire/requests/offsets.ts';
import { PULL_MESSAGE, PULL_SYS_FLAG } from '../../wire/requests/pull-message.ts';
import { responseError } from '../../wire/response-error.ts';
import type { Cluster } from '../cluster.ts';
import type { RemotingClient } from '../remoting-client.ts';

/** Why a commit did not count: what the broker puts beside its SUCCESS. [ConsumerManageProcessor#updateConsumerOffset] */
const RESET_REMARK = 'Offset has been previously reset';
/** Of a pull that met a reset. [GetMessageStatus] */
export const OFFSET_RESET = 'OFFSET_RESET';

/** A group's committed offsets, at the masters of its queues. [RemoteBrokerOffsetStore] */
export class OffsetStore {
  readonly #cluster: Cluster;
  readonly #client: RemotingClient;
  readonly #group: string;

  constructor(cluster: Cluster, client: RemotingClient, group: string) {
    this.#cluster = cluster;
    this.#client = client;
    this.#group = group;
  }

  /** Next offset to consume; null: nothing was ever committed. Errors: UNREACHABLE, TIMED_OUT and what a broker refuses. */
  async query({ topic, brokerName, queueId }: MessageQueue): Promise<number | null> {
    const address = await this.#cluster.masterAddress(brokerName);
    // Otherwise a young queue answers 0 although nothing was committed.
    const response = await this.#client.ask(address, QUERY_CONSUMER_OFFSET, { consumerGroup: this.#group, topic, queueId, setZeroIfNotFound: false, bname: brokerName }, null);
    if (response.code === RESPONSE_CODE.QUERY_NOT_FOUND) return null;
    if (response.code !== RESPONSE_CODE.SUCCESS) throw responseError(`broker ${brokerName} (${address})`, QUERY_CONSUMER_OFFSET.name, response);
    return this.#client.decode(address, QUERY_CONSUMER_OFFSET, response).header.offset;
  }

  /** Offset after the newest message. Errors as above. */
  async end({ topic, brokerName, queueId }: MessageQueue): Promise<number> {
    return (await this.#client.call(await this.#cluster.masterAddress(brokerName), GET_MAX_OFFSET, { topic, queueId, committed: true, bname: brokerName }, null)).header.offset;
  }

  /** false: it did not count, because the queue was reset and nobody has taken notice (`takeReset`). Errors as above. */
  async commit({ topic, brokerName, queueId }: MessageQueue, offset: number): Promise<boolean> {
    const address = await this.#cluster.masterAddress(brokerName);
    const response = await this.#client.ask(address, UPDATE_CONSUMER_OFFSET, { consumerGroup: this.#group, topic, queueId, commitOffset: offset, bname: brokerName }, null);
    if (response.code !== RESPONSE_CODE.SUCCESS) throw responseError(`broker ${brokerName} (${address})`, UPDATE_CONSUMER_OFFSET.name, response);
    return response.remark !== RESET_REMARK;
  }

  /**
   * Takes notice of a reset, as only a pull of the group does: from then on commits count again. null: there is none. At the end of the queue, so
   * that no message comes along. [PullMessageProcessor] [ConsumerOffsetManager#queryThenEraseResetOffset]
   */
  async takeReset(queue: MessageQueue): Promise<number | null> {
    const { topic, brokerName, queueId } = queue;
    const offset = await this.end(queue);
    const address = await this.#cluster.masterAddress(brokerName);
    const response = await this.#client.ask(address, PULL_MESSAGE, {
      consumerGroup: this.#group, topic, queueId, queueOffset: offset, maxMsgNums: 1, sysFlag: PULL_SYS_FLAG.SUBSCRIPTION, commitOffset: 0,
      suspendTimeoutMillis: 0, subscription: '*', subVersion: 0, expressionType: 'TAG', bname: brokerName,
    }, null);
    if (response.code !== RESPONSE_CODE.PULL_OFFSET_MOVED || response.remark !== OFFSET_RESET) return null;
    return this.#client.decode(address, PULL_MESSAGE, response).header.nextBeginOffset;
  }
}
