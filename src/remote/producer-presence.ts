import { isGone } from '../broker/gone.ts';
import type { Clock } from '../base/clock.ts';
import type { MqliteError } from '../broker/errors.ts';
import { HEART_BEAT, UNREGISTER_CLIENT } from '../wire/requests/client.ts';
import { heartbeatMs } from './client-settings.ts';
import type { Cluster, Master } from './cluster.ts';
import { toPortError } from './failures.ts';

/** Where some broker could not be told, and to see a new one soon. */
const RETRY_MS = 1000;

export interface PresenceOptions {
  readonly group: string;
  /**
   * Of this presence alone: a broker that unregisters one group of a client id pushes no more replies to that id, whatever other groups it
   * has. [ProducerManager#unregisterProducer]
   */
  readonly clientId: string;
  readonly onFailure?: ((error: MqliteError) => void) | undefined;
}

/**
 * A producer group that every master of the cluster knows to be here, from `enter` until `leave`: brokers ask it about half messages and push
 * replies to it. A connection that is made anew is told at once.
 */
export class ProducerPresence {
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  readonly #options: PresenceOptions;
  readonly #left = new AbortController();
  /** When each address was last told, by `Clock#elapsedMs`. */
  readonly #toldMs = new Map<string, number>();
  /** Every address that was ever told. */
  readonly #told = new Set<string>();
  #beating: Promise<void> = Promise.resolve();

  private constructor(cluster: Cluster, options: PresenceOptions) {
    this.#cluster = cluster;
    this.#clock = cluster.client.options.clock;
    this.#options = options;
  }

  /** Resolves when every master that can be reached knows. Errors: UNREACHABLE, TIMED_OUT when none can; PERMISSION_DENIED. */
  static async enter(cluster: Cluster, options: PresenceOptions): Promise<ProducerPresence> {
    const presence = new ProducerPresence(cluster, options);
    const masters = await cluster.masters();
    const failures = (await Promise.all(masters.map((master) => presence.#tell(master)))).filter((error) => error !== null);
    const serious = failures.find((error) => !isGone(error));
    if (serious !== undefined || failures.length === masters.length) {
      await presence.leave();
      throw serious ?? failures[0]!;
    }
    cluster.client.onConnected((address) => presence.#toldMs.delete(address));
    presence.#beating = presence.#beat();
    return presence;
  }

  get clientId(): string {
    return this.#options.clientId;
  }

  /** Every broker that was told is told so. Never rejects: one that cannot be reached forgets by itself. */
  async leave(): Promise<void> {
    if (this.#left.signal.aborted) return;
    this.#left.abort();
    // A heartbeat that is under way might come after the farewell.
    await this.#beating;
    const { clientId, group } = this.#options;
    await Promise.all([...this.#told].map((address) => this.#cluster.client.call(address, UNREGISTER_CLIENT, { clientID: clientId, producerGroup: group }, null).catch(() => undefined)));
  }

  async #beat(): Promise<void> {
    const { signal } = this.#left;
    while (!signal.aborted) {
      await this.#clock.sleep(RETRY_MS, signal);
      if (signal.aborted) return;
      try {
        const nowMs = this.#clock.elapsedMs();
        const due = (await this.#cluster.masters()).filter(({ address }) => nowMs - (this.#toldMs.get(address) ?? -Infinity) >= heartbeatMs(this.#cluster.client.options.settings));
        for (const failure of await Promise.all(due.map((master) => this.#tell(master)))) if (failure !== null) this.#options.onFailure?.(failure);
      } catch (error) {
        this.#options.onFailure?.(toPortError(error, 'heartbeats'));
      }
    }
  }

  /** null: it knows. */
  async #tell({ brokerName, address }: Master): Promise<MqliteError | null> {
    const { clientId, group } = this.#options;
    try {
      this.#told.add(address);
      await this.#cluster.client.call(address, HEART_BEAT, { bname: brokerName }, {
        clientID: clientId, consumerDataSet: [], heartbeatFingerprint: 0, producerDataSet: [{ groupName: group }], withoutSub: false,
      });
      this.#toldMs.set(address, this.#clock.elapsedMs());
      return null;
    } catch (error) {
      return toPortError(await this.#cluster.explain(error, brokerName, address), 'heartbeats');
    }
  }
}
