import { CodecError } from '../../base/codec-error.ts';
import type { Clock } from '../../base/clock.ts';
import type { Broker } from '../../broker/broker.ts';
import type { DamageReport, MessageQueue } from '../../broker/types.ts';
import { queuesOf } from '../../client/browse.ts';
import { resolvePosition } from '../../client/positions.ts';
import type { Position } from '../../client/positions.ts';
import { queueKey } from '../../broker/queue-key.ts';
import { QueueMerger } from '../../client/queue-merger.ts';
import type { QueueSpan } from '../../client/queue-merger.ts';
import type { Message } from '../../record/message.ts';
import { expressionOf } from '../filter.ts';
import type { ViewFilter } from '../filter.ts';
import type { RecordReference } from '../panel.ts';
import { messageRow } from '../rows.ts';
import type { StreamRow } from '../rows.ts';
import { BackwardsReader } from './backwards.ts';
import { NOTHING } from './reader.ts';
import type { Arrivals, StreamReader } from './reader.ts';

export interface MessageReaderOptions {
  readonly broker: Broker;
  readonly clock: Clock;
  /** Empty: every topic that is not a system topic, also those made later. */
  readonly topics: readonly string[];
  readonly queueId: number | undefined;
  readonly filter: ViewFilter | null;
  readonly onDamage: (report: DamageReport) => void;
  /** Instead of those of the topics. */
  readonly queues?: () => Promise<readonly MessageQueue[]>;
  /** Absent: rows of messages. */
  readonly rowOf?: (message: Message) => StreamRow;
}

/** Most messages that one look at the end brings. */
const BATCH = 4096;
/** Least messages that a queue is asked for at a time. */
const MIN_PULL = 64;
/** Longer than a look waits, or each would begin its long polls anew. */
const SUSPEND_MS = 15_000;
/** How often new queues and topics are looked for, in ms. */
const QUEUE_CHECK_MS = 1000;

/** The messages of topics as one stream, in the order of the commit log (remotely: of store time). */
export class MessageReader implements StreamReader {
  readonly #options: MessageReaderOptions;
  readonly #keep: (message: Message) => boolean;
  readonly #rowOf: (message: Message) => StreamRow;
  readonly #closed = new AbortController();
  #back: BackwardsReader;
  /** First offset of each queue that lies behind the window. */
  #edge = new Map<string, { readonly queue: MessageQueue; offset: number }>();
  #follower: QueueMerger | null = null;
  #checkedAtMs = -Infinity;

  constructor(options: MessageReaderOptions) {
    this.#options = options;
    this.#keep = bodyTest(options.filter);
    this.#rowOf = options.rowOf ?? messageRow;
    this.#back = this.#backwards();
  }

