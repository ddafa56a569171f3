import { deflateSync } from 'node:zlib';
import { javaHashCode } from '../../../src/base/java-hash.ts';
import { crc32Masked } from '../../../src/base/crc32.ts';
import type { Clock } from '../../../src/base/clock.ts';
import type { GroupConfig, MessageFilter, MessageQueue, OutgoingMessage, TopicConfig } from '../../../src/broker/types.ts';
import { CodecError } from '../../../src/base/codec-error.ts';
import { MqliteError } from '../../../src/broker/errors.ts';
import { compileFilter } from '../../../src/filter/message-filter.ts';
import type { CompiledFilter } from '../../../src/filter/message-filter.ts';
import type { Message } from '../../../src/record/message.ts';
import { mapProperties } from '../../../src/record/property-source.ts';
import type { FakeMember } from './member.ts';
import { isSystemTopicName, propertiesSize } from './validate.ts';

export const FAKE_BROKER_NAME = 'broker-a';
const SCHEDULE_TOPIC = 'SCHEDULE_TOPIC_XXXX';
const DELAY_LEVELS = 18;
const STORE_HOST_HEX = '7F00000100002A9F';
const COMPRESSION_FLAGS = { lz4: 0x100, zstd: 0x200, zlib: 0x300 } as const;

interface FakeTopic {
  config: TopicConfig;
  /** One list per queue; the index is the queue offset minus `minOffsets`. */
  readonly queues: Message[][];
  readonly minOffsets: number[];
}

/** A delayed message: its record in the system topic, and what it becomes. */
export interface WaitingMessage {
  readonly record: Message;
  readonly message: OutgoingMessage;
  readonly queueId: number;
  readonly dueMs: number;
}

/** What a fake broker keeps: it outlives the broker object, as a directory outlives a process. */
export class FakeStore {
  readonly topics = new Map<string, FakeTopic>();
  readonly groups = new Map<string, GroupConfig>();
  /** group → `topic` → queueId → next offset. */
  readonly offsets = new Map<string, Map<string, Map<number, number>>>();
  /** The living of each group that has any. */
  readonly members = new Map<string, FakeMember[]>();
  /** `instance group` → `topic queueId` → next offset. */
  readonly broadcasts = new Map<string, Map<string, number>>();
  readonly log: Message[] = [];

  instancesOf(group: string): { readonly instance: string; readonly offsets: ReadonlyMap<string, number> }[] {
    return [...this.broadcasts].map(([key, offsets]) => ({ instance: key.split(' ')[0]!, group: key.split(' ')[1], offsets }))
      .filter((found) => found.group === group && found.offsets.size > 0).sort((left, right) => (left.instance < right.instance ? -1 : 1));
  }

