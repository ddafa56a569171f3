import { MqliteError } from '../broker/errors.ts';
import { AUTO_CREATE_TOPIC } from '../broker/names.ts';
import { GET_TOPIC_CONFIG } from '../wire/requests/topic-admin.ts';
import type { Cluster } from './cluster.ts';

/** Releases of brokers: every answer says it. */
export class BrokerVersions {
  readonly #cluster: Cluster;
  readonly #versions = new Map<string, number>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  async of(brokerName: string): Promise<number> {
    let version = this.#versions.get(brokerName);
    if (version === undefined) {
      version = (await this.#cluster.ask(brokerName, GET_TOPIC_CONFIG, { topic: AUTO_CREATE_TOPIC }, null)).response.version;
      this.#versions.set(brokerName, version);
    }
    return version;
  }

  /** Error: UNSUPPORTED for an older broker. @param why in a user's words */
  async require(brokerName: string, version: number, why: string): Promise<void> {
    if (await this.of(brokerName) < version) throw new MqliteError('UNSUPPORTED', `broker ${brokerName} is too old: ${why}`, { hint: 'Use --delay-level, which every broker has.' });
  }
}
