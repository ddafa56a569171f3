import { MqliteError } from '../../broker/errors.ts';
import type { OffsetBoundary, PullRequest, PullResult } from '../../broker/types.ts';
import { compileFilter } from '../../filter/message-filter.ts';
import type { CompiledFilter, FilterExpression } from '../../filter/message-filter.ts';
import { decodeRecord } from '../../record/decode.ts';
import type { StoredMessage } from '../../record/decode.ts';
import type { Message } from '../../record/message.ts';
import { checkRecord } from '../../record/check.ts';
import { listTopicQueues, queueDirectoryPath } from '../consume-queue/queue-directory.ts';
import { OpenFiles } from '../files/open-files.ts';
import { openTables } from '../store-context.ts';
import type { StoreContext, StoreTables } from '../store-context.ts';
import { pullBatchMessages } from './batch-puller.ts';
import { BatchQueueReader } from './batch-queue-reader.ts';
import { DamageList } from './damage-list.ts';
import { LogReader } from './log-reader.ts';
import { LogTail } from './log-tail.ts';
import { MAX_PULL_BYTES, pullMessages } from './puller.ts';
import { queueFamilyOf } from './queue-family.ts';
import { QueueReader } from './queue-reader.ts';
import { storeTimestampAt } from './store-timestamp.ts';
import type { TailEntries } from './tail-entries.ts';
import { UncleanTail } from './unclean-tail.ts';
import { WaitingReaders } from './waiting-readers.ts';

const MAX_CACHED_FILTERS = 64;
/** Open queue files of a reader: with those of the process's writer well below 1024. */
const MAX_OPEN_QUEUES = 512;

/** A queue of either family. */
export type AnyQueueReader = QueueReader | BatchQueueReader;

/** Everything that reads messages from a store. Takes no lock, writes nothing. */
export class StoreReader {
  readonly log: LogReader;
  readonly tail: LogTail;
  readonly damage = new DamageList();
  readonly #context: StoreContext;
  readonly #queues = new Map<string, AnyQueueReader>();
  readonly #openFiles = new OpenFiles(MAX_OPEN_QUEUES);
  readonly #unclean: UncleanTail;
  #tables: StoreTables | null = null;
  readonly #filters = new Map<string, CompiledFilter>();
  readonly #waiting: WaitingReaders;

  constructor(context: StoreContext) {
    const { fs, paths, identity } = context;
    this.#context = context;
    this.log = new LogReader(fs, paths.commitLog, identity.segmentSizeBytes);
    this.tail = new LogTail(context);
    this.#unclean = new UncleanTail(context, this.tail);
    this.#waiting = new WaitingReaders(context.clock, this.tail);
  }

  queue(topic: string, queueId: number): AnyQueueReader {
    const key = `${topic}/${queueId}`;
    let reader = this.#queues.get(key);
    if (reader === undefined) {
      reader = this.#open(topic, queueId);
      this.#queues.set(key, reader);
    }
    return reader;
  }

