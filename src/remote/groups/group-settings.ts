import type { Clock } from '../../base/clock.ts';
import { MqliteError } from '../../broker/errors.ts';
import type { SubscriptionGroupConfig } from '../../wire/body/group.ts';
import { RESPONSE_CODE } from '../../wire/codes.ts';
import { GET_SUBSCRIPTIONGROUP_CONFIG } from '../../wire/requests/group-admin.ts';
import { responseError } from '../../wire/response-error.ts';
import type { Cluster } from '../cluster.ts';

/** Settings change seldom, and are asked for with every message that goes back. */
const AGE_MS = 5000;
/** The broker is too old to tell, or does not tell us. */
const UNTOLD: ReadonlySet<number> = new Set([RESPONSE_CODE.REQUEST_CODE_NOT_SUPPORTED, RESPONSE_CODE.NO_PERMISSION, RESPONSE_CODE.SYSTEM_ERROR]);

/** What brokers have a group configured with. A broker that makes groups by itself makes it by being asked. */
export class GroupSettings {
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  readonly #known = new Map<string, { readonly config: SubscriptionGroupConfig | null; readonly atMs: number }>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#clock = cluster.client.options.clock;
  }

  /** null: the broker does not tell. Errors: GROUP_NOT_FOUND where groups are not made by themselves; UNREACHABLE, TIMED_OUT. */
  async at(brokerName: string, group: string): Promise<SubscriptionGroupConfig | null> {
    const key = `${brokerName}/${group}`;
    const known = this.#known.get(key);
    if (known !== undefined && this.#clock.elapsedMs() - known.atMs < AGE_MS) return known.config;
    const config = await this.#ask(brokerName, group);
    this.#known.set(key, { config, atMs: this.#clock.elapsedMs() });
    return config;
  }

  async #ask(brokerName: string, group: string): Promise<SubscriptionGroupConfig | null> {
    const { response, address } = await this.#cluster.ask(brokerName, GET_SUBSCRIPTIONGROUP_CONFIG, { group }, null);
    if (response.code === RESPONSE_CODE.SUCCESS) return this.#cluster.client.decode(address, GET_SUBSCRIPTIONGROUP_CONFIG, response).body;
    if (UNTOLD.has(response.code)) return null;
    if (response.code === RESPONSE_CODE.SUBSCRIPTION_GROUP_NOT_EXIST) {
      throw new MqliteError('GROUP_NOT_FOUND', `group ${group} does not exist on broker ${brokerName}, which makes none by itself (autoCreateSubscriptionGroup is off)`, { hint: `make it: mqlite groups create ${group}` });
    }
    throw responseError(`broker ${brokerName} (${address})`, GET_SUBSCRIPTIONGROUP_CONFIG.name, response);
  }
}
