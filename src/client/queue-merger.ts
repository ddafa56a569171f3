import { setMaxListeners } from 'node:events';
import type { Clock } from '../base/clock.ts';
import type { Broker } from '../broker/broker.ts';
import { queueKey } from '../broker/queue-key.ts';
import type { DamageReport, MessageFilter, MessageQueue, OffsetCommit, PullResult } from '../broker/types.ts';
import type { Message } from '../record/message.ts';

export interface QueueSpan {
  readonly queue: MessageQueue;
  /** First queue offset wanted. */
  readonly start: number;
  /** First queue offset not wanted; Infinity to follow. */
  readonly end: number;
  /** Of this queue; that of all of them otherwise. null: none. */
  readonly filter?: MessageFilter | null | undefined;
}

export interface MergerOptions {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly filter: MessageFilter | undefined;
  /** Most messages read ahead of a queue. */
  readonly pullMessages?: number | undefined;
  /** How long one long poll lasts, in ms: longer than a caller waits, or it is begun anew again and again. */
  readonly suspendMs: number;
  readonly onDamage: (report: DamageReport) => void;
  readonly signal: AbortSignal;
}

/** Messages of one pull, and bytes: enough to make the cost of a call vanish, little enough for hundreds of queues. */
const PULL_MESSAGES = 2048;
const PULL_BYTES_TOTAL = 4 << 20;
const PULL_BYTES_MAX = 1 << 19;
const PULL_BYTES_MIN = 64 << 10;

interface Cursor {
  readonly queue: MessageQueue;
  readonly end: number;
  readonly filter: MessageFilter | undefined;
  messages: readonly Message[];
  index: number;
  /** Where to pull next. */
  next: number;
  /** Place of messages[index] in the order of all queues. */
  place: number;
}

/** A wait for news in any queue, which may last longer than a call of `next`. */
interface Wait {
  /** false: nothing new in any queue, not even something to skip. Rejects with what a pull rejects with. */
  readonly ended: Promise<boolean>;
  /** What a pull brings from now on is not wanted. */
  readonly stop: () => void;
}

/**
 * Reads several queues as one stream: each queue in its order, and the queues among each other in the order of the commit log
 * (remotely: by store time). Not restartable concurrently: one `next` at a time.
 */
export class QueueMerger {
  readonly #options: MergerOptions;
  readonly #byLog: boolean;
  #cursors: Cursor[] = [];
  #heap: Cursor[] = [];
  /** Nothing is at hand in any queue while it lasts. An idle consumer begins one seldom, though it has other things to do often. */
  #wait: Wait | null = null;

  constructor(options: MergerOptions, spans: readonly QueueSpan[]) {
    this.#options = options;
    this.#byLog = options.broker.kind === 'local';
    for (const span of spans) this.add(span);
  }

  get queues(): readonly MessageQueue[] {
    return this.#cursors.map((cursor) => cursor.queue);
  }

