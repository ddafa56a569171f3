import type { LogRecord } from '../broker/types.ts';
import type { Message } from '../record/message.ts';

type Batch = readonly LogRecord<Message>[];

/** Several logs as one, by store time; each keeps its own order. What has no time of its own has that of the record before it. Gives at most `most` together. */
export async function* mergeByStoreTime(logs: readonly AsyncIterable<Batch>[], most: number): AsyncGenerator<LogRecord<Message>[]> {
  const heads = await Promise.all(logs.map((log) => Head.of(log)));
  let merged: LogRecord<Message>[] = [];
  for (;;) {
    let first: Head | null = null;
    for (const head of heads) if (head.record !== null && (first === null || head.storeTimestamp < first.storeTimestamp)) first = head;
    if (first === null) break;
    merged.push(first.record!);
    await first.advance();
    if (merged.length < most) continue;
    yield merged;
    merged = [];
  }
  if (merged.length > 0) yield merged;
}

/** Several logs that have no end, as it comes. */
export async function* asItComes(logs: readonly AsyncIterable<Batch>[]): AsyncGenerator<Batch> {
  const iterators = logs.map((log) => log[Symbol.asyncIterator]());
  const next = async (iterator: AsyncIterator<Batch>): Promise<{ readonly iterator: AsyncIterator<Batch>; readonly result: IteratorResult<Batch> }> => ({ iterator, result: await iterator.next() });
  const coming = new Map<AsyncIterator<Batch>, ReturnType<typeof next>>();
  const ask = (iterator: AsyncIterator<Batch>): void => {
    const pending = next(iterator);
    // It may fail while what another one gave is being shown: it is heard when its turn comes.
    pending.catch(() => undefined);
    // To the end of the line: one that always has something keeps no other waiting.
    coming.delete(iterator);
    coming.set(iterator, pending);
  };
  for (const iterator of iterators) ask(iterator);
  try {
    while (coming.size > 0) {
      const { iterator, result } = await Promise.race(coming.values());
      if (result.done === true) {
        coming.delete(iterator);
        continue;
      }
      ask(iterator);
      yield result.value;
    }
  } finally {
    // Not waited for: one may be asking its broker.
    for (const iterator of coming.keys()) void iterator.return?.()?.catch(() => undefined);
  }
}

class Head {
  readonly #batches: AsyncIterator<Batch>;
  #batch: Batch = [];
  #index = -1;
  storeTimestamp = 0;

  private constructor(batches: AsyncIterator<Batch>) {
    this.#batches = batches;
  }

  static async of(log: AsyncIterable<Batch>): Promise<Head> {
    const head = new Head(log[Symbol.asyncIterator]());
    await head.advance();
    return head;
  }

  /** null: there is no more. */
  get record(): LogRecord<Message> | null {
    return this.#batch[this.#index] ?? null;
  }

  async advance(): Promise<void> {
    if (++this.#index >= this.#batch.length) {
      const { done, value } = await this.#batches.next();
      this.#batch = done === true ? [] : value;
      this.#index = 0;
    }
    const { record } = this;
    if (record?.recordType === 'message') this.storeTimestamp = record.message.storeTimestamp;
  }
}
