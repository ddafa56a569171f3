import { queueKey } from '../broker/queue-key.ts';
import type { MessageFilter, MessageQueue } from '../broker/types.ts';
import type { Message } from '../record/message.ts';
import type { QueueSpan } from './queue-merger.ts';

/** A message that was pulled and is not consumed yet. */
export interface Pending {
  message: Message;
  readonly offset: number;
  readonly sizeBytes: number;
  state: 'waiting' | 'inFlight' | 'done';
  /** What it belongs to: after a `seek` it is nobody's. */
  readonly generation: number;
}

/** Below this many consumed entries the front of the list is left alone. */
const COMPACT_AT = 1024;

/**
 * What was pulled of one queue and is not consumed yet, ascending. What may be committed is the lowest offset not consumed: messages
 * may be consumed out of order, but none is committed over. [ProcessQueue]
 */
export class ProcessQueue {
  readonly queue: MessageQueue;
  readonly key: string;
  readonly end: number;
  readonly filter: MessageFilter | undefined;
  /** Where to pull next. */
  next: number;
  cachedBytes = 0;
  inFlight = 0;
  /** Nothing is handed out before; ms since the epoch. */
  restsUntilMs = 0;
  /** Given up: nothing more is pulled or handed out. */
  isDropped = false;
  #pending: Pending[] = [];
  /** First entry that is not done. */
  #head = 0;
  /** First entry that was never handed out. */
  #fresh = 0;
  /** Handed out before, and to come again. */
  #again: Pending[] = [];
  /** How many of the entries from #head on are done. */
  #doneBehindHead = 0;
  #generation = 0;
  #pull = new AbortController();
  #room: { readonly hasCome: () => boolean; readonly resolve: () => void } | null = null;

  constructor({ queue, start, end, filter }: QueueSpan) {
    this.queue = queue;
    this.key = queueKey(queue);
    this.end = end;
    this.filter = filter ?? undefined;
    this.next = start;
  }

  /** Messages not consumed yet. */
  get cached(): number {
    return this.#pending.length - this.#head - this.#doneBehindHead;
  }

  /** From the first to the last offset not consumed. [ProcessQueue#getMaxSpan] */
  get span(): number {
    return this.cached === 0 ? 0 : this.#pending.at(-1)!.offset - this.#pending[this.#head]!.offset;
  }

  /** The lowest offset that is not consumed: past what a filter dropped. */
  get commitOffset(): number {
    return this.#head < this.#pending.length ? this.#pending[this.#head]!.offset : this.next;
  }

  /** Aborts when what is being pulled is no longer wanted. */
  get pullSignal(): AbortSignal {
    return this.#pull.signal;
  }

  get isFinished(): boolean {
    return this.next >= this.end && this.cached === 0;
  }

  put(messages: readonly Message[], next: number): void {
    for (const message of messages) {
      if (message.queueOffset >= this.end) break;
      this.#pending.push({ message, offset: message.queueOffset, sizeBytes: message.storeSize, state: 'waiting', generation: this.#generation });
      this.cachedBytes += message.storeSize;
    }
    this.next = next;
  }

  /** The next message to hand out; null when there is none now. It stays where it is. */
  peek(): Pending | null {
    return this.#again[0] ?? this.#pending[this.#fresh] ?? null;
  }

  take(): Pending | null {
    const pending = this.#again.shift() ?? this.#pending[this.#fresh];
    if (pending === undefined) return null;
    if (pending === this.#pending[this.#fresh]) this.#fresh++;
    pending.state = 'inFlight';
    this.inFlight++;
    return pending;
  }

  /** Consumed, or somebody else's business by now. */
  done(pending: Pending): void {
    if (!this.#land(pending, 'done')) return;
    this.cachedBytes -= pending.sizeBytes;
    this.#doneBehindHead++;
    while (this.#head < this.#pending.length && this.#pending[this.#head]!.state === 'done') {
      this.#head++;
      this.#doneBehindHead--;
    }
    if (this.#head >= COMPACT_AT && this.#head * 2 >= this.#pending.length) {
      this.#pending.splice(0, this.#head);
      this.#fresh -= this.#head;
      this.#head = 0;
    }
    if (this.#room?.hasCome() === true) this.#wakePuller();
  }

  /** No longer being consumed, and not consumed: it comes again with `again`. */
  landed(pending: Pending): void {
    this.#land(pending, 'waiting');
  }

  /** A message that has landed comes again, before anything after it. */
  again(pending: Pending): void {
    if (pending.generation !== this.#generation) return;
    const at = this.#again.findIndex(({ offset }) => offset > pending.offset);
    this.#again.splice(at < 0 ? this.#again.length : at, 0, pending);
  }

  /** false: it is none of this queue's any more. */
  #land(pending: Pending, state: 'waiting' | 'done'): boolean {
    if (pending.state === 'inFlight') this.inFlight--;
    pending.state = state;
    return pending.generation === this.#generation;
  }

  /** Forgets what was pulled and goes on elsewhere. What is being consumed at this moment still counts as in flight. */
  seek(offset: number): void {
    this.#generation++;
    this.#pending = [];
    this.#again = [];
    this.#head = this.#fresh = this.#doneBehindHead = this.cachedBytes = 0;
    this.restsUntilMs = 0;
    this.next = offset;
    this.#stopPulling();
    this.#pull = new AbortController();
  }

  drop(): void {
    this.isDropped = true;
    this.#stopPulling();
  }

  /** Resolves when `hasCome` holds after a message was consumed, or the queue is dropped or moved. */
  waitForRoom(hasCome: () => boolean): Promise<void> {
    return new Promise((resolve) => (this.#room = { hasCome, resolve }));
  }

  #stopPulling(): void {
    this.#pull.abort();
    this.#wakePuller();
  }

  #wakePuller(): void {
    const room = this.#room;
    this.#room = null;
    room?.resolve();
  }
}
