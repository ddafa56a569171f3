import { join } from 'node:path';
import { MqliteError } from '../../broker/errors.ts';
import { bodyPosition } from '../../record/check.ts';
import { decodeRecord } from '../../record/decode.ts';
import { MAGIC_CODE } from '../../record/layout.ts';
import { soundRecord } from '../commit-log/record-soundness.ts';
import { LogScanner } from '../commit-log/log-scanner.ts';
import { BATCH_BASE_OFFSET, BATCH_COUNT, BATCH_ENTRY_SIZE_BYTES, BATCH_STORE_TIMESTAMP } from '../consume-queue/layout.ts';
import { QueueCursor } from '../consume-queue/queue-cursor.ts';
import { inspectQueueFiles, listQueueTopics, listQueues } from '../consume-queue/queue-directory.ts';
import type { QueueDirectory } from '../consume-queue/queue-directory.ts';
import { entryPosition, indexGeometry, INDEX_ENTRY_SIZE, INDEX_HEADER_SIZE, INDEX_SLOT_SIZE, decodeIndexHeader, slotPosition, viewOf } from '../index/layout.ts';
import { listIndexFiles } from '../index/names.ts';
import { isJsonObject, objectOrEmpty } from '../state/broker-json.ts';
import { readCheckpoint } from '../state/checkpoint.ts';
import { readConfig } from '../state/config-file.ts';
import { openStoreView, withStoreErrors } from './store-view.ts';
import type { StoreOptions, StoreView } from './store-view.ts';

export const DUMP_FAMILIES = ['commitlog', 'consumequeue', 'index', 'checkpoint', 'topics', 'offsets', 'state'] as const;
export type DumpFamily = (typeof DUMP_FAMILIES)[number];

export interface DumpOptions extends StoreOptions {
  readonly what: DumpFamily;
  /** Queues of this topic only; for the log: its records only; for offsets: its offsets only. */
  readonly topic?: string | undefined;
  readonly queueId?: number | undefined;
  /** First commit-log offset, queue offset or index entry. An offset inside a record goes to the next one. */
  readonly from?: number | undefined;
  /** At most so many objects. */
  readonly limit?: number | undefined;
}

/**
 * What lies in the files of one family, raw: one object per record, entry or line, each with `file` and `position`. Writes
 * nothing; damage is shown as it is and not passed over.
 * @throws MqliteError USAGE, STORE_NOT_FOUND, TOPIC_NOT_FOUND, WRONG_KIND, DAMAGED (store.json)
 */
export async function* dumpStore(options: DumpOptions): AsyncGenerator<object> {
  const view = await withStoreErrors(`cannot look at ${options.storeDirectory}`, () => {
    if (!DUMP_FAMILIES.includes(options.what)) {
      throw new MqliteError('USAGE', `nothing is called ${JSON.stringify(options.what)}`, { hint: `give one of ${DUMP_FAMILIES.join(', ')}` });
    }
    return openStoreView(options);
  });
  const source = SOURCES[options.what](view, options);
  let left = options.limit ?? Infinity;
  let sinceYield = 0;
  while (left-- > 0) {
    const step = await withStoreErrors(`cannot read ${options.storeDirectory}`, () => source.next());
    if (step.done === true) return;
    yield step.value;
    // A long dump must not keep signals and timers waiting.
    if (++sinceYield % 1000 === 0) await new Promise(setImmediate);
  }
  source.return(undefined);
}

type Source = (view: StoreView, options: DumpOptions) => Generator<object, void>;

