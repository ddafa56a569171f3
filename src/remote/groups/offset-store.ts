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
  /** Per broker and topic, the first commit: settled, whether it went well or not, once others may follow. */
  readonly #firstCommits = new Map<string, Promise<unknown>>();

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

  /**
   * false: it did not count, because the queue was reset and nobody has taken notice (`takeReset`). Errors as above.
   *
   * A broker that takes the first offsets of a group in a topic at the same time may keep one of them only, and says SUCCESS to all: the first one goes
   * alone, and is read back because other members may have theirs at that moment. [ConsumerOffsetManager#commitOffset]
   */
  async commit(queue: MessageQueue, offset: number): Promise<boolean> {
    const key = JSON.stringify([queue.brokerName, queue.topic]);
    const first = this.#firstCommits.get(key);
    if (first !== undefined) {
      await first;
      return this.#write(queue, offset);
    }
    const attempt = this.#writeFirst(queue, offset);
    this.#firstCommits.set(key, attempt.catch(() => this.#firstCommits.delete(key)));
    return attempt;
  }

  async #writeFirst(queue: MessageQueue, offset: number): Promise<boolean> {
    const didCount = await this.#write(queue, offset);
    if (didCount && await this.query(queue) === null) return this.#write(queue, offset);
    return didCount;
  }

  async #write({ topic, brokerName, queueId }: MessageQueue, offset: number): Promise<boolean> {
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
