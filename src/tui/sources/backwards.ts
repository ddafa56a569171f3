import { nextTurn } from '../../base/clock.ts';
import type { Broker } from '../../broker/broker.ts';
import type { DamageReport, MessageFilter, MessageQueue } from '../../broker/types.ts';
import { queueKey } from '../../broker/queue-key.ts';
import type { Message } from '../../record/message.ts';

/** Queue offsets that one step back looks at: it grows while a filter lets nothing through. */
const FIRST_STRIDE = 64;
const MAX_STRIDE = 4096;
const PULL_BYTES = 1 << 20;

interface Cursor {
  readonly queue: MessageQueue;
  /** Everything from here on has been looked at. */
  low: number;
  minOffset: number;
  stride: number;
  /** Found and not given out yet, the newest last. */
  found: Message[];
}

export interface BackwardsOptions {
  readonly broker: Broker;
  readonly filter: MessageFilter | undefined;
  readonly keep: (message: Message) => boolean;
  readonly onDamage: (report: DamageReport) => void;
}

/**
 * Reads queues against their direction, merged: the newest of all first, in the order of the commit log (remotely: of store time). A broker
 * answers forwards only: each step back is a pull of the stretch before.
 */
export class BackwardsReader {
  readonly #options: BackwardsOptions;
  readonly #cursors = new Map<string, Cursor>();
  readonly #byLog: boolean;

  constructor(options: BackwardsOptions) {
    this.#options = options;
    this.#byLog = options.broker.kind === 'local';
  }

  /** Reads back from this offset, which is not included. */
  place(queue: MessageQueue, offset: number): void {
    this.#cursors.set(queueKey(queue), { queue, low: offset, minOffset: 0, stride: FIRST_STRIDE, found: [] });
  }

  /** The offset before which the queue is read next; undefined for a queue that is not read. */
  placeOf(queue: MessageQueue): number | undefined {
    const cursor = this.#cursors.get(queueKey(queue));
    return cursor === undefined ? undefined : (cursor.found.at(-1)?.queueOffset ?? cursor.low - 1) + 1;
  }

  /** Up to `count` messages, the oldest first. Fewer: there are no more; none when the signal aborts. What a call that fails has read, the next one gives out. */
  async take(count: number, signal: AbortSignal): Promise<Message[]> {
    const cursors = [...this.#cursors.values()];
    for (const cursor of cursors) cursor.minOffset = await this.#options.broker.minOffset(cursor.queue);
    const taken: { readonly from: Cursor; readonly message: Message }[] = [];
    let isDone = false;
    try {
      while (taken.length < count && !signal.aborted) {
        let newest: Cursor | null = null;
        for (const cursor of cursors) {
          await this.#fill(cursor, signal);
          if (cursor.found.length > 0 && (newest === null || this.#place(cursor) > this.#place(newest))) newest = cursor;
        }
        if (newest === null || signal.aborted) break;
        taken.push({ from: newest, message: newest.found.pop()! });
      }
      isDone = !signal.aborted;
    } finally {
      // In the order in which they came: the oldest was taken last.
      if (!isDone) for (const { from, message } of taken.splice(0).reverse()) from.found.push(message);
    }
    return taken.map(({ message }) => message).reverse();
  }

  #place({ found }: Cursor): number {
    const message = found.at(-1)!;
    return this.#byLog ? message.commitLogOffset : message.storeTimestamp;
  }

  async #fill(cursor: Cursor, signal: AbortSignal): Promise<void> {
    while (cursor.found.length === 0 && cursor.low > cursor.minOffset && !signal.aborted) {
      const end = cursor.low;
      const start = Math.max(cursor.minOffset, end - cursor.stride);
      const found = await this.#stretch(cursor.queue, start, end, signal);
      if (signal.aborted) return;
      cursor.found = found;
      cursor.low = start;
      cursor.stride = Math.min(MAX_STRIDE, cursor.stride * 2);
      await nextTurn();
    }
    if (cursor.found.length > 0) cursor.stride = FIRST_STRIDE;
  }

  async #stretch(queue: MessageQueue, start: number, end: number, signal: AbortSignal): Promise<Message[]> {
    const { broker, filter, keep, onDamage } = this.#options;
    const messages: Message[] = [];
    for (let offset = start; offset < end && !signal.aborted;) {
      const result = await broker.pull({ queue, offset, maxMessages: end - offset, maxBytes: PULL_BYTES, filter });
      for (const report of result.damaged) onDamage(report);
      for (const message of result.messages) if (message.queueOffset < end && keep(message)) messages.push(message);
      if (result.nextOffset <= offset) break;
      offset = result.nextOffset;
    }
    return messages;
  }
}
