import { isGone } from '../broker/gone.ts';
import type { Message } from '../record/message.ts';
import { RESPONSE_CODE } from '../wire/codes.ts';
import { decodeMessageStream } from '../wire/message-stream.ts';
import type { RequestDefinition } from '../wire/definition.ts';
import type { RemotingCommand } from '../wire/frame.ts';
import { QUERY_MESSAGE, VIEW_MESSAGE_BY_ID } from '../wire/requests/query-message.ts';
import { responseError } from '../wire/response-error.ts';
import type { Cluster } from './cluster.ts';

/** [MessageStoreConfig#defaultQueryMaxNum]: a broker does not ask how many with one id are wanted. */
export const MAX_SAME_ID = 32;

export interface IndexQuery {
  readonly topic: string;
  readonly key: string;
  readonly isUniqueKey: boolean;
  readonly maxNum: number;
  readonly beginTimestamp: number;
  /** null: no end. */
  readonly endTimestamp: number | null;
}

/** 2^63 - 1 */
const NO_END = 9_223_372_036_854_775_807n;
/** A broker reads every record from its log, as far back as its disk. [DefaultMQAdminExt#timeoutMillis] */
const QUERY_TIMEOUT_MS = 15_000;

/** Records as brokers find them by place or through their index: where a master is gone, its slaves are asked. */
export class StoredRecords {
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** The record at an offset of the broker's commit log; null: none begins there. Errors: UNREACHABLE, TIMED_OUT, NOT_FOUND (the broker), those of the answer. */
  async at(brokerName: string, address: string, commitLogOffset: number): Promise<Message | null> {
    const response = await this.#cluster.askAt(brokerName, address, VIEW_MESSAGE_BY_ID, { offset: commitLogOffset }, null);
    if (response.code === RESPONSE_CODE.SYSTEM_ERROR) return null;
    const { body } = this.#decoded(brokerName, address, VIEW_MESSAGE_BY_ID, response);
    // In the middle of a record the broker answers with whatever lies there.
    const [message] = decodeMessageStream(asBuffer(body), brokerName).messages;
    return message !== undefined && message.commitLogOffset === commitLogOffset ? message : null;
  }

  /** What the index of a broker names, false friends of equal hashes among them. */
  async query(brokerName: string, { topic, key, isUniqueKey, maxNum, beginTimestamp, endTimestamp }: IndexQuery): Promise<readonly Message[]> {
    const { response, address } = await this.#anyReplica(brokerName, (at) => this.#cluster.askAt(brokerName, at, QUERY_MESSAGE, {
      topic, key, isUniqueKey, maxNum, beginTimestamp, endTimestamp: endTimestamp ?? NO_END, bname: brokerName,
    }, null, { timeoutMs: QUERY_TIMEOUT_MS }));
    if (response.code === RESPONSE_CODE.QUERY_NOT_FOUND) return [];
    return decodeMessageStream(asBuffer(this.#decoded(brokerName, address, QUERY_MESSAGE, response).body), brokerName).messages;
  }

  async #anyReplica(brokerName: string, ask: (address: string) => Promise<RemotingCommand>): Promise<{ readonly response: RemotingCommand; readonly address: string }> {
    const replicas = [...await this.#cluster.addresses(brokerName)].sort(([left], [right]) => left - right).map(([, address]) => address);
    for (const [attempt, address] of replicas.entries()) {
      try {
        return { response: await ask(address), address };
      } catch (error) {
        if (!isGone(error) || attempt === replicas.length - 1) throw error;
      }
    }
    // `addresses` never answers none.
    throw new Error(`broker ${brokerName} has no address`);
  }

  #decoded<S, SB>(brokerName: string, address: string, definition: RequestDefinition<unknown, unknown, S, SB>, response: RemotingCommand): { readonly header: S; readonly body: SB } {
    if (response.code !== RESPONSE_CODE.SUCCESS) throw responseError(`broker ${brokerName} (${address})`, definition.name, response);
    return this.#cluster.client.decode(address, definition, response);
  }
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
