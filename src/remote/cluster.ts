import type { Clock } from '../base/clock.ts';
import { MqliteError } from '../broker/errors.ts';
import { isGone } from '../broker/gone.ts';
import { AUTO_CREATE_TOPIC } from '../broker/names.ts';
import { RESPONSE_CODE } from '../wire/codes.ts';
import type { BrokerData, ClusterInfo } from '../wire/body/route.ts';
import type { Decoded, RequestDefinition } from '../wire/definition.ts';
import type { RemotingCommand } from '../wire/frame.ts';
import { GET_BROKER_CLUSTER_INFO, GET_ROUTEINFO_BY_TOPIC } from '../wire/requests/route.ts';
import { responseError } from '../wire/response-error.ts';
import { routeAgeMs } from './client-settings.ts';
import type { NameServers } from './name-servers.ts';
import type { AskOptions, RemotingClient } from './remoting-client.ts';
import { registrationChanges } from './registrations.ts';
import { MASTER_ID, toRoute } from './routes.ts';
import type { TopicRoute } from './routes.ts';

/** How long a topic that was just made may be unknown to the name server: its broker registers it a moment later. */
const NEW_TOPIC_MS = 5000;
const NEW_TOPIC_POLL_MS = 20;
/** How old what is known of the cluster may be while a broker is gone, in ms: whoever waits for it wants to know soon. */
const AGE_WHILE_GONE_MS = 5000;

/** A broker name with its master: where what changes something goes. */
export interface Master {
  readonly brokerName: string;
  readonly address: string;
  readonly clusterName: string;
}

interface CachedRoute {
  readonly route: TopicRoute;
  readonly atMs: number;
}

/**
 * What is known of the cluster: brokers and their addresses, routes of topics. Asked of the name servers, kept for a while, and used beyond
 * that while no name server answers.
 */
export class Cluster {
  readonly client: RemotingClient;
  readonly nameServers: NameServers;
  readonly #onNotice: (text: string) => void;
  readonly #clock: Clock;
  readonly #routeAgeMs: number;
  readonly #routes = new Map<string, CachedRoute>();
  /** By topic, the brokers of its last route. */
  readonly #homes = new Map<string, readonly string[]>();
  readonly #brokers = new Map<string, BrokerData>();
  /** Topics made by this process, until when they may still be unknown. */
  readonly #expected = new Map<string, number>();
  /** No broker that is known is gone. */
  #isWhole = true;
  #info: { readonly value: ClusterInfo; readonly atMs: number } | null = null;

  /** `onNotice` is told of brokers that go and come back while this lives. */
  constructor(client: RemotingClient, nameServers: NameServers, onNotice: (text: string) => void = () => undefined) {
    this.client = client;
    this.nameServers = nameServers;
    this.#onNotice = onNotice;
    this.#clock = client.options.clock;
    this.#routeAgeMs = routeAgeMs(client.options.settings);
  }

  // -- brokers

  /** Every broker name with a master, by name. Errors: UNREACHABLE when no name server answers or no broker is registered. */
  async masters(): Promise<Master[]> {
    const { brokerAddrTable } = await this.info();
    const masters = Object.values(brokerAddrTable).flatMap(({ brokerName, brokerAddrs, cluster }): Master[] => {
      const address = brokerAddrs.get(MASTER_ID);
      return address === undefined ? [] : [{ brokerName, address, clusterName: cluster ?? '' }];
    });
    if (masters.length === 0) throw this.#noBroker();
    return masters.sort((left, right) => (left.brokerName < right.brokerName ? -1 : 1));
  }

