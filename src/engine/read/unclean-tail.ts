import { createDispatchView, readDispatchView } from '../../record/dispatch-view.ts';
import type { DispatchView } from '../../record/dispatch-view.ts';
import { isInnerBatch } from '../../record/batch.ts';
import { propertyOf, PROPERTY } from '../../record/properties.ts';
import { TRANSACTION_MASK, TRANSACTION_PREPARED, TRANSACTION_ROLLBACK } from '../../record/sys-flag.ts';
import { listSegments } from '../commit-log/log-directory.ts';
import { LogScanner } from '../commit-log/log-scanner.ts';
import { queueDirectoryPath } from '../consume-queue/queue-directory.ts';
import { findQueueEnd } from '../consume-queue/queue-end.ts';
import type { QueueEnd } from '../consume-queue/queue-end.ts';
import { parseDelayLevels } from '../../broker/delay-levels.ts';
import { setTagsCode } from '../dispatch/tags-code.ts';
import { isLocked } from '../locks/lock-holder.ts';
import { openTables } from '../store-context.ts';
import type { StoreContext, StoreTables } from '../store-context.ts';
import { findBatchQueueEnd } from './batch-queue-reader.ts';
import { lightPlaces } from './light-queue.ts';
import type { LogTail } from './log-tail.ts';
import { queueFamilyOf } from './queue-family.ts';
import { QueueTail } from './tail-entries.ts';
import type { TailEntries } from './tail-entries.ts';

/**
 * What queues lack on a store that was not closed and that nobody has open: a broker lists records in their queues some time
 * after it stored them, so the last ones before a kill may be in no queue. Their entries are made here, in memory; files,
 * where they have an entry, are always believed first. Nothing is looked at before a queue is read, and nothing at all is
 * scanned on a store that was closed or is in use.
 */
export class UncleanTail {
  readonly #context: StoreContext;
  readonly #log: LogTail;
  /** undefined: not looked yet; null: there is nothing to add. */
  #queues: ReadonlyMap<string, QueueTail> | null | undefined;

  constructor(context: StoreContext, log: LogTail) {
    this.#context = context;
    this.#log = log;
  }

  /** Entries that the files of a queue may lack; null almost always. */
  entriesOf(topic: string, queueId: number): TailEntries | null {
    return this.#current()?.get(keyOf(topic, queueId)) ?? null;
  }

