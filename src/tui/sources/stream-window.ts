import { nextTurn } from '../../base/clock.ts';
import type { Clock } from '../../base/clock.ts';
import { MqliteError } from '../../broker/errors.ts';
import type { Position } from '../../client/positions.ts';
import type { StreamId, TuiEvent, WindowSnapshot } from '../events.ts';
import type { StreamRow } from '../rows.ts';
import type { Arrivals, StreamReader } from './reader.ts';

export interface StreamWindowOptions {
  readonly id: StreamId;
  readonly clock: Clock;
  readonly emit: (event: TuiEvent) => void;
  /** Something has come: `flush` will tell what. */
  readonly onChange: () => void;
  /** A bug, or anything else that nobody here can mend. */
  readonly onFatal: (error: unknown) => void;
}

/** Rows that are kept: the store has the others. */
export const CAPACITY = 2000;
const WAIT_MS = 1000;
const RETRY_MS = 1000;
/** Rows read before a place at least, so that there is something to see of what led to it. */
const MIN_CONTEXT = 100;
/** A stream this far behind its end is read from the end on; what lies between is read when somebody scrolls there. */
const MAX_BEHIND_MS = 1000;
/** … if it has been for so long, without ever having to wait, and so much came meanwhile: a broker's clock may be wrong. */
const BEHIND_FOR_MS = 1000;
const MANY = 1000;
const RATE_MS = 1000;

/**
 * A window of a few thousand rows over a stream of any length. While it follows, what comes is added and the oldest is given up; while it does not,
 * what comes is counted. It never ends by itself: when the broker cannot be reached, it says so and tries again.
 */
export class StreamWindow {
  readonly #options: StreamWindowOptions;
  readonly #closed = new AbortController();
  #reader: StreamReader;
  #rows: StreamRow[] = [];
  #atStart = false;
  #isFollowing: boolean;
  /** Nothing lies between the rows and what the follower brings next. */
  #isJoined = false;
  /** Since when, and how many rows ago, what comes is old; null: it is not. */
  #behind: { readonly sinceMs: number; readonly count: number } | null = null;
  #arrived = 0;
  #perSecond: number | null = null;
  #counted = 0;
  #countedSinceMs = 0;
  #isChanged = false;
  #toldHealthMs = -Infinity;
  /** What runs now, and is to be let go of when something else is wanted. */
  #task = new AbortController();
  #tasks: Promise<void> = Promise.resolve();
  #running = 0;
  /** Counts the places that the follower has begun at: what it brought from the one before is not wanted any more. */
  #era = 0;
  #beginAgain: (() => void) | null = null;
  #isShown = true;
  #wake: () => void = () => undefined;

  constructor(options: StreamWindowOptions, reader: StreamReader, isFollowing: boolean) {
    this.#options = options;
    this.#reader = reader;
    this.#isFollowing = isFollowing;
  }

  /** Reads the first rows and then goes on by itself, until `close`. */
  open(to: Position, context: number): void {
    this.#jumpNow(to, context, this.#isFollowing);
    void this.#tasks.then(() => this.#run());
  }

  close(): void {
    this.#closed.abort();
    this.#wake();
    this.#task.abort();
    this.#reader.close();
  }

  /** What nobody looks at is not read on; its rows stay. */
  show(isShown: boolean): void {
    if (isShown === this.#isShown) return;
    this.#isShown = isShown;
    if (!isShown) return;
    this.#wake();
    if (this.#isFollowing) this.#toEnd();
  }

  /** Tells what has changed since it was last asked; not while a place is gone to: what is shown stays until that is there. */
  flush(): void {
    if (!this.#isChanged || this.#beginAgain !== null) return;
    this.#isChanged = false;
    this.#emitRows();
  }

  older(count: number): void {
    this.#enqueue(async (signal) => {
      const rows = await this.#reader.older(count, signal);
      if (signal.aborted) return;
      this.#atStart = rows.length < count;
      this.#rows = [...rows, ...this.#rows];
      if (!this.#isFollowing) this.#giveUpNewest();
      this.#emitRows({ done: true });
    });
  }

  newer(count: number): void {
    this.#enqueue(async (signal) => {
      const rows = await this.#reader.newer(count, signal);
      if (signal.aborted) return;
      this.#rows = [...this.#rows, ...rows];
      this.#giveUpOldest();
      this.#isJoined = this.#reader.isAtEnd();
      this.#emitRows({ done: true });
    });
  }