  /** Queue ids that have files, whether or not the topic's configuration knows them. */
  storedQueueIds(topic: string): number[] {
    const { fs, paths } = this.#context;
    const stored = (['simple', 'batch'] as const).flatMap((family) => listTopicQueues(fs, paths.root, topic, family)).map((queue) => queue.queueId);
    return [...new Set([...stored, ...this.#unclean.queueIds(topic)])].sort((a, b) => a - b);
  }

  /** Topics that only the log knows, on a store that was not closed. */
  unlistedTopics(): string[] {
    return this.#unclean.topics();
  }

  async pull(request: PullRequest): Promise<PullResult<Message>> {
    const filter = request.filter === undefined ? null : this.#filter(request.filter);
    const deadlineMs = this.#context.clock.elapsedMs() + (request.suspendMs ?? 0);
    for (;;) {
      const result = this.#pullNow(request, filter);
      if (result.status !== 'NO_NEW_MESSAGE') return result;
      const queue = this.queue(request.queue.topic, request.queue.queueId);
      if (!(await this.#waiting.until(() => queue.hasNews(request.offset), deadlineMs, request.signal))) return result;
    }
  }

  /** Waits until the log reaches beyond `offset`; false when the signal aborts first. */
  untilTailPasses(offset: number, signal: AbortSignal | undefined): Promise<boolean> {
    return this.#waiting.until(() => this.tail.current() > offset, Infinity, signal);
  }

  /** Waits until `hasNews`, which is asked after something was stored; false at the deadline, or when the signal aborts first. */
  untilStored(hasNews: () => boolean, deadlineMs: number, signal: AbortSignal): Promise<boolean> {
    return this.#waiting.until(hasNews, deadlineMs, signal);
  }

  /** The message stored at a commit-log offset; null when no sound record begins there. */
  messageAt(commitLogOffset: number): StoredMessage | null {
    if (commitLogOffset < this.tail.minOffset() || !this.log.readFresh(commitLogOffset, 4)) return null;
    const sizeBytes = this.log.buffer.readInt32BE(this.log.position);
    if (sizeBytes <= 0 || sizeBytes > this.#context.identity.segmentSizeBytes || !this.log.readFresh(commitLogOffset, sizeBytes)) return null;
    const { buffer, position } = this.log;
    const check = checkRecord(buffer, position, sizeBytes, commitLogOffset, { crc: true });
    return check.kind === 'record' ? decodeRecord(buffer, position, this.#context.identity.brokerName) : null;
  }

  /** storeTimestamp of the record a queue entry points to; null when it cannot be read. */
  storeTimestampAt(queue: AnyQueueReader, offset: number): number | null {
    const commitLogOffset = queue.recordAt(offset);
    return commitLogOffset < 0 ? null : storeTimestampAt(this.log, commitLogOffset);
  }

  /** Bisects a queue by the store times of its records. [ConsumeQueue#binarySearchInQueueByTime] */
  offsetByTime(queue: AnyQueueReader, timestamp: number, boundary: OffsetBoundary): number {
    const min = queue.minOffset(this.tail.minOffset());
    const max = queue.maxOffset();
    let low = min;
    let high = max;
    const isBefore = (stored: number | null): boolean => stored !== null && (boundary === 'lower' ? stored < timestamp : stored <= timestamp);
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (isBefore(this.storeTimestampAt(queue, middle))) low = middle + 1;
      else high = middle;
    }
    return boundary === 'lower' ? low : Math.max(low - 1, min);
  }

  close(): void {
    this.#waiting.close();
    for (const queue of this.#queues.values()) queue.close();
    this.#queues.clear();
    this.log.close();
    this.tail.close();
  }

  #pullNow(request: PullRequest, filter: CompiledFilter | null): PullResult<Message> {
    const { queue: messageQueue, offset, maxMessages } = request;
    if (!Number.isSafeInteger(maxMessages) || maxMessages <= 0) throw new MqliteError('INVALID_INPUT', `maxMessages must be a positive integer, not ${maxMessages}`);
    const queue = this.queue(messageQueue.topic, messageQueue.queueId);
    const minOffset = queue.minOffset(this.tail.minOffset());
    const maxOffset = queue.maxOffset();
    const nothing = { messages: [], minOffset, maxOffset, damaged: [] };
    if (offset < minOffset) return { ...nothing, status: 'OFFSET_ILLEGAL', nextOffset: minOffset };
    if (offset > maxOffset) return { ...nothing, status: 'OFFSET_ILLEGAL', nextOffset: maxOffset };
    if (offset === maxOffset) return { ...nothing, status: 'NO_NEW_MESSAGE', nextOffset: offset };
    const range = { offset, maxMessages, maxBytes: Math.min(request.maxBytes ?? MAX_PULL_BYTES, MAX_PULL_BYTES), minOffset, maxOffset, filter };
    const result = queue instanceof BatchQueueReader
      ? pullBatchMessages(this.log, queue, messageQueue, range)
      : pullMessages(this.log, queue, messageQueue, range);
    if (result.damaged.length > 0) this.damage.add(result.damaged);
    return result;
  }

  #open(topic: string, queueId: number): AnyQueueReader {
    const { fs, paths, identity } = this.#context;
    const family = queueFamilyOf(fs, paths.root, topic, queueId, () => (this.#tables ??= openTables(this.#context)).topics.get(topic));
    const directory = queueDirectoryPath(paths.root, topic, queueId, family);
    const tail = (): TailEntries | null => this.#unclean.entriesOf(topic, queueId);
    if (family === 'batch') return new BatchQueueReader(fs, topic, queueId, directory, tail, this.#openFiles);
    return new QueueReader(fs, topic, queueId, directory, identity.consumeQueueFileSizeBytes, tail, this.#openFiles);
  }

  #filter(expression: FilterExpression): CompiledFilter | null {
    const key = expression.sql === undefined ? `TAG ${expression.tags}` : `SQL92 ${expression.sql}`;
    let filter = this.#filters.get(key);
    if (filter === undefined) {
      filter = compileFilter(expression);
      if (this.#filters.size >= MAX_CACHED_FILTERS) this.#filters.clear();
      this.#filters.set(key, filter);
    }
    return filter.isSelective ? filter : null;
  }
}