  /** Those that are known, and were not registered when that was last asked. */
  absentBrokers(): string[] {
    const registered = this.#info?.value.brokerAddrTable;
    return registered === undefined ? [] : [...this.#brokers.keys()].filter((name) => !(name in registered)).sort();
  }

  /** Names and addresses of all brokers. */
  async info(): Promise<ClusterInfo> {
    const nowMs = this.#clock.elapsedMs();
    if (this.#info !== null && nowMs - this.#info.atMs < this.#maxAgeMs()) return this.#info.value;
    try {
      const { response, address } = await this.nameServers.ask(GET_BROKER_CLUSTER_INFO, {}, null);
      if (response.code !== RESPONSE_CODE.SUCCESS) throw responseError(`name server ${address}`, GET_BROKER_CLUSTER_INFO.name, response);
      const { body } = this.client.decode(address, GET_BROKER_CLUSTER_INFO, response);
      for (const broker of Object.values(body.brokerAddrTable)) this.#brokers.set(broker.brokerName, broker);
      const before = this.#info?.value;
      this.#info = { value: body, atMs: nowMs };
      this.#isWhole = this.absentBrokers().length === 0;
      if (before !== undefined) for (const change of registrationChanges(before, body)) this.#onNotice(change);
      return body;
    } catch (error) {
      if (this.#info === null || !isGone(error)) throw error;
      return this.#info.value;
    }
  }

  /** Addresses of a broker name by broker id. Error: NOT_FOUND. */
  async addresses(brokerName: string): Promise<ReadonlyMap<number, string>> {
    if (!this.#brokers.has(brokerName) || this.#info?.atMs === -Infinity) await this.info();
    const broker = this.#brokers.get(brokerName);
    if (broker !== undefined && broker.brokerAddrs.size > 0) return broker.brokerAddrs;
    throw new MqliteError('NOT_FOUND', `${this.#nameServerText()} knows no broker ${brokerName}`, { hint: 'It may be down: brokers that are gone for 2 minutes are forgotten. See "mqlite topics show".' });
  }

  /** A broker that was known and is gone took its queues out of the routes: they are still there. Error: UNREACHABLE. */
  async requireRegistered(brokerName: string): Promise<void> {
    if (!this.#brokers.has(brokerName) || brokerName in (await this.info()).brokerAddrTable) return;
    throw new MqliteError('UNREACHABLE', `broker ${brokerName} is not registered any more`, { hint: 'It registers within 30 s of its start.' });
  }

  /** Address of the master. Errors: NOT_FOUND; UNREACHABLE when there are only slaves. */
  async masterAddress(brokerName: string): Promise<string> {
    const address = (await this.addresses(brokerName)).get(MASTER_ID);
    if (address !== undefined) return address;
    throw new MqliteError('UNREACHABLE', `broker ${brokerName} has no master at the moment`, { hint: 'Its slaves can be read from; writing needs the master.' });
  }

  /** Whose address this is: an id that names a host is asked only of a broker that has it. null: nobody's. */
  async brokerAt(address: string): Promise<{ readonly brokerName: string; readonly address: string } | null> {
    const { brokerAddrTable } = await this.info();
    const owner = Object.values(brokerAddrTable).find(({ brokerAddrs }) => [...brokerAddrs.values()].includes(address));
    return owner === undefined ? null : { brokerName: owner.brokerName, address };
  }

  /** Asks the master of a broker name. Errors as `RemotingClient#call`, with what to do when its address cannot be reached. */
  async call<Q, QB, S, SB>(brokerName: string, definition: RequestDefinition<Q, QB, S, SB>, header: Q, body: QB, options?: AskOptions): Promise<Decoded<S, SB>> {
    const address = await this.masterAddress(brokerName);
    try {
      return await this.client.call(address, definition, header, body, options);
    } catch (error) {
      throw await this.explain(error, brokerName, address);
    }
  }

  /** The same, the answer whatever its code. */
  async ask<Q, QB>(brokerName: string, definition: RequestDefinition<Q, QB, unknown, unknown>, header: Q, body: QB, options?: AskOptions): Promise<{ readonly response: RemotingCommand; readonly address: string }> {
    const address = await this.masterAddress(brokerName);
    return { response: await this.askAt(brokerName, address, definition, header, body, options), address };
  }

  async askAt<Q, QB>(brokerName: string, address: string, definition: RequestDefinition<Q, QB, unknown, unknown>, header: Q, body: QB, options?: AskOptions): Promise<RemotingCommand> {
    try {
      return await this.client.ask(address, definition, header, body, options);
    } catch (error) {
      throw await this.explain(error, brokerName, address);
    }
  }

  /** A broker that cannot be reached: it is named, and an address that never worked is said to be its own word. What is known of it is looked up anew next time. */
  async explain(error: unknown, brokerName: string, address: string): Promise<unknown> {
    if (!isGone(error)) return error;
    this.#doubt();
    return new MqliteError(error.code, `broker ${brokerName}: ${error.message}`, {
      hint: this.client.hasReached(address) ? error.hint ?? 'Is it running?' : `${address} is what the broker calls itself at the name server. If it runs, that address cannot be reached from here: set brokerIP1 in its broker.conf to one that can.`, cause: error,
    });
  }

  // -- topics

  /** null: the name server knows no such topic. Errors: UNREACHABLE when none answers and nothing is known. */
  async findRoute(topic: string): Promise<TopicRoute | null> {
    const known = this.#routes.get(topic);
    if (known !== undefined && this.#clock.elapsedMs() - known.atMs < this.#maxAgeMs()) return known.route;
    try {
      let route = await this.#fetchRoute(topic);
      const untilMs = this.#expected.get(topic) ?? -Infinity;
      while (route === null && this.#clock.elapsedMs() < untilMs) {
        await this.#clock.sleep(NEW_TOPIC_POLL_MS);
        route = await this.#fetchRoute(topic);
      }
      this.#expected.delete(topic);
      if (route === null) this.#routes.delete(topic);
      return route;
    } catch (error) {
      if (known === undefined || !isGone(error)) throw error;
      return known.route;
    }
  }

  /** Errors: TOPIC_NOT_FOUND; UNREACHABLE when no broker is registered, or one that had the topic is not any more; UNSUPPORTED for static topics. */
  async route(topic: string): Promise<TopicRoute> {
    const route = await this.findRoute(topic);
    if (route === null) throw await this.#noRoute(topic);
    if (route.isStatic) throw new MqliteError('UNSUPPORTED', `${topic} is a static topic (its queues are mapped over brokers), which this version does not read or write`);
    return route;
  }

  /** The route of topics that are made by sending to them; null where no broker makes topics. [TBW102] */
  autoCreateRoute(): Promise<TopicRoute | null> {
    return this.findRoute(AUTO_CREATE_TOPIC);
  }

  /** This process made the topic, or changed it: what is known is asked anew, and waited for a while. */
  expect(topic: string): void {
    this.#routes.delete(topic);
    this.#expected.set(topic, this.#clock.elapsedMs() + NEW_TOPIC_MS);
  }

  /** What is known of the topic may be out of date. */
  forget(topic: string): void {
    this.#routes.delete(topic);
    this.#expected.delete(topic);
  }

  /** Waits until the name server says of the topic what `isThere` wants; false: it does not in time. */
  async until(topic: string, isThere: (route: TopicRoute | null) => boolean): Promise<boolean> {
    for (const untilMs = this.#clock.elapsedMs() + NEW_TOPIC_MS; ;) {
      this.forget(topic);
      if (isThere(await this.findRoute(topic))) return true;
      if (this.#clock.elapsedMs() >= untilMs) return false;
      await this.#clock.sleep(NEW_TOPIC_POLL_MS);
    }
  }

  #maxAgeMs(): number {
    return this.#isWhole ? this.#routeAgeMs : Math.min(AGE_WHILE_GONE_MS, this.#routeAgeMs);
  }

  async #fetchRoute(topic: string): Promise<TopicRoute | null> {
    const { response, address } = await this.nameServers.ask(GET_ROUTEINFO_BY_TOPIC, { topic, acceptStandardJsonOnly: true }, null);
    if (response.code === RESPONSE_CODE.TOPIC_NOT_EXIST) return null;
    if (response.code !== RESPONSE_CODE.SUCCESS) throw responseError(`name server ${address}`, GET_ROUTEINFO_BY_TOPIC.name, response);
    const route = toRoute(topic, this.client.decode(address, GET_ROUTEINFO_BY_TOPIC, response).body);
    for (const broker of route.brokers.values()) this.#brokers.set(broker.brokerName, broker);
    this.#homes.set(topic, [...route.brokers.keys()]);
    const before = this.#routes.get(topic)?.route;
    this.#routes.set(topic, { route, atMs: this.#clock.elapsedMs() });
    if (before !== undefined && !isSameBrokers(before, route)) await this.#lookAgain();
    return route;
  }

  /** A topic has queues on other brokers than before: whether one is gone is said by the list of all. */
  async #lookAgain(): Promise<void> {
    if (this.#info === null) return;
    this.#info = { ...this.#info, atMs: -Infinity };
    await this.info();
  }

  /** Which of the reasons it is that a topic has no route. */
  async #noRoute(topic: string): Promise<MqliteError> {
    this.#doubt();
    await this.masters();
    for (const brokerName of this.#homes.get(topic) ?? []) await this.requireRegistered(brokerName);
    const isMade = (await this.autoCreateRoute()) !== null;
    return new MqliteError('TOPIC_NOT_FOUND', `topic ${topic} does not exist in the cluster of ${this.#nameServerText()}`, {
      hint: isMade ? 'List topics with "mqlite topics list".' : `The cluster makes no topics by itself (autoCreateTopicEnable is off): mqlite topics create ${topic}`,
    });
  }

  /** What is known may be out of date: it is asked anew, and used only while no name server answers. */
  #doubt(): void {
    if (this.#info !== null) this.#info = { ...this.#info, atMs: -Infinity };
    for (const [topic, cached] of this.#routes) this.#routes.set(topic, { ...cached, atMs: -Infinity });
  }

  #noBroker(): MqliteError {
    return new MqliteError('UNREACHABLE', `${this.#nameServerText()} answers, but no broker is registered there`, {
      hint: 'Is a broker running, and does its namesrvAddr name this name server? It registers within 30 s of its start.',
    });
  }

  #nameServerText(): string {
    const { addresses } = this.nameServers;
    return `name server${addresses.length === 1 ? '' : 's'} ${addresses.join(';')}`;
  }
}

const isSameBrokers = (before: TopicRoute, now: TopicRoute): boolean =>
  before.brokers.size === now.brokers.size && [...before.brokers].every(([name, { brokerAddrs }]) => brokerAddrs.has(MASTER_ID) === now.brokers.get(name)?.brokerAddrs.has(MASTER_ID));
