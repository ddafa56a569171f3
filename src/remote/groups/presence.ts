import type { Clock } from '../../base/clock.ts';
import type { HeartbeatData } from '../../wire/body/heartbeat.ts';
import { HEART_BEAT, UNREGISTER_CLIENT } from '../../wire/requests/client.ts';
import { heartbeatMs } from '../client-settings.ts';
import type { RemotingClient } from '../remoting-client.ts';

/** Leaving does not wait for a broker that is gone. */
const UNREGISTER_TIMEOUT_MS = 1000;

export interface PresenceParts {
  /** The member's own: a broker knows one client of a group by one connection. [ConsumerGroupInfo#updateChannel] */
  readonly client: RemotingClient;
  readonly group: string;
  readonly heartbeat: HeartbeatData;
  /** Of all brokers that have its topics, slaves too: reading from one needs it as well. [MQClientInstance#sendHeartbeatToAllBroker] */
  readonly addresses: () => Promise<readonly string[]>;
  /** Before the first heartbeat and each regular one, looks what the broker knows of the group by then. Must not throw. */
  readonly compare: (address: string) => Promise<void>;
  /** A broker knows of this member which did not before. */
  readonly onRegistered: () => void;
}

/**
 * A member's being there, as brokers see it: a heartbeat to each every 30 s, and at once to one over a new connection. A broker that cannot be
 * reached is tried again with the next.
 */
export class Presence {
  readonly #parts: PresenceParts;
  readonly #clock: Clock;
  /** Brokers that know of this client, over the connection that there is. */
  readonly #registered = new Set<string>();
  readonly #stop = new AbortController();
  #nudge = new AbortController();
  #running: Promise<void> | null = null;

  constructor(parts: PresenceParts) {
    this.#parts = parts;
    this.#clock = parts.client.options.clock;
    parts.client.onConnected((address) => {
      this.#registered.delete(address);
      this.nudge();
    });
  }

  /** The first heartbeats. Errors: what the first broker says when none takes it. */
  async begin(): Promise<void> {
    const addresses = await this.#parts.addresses();
    if (addresses[0] !== undefined) await this.#parts.compare(addresses[0]);
    const failures = (await Promise.all(addresses.map((address) => this.#beat(address)))).filter((failure) => failure !== null);
    if (failures.length === addresses.length && failures.length > 0) throw failures[0]!;
    this.#running = this.#run();
  }

  /** One heartbeat, now: the broker has forgotten this member. null, or why it failed. */
  async renew(address: string): Promise<Error | null> {
    this.#registered.delete(address);
    return this.#beat(address);
  }

  /** Brokers that have not heard of this member do now. */
  nudge(): void {
    this.#nudge.abort();
  }

  /** Leaves at once, at every broker. */
  async end(clientId: string): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.nudge();
    await this.#running;
    const { client, group } = this.#parts;
    const leaving = [...this.#registered].map((address) => client.call(address, UNREGISTER_CLIENT, { clientID: clientId, consumerGroup: group }, null, { timeoutMs: UNREGISTER_TIMEOUT_MS }));
    this.#registered.clear();
    await Promise.allSettled(leaving);
  }

  async #run(): Promise<void> {
    const { addresses, compare, onRegistered, client } = this.#parts;
    const intervalMs = heartbeatMs(client.options.settings);
    let beatenMs = this.#clock.elapsedMs();
    while (!this.#stop.signal.aborted) {
      await this.#clock.sleep(Math.max(0, beatenMs + intervalMs - this.#clock.elapsedMs()), this.#nudge.signal);
      this.#nudge = new AbortController();
      if (this.#stop.signal.aborted) return;
      const isDue = this.#clock.elapsedMs() - beatenMs >= intervalMs;
      const all = await addresses().catch(() => []);
      const wanted = isDue ? all : all.filter((address) => !this.#registered.has(address));
      if (isDue) beatenMs = this.#clock.elapsedMs();
      if (wanted.length === 0) continue;
      const arrivals = await Promise.all(wanted.map(async (address) => {
        const isNew = !this.#registered.has(address);
        if (isDue) await compare(address);
        return (await this.#beat(address)) === null && isNew;
      }));
      if (arrivals.includes(true)) onRegistered();
    }
  }

  async #beat(address: string): Promise<Error | null> {
    if (this.#stop.signal.aborted) return null;
    try {
      await this.#parts.client.call(address, HEART_BEAT, {}, this.#parts.heartbeat);
      this.#registered.add(address);
      return null;
    } catch (error) {
      this.#registered.delete(address);
      return error as Error;
    }
  }
}