  add({ queue, start, end, filter = this.#options.filter }: QueueSpan): void {
    this.#stopWaiting();
    this.#cursors.push({ queue, end, filter: filter ?? undefined, messages: [], index: 0, next: start, place: 0 });
  }

  /** Forgets a queue with what was read ahead of it. */
  remove(queue: MessageQueue): void {
    this.#stopWaiting();
    const key = queueKey(queue);
    this.#cursors = this.#cursors.filter((cursor) => queueKey(cursor.queue) !== key);
    this.#rebuildHeap();
  }

  /** Goes on from another offset. */
  seek(queue: MessageQueue, offset: number): void {
    this.#stopWaiting();
    const key = queueKey(queue);
    for (const cursor of this.#cursors) {
      if (queueKey(cursor.queue) !== key) continue;
      cursor.messages = [];
      cursor.index = 0;
      cursor.next = offset;
    }
    this.#rebuildHeap();
  }

  /** For every queue the first offset that `next` has not yet given out (past what a filter dropped). */
  progress(): OffsetCommit[] {
    return this.#cursors.map((cursor) => ({
      queue: cursor.queue,
      offset: cursor.index < cursor.messages.length ? cursor.messages[cursor.index]!.queueOffset : cursor.next,
    }));
  }

  /**
   * The next messages, at most `limit`. Empty: nothing came within `waitMs`, or the signal aborted.
   * null: every queue has reached its end.
   */
  async next(limit: number, waitMs: number): Promise<readonly Message[] | null> {
    if (this.#wait === null) await this.#refill();
    if (this.#heap.length === 0) {
      if (this.#cursors.every((cursor) => cursor.next >= cursor.end)) return null;
      if (waitMs <= 0 || this.#options.signal.aborted || !(await this.#untilNews(waitMs))) return [];
      await this.#refill();
    }
    return this.#take(limit);
  }

  /** Ends what is still under way. */
  close(): void {
    this.#stopWaiting();
  }

  /**
   * Gives every queue its next messages, or knows that it has none now. A queue seen empty is looked at again after any other was
   * filled: what the other brought may be younger than what arrived in the empty one since.
   */
  async #refill(): Promise<void> {
    let empty = this.#cursors.filter((cursor) => cursor.index >= cursor.messages.length && cursor.next < cursor.end);
    let filled = empty.length > 0;
    while (filled && empty.length > 0 && !this.#options.signal.aborted) {
      filled = false;
      const stillEmpty: Cursor[] = [];
      for (const cursor of empty) {
        if (await this.#pull(cursor)) filled = true;
        else if (cursor.next < cursor.end) stillEmpty.push(cursor);
      }
      empty = stillEmpty;
    }
    this.#rebuildHeap();
  }

  /** True when the queue now has messages at hand. */
  async #pull(cursor: Cursor): Promise<boolean> {
    while (cursor.next < cursor.end && !this.#options.signal.aborted) {
      const before = cursor.next;
      const result = await this.#options.broker.pull(this.#request(cursor));
      if (this.#accept(cursor, result)) return true;
      if (cursor.next === before || result.status === 'NO_NEW_MESSAGE') return false;
    }
    return false;
  }

  #request(cursor: Cursor): { queue: MessageQueue; offset: number; maxMessages: number; maxBytes: number; filter: MessageFilter | undefined } {
    const share = Math.floor(PULL_BYTES_TOTAL / this.#cursors.length);
    return {
      queue: cursor.queue,
      offset: cursor.next,
      maxMessages: Math.min(this.#options.pullMessages ?? PULL_MESSAGES, PULL_MESSAGES, cursor.end - cursor.next),
      maxBytes: Math.max(PULL_BYTES_MIN, Math.min(PULL_BYTES_MAX, share)),
      filter: cursor.filter,
    };
  }

  #accept(cursor: Cursor, result: PullResult<Message>): boolean {
    for (const report of result.damaged) this.#options.onDamage(report);
    let { messages } = result;
    const last = messages.at(-1);
    if (last !== undefined && last.queueOffset >= cursor.end) messages = messages.filter((message) => message.queueOffset < cursor.end);
    cursor.messages = messages;
    cursor.index = 0;
    cursor.next = result.nextOffset;
    return messages.length > 0;
  }

  /** Long polling on all queues at once. false: nothing new yet, and the wait goes on, or was in vain. */
  async #untilNews(waitMs: number): Promise<boolean> {
    const wait = (this.#wait ??= this.#startWaiting());
    const woken = new AbortController();
    const timeout = this.#options.clock.sleep(waitMs, woken.signal).then(() => null);
    try {
      const news = await Promise.race([wait.ended, timeout]);
      if (news !== null) this.#wait = null;
      return news === true;
    } catch (error) {
      this.#wait = null;
      throw error;
    } finally {
      woken.abort();
    }
  }

  /** The first messages end it. */
  #startWaiting(): Wait {
    const { broker, signal, suspendMs } = this.#options;
    const done = new AbortController();
    // One listener a queue is no leak.
    setMaxListeners(0, done.signal);
    const stop = (): void => done.abort();
    signal.addEventListener('abort', stop, { once: true });
    let isWanted = true;
    let hadNews = false;
    const pulls = this.#cursors.filter((cursor) => cursor.next < cursor.end).map(async (cursor) => {
      try {
        const result = await broker.pull({ ...this.#request(cursor), suspendMs, signal: done.signal });
        if (!isWanted) return;
        if (result.status !== 'NO_NEW_MESSAGE') hadNews = true;
        if (this.#accept(cursor, result)) stop();
      } catch (error) {
        if (!done.signal.aborted) throw error;
      }
    });
    const untilAll = async (): Promise<boolean> => {
      try {
        await Promise.all(pulls);
      } finally {
        stop();
        signal.removeEventListener('abort', stop);
        await Promise.allSettled(pulls);
      }
      return hadNews;
    };
    const ended = untilAll();
    // Nobody may be waiting when it fails: the next call is told.
    ended.catch(() => undefined);
    return { ended, stop: () => { isWanted = false; stop(); } };
  }

  #stopWaiting(): void {
    this.#wait?.stop();
    this.#wait = null;
  }

  /** Merges until the limit, or until a queue needs its next pull. */
  #take(limit: number): Message[] {
    const heap = this.#heap;
    const taken: Message[] = [];
    while (heap.length > 0 && taken.length < limit) {
      const cursor = heap[0]!;
      taken.push(cursor.messages[cursor.index++]!);
      if (cursor.index < cursor.messages.length) {
        this.#setPlace(cursor);
        siftDown(heap, 0);
      } else if (cursor.next < cursor.end) {
        break;
      } else {
        const last = heap.pop()!;
        if (heap.length > 0) {
          heap[0] = last;
          siftDown(heap, 0);
        }
      }
    }
    return taken;
  }

  #setPlace(cursor: Cursor): void {
    const message = cursor.messages[cursor.index]!;
    cursor.place = this.#byLog ? message.commitLogOffset : message.storeTimestamp;
  }

  #rebuildHeap(): void {
    const heap = this.#cursors.filter((cursor) => cursor.index < cursor.messages.length);
    for (const cursor of heap) this.#setPlace(cursor);
    for (let index = (heap.length >> 1) - 1; index >= 0; index--) siftDown(heap, index);
    this.#heap = heap;
  }
}

function siftDown(heap: Cursor[], start: number): void {
  const item = heap[start]!;
  let index = start;
  for (;;) {
    let child = 2 * index + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && heap[child + 1]!.place < heap[child]!.place) child++;
    if (heap[child]!.place >= item.place) break;
    heap[index] = heap[child]!;
    index = child;
  }
  heap[index] = item;
}