  async begin(to: Position): Promise<void> {
    const { broker } = this.#options;
    const queues = await this.#queues();
    const ends = await resolvePosition(broker, queues, { at: 'last' });
    const starts = to.at === 'last' ? ends : await resolvePosition(broker, queues, to);
    const mins = await resolvePosition(broker, queues, { at: 'first' });
    this.#back = this.#backwards();
    this.#edge = new Map();
    queues.forEach((queue, index) => this.#place(queue, Math.max(mins[index]!, Math.min(starts[index]!, ends[index]!))));
    if (to.at !== 'last' && this.#follower !== null) return;
    this.#follower?.close();
    this.#follower = this.#merger(queues.map((queue, index) => ({ queue, start: ends[index]!, end: Infinity })), this.#closed.signal);
  }

  async older(count: number, signal: AbortSignal): Promise<StreamRow[]> {
    return (await this.#back.take(count, signal)).map(this.#rowOf);
  }

  async newer(count: number, signal: AbortSignal): Promise<StreamRow[]> {
    const spans = this.#followed().map(({ queue, offset }): QueueSpan => {
      const start = this.#edge.get(queueKey(queue))?.offset ?? offset;
      return { queue, start, end: Math.max(start, offset) };
    });
    // What is read ahead of what is wanted is read again the next time.
    const merger = this.#merger(spans, signal, Math.max(MIN_PULL, Math.ceil(count / Math.max(1, spans.length))));
    const rows: StreamRow[] = [];
    while (rows.length < count && !signal.aborted) {
      const batch = await merger.next(count - rows.length, 0);
      if (batch === null) break;
      for (const message of batch) if (this.#keep(message)) rows.push(this.#rowOf(message));
    }
    if (!signal.aborted) for (const { queue, offset } of merger.progress()) this.#edge.set(queueKey(queue), { queue, offset });
    return rows;
  }

  /** An edge behind the follower's place is one of a topic that was made anew. */
  isAtEnd(): boolean {
    return this.#followed().every(({ queue, offset }) => (this.#edge.get(queueKey(queue))?.offset ?? offset) === offset);
  }

  takeArrivals(): void {
    for (const { queue, offset } of this.#followed()) this.#edge.set(queueKey(queue), { queue, offset });
  }

  dropOldest(rows: readonly StreamRow[]): void {
    for (const { topic, brokerName, queueId, queueOffset } of this.#firsts([...rows].reverse()).values()) this.#back.place({ topic, brokerName, queueId }, queueOffset + 1);
  }

  dropNewest(rows: readonly StreamRow[]): void {
    for (const [key, { topic, brokerName, queueId, queueOffset }] of this.#firsts(rows)) this.#edge.set(key, { queue: { topic, brokerName, queueId }, offset: queueOffset });
  }

  async arrivals(waitMs: number): Promise<Arrivals> {
    const { clock } = this.#options;
    await this.#addNewQueues();
    const batch = await this.#follower?.next(BATCH, waitMs);
    const anew = await this.#followAnew();
    if (batch === undefined || batch === null) {
      // A follower without any queue has nothing to wait on but time.
      await clock.sleep(waitMs, this.#closed.signal);
      return NOTHING;
    }
    // They come again, with those before them.
    const kept = batch.filter((message) => !anew.has(queueKey(message)) && this.#keep(message));
    const last = batch.at(-1);
    return { count: kept.length, rows: () => kept.map(this.#rowOf), behindMs: last === undefined ? 0 : clock.nowMs() - last.storeTimestamp };
  }

  close(): void {
    this.#closed.abort();
    this.#follower?.close();
  }

  #followed(): readonly { readonly queue: MessageQueue; readonly offset: number }[] {
    return this.#follower?.progress() ?? [];
  }

  #queues(): Promise<readonly MessageQueue[]> {
    const { broker, topics, queueId, queues } = this.#options;
    return queues === undefined ? queuesOf(broker, topics, queueId) : queues();
  }

  /** The first record of each queue. Mostly all queues are among a few rows, and the others need not be looked at. */
  #firsts(rows: readonly StreamRow[]): ReadonlyMap<string, RecordReference> {
    const firsts = new Map<string, RecordReference>();
    for (const { record } of rows) {
      const key = queueKey(record!);
      if (!firsts.has(key)) firsts.set(key, record!);
      if (firsts.size === this.#edge.size) break;
    }
    return firsts;
  }

  #place(queue: MessageQueue, offset: number): void {
    this.#back.place(queue, offset);
    this.#edge.set(queueKey(queue), { queue, offset });
  }

  async #addNewQueues(): Promise<void> {
    const { broker, clock } = this.#options;
    const nowMs = clock.elapsedMs();
    if (this.#follower === null || nowMs - this.#checkedAtMs < QUEUE_CHECK_MS) return;
    this.#checkedAtMs = nowMs;
    const follower = this.#follower;
    const queues = await this.#queues();
    const known = new Set(queues.map(queueKey));
    // Of a topic that was deleted; the others go on.
    for (const queue of follower.queues) if (!known.has(queueKey(queue))) follower.remove(queue);
    const followed = new Set(follower.queues.map(queueKey));
    for (const queue of queues) {
      if (followed.has(queueKey(queue))) continue;
      // A window that has gone to a place since has an edge in it already.
      const placed = this.#edge.get(queueKey(queue))?.offset;
      const start = placed ?? await broker.minOffset(queue);
      if (follower !== this.#follower) return;
      if (placed === undefined) this.#place(queue, start);
      follower.add({ queue, start, end: Infinity });
    }
  }

  /** Deleted and made anew, a topic begins at the start again: what is there is new, also what came before it was noticed. Answers whose queues these are. */
  async #followAnew(): Promise<ReadonlySet<string>> {
    const follower = this.#follower;
    const anew = new Set<string>();
    for (const { queue, offset } of this.#followed()) {
      const edge = this.#edge.get(queueKey(queue));
      if (edge === undefined || edge.offset <= offset) continue;
      const [start, end] = await Promise.all([this.#options.broker.minOffset(queue), this.#options.broker.maxOffset(queue)]);
      if (follower !== this.#follower) return anew;
      // Else the window has only gone to where the follower will be soon.
      if (end >= edge.offset) continue;
      this.#place(queue, start);
      follower?.seek(queue, start);
      anew.add(queueKey(queue));
    }
    return anew;
  }

  #merger(spans: readonly QueueSpan[], signal: AbortSignal, pullMessages?: number): QueueMerger {
    const { broker, clock, filter, onDamage } = this.#options;
    return new QueueMerger({ broker, clock, pullMessages, filter: expressionOf(filter), suspendMs: SUSPEND_MS, onDamage, signal }, spans);
  }

  #backwards(): BackwardsReader {
    const { broker, filter, onDamage } = this.#options;
    return new BackwardsReader({ broker, filter: expressionOf(filter), keep: this.#keep, onDamage });
  }
}

/** A body that cannot be decompressed matches: damage is shown, not hidden. */
export function bodyTest(filter: ViewFilter | null): (message: Message) => boolean {
  const grep = filter?.grep ?? null;
  if (grep === null) return () => true;
  return (message) => {
    try {
      return grep.test(message.body.toString('utf8'));
    } catch (error) {
      if (error instanceof CodecError) return true;
      throw error;
    }
  };
}
