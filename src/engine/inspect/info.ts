import { join } from 'node:path';
import { createDispatchView, readDispatchView } from '../../record/dispatch-view.ts';
import { LogScanner } from '../commit-log/log-scanner.ts';
import { inspectQueueFiles, listQueues } from '../consume-queue/queue-directory.ts';
import type { QueueFamily } from '../consume-queue/queue-directory.ts';
import { findQueueEnd } from '../consume-queue/queue-end.ts';
import { decodeIndexHeader, INDEX_HEADER_SIZE, viewOf } from '../index/layout.ts';
import { listIndexFiles } from '../index/names.ts';
import type { FieldSource } from '../state/infer-identity.ts';
import { readCheckpoint } from '../state/checkpoint.ts';
import type { Checkpoint, CheckpointCase } from '../state/checkpoint.ts';
import { isJsonObject, objectOrEmpty } from '../state/broker-json.ts';
import { brokerConfLines } from '../state/store-identity.ts';
import type { IdentityField, StoreIdentity } from '../state/store-identity.ts';
import { openStoreView, withStoreErrors } from './store-view.ts';
import type { StoreOptions, StoreView } from './store-view.ts';

export interface StoreInfo {
  readonly storeDirectory: string;
  readonly commitLogDirectory: string;
  /** false: the last writer did not close the store, or is still there. */
  readonly cleanlyClosed: boolean;
  /** Content of `abort`: the process that has, or had, the store open. */
  readonly abortPid: number | null;
  readonly identity: StoreIdentity;
  readonly identitySources: Readonly<Record<IdentityField, FieldSource>>;
  readonly commitLog: {
    readonly segments: number;
    /** Sum of the files' lengths; holes in sparse files count. */
    readonly sizeBytes: number;
    readonly minOffset: number;
    /** End of what the queues know; the log may go on behind it when the store was not closed. */
    readonly dispatchedOffset: number;
    readonly firstStoreTimestamp: number | null;
    readonly lastStoreTimestamp: number | null;
  };
  readonly queues: readonly QueueInfo[];
  readonly topics: number;
  /** Queue entries in all queues. */
  readonly messages: number;
  readonly index: { readonly files: number; readonly keys: number; readonly sizeBytes: number };
  readonly checkpoint: Checkpoint & { readonly case: CheckpointCase };
  /** Lines of broker.conf with which a broker boots this store. */
  readonly brokerConf: readonly string[];
  /** Things a user should know: files that do not belong here, fields that had to be guessed. */
  readonly notes: readonly string[];
}

export interface QueueInfo {
  readonly topic: string;
  readonly queueId: number;
  readonly family: QueueFamily;
  /** First entry of the first file; its record may have expired. */
  readonly firstOffset: number;
  readonly endOffset: number;
  readonly files: number;
}

/**
 * What a store is and holds, told from names, lengths, headers and a few reads: its size does not matter. Writes nothing.
 * @throws MqliteError STORE_NOT_FOUND, WRONG_KIND, DAMAGED (store.json)
 */
export const storeInfo = (options: StoreOptions): Promise<StoreInfo> =>
  withStoreErrors(`cannot look at ${options.storeDirectory}`, () => describe(openStoreView(options)));

