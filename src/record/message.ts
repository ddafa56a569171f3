/**
 * A stored message as every part of mqlite sees it. Field names are RocketMQ's own.
 * Implementations may compute the derived fields (ids, hosts, tags, keys, decompressed body) on first use.
 */
export interface Message {
  /** The topic under which the record is stored (a system topic for delayed, retried, half or dead messages). */
  readonly topic: string;
  /** The topic the producer meant: RETRY_TOPIC, else REAL_TOPIC, else null. */
  readonly originTopic: string | null;
  readonly brokerName: string;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly commitLogOffset: number;
  /** Whole record in the commit log, in bytes. */
  readonly storeSize: number;
  /** The client's UNIQ_KEY; offsetMsgId when there is none. */
  readonly msgId: string;
  readonly offsetMsgId: string;
  readonly tags: string | null;
  readonly keys: readonly string[];
  /** Decompressed. Throws CodecError(DAMAGED) when the stored bytes cannot be decompressed. */
  readonly body: Buffer;
  /** Every property of the record, the system's too. No prototype. */
  readonly properties: Readonly<Record<string, string>>;
  readonly flag: number;
  /** Without the "compressed" bit: `body` is decompressed. */
  readonly sysFlag: number;
  readonly bodyCRC: number;
  readonly bornTimestamp: number;
  /** `ip:port`; IPv6 as `[ip]:port`. */
  readonly bornHost: string;
  readonly storeTimestamp: number;
  readonly storeHost: string;
  readonly reconsumeTimes: number;
  readonly preparedTransactionOffset: number;
}