  /** Delayed messages that are neither delivered nor taken back. */
  readonly waiting: WaitingMessage[] = [];
  readonly clock: Clock;
  #endOffset = 0;
  #serial = 0;
  #lastTimestamp = 0;
  #waiters = new Set<() => void>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  get endOffset(): number {
    return this.#endOffset;
  }

  putTopic(config: Omit<TopicConfig, 'system'>): TopicConfig {
    const existing = this.topics.get(config.topic);
    const full = { ...config, system: isSystemTopicName(config.topic) };
    const topic = existing ?? { config: full, queues: [], minOffsets: [] };
    topic.config = full;
    while (topic.queues.length < Math.max(config.readQueueNums, config.writeQueueNums)) {
      topic.queues.push([]);
      topic.minOffsets.push(0);
    }
    this.topics.set(config.topic, topic);
    return full;
  }

  /** Appends to the log and to the queue; answers the record. */
  append(message: OutgoingMessage, queueId: number, system: Readonly<Record<string, string>> = {}, reconsumeTimes = 0): Message {
    const topic = this.topics.get(message.topic)!;
    const queue = topic.queues[queueId]!;
    const msgId = message.msgId ?? this.#nextMsgId();
    const properties: Record<string, string> = Object.assign(Object.create(null) as Record<string, string>, message.properties, {
      UNIQ_KEY: msgId,
      ...(message.keys === undefined || message.keys.length === 0 ? {} : { KEYS: message.keys.join(' ') }),
      ...(message.tags === undefined ? {} : { TAGS: message.tags }),
      ...(message.shardingKey === undefined ? {} : { __SHARDINGKEY: message.shardingKey }),
      ...system,
    });
    const stored = message.compress === 'zlib' ? deflateSync(message.body) : message.body;
    const storeSize = 91 + stored.length + Buffer.byteLength(message.topic) + propertiesSize(properties);
    this.#lastTimestamp = Math.max(this.#lastTimestamp, this.clock.nowMs());
    const record: Message = {
      topic: message.topic, originTopic: properties['RETRY_TOPIC'] ?? properties['REAL_TOPIC'] ?? null, brokerName: FAKE_BROKER_NAME, queueId,
      queueOffset: topic.minOffsets[queueId]! + queue.length, commitLogOffset: this.#endOffset, storeSize,
      msgId, offsetMsgId: STORE_HOST_HEX + this.#endOffset.toString(16).toUpperCase().padStart(16, '0'),
      tags: message.tags ?? null, keys: message.keys === undefined ? [] : message.keys.join(' ').split(' ').filter((key) => key !== ''),
      body: Buffer.from(message.body), properties, flag: message.flag ?? 0,
      sysFlag: message.compress === undefined ? 0 : COMPRESSION_FLAGS[message.compress],
      bodyCRC: crc32Masked(stored), bornTimestamp: message.bornTimestamp ?? this.#lastTimestamp, bornHost: '127.0.0.1:0',
      storeTimestamp: this.#lastTimestamp, storeHost: '127.0.0.1:10911', reconsumeTimes, preparedTransactionOffset: 0,
    };
    this.#endOffset += storeSize;
    this.log.push(record);
    queue.push(record);
    for (const wake of [...this.#waiters]) wake();
    return record;
  }

  /** Appends what a consumer sent back: to its dead-letter topic, or to what a broker keeps until the delay of the level is over. */
  appendBack(record: Message, topic: string, level: number): Message {
    const place = level === 0 ? { topic, queueId: 0 } : { topic: SCHEDULE_TOPIC, queueId: Math.min(level, DELAY_LEVELS) - 1 };
    if (!this.topics.has(place.topic)) {
      this.putTopic({ topic: place.topic, readQueueNums: DELAY_LEVELS, writeQueueNums: DELAY_LEVELS, perm: 6, order: false, attributes: {} });
    }
    const { tags, keys, properties, body, flag, bornTimestamp, msgId } = record;
    const system = {
      ...properties, RETRY_TOPIC: properties['RETRY_TOPIC'] ?? record.topic, ORIGIN_MESSAGE_ID: properties['ORIGIN_MESSAGE_ID'] ?? record.offsetMsgId,
      WAIT: 'false', DELAY: String(Math.min(level, DELAY_LEVELS)), ...(level === 0 ? {} : { REAL_TOPIC: topic, REAL_QID: '0' }),
    };
    return this.append({ topic: place.topic, tags: tags ?? undefined, keys, body, flag, bornTimestamp, msgId }, place.queueId, system, record.reconsumeTimes + 1);
  }

  /** Forgets the oldest records of a queue, as the retention of a broker does. */
  expire(topic: string, queueId: number, minOffset: number): void {
    const entry = this.topics.get(topic)!;
    const drop = minOffset - entry.minOffsets[queueId]!;
    entry.queues[queueId]!.splice(0, drop);
    entry.minOffsets[queueId] = minOffset;
  }

  /** Resolves with the next append, after `timeoutMs`, or when the signal aborts. */
  async nextAppend(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    const done = new AbortController();
    const finish = (): void => done.abort();
    this.#waiters.add(finish);
    signal?.addEventListener('abort', finish, { once: true });
    await this.clock.sleep(timeoutMs, done.signal);
    signal?.removeEventListener('abort', finish);
    this.#waiters.delete(finish);
  }

  setOffset(group: string, queue: MessageQueue, offset: number): void {
    const topics = this.offsets.get(group) ?? new Map<string, Map<number, number>>();
    const queues = topics.get(queue.topic) ?? new Map<number, number>();
    queues.set(queue.queueId, offset);
    topics.set(queue.topic, queues);
    this.offsets.set(group, topics);
  }

  offsetOf(group: string, queue: MessageQueue): number | null {
    return this.offsets.get(group)?.get(queue.topic)?.get(queue.queueId) ?? null;
  }

  #nextMsgId(): string {
    return `7F0000010B5D30946E09${this.clock.nowMs().toString(16).toUpperCase().slice(-8).padStart(8, '0')}${(this.#serial++).toString(16).toUpperCase().padStart(4, '0')}`;
  }
}

/** Java's SelectMessageQueueByHash: the remainder is taken first, so Integer.MIN_VALUE is harmless. [SelectMessageQueueByHash#select] */
export function shardingQueue(key: string, queueCount: number): number {
  return Math.abs(javaHashCode(key) % queueCount);
}

/** Tags are compared here by plain means; SQL92 is the product's own, whose truth has its own tests. */
export function filterTest(filter: MessageFilter | undefined): (message: Message) => boolean {
  if (filter?.sql !== undefined) {
    const compiled = compileChecked(filter);
    return (message) => compiled.matches(mapProperties(message.properties));
  }
  const wanted = parseTags(filter?.tags);
  return (message) => tagsMatch(wanted, message);
}

function compileChecked(filter: MessageFilter): CompiledFilter {
  try {
    return compileFilter(filter);
  } catch (error) {
    if (error instanceof CodecError) throw new MqliteError(error.code, error.message, { cause: error });
    throw error;
  }
}

/** null keeps everything; else the tags wanted. [FilterAPI#buildSubscriptionData] */
function parseTags(expression: string | undefined): ReadonlySet<string> | null {
  if (expression === undefined || expression.trim() === '' || expression.trim() === '*') return null;
  return new Set(expression.split('||').map((tag) => tag.trim()).filter((tag) => tag !== ''));
}

/** First by hash, as the queue entry would, then for real. */
function tagsMatch(wanted: ReadonlySet<string> | null, message: Message): boolean {
  if (wanted === null) return true;
  const hash = message.tags === null ? 0 : javaHashCode(message.tags);
  return [...wanted].some((tag) => javaHashCode(tag) === hash && tag === message.tags);
}