const describe = (view: StoreView): StoreInfo => {
  const notes = view.log.oddities.map((oddity) => `${oddity.path}: ${oddity.reason}`);
  for (const [field, reason] of Object.entries(view.inferred.reasons)) notes.push(`${field} is not known: ${reason}`);
  const queues: QueueInfo[] = [];
  let dispatched = 0;
  for (const queue of listQueues(view.fs, view.paths.root)) {
    const files = inspectQueueFiles(view.fs, queue);
    notes.push(...files.oddities.map((oddity) => `${oddity.path}: ${oddity.reason}`));
    const size = files.fileSizeBytes;
    const end = queue.family === 'simple' && size !== null ? findQueueEnd(view.fs, queue.path, size) : { firstOffset: 0, endOffset: 0, commitLogEnd: 0 };
    dispatched = Math.max(dispatched, end.commitLogEnd);
    queues.push({ topic: queue.topic, queueId: queue.queueId, family: queue.family, firstOffset: end.firstOffset, endOffset: end.endOffset, files: files.segments.length });
  }
  const { segments } = view.log;
  const last = segments.at(-1);
  const checkpoint = readCheckpoint(view.fs, view.paths.checkpoint);
  return {
    storeDirectory: view.paths.root, commitLogDirectory: view.paths.commitLog, cleanlyClosed: !view.unclean, abortPid: view.abortPid,
    identity: view.identity, identitySources: view.inferred.sources,
    commitLog: {
      segments: segments.length,
      sizeBytes: segments.reduce((sum, segment) => sum + segment.sizeBytes, 0),
      minOffset: segments[0]?.baseOffset ?? 0,
      dispatchedOffset: Math.min(dispatched, last === undefined ? 0 : last.baseOffset + last.sizeBytes),
      firstStoreTimestamp: storeTimestampAt(view, segments[0]?.baseOffset ?? -1),
      lastStoreTimestamp: lastTimestamp(view, queues),
    },
    queues,
    topics: Object.values(objectOrEmpty(view.topics, 'topicConfigTable')).filter((entry) => isJsonObject(entry)).length,
    messages: queues.reduce((sum, queue) => sum + queue.endOffset - queue.firstOffset, 0),
    index: indexInfo(view),
    checkpoint: { ...checkpoint.checkpoint, case: checkpoint.case },
    brokerConf: brokerConfLines(view.identity, view.paths.root, view.paths.commitLog),
    notes,
  };
};

const storeTimestampAt = (view: StoreView, offset: number): number | null => {
  if (offset < 0) return null;
  const scanner = new LogScanner(view.fs, view.log.segments, { from: offset, windowBytes: 64 * 1024 });
  try {
    if (scanner.next() !== 'message') return null;
    const record = createDispatchView();
    readDispatchView(scanner.window, scanner.position, record);
    return record.storeTimestamp;
  } finally {
    scanner.close();
  }
};

/** Of the newest record that a queue knows. */
const lastTimestamp = (view: StoreView, queues: readonly QueueInfo[]): number | null => {
  let newest: number | null = null;
  for (const queue of queues) {
    if (queue.family !== 'simple' || queue.endOffset === queue.firstOffset) continue;
    const offset = lastRecordOffset(view, queue);
    const timestamp = offset === null ? null : storeTimestampAt(view, offset);
    if (timestamp !== null && (newest === null || timestamp > newest)) newest = timestamp;
  }
  return newest;
};

const lastRecordOffset = (view: StoreView, queue: QueueInfo): number | null => {
  const files = inspectQueueFiles(view.fs, { ...queue, path: join(view.paths.consumeQueue, queue.topic, String(queue.queueId)) });
  const position = (queue.endOffset - 1) * 20;
  const file = files.segments.find((segment) => position >= segment.baseOffset && position < segment.baseOffset + segment.sizeBytes);
  if (file === undefined) return null;
  const entry = Buffer.alloc(8);
  const fd = view.fs.open(file.path, 'read');
  try {
    view.fs.read(fd, entry, 0, 8, position - file.baseOffset);
  } finally {
    view.fs.close(fd);
  }
  const offset = Number(entry.readBigInt64BE(0));
  return Number.isSafeInteger(offset) && offset >= 0 ? offset : null;
};

const indexInfo = (view: StoreView): StoreInfo['index'] => {
  let keys = 0;
  let sizeBytes = 0;
  const names = listIndexFiles(view.fs, view.paths.index);
  for (const name of names) {
    const header = Buffer.alloc(INDEX_HEADER_SIZE);
    const fd = view.fs.open(join(view.paths.index, name), 'read');
    try {
      view.fs.read(fd, header, 0, INDEX_HEADER_SIZE, 0);
      sizeBytes += view.fs.fstat(fd).sizeBytes;
    } finally {
      view.fs.close(fd);
    }
    keys += Math.max(0, decodeIndexHeader(viewOf(header)).indexCount - 1);
  }
  return { files: names.length, keys, sizeBytes };
};
