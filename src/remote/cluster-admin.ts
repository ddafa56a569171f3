import type { BrokerAddress, BrokerInfo, BrokerStats, ClusterAdmin } from '../broker/cluster-admin.ts';
import { MqliteError } from '../broker/errors.ts';
import { GET_BROKER_CONFIG, UPDATE_BROKER_CONFIG } from '../wire/requests/broker-admin.ts';
import type { Cluster } from './cluster.ts';
import { toPortError } from './failures.ts';
import { runtimeInfo } from './runtime-info.ts';

/** The brokers of the cluster, asked one by one and all at once. */
export class RemoteClusterAdmin implements ClusterAdmin {
  readonly #cluster: Cluster;
  readonly #mode: 'read' | 'write';

  constructor(cluster: Cluster, mode: 'read' | 'write') {
    this.#cluster = cluster;
    this.#mode = mode;
  }

  async brokers(): Promise<BrokerInfo[]> {
    const { brokerAddrTable } = await this.#cluster.info();
    const known = Object.values(brokerAddrTable).flatMap(({ brokerName, brokerAddrs, cluster }) =>
      [...brokerAddrs].map(([brokerId, address]) => ({ clusterName: cluster ?? '', brokerName, brokerId, address })));
    if (known.length === 0) {
      throw new MqliteError('UNREACHABLE', `name server ${this.#cluster.nameServers.addresses.join(';')} answers, but no broker is registered there`, {
        hint: 'A broker registers within 30 s of its start, at the name server that its namesrvAddr names.',
      });
    }
    const brokers = await Promise.all(known.map(async (broker): Promise<BrokerInfo> => {
      try {
        return { ...broker, stats: brokerStats(await runtimeInfo(this.#cluster, broker)), problem: null };
      } catch (error) {
        return { ...broker, stats: null, problem: error instanceof Error ? error.message : String(error) };
      }
    }));
    return brokers.sort((left, right) => compare(left.clusterName, right.clusterName) || compare(left.brokerName, right.brokerName) || left.brokerId - right.brokerId);
  }

  absent(): readonly string[] {
    return this.#cluster.absentBrokers();
  }

  async config({ brokerName, address }: BrokerAddress): Promise<Readonly<Record<string, string>>> {
    const { body } = await this.#doing(brokerName, address, () => this.#cluster.client.call(address, GET_BROKER_CONFIG, {}, null));
    return body;
  }

  async configure({ brokerName, address }: BrokerAddress, settings: Readonly<Record<string, string>>): Promise<void> {
    if (this.#mode === 'read') throw new MqliteError('READ_ONLY', `broker ${brokerName} is open for reading only`);
    await this.#doing(brokerName, address, () => this.#cluster.client.call(address, UPDATE_BROKER_CONFIG, {}, settings));
  }

  async #doing<T>(brokerName: string, address: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      throw toPortError(await this.#cluster.explain(error, brokerName, address), `broker ${brokerName} (${address})`);
    }
  }
}

/** Rates are `10s 60s 600s` in one text; what is missing or no number is null: versions differ in what they tell. [AdminBrokerProcessor#prepareRuntimeInfo] */
export const brokerStats = (properties: Readonly<Record<string, string>>): BrokerStats => {
  const number = (name: string): number | null => {
    const text = properties[name]?.trim().split(/\s+/)[0];
    const value = text === undefined || text === '' ? Number.NaN : Number(text);
    return Number.isFinite(value) && value >= 0 ? value : null;
  };
  return {
    version: properties['brokerVersionDesc'] ?? null,
    bootTimestamp: number('bootTimestamp'),
    messagesInPerSecond: number('putTps'),
    messagesOutPerSecond: number('getTransferredTps'),
    diskUsedRatio: number('commitLogDiskRatio'),
    commitLogMinOffset: number('commitLogMinOffset'),
    commitLogMaxOffset: number('commitLogMaxOffset'),
    earliestStoreTimestamp: number('earliestMessageTimeStamp'),
    dispatchBehindBytes: number('dispatchBehindBytes'),
    properties,
  };
};

const compare = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);
