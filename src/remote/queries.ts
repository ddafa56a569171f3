import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { MqliteError } from '../broker/errors.ts';
import { validateTopicName } from '../broker/names.ts';
import type { KeyQuery, QueryResult } from '../broker/types.ts';
import { parseOffsetMsgId } from '../record/message-id.ts';
import type { Message } from '../record/message.ts';
import { PROPERTY } from '../record/properties.ts';
import type { Cluster } from './cluster.ts';
import { mapPooled } from './pool.ts';
import { MAX_SAME_ID, StoredRecords } from './stored-records.ts';
import type { TopicAdmin } from './topic-admin.ts';

/** Look-ups that are under way at once while every topic is asked. */
const WIDTH = 32;
/** A broker answers with no more than this. [MessageStoreConfig#maxMsgsNumBatch] */
const MAX_ANSWERS = 64;
/** The index keeps times as seconds since its file began. [IndexService#queryOffset] */
const INDEX_TIME_MS = 1000;
/** The index follows the log by a moment: before it is said that nobody has an id, it is asked once more after so long. */
const INDEX_DELAY_MS = 100;

/** Addresses of a host name; none for one that nobody knows. */
export type ResolveHost = (host: string) => Promise<readonly string[]>;

const resolveHost: ResolveHost = async (host) => {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch {
    return [];
  }
};

/** Messages by id and by key. The index of a broker is asked, which follows the log by a moment. */
export class Queries {
  readonly #cluster: Cluster;
  readonly #records: StoredRecords;
  readonly #topics: TopicAdmin;
  readonly #resolve: ResolveHost;

  constructor(cluster: Cluster, topics: TopicAdmin, resolve: ResolveHost = resolveHost) {
    this.#cluster = cluster;
    this.#records = new StoredRecords(cluster);
    this.#topics = topics;
    this.#resolve = resolve;
  }