const SOURCES: Readonly<Record<DumpFamily, Source>> = {
  commitlog: function* (view, options) {
    const scanner = new LogScanner(view.fs, view.log.segments, { check: () => null, ...(options.from === undefined ? {} : { from: options.from }) });
    try {
      if (options.from !== undefined && options.from > 0) seekRecord(view, scanner, options.from);
      for (;;) {
        const kind = scanner.next();
        if (kind === 'end') {
          if (scanner.endReason !== 'zeros' || scanner.resync() < 0) return;
          yield { recordType: 'zeros', ...placeOf(scanner), commitLogOffset: scanner.commitLogOffset, sizeBytes: scanner.nextOffset - scanner.commitLogOffset };
          continue;
        }
        const object = kind === 'message' ? dumpRecord(scanner, options) : dumpOther(scanner);
        if (object !== null) yield object;
        if (kind === 'damaged' && scanner.resync() < 0) return;
      }
    } finally {
      scanner.close();
    }
  },

  consumequeue: function* (view, options) {
    for (const queue of chosenQueues(view, options)) {
      yield* queue.family === 'simple' ? dumpQueue(view, queue, options.from) : dumpBatchQueue(view, queue, options.from);
    }
  },

  index: function* (view, options) {
    const geometry = indexGeometry(view.identity.indexSlotCount, view.identity.indexMaxCount);
    for (const name of listIndexFiles(view.fs, view.paths.index)) {
      const file = join(view.paths.index, name);
      const header = decodeIndexHeader(viewOf(readAt(view, file, 0, INDEX_HEADER_SIZE)));
      if (options.from === undefined) yield { recordType: 'header', file, position: 0, ...header };
      for (let number = Math.max(1, options.from ?? 1); number < header.indexCount && number < geometry.maxIndexCount; number++) {
        const position = entryPosition(geometry, number);
        const entry = readAt(view, file, position, INDEX_ENTRY_SIZE);
        const keyHash = entry.readInt32BE(0);
        const slot = keyHash < 0 ? -1 : keyHash % geometry.slotCount;
        yield {
          recordType: 'entry', file, position, entry: number, keyHash, commitLogOffset: exact(entry.readBigInt64BE(4)), timeDifferenceSeconds: entry.readInt32BE(12),
          previousEntry: entry.readInt32BE(16), slot, slotValue: slot < 0 ? null : readAt(view, file, slotPosition(slot), INDEX_SLOT_SIZE).readInt32BE(0),
        };
      }
    }
  },

  checkpoint: function* (view) {
    const { checkpoint, case: found } = readCheckpoint(view.fs, view.paths.checkpoint);
    yield { file: view.paths.checkpoint, position: 0, case: found, ...checkpoint };
  },

  topics: function* (view, options) {
    const read = readConfig(view.fs, view.paths.topics);
    for (const [topic, entry] of Object.entries(objectOrEmpty(read.value, 'topicConfigTable'))) {
      if ((options.topic === undefined || options.topic === topic) && isJsonObject(entry)) yield { file: view.paths.topics, ...entry, topicName: topic };
    }
  },

  offsets: function* (view, options) {
    const read = readConfig(view.fs, view.paths.consumerOffsets);
    for (const [key, queues] of Object.entries(objectOrEmpty(read.value, 'offsetTable'))) {
      // Neither a topic nor a group holds an "@". [ConsumerOffsetManager#TOPIC_GROUP_SEPARATOR]
      const [topic = '', group = ''] = key.split('@');
      if ((options.topic !== undefined && options.topic !== topic) || !isJsonObject(queues)) continue;
      for (const [queueId, offset] of Object.entries(queues)) {
        if (options.queueId === undefined || String(options.queueId) === queueId) yield { file: view.paths.consumerOffsets, group, topic, queueId: Number(queueId), offset };
      }
    }
  },

  state: function* (view) {
    yield { file: view.paths.state, present: view.state !== null, ...view.state };
    yield { file: view.paths.abort, present: view.fs.stat(view.paths.abort) !== null, pid: view.abortPid };
    for (const [topic, commitLogOffset] of view.deletedTopics) yield { file: view.paths.deletedTopics, topic, commitLogOffset };
    for (const name of view.fs.list(view.paths.quarantine) ?? []) {
      yield { file: join(view.paths.quarantine, name), sizeBytes: view.fs.stat(join(view.paths.quarantine, name))?.sizeBytes ?? 0 };
    }
  },
};

const exact = (value: bigint): number | bigint => (value >= -9_007_199_254_740_991n && value <= 9_007_199_254_740_991n ? Number(value) : value);

const placeOf = (scanner: LogScanner): { file: string; position: number } => ({ file: scanner.segment?.path ?? '', position: scanner.filePosition });

/** Moves to the first record at or behind `offset`, which need not be a boundary. */
const seekRecord = (view: StoreView, scanner: LogScanner, offset: number): void => {
  const probe = new LogScanner(view.fs, view.log.segments, { from: offset });
  try {
    const kind = probe.next();
    const target = kind === 'message' || kind === 'blank' ? offset : kind === 'damaged' ? probe.resync() : -1;
    scanner.seek(target < 0 ? offset : target);
  } finally {
    probe.close();
  }
};

const dumpOther = (scanner: LogScanner): object => {
  const common = { ...placeOf(scanner), commitLogOffset: scanner.commitLogOffset, sizeBytes: scanner.sizeBytes };
  return scanner.kind === 'blank' ? { recordType: 'blank', ...common } : { recordType: 'damaged', ...common, reason: scanner.reason };
};

