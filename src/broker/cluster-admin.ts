/** What only a cluster has: its brokers. Part of the port; null on a store directory. */
export interface ClusterAdmin {
  /**
   * Every broker that the name server knows, by cluster, name and id; `stats` null and `problem` said for one that does not answer.
   * Errors: UNREACHABLE when no name server answers or no broker is registered.
   */
  brokers(): Promise<BrokerInfo[]>;
  /** Names of brokers that were registered while this was open, and were not when that was last asked: what they hold is left out. */
  absent(): readonly string[];
  /** Every setting of a broker, by name. Errors: NOT_FOUND (no such broker), UNREACHABLE, PERMISSION_DENIED. */
  config(broker: BrokerAddress): Promise<Readonly<Record<string, string>>>;
  /** Sets settings at once; what is not named stays. Whether it took effect is to be read back: a broker drops names that it does not know. */
  configure(broker: BrokerAddress, settings: Readonly<Record<string, string>>): Promise<void>;
}

/** A broker as it is registered. */
export interface BrokerAddress {
  readonly brokerName: string;
  /** 0: the master. */
  readonly brokerId: number;
  /** host:port */
  readonly address: string;
}

export interface BrokerInfo extends BrokerAddress {
  readonly clusterName: string;
  /** What it says of itself [GET_BROKER_RUNTIME_INFO]; null when it did not answer. */
  readonly stats: BrokerStats | null;
  /** Why it did not. */
  readonly problem: string | null;
}

export interface BrokerStats {
  /** V5_5_0 */
  readonly version: string | null;
  readonly bootTimestamp: number | null;
  /** Messages a second, over the last 10 s. */
  readonly messagesInPerSecond: number | null;
  readonly messagesOutPerSecond: number | null;
  /** Part of the disk of the commit log that is in use, 0 to 1. */
  readonly diskUsedRatio: number | null;
  readonly commitLogMinOffset: number | null;
  readonly commitLogMaxOffset: number | null;
  /** storeTimestamp of the oldest message. */
  readonly earliestStoreTimestamp: number | null;
  /** What of the commit log is not in the queues yet, in bytes. */
  readonly dispatchBehindBytes: number | null;
  /** Everything it says, as it says it. */
  readonly properties: Readonly<Record<string, string>>;
}