  follow(on: boolean): void {
    this.#isFollowing = on;
    if (!on) return;
    // A place that is being gone to would come after all.
    if (this.#beginAgain !== null || !this.#reader.isAtEnd()) return this.#toEnd();
    this.#isJoined = true;
    this.#emitRows({ done: true });
  }

  /**
   * To a place; `context` rows before it come along. Whatever was under way is let go of. `row`: to the row of this id at that place or behind it, if the
   * window has room for what lies between: many may be of one time.
   */
  jump(to: Position, context: number, row?: string): void {
    this.#jumpNow(to, context, to.at === 'last', row);
  }

  /** The same stream through another filter. */
  replace(reader: StreamReader, to: Position, context: number): void {
    this.#reader.close();
    this.#reader = reader;
    this.#era++;
    this.#rows = [];
    this.#perSecond = null;
    this.#jumpNow(to, context, to.at === 'last');
  }

  #toEnd(): void {
    this.#jumpNow({ at: 'last' }, 0, true);
  }

  /** `follows`: from there on to the end, which is not further away than what the window holds. */
  #jumpNow(to: Position, context: number, follows: boolean, row?: string): void {
    this.#task.abort();
    this.#task = new AbortController();
    this.#isFollowing = follows;
    this.#isJoined = false;
    this.#behind = null;
    // Only for the end the follower begins anew.
    if (to.at === 'last') this.#era++;
    this.#beginAgain = () => this.#jumpNow(to, context, follows, row);
    this.#enqueue(async (signal) => {
      await this.#reader.begin(to, signal);
      if (signal.aborted) return;
      if (to.at === 'last') this.#era++;
      this.#rows = [];
      this.#isJoined = to.at === 'last';
      const page = Math.max(context, MIN_CONTEXT);
      const first = to.at === 'last' ? undefined : await this.#readBelow(follows && to.at === 'lastN' ? Math.min(CAPACITY, to.count) : 2 * page, signal);
      if (signal.aborted) return;
      const wanted = row === undefined ? undefined : await this.#readTo(row, page, signal);
      if (signal.aborted) return;
      const above = await this.#reader.older(page, signal);
      if (signal.aborted) return;
      this.#rows = [...above, ...this.#rows];
      this.#atStart = above.length < page;
      this.#beginAgain = null;
      this.#answered();
      this.#emitRows({ done: true, select: first === undefined || this.#isFollowing ? 'last' : { id: wanted?.id ?? first.id }, nothingFrom: to.at !== 'last' && first === undefined ? to : undefined });
    });
  }

  /** Rows behind a place; of a window that follows, all to the end. Answers the first. */
  async #readBelow(count: number, signal: AbortSignal): Promise<StreamRow | undefined> {
    do {
      const rows = await this.#reader.newer(count, signal);
      if (signal.aborted) return undefined;
      this.#rows = [...this.#rows, ...rows];
      this.#isJoined = this.#reader.isAtEnd();
      // What comes meanwhile is read, too.
    } while (this.#isFollowing && !this.#isJoined);
    const first = this.#rows[0];
    if (this.#isFollowing) this.#giveUpOldest();
    return first;
  }

  /** Reads on below until the row is there. */
  async #readTo(id: string, page: number, signal: AbortSignal): Promise<StreamRow | undefined> {
    for (;;) {
      const at = this.#rows.findIndex((row) => row.id === id);
      // Some lines below it are wanted, too.
      const isEnough = at >= 0 && this.#rows.length - at > page;
      if (isEnough || this.#isJoined || this.#rows.length + page > CAPACITY) return this.#rows[at];
      const more = await this.#reader.newer(page, signal);
      if (signal.aborted || more.length === 0) return this.#rows[at];
      this.#rows = [...this.#rows, ...more];
      this.#isJoined = this.#reader.isAtEnd();
    }
  }

  #enqueue(task: (signal: AbortSignal) => Promise<void>): void {
    const { signal } = this.#task;
    this.#running++;
    this.#tasks = this.#tasks.then(async () => {
      try {
        // Frames and keys have their turn between two steps: of a local store all are answered at once, and a search takes hundreds of them.
        await nextTurn();
        if (!signal.aborted && !this.#closed.signal.aborted) await task(signal);
      } catch (error) {
        this.#failed(error);
      } finally {
        this.#running--;
      }
    });
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    this.#countedSinceMs = clock.elapsedMs();
    while (!this.#closed.signal.aborted) {
      if (!this.#isShown) await this.#untilShown();
      const era = this.#era;
      try {
        const arrivals = await this.#reader.arrivals(WAIT_MS);
        if (era !== this.#era) {
          // It may have been the new follower's already.
          this.#isJoined &&= this.#reader.isAtEnd();
          continue;
        }
        this.#take(arrivals);
        // Until it has begun there is nothing that could have come.
        if (this.#beginAgain === null) this.#answered();
      } catch (error) {
        if (era !== this.#era || this.#closed.signal.aborted) continue;
        this.#failed(error);
        await clock.sleep(RETRY_MS, this.#closed.signal);
      }
      await this.#retryBeginning();
    }
  }

  /** A place that could not be read is what is shown once it can. */
  async #retryBeginning(): Promise<void> {
    if (this.#beginAgain === null || this.#running > 0) return;
    await this.#options.clock.sleep(RETRY_MS, this.#closed.signal);
    if (this.#running === 0) this.#beginAgain?.();
  }

  async #untilShown(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#counted = 0;
    this.#countedSinceMs = this.#options.clock.elapsedMs();
  }

  #take({ count, rows, behindMs }: Arrivals): void {
    this.#measure(count);
    this.#arrived += count;
    if (count > 0) this.#changed();
    const isBehind = this.#isFarBehind(count, behindMs);
    if (!this.#isFollowing) return;
    if (this.#running === 0 && (isBehind || !this.#isJoined)) return this.#toEnd();
    // Else there would be a gap: whatever runs reads these.
    if (!this.#isJoined) return;
    if (count > 0) for (const row of rows()) this.#rows.push(row);
    this.#reader.takeArrivals();
    if (this.#running === 0) this.#giveUpOldest();
  }

  #isFarBehind(count: number, behindMs: number): boolean {
    if (behindMs <= MAX_BEHIND_MS) this.#behind = null;
    else {
      const nowMs = this.#options.clock.elapsedMs();
      this.#behind = { sinceMs: this.#behind?.sinceMs ?? nowMs, count: (this.#behind?.count ?? 0) + count };
      return this.#behind.count >= MANY && nowMs - this.#behind.sinceMs >= BEHIND_FOR_MS;
    }
    return false;
  }

  #measure(count: number): void {
    this.#counted += count;
    const elapsedMs = this.#options.clock.elapsedMs() - this.#countedSinceMs;
    if (elapsedMs < RATE_MS) return;
    const perSecond = (this.#counted * 1000) / elapsedMs;
    if (perSecond !== this.#perSecond) this.#changed();
    this.#perSecond = perSecond;
    this.#counted = 0;
    this.#countedSinceMs += elapsedMs;
  }

  #giveUpOldest(): void {
    if (this.#rows.length <= CAPACITY) return;
    const given = this.#rows.slice(0, this.#rows.length - CAPACITY);
    this.#rows = this.#rows.slice(-CAPACITY);
    this.#reader.dropOldest(given);
    this.#atStart = false;
  }

  #giveUpNewest(): void {
    if (this.#rows.length <= CAPACITY) return;
    const given = this.#rows.slice(CAPACITY);
    this.#rows = this.#rows.slice(0, CAPACITY);
    this.#reader.dropNewest(given);
  }

  #changed(): void {
    this.#isChanged = true;
    this.#options.onChange();
  }

  #emitRows(more: Omit<Extract<TuiEvent, { readonly type: 'rows' }>, 'type' | 'stream' | 'window'> = {}): void {
    const window: WindowSnapshot = { rows: [...this.#rows], atStart: this.#atStart, atEnd: this.#reader.isAtEnd(), arrived: this.#arrived, perSecond: this.#perSecond };
    this.#options.emit({ type: 'rows', stream: this.#options.id, window, ...more });
  }

  #answered(): void {
    const { clock, id, emit } = this.#options;
    const nowMs = clock.elapsedMs();
    if (nowMs - this.#toldHealthMs < RETRY_MS) return;
    this.#toldHealthMs = nowMs;
    emit({ type: 'health', view: id, atMs: clock.nowMs(), reason: null });
  }

  #failed(error: unknown): void {
    if (this.#closed.signal.aborted) return;
    if (!(error instanceof MqliteError) || error.code === 'BUG') return this.#options.onFatal(error);
    this.#toldHealthMs = -Infinity;
    this.#options.emit({ type: 'health', view: this.#options.id, atMs: this.#options.clock.nowMs(), reason: error.message });
  }
}