const dumpRecord = (scanner: LogScanner, options: DumpOptions): object | null => {
  const { window, position, sizeBytes } = scanner;
  const common = { ...placeOf(scanner), commitLogOffset: scanner.commitLogOffset, sizeBytes };
  const reason = soundRecord(window, position, sizeBytes);
  if (reason !== null && !reason.startsWith('BODYCRC')) return { recordType: 'damaged', ...common, reason };
  const message = decodeRecord(window, position, '');
  if (options.topic !== undefined && options.topic !== message.topic) return null;
  if (options.queueId !== undefined && options.queueId !== message.queueId) return null;
  const body = position + bodyPosition(message.sysFlag);
  return {
    recordType: 'message', ...common,
    magicCode: `0x${(window.readInt32BE(position + MAGIC_CODE) >>> 0).toString(16).toUpperCase()}`, crcOk: reason === null, bodyCRC: message.bodyCRC,
    queueId: message.queueId, flag: message.flag, queueOffset: message.queueOffset, sysFlag: message.sysFlag, bornTimestamp: message.bornTimestamp,
    bornHost: message.bornHost, storeTimestamp: message.storeTimestamp, storeHost: message.storeHost, reconsumeTimes: message.reconsumeTimes,
    preparedTransactionOffset: message.preparedTransactionOffset, bodyLength: window.readInt32BE(body - 4), topic: message.topic, properties: message.properties,
  };
};

const chosenQueues = (view: StoreView, options: DumpOptions): QueueDirectory[] => {
  if (options.topic !== undefined && !(['simple', 'batch'] as const).some((family) => listQueueTopics(view.fs, view.paths.root, family).includes(options.topic!))) {
    throw new MqliteError('TOPIC_NOT_FOUND', `${view.paths.root} has no queues of topic ${options.topic}`, { hint: 'list topics with "mqlite topics list"' });
  }
  return listQueues(view.fs, view.paths.root).filter((queue) =>
    (options.topic === undefined || queue.topic === options.topic) && (options.queueId === undefined || queue.queueId === options.queueId));
};

function* dumpQueue(view: StoreView, queue: QueueDirectory, from: number | undefined): Generator<object, void> {
  const cursor = new QueueCursor(view.fs, inspectQueueFiles(view.fs, queue).segments);
  for (let next = Math.max(from ?? 0, cursor.firstOffset); next < cursor.capacityOffset && cursor.load(next) === 'present'; next++) {
    yield {
      recordType: cursor.isPreBlank ? 'pre-blank' : 'entry', topic: queue.topic, queueId: queue.queueId, queueOffset: next, ...cursor.locate(next),
      commitLogOffset: cursor.commitLogOffset, sizeBytes: cursor.recordSize, tagsCode: exact(cursor.tagsCode),
    };
  }
}

function* dumpBatchQueue(view: StoreView, queue: QueueDirectory, from: number | undefined): Generator<object, void> {
  for (const segment of inspectQueueFiles(view.fs, queue).segments) {
    for (let position = 0; position + BATCH_ENTRY_SIZE_BYTES <= segment.sizeBytes; position += BATCH_ENTRY_SIZE_BYTES) {
      const entry = readAt(view, segment.path, position, BATCH_ENTRY_SIZE_BYTES);
      const count = entry.readInt16BE(BATCH_COUNT);
      if (entry.readInt32BE(8) <= 0 || count <= 0) return;
      const queueOffset = exact(entry.readBigInt64BE(BATCH_BASE_OFFSET));
      if (from !== undefined && Number(queueOffset) + count <= from) continue;
      yield {
        recordType: 'batch-entry', topic: queue.topic, queueId: queue.queueId, queueOffset, count, file: segment.path, position,
        commitLogOffset: exact(entry.readBigInt64BE(0)), sizeBytes: entry.readInt32BE(8), tagsCode: exact(entry.readBigInt64BE(12)),
        storeTimestamp: exact(entry.readBigInt64BE(BATCH_STORE_TIMESTAMP)),
      };
    }
  }
}

const readAt = (view: StoreView, path: string, position: number, length: number): Buffer => {
  const bytes = Buffer.alloc(length);
  const fd = view.fs.open(path, 'read');
  try {
    if (view.fs.read(fd, bytes, 0, length, position) < length) {
      throw new MqliteError('DAMAGED', `${path}: the file ends before byte ${position + length}`, { hint: 'see "mqlite store verify"' });
    }
    return bytes;
  } finally {
    view.fs.close(fd);
  }
};