  /** Topics with such entries. */
  topics(): string[] {
    return [...new Set([...(this.#current()?.values() ?? [])].map((queue) => queue.topic))];
  }

  queueIds(topic: string): number[] {
    return [...(this.#current()?.values() ?? [])].filter((queue) => queue.topic === topic).map((queue) => queue.queueId);
  }

  #current(): ReadonlyMap<string, QueueTail> | null {
    if (this.#queues === undefined) {
      const { fs, paths } = this.#context;
      this.#queues = this.#log.isLeftOpen() && !isLocked(fs, paths.lock) ? this.#build() : null;
    } else if (this.#queues !== null && !this.#log.isLeftOpen()) {
      // Somebody has recovered and closed the store since: its files say everything.
      this.#queues = null;
    }
    return this.#queues;
  }

  #build(): ReadonlyMap<string, QueueTail> | null {
    const { from, to, listedEnd } = this.#log.undispatched();
    const min = this.#log.minOffset();
    const scan = new TailScan(this.#context, listedEnd);
    let queues = from < to ? scan.run(Math.max(from, min), to, from <= min) : null;
    // A queue lacks entries from before the scan: only the whole log has them.
    if (queues === 'queue-behind') queues = scan.run(min, to, true);
    if (queues === null || queues === 'queue-behind') return null;
    const found = new Map([...queues].filter(([, queue]) => queue.count > 0));
    return found.size === 0 ? null : found;
  }
}

const keyOf = (topic: string, queueId: number): string => `${topic}/${queueId}`;

/** One pass over the part of the log that queues may lack. The rules are those of recovery, which writes what this only remembers. */
class TailScan {
  readonly #context: StoreContext;
  readonly #tables: StoreTables;
  readonly #deletedTopics: ReadonlyMap<string, number>;
  readonly #delayLevels: readonly number[];
  /** From here on records count even when nothing else knows their topic. */
  readonly #listedEnd: number;
  readonly #tagsCode = { high: 0, low: 0 };
  #queues = new Map<string, QueueTail>();
  #isWholeLog = false;

  constructor(context: StoreContext, listedEnd: number) {
    this.#context = context;
    this.#tables = openTables(context);
    this.#deletedTopics = this.#tables.deletedTopics.load();
    this.#delayLevels = parseDelayLevels(context.identity.messageDelayLevel);
    this.#listedEnd = listedEnd;
  }

  run(from: number, to: number, isWholeLog: boolean): Map<string, QueueTail> | 'queue-behind' {
    const { fs, paths, identity } = this.#context;
    this.#queues = new Map();
    this.#isWholeLog = isWholeLog;
    const scanner = new LogScanner(fs, listSegments(fs, paths.commitLog, identity.segmentSizeBytes), { from, to });
    const view = createDispatchView();
    let newest = 0;
    try {
      for (let kind = scanner.next(); kind === 'message' || kind === 'blank'; kind = scanner.next()) {
        if (kind === 'blank') continue;
        readDispatchView(scanner.window, scanner.position, view);
        // Left-overs of an earlier truncation behind the true end: older, and no queue knows them (P7).
        if (view.storeTimestamp < newest && view.queueOffset >= this.#queue(view.topic, view.queueId).endOffset) break;
        newest = Math.max(newest, view.storeTimestamp);
        if (this.#isQueued(view) && !this.#list(view)) return 'queue-behind';
      }
    } finally {
      scanner.close();
    }
    return this.#queues;
  }

  #isQueued(view: DispatchView): boolean {
    const transaction = view.sysFlag & TRANSACTION_MASK;
    return transaction !== TRANSACTION_PREPARED && transaction !== TRANSACTION_ROLLBACK;
  }

  /** Lists a record in its queue and in the light ones it names; false when a queue ends before it. */
  #list(view: DispatchView): boolean {
    setTagsCode(this.#tagsCode, view, this.#delayLevels);
    if (!this.#put(view, view.topic, view.queueId, view.queueOffset, messageCount(view))) return false;
    for (const place of lightPlaces(view.topic, view.queueId, view.propertiesText)) {
      if (!this.#put(view, place.topic, place.queueId, place.queueOffset, 1)) return false;
    }
    return true;
  }

  #put(view: DispatchView, topic: string, queueId: number, queueOffset: number, count: number): boolean {
    if (view.commitLogOffset < (this.#deletedTopics.get(topic) ?? 0)) return true;
    const queue = this.#queue(topic, queueId);
    if (view.commitLogOffset < queue.commitLogEnd) return true;
    // Records of old of a topic that is nowhere any more: a broker has deleted it.
    if (view.commitLogOffset < this.#listedEnd && !queue.hasDirectory && this.#tables.topics.get(topic) === null) return true;
    if (queueOffset > queue.endOffset && !this.#isWholeLog) return false;
    queue.put(queueOffset, count, view, this.#tagsCode);
    return true;
  }

  #queue(topic: string, queueId: number): QueueTail {
    const key = keyOf(topic, queueId);
    let queue = this.#queues.get(key);
    if (queue === undefined) this.#queues.set(key, (queue = this.#open(topic, queueId)));
    return queue;
  }

  #open(topic: string, queueId: number): QueueTail {
    const { fs, paths, identity } = this.#context;
    const family = queueFamilyOf(fs, paths.root, topic, queueId, () => this.#tables.topics.get(topic));
    const directory = queueDirectoryPath(paths.root, topic, queueId, family);
    const end: QueueEnd = family === 'batch' ? findBatchQueueEnd(fs, directory) : findQueueEnd(fs, directory, identity.consumeQueueFileSizeBytes);
    return new QueueTail(topic, queueId, family, end, fs.stat(directory) !== null);
  }
}

/** Messages in a record. [CommitLog#setBatchSizeIfNeeded] */
const messageCount = (view: DispatchView): number => {
  if (!isInnerBatch(view.sysFlag)) return 1;
  const count = Number(propertyOf(view.propertiesText, PROPERTY.INNER_NUM));
  return Number.isSafeInteger(count) && count > 0 && count <= 0x7fff ? count : 1;
};