  /** See the port. */
  async byMsgId(msgId: string, topic?: string): Promise<QueryResult<Message>> {
    const brokers = topic === undefined ? null : await this.#brokersOf(topic);
    const atPlace = await this.byOffsetMsgId(msgId);
    // Records of deleted topics stay in the log, and are nobody's.
    if (atPlace !== null && (topic === undefined || atPlace.topic === topic) && (await this.#cluster.findRoute(atPlace.topic)) !== null) return { messages: [atPlace], truncated: false };
    if (msgId.trim() === '') return NOTHING;
    const places = brokers === null ? await this.#everywhere() : brokers.map((brokerName) => ({ brokerName, topic: topic! }));
    const found = await this.#inPlaces(msgId, places);
    if (found.messages.length > 0) return found;
    await this.#cluster.client.options.clock.sleep(INDEX_DELAY_MS);
    return this.#inPlaces(msgId, places);
  }

  /**
   * The message at the place that an offsetMsgId names: asked of the broker that has this address, of nobody when none has.
   * null: no offsetMsgId, or nothing there.
   */
  async byOffsetMsgId(msgId: string): Promise<Message | null> {
    const place = parseOffsetMsgId(msgId);
    if (place === null) return null;
    const owner = await this.#cluster.brokerAt(place.host) ?? await this.#brokerAtName(place.host);
    if (owner === null) return null;
    const message = await this.#records.at(owner.brokerName, owner.address, place.commitLogOffset);
    return message !== null && message.offsetMsgId === msgId.toUpperCase() ? message : null;
  }

  /** The record at a commit-log offset; null when no record begins there. */
  view(brokerName: string, address: string, commitLogOffset: number): Promise<Message | null> {
    return this.#records.at(brokerName, address, commitLogOffset);
  }

  /** Those of one topic on one broker with this unique id. */
  async byUniqueId(brokerName: string, topic: string, msgId: string): Promise<readonly Message[]> {
    const found = await this.#records.query(brokerName, { topic, key: msgId, isUniqueKey: true, maxNum: MAX_SAME_ID, beginTimestamp: 0, endTimestamp: null });
    return found.filter((message) => message.topic === topic && message.msgId === msgId);
  }

  /** See the port. Of more than `maxMessages` the newest are answered. */
  async byKey(query: KeyQuery): Promise<QueryResult<Message>> {
    const { topic, maxMessages } = query;
    const brokers = await this.#brokersOf(topic);
    if (!Number.isSafeInteger(maxMessages) || maxMessages < 1) throw new MqliteError('INVALID_INPUT', `maxMessages ${maxMessages} is not a whole number of at least 1`);
    const found = await Promise.all(brokers.map((brokerName) => this.#byKeyOn(brokerName, query)));
    const messages = found.flatMap((one) => one.messages).sort(byTime);
    return { messages: messages.slice(-maxMessages), truncated: messages.length > maxMessages || found.some(({ truncated }) => truncated) };
  }

  /** One more than wanted is looked for. An answer holds the newest of its range, so that older ones are asked for behind it. */
  async #byKeyOn(brokerName: string, query: KeyQuery): Promise<QueryResult<Message>> {
    const { topic, key, maxMessages, beginTimestamp = 0 } = query;
    const from = Math.max(0, beginTimestamp - INDEX_TIME_MS);
    const seen = new Map<number, Message>();
    let endTimestamp = query.endTimestamp ?? null;
    for (;;) {
      const raw = await this.#records.query(brokerName, { topic, key, isUniqueKey: false, maxNum: MAX_ANSWERS, beginTimestamp: from, endTimestamp });
      const fresh = raw.filter(({ commitLogOffset }) => !seen.has(commitLogOffset));
      for (const message of fresh) seen.set(message.commitLogOffset, message);
      const messages = [...seen.values()].filter((message) => isMeant(message, query));
      if (messages.length > maxMessages) return { messages: messages.sort(byTime).slice(-maxMessages), truncated: true };
      // All that is there: an answer without anything new, unless it was full of one second's.
      if (fresh.length === 0) return { messages, truncated: raw.length >= MAX_ANSWERS };
      endTimestamp = raw.reduce((oldest, { storeTimestamp }) => Math.min(oldest, storeTimestamp), Infinity);
    }
  }

  async #inPlaces(msgId: string, places: readonly { readonly brokerName: string; readonly topic: string }[]): Promise<QueryResult<Message>> {
    const failures: unknown[] = [];
    const found = await mapPooled(places, WIDTH, async ({ brokerName, topic }) => {
      try {
        return await this.byUniqueId(brokerName, topic, msgId);
      } catch (error) {
        failures.push(error);
        return [];
      }
    });
    const messages = found.flat().sort(byTime);
    // What was found is an answer; that there is nothing can only be said by all.
    if (messages.length === 0 && failures.length > 0) throw failures[0];
    return { messages, truncated: failures.length > 0 || found.some((one) => one.length >= MAX_SAME_ID) };
  }

  /** Every topic on every broker that has it. */
  async #everywhere(): Promise<{ readonly brokerName: string; readonly topic: string }[]> {
    const routes = await mapPooled(await this.#topics.list(), WIDTH, ({ topic }) => this.#cluster.findRoute(topic));
    return routes.flatMap((route) => (route === null ? [] : [...new Set(route.queues.map(({ brokerName }) => brokerName))].map((brokerName) => ({ brokerName, topic: route.topic }))));
  }

  async #brokersOf(topic: string): Promise<string[]> {
    validateTopicName(topic);
    const { queues } = await this.#cluster.route(topic);
    return [...new Set(queues.map(({ brokerName }) => brokerName))];
  }

  /** A broker that advertises a name puts the address of it into its ids. */
  async #brokerAtName(host: string): Promise<{ readonly brokerName: string; readonly address: string } | null> {
    const { brokerAddrTable } = await this.#cluster.info();
    for (const { brokerName, brokerAddrs } of Object.values(brokerAddrTable)) {
      for (const address of brokerAddrs.values()) {
        const [name, port] = splitAtLastColon(address);
        if (isIP(name.replace(/^\[|\]$/g, '')) !== 0 || !host.endsWith(`:${port}`)) continue;
        if ((await this.#resolve(name)).some((ip) => host === `${isIP(ip) === 6 ? `[${ip}]` : ip}:${port}`)) return { brokerName, address };
      }
    }
    return null;
  }
}

const NOTHING: QueryResult<Message> = { messages: [], truncated: false };

const splitAtLastColon = (address: string): readonly [name: string, port: string] => {
  const colon = address.lastIndexOf(':');
  return [address.slice(0, colon), address.slice(colon + 1)];
};

const isMeant = (message: Message, { topic, key, beginTimestamp = 0, endTimestamp = Infinity }: KeyQuery): boolean =>
  message.topic === topic && (message.keys.includes(key) || message.properties[PROPERTY.UNIQ_KEY] === key) && message.storeTimestamp >= beginTimestamp && message.storeTimestamp <= endTimestamp;

const byTime = (left: Message, right: Message): number =>
  left.storeTimestamp - right.storeTimestamp || (left.brokerName < right.brokerName ? -1 : left.brokerName > right.brokerName ? 1 : left.commitLogOffset - right.commitLogOffset);
