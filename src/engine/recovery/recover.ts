import path from 'node:path';
import { MqliteError } from '../../broker/errors.ts';
import { createDispatchView, readDispatchView } from '../../record/dispatch-view.ts';
import { TRANSACTION_MASK, TRANSACTION_PREPARED, TRANSACTION_ROLLBACK } from '../../record/sys-flag.ts';
import { segmentFileName } from '../commit-log/log-directory.ts';
import type { LogSegment } from '../commit-log/log-directory.ts';
import { zeroRange } from '../commit-log/log-writer.ts';
import { LogScanner } from '../commit-log/log-scanner.ts';
import { soundRecord } from '../commit-log/record-soundness.ts';
import { listQueues } from '../consume-queue/queue-directory.ts';
import { findQueueEnd } from '../consume-queue/queue-end.ts';
import type { QueueTable } from '../consume-queue/queue-table.ts';
import { parseDelayLevels } from '../../broker/delay-levels.ts';
import { setTagsCode } from '../dispatch/tags-code.ts';
import { findBatchQueueEnd } from '../read/batch-queue-reader.ts';
import { batchTopicEnds, refuseUnlistedBatch } from './batch-topics.ts';
import { quarantineBytes } from '../state/file-io.ts';
import { readCheckpoint } from '../state/checkpoint.ts';
import type { EngineState } from '../state/engine-state.ts';
import type { StoreContext } from '../store-context.ts';
import { requireWholeLog } from './log-files.ts';
import { propertiesHole } from './properties-hole.ts';
import { mendQueueFiles } from './queue-files.ts';
import { truncateQueues } from './truncate-queues.ts';
import type { RecoveryCase } from './recovery-case.ts';

export interface RecoveryResult {
  readonly case: RecoveryCase;
  /** End of the valid log. */
  readonly tail: number;
  readonly lastStoreTimestamp: number;
  /** Where the scan began; equal to `tail` when nothing was scanned. */
  readonly scannedFrom: number;
  /** Things a user should know: what was cut off and where it is kept. */
  readonly notices: readonly string[];
}

/** Where the dispatch of the log must be checked from, for each case. */
const scanStart = (context: StoreContext, kind: RecoveryCase, state: EngineState, segments: readonly LogSegment[]): number => {
  const first = segments[0]?.baseOffset ?? 0;
  switch (kind) {
    case 'clean-own':
    case 'dead-writer':
      return Math.max(state.committedTail, first);
    case 'power-cut':
      return Math.max(state.syncedTail, first);
    case 'clean-foreign':
      return Math.max(dispatchedEnd(context, segments), first);
    case 'dead-broker':
      return Math.max(checkpointStart(context, segments), first);
  }
};

/** End of the last record that any queue knows, if that record is there; else the checkpoint decides. A broker skips the record that begins here (P8). */
const dispatchedEnd = (context: StoreContext, segments: readonly LogSegment[]): number => {
  const { fs, identity, paths } = context;
  let end = 0;
  for (const queue of listQueues(fs, paths.root)) {
    const known = queue.family === 'simple' ? findQueueEnd(fs, queue.path, identity.consumeQueueFileSizeBytes) : findBatchQueueEnd(fs, queue.path);
    end = Math.max(end, known.commitLogEnd);
  }
  const last = segments.at(-1);
  if (last === undefined) return 0;
  // Queues ahead of the log: its tail was lost, so the true end is looked for.
  return end > last.baseOffset + last.sizeBytes ? checkpointStart(context, segments) : end;
};

/** First offset of the newest file whose first record the checkpoint vouches for [CommitLog#isMappedFileMatchedRecover]. */
const checkpointStart = (context: StoreContext, segments: readonly LogSegment[]): number => {
  const { checkpoint } = readCheckpoint(context.fs, context.paths.checkpoint);
  const timestamp = Math.min(checkpoint.physicMsgTimestamp, checkpoint.logicsMsgTimestamp) - 3000;
  for (let index = segments.length - 1; index > 0; index--) {
    const segment = segments[index]!;
    const stored = firstStoreTimestamp(context, segments, segment);
    if (stored !== null && stored <= timestamp) return segment.baseOffset;
  }
  return segments[0]?.baseOffset ?? 0;
};

const firstStoreTimestamp = (context: StoreContext, segments: readonly LogSegment[], segment: LogSegment): number | null => {
  const scanner = newScanner(context, segments, segment.baseOffset, segment.baseOffset + segment.sizeBytes);
  try {
    if (scanner.next() !== 'message') return null;
    const view = createDispatchView();
    readDispatchView(scanner.window, scanner.position, view);
    return view.storeTimestamp;
  } finally {
    scanner.close();
  }
};

const newScanner = (context: StoreContext, segments: readonly LogSegment[], from: number, to?: number): LogScanner =>
  new LogScanner(context.fs, segments, { from, ...(to === undefined ? {} : { to }) });

/** After a power cut any page may be missing, after a kill the end of the last record: also where no CRC looks. */
const newTornScanner = (context: StoreContext, segments: readonly LogSegment[], from: number): LogScanner =>
  new LogScanner(context.fs, segments, { from, check: (buffer, position, size) => soundRecord(buffer, position, size) ?? propertiesHole(buffer, position, size) });

/** Entries gathered between two writes to the queues. */
const MAX_PENDING_ENTRIES = 1 << 16;

/**
 * Brings log and queues of a store to one valid state, on disk when this returns. Runs alone. Nothing that could be read
 * is lost, nothing unreadable is deleted: it goes to quarantine and is reported. Running it again after a crash in the
 * middle leads to the same result. Throws DAMAGED when files of the log are missing or of a wrong length, and when sound
 * records lie behind damage in a log that a broker left, which a broker would truncate: `store recover` mends such a log.
 */
export const recoverStore = (
  context: StoreContext,
  kind: RecoveryCase,
  state: EngineState,
  queues: QueueTable,
  deletedTopics: ReadonlyMap<string, number>,
): RecoveryResult => {
  const segments = requireWholeLog(context, kind === 'clean-own' || kind === 'dead-writer' ? state.committedTail : 0);
  const from = scanStart(context, kind, state, segments);
  if (kind === 'clean-own') return { case: kind, tail: from, lastStoreTimestamp: state.lastStoreTimestamp, scannedFrom: from, notices: [] };
  const notices: string[] = [];
  mendQueueFiles(context, notices);
  // Behind the committed tail nothing is older than what is before it. Anywhere else only the records themselves tell.
  const newest = kind === 'dead-writer' ? state.lastStoreTimestamp : 0;
  let dispatched = dispatchFrom(context, kind, segments, from, newest, queues, deletedTopics);
  if (dispatched === 'queue-behind') {
    // A queue lacks entries from before the scan: only the whole log can fill it.
    dispatched = dispatchFrom(context, kind, segments, segments[0]!.baseOffset, 0, queues, deletedTopics);
    if (dispatched === 'queue-behind') throw new Error('a scan of the whole log found a queue behind it');
  }
  const { tail } = dispatched;
  clearBehind(context, segments, tail, kind === 'dead-writer' ? state : null, notices);
  syncLogFrom(context, segments, from);
  queues.dropAll();
  if (kind !== 'dead-writer' || state.batchOpen) truncateQueues(context, tail, notices);
  return { case: kind, tail, lastStoreTimestamp: Math.max(state.lastStoreTimestamp, dispatched.lastStoreTimestamp), scannedFrom: from, notices };
};

/**
 * How far a record's store time may lie behind the one before it: a broker's clock is stepped back a little now and then.
 * Records that a truncation left behind are older by at least the time a broker takes to start.
 */
const CLOCK_STEP_MS = 1000;

const dispatchFrom = (
  context: StoreContext,
  kind: RecoveryCase,
  segments: readonly LogSegment[],
  from: number,
  newestBefore: number,
  queues: QueueTable,
  deletedTopics: ReadonlyMap<string, number>,
): { tail: number; lastStoreTimestamp: number } | 'queue-behind' => {
  const isWholeLog = from === (segments[0]?.baseOffset ?? 0);
  const delayLevels = parseDelayLevels(context.identity.messageDelayLevel);
  const scanner = kind === 'power-cut' || kind === 'dead-writer' ? newTornScanner(context, segments, from) : newScanner(context, segments, from);
  const view = createDispatchView();
  const tagsCode = { high: 0, low: 0 };
  const batchEnds = batchTopicEnds(context);
  let newest = newestBefore;
  let tail = from;
  let pending = 0;
  try {
    for (;;) {
      const step = scanner.next();
      if (step === 'end') break;
      if (step === 'damaged') {
        // Where an mqlite wrote, everything from here on was never synced, or never acknowledged: it is cut off.
        if (kind === 'dead-broker' || kind === 'clean-foreign') refuseIfSoundBehind(context, scanner, tail, newest);
        break;
      }
      tail = scanner.commitLogOffset;
      if (step === 'message') {
        readDispatchView(scanner.window, scanner.position, view);
        const batchEnd = batchEnds.get(view.topic);
        if (batchEnd !== undefined) {
          refuseUnlistedBatch(context, view.topic, tail, view.sizeBytes, batchEnd);
          tail += view.sizeBytes;
          continue;
        }
        const queue = queues.get(view.topic, view.queueId);
        // Records that an earlier truncation left behind newer ones: their time is older and no queue knows them (P7).
        if (view.storeTimestamp < newest - CLOCK_STEP_MS && view.queueOffset >= queue.nextOffset) return { tail, lastStoreTimestamp: newest };
        newest = Math.max(newest, view.storeTimestamp);
        const transaction = view.sysFlag & TRANSACTION_MASK;
        const isQueued = transaction !== TRANSACTION_PREPARED && transaction !== TRANSACTION_ROLLBACK;
        if (isQueued && view.commitLogOffset >= (deletedTopics.get(view.topic) ?? 0)) {
          if (view.queueOffset > queue.nextOffset && !isWholeLog) return 'queue-behind';
          setTagsCode(tagsCode, view, delayLevels);
          if (!queue.hasPending) queues.touch(queue);
          queue.put(view.queueOffset, view.commitLogOffset, view.sizeBytes, tagsCode.high, tagsCode.low);
          if (++pending % MAX_PENDING_ENTRIES === 0) {
            queues.flush();
            queues.commit();
          }
        }
      }
      tail = scanner.commitLogOffset + scanner.sizeBytes;
    }
    if (scanner.endReason === 'last-file') tail = Math.max(tail, scanner.commitLogOffset);
    return { tail, lastStoreTimestamp: newest };
  } finally {
    scanner.close();
    queues.flush();
    queues.commit();
    for (const queue of queues.takeUnsynced()) queue.sync();
  }
};

/** A torn end has nothing sound behind it. Sound and newer records behind damage mean that the damage is in the middle. */
const refuseIfSoundBehind = (context: StoreContext, scanner: LogScanner, tail: number, newest: number): void => {
  const file = scanner.segment?.path ?? context.paths.commitLog;
  const position = scanner.filePosition;
  const { reason } = scanner;
  if (scanner.resync() < 0 || scanner.next() !== 'message') return;
  const view = createDispatchView();
  readDispatchView(scanner.window, scanner.position, view);
  if (view.storeTimestamp < newest - CLOCK_STEP_MS) return;
  throw new MqliteError('DAMAGED', `${file}: damaged at byte ${position} (commit-log offset ${tail}): ${reason}; sound records follow at ${scanner.commitLogOffset}`, {
    hint: 'run "mqlite store recover --dry-run" to see what it would mend; a broker would cut the log off there',
  });
};

/**
 * Makes everything behind the tail zeros, so that no later recovery, a broker's included, walks on into old bytes (P7).
 * What is not zero is kept in quarantine first. Files wholly behind the tail go, the last one first: a crash in between
 * leaves no gap. @param writer of a batch that was cut short: in the file where it began nothing lies behind its planned end
 */
const clearBehind = (context: StoreContext, segments: readonly LogSegment[], tail: number, writer: EngineState | null, notices: string[]): void => {
  const { fs, paths } = context;
  for (const segment of [...segments].reverse()) {
    const end = segment.baseOffset + segment.sizeBytes;
    if (end <= tail) return;
    const isWhereItBegan = writer !== null && writer.committedTail >= segment.baseOffset;
    const to = isWhereItBegan ? Math.min(end, Math.max(writer.plannedEnd, tail)) : end;
    const dirty = nonZeroRange(context, segment, Math.max(segment.baseOffset, tail), to);
    if (dirty !== null) notices.push(keep(context, segment, dirty));
    if (segment.baseOffset >= tail) {
      // A broker's preallocated successor, or what a cut-off left.
      fs.unlink(segment.path);
      fs.syncDirectory(paths.commitLog);
    } else if (dirty !== null) {
      zeroRange(fs, segment.path, dirty.from - segment.baseOffset, dirty.to - segment.baseOffset);
    }
  }
};

/** What was found valid or was zeroed is on disk before anything is built on it, names included. */
const syncLogFrom = (context: StoreContext, segments: readonly LogSegment[], from: number): void => {
  const { fs, paths } = context;
  for (const segment of segments) {
    if (segment.baseOffset + segment.sizeBytes <= from || fs.stat(segment.path) === null) continue;
    const fd = fs.open(segment.path, 'write');
    try {
      fs.dataSync(fd);
    } finally {
      fs.close(fd);
    }
  }
  fs.syncDirectory(paths.commitLog);
};

interface Range {
  from: number;
  to: number;
}

const CHUNK_BYTES = 1 << 20;

/** From the first to after the last non-zero byte of a range of the log; null when all is zero. */
const nonZeroRange = ({ fs }: StoreContext, segment: LogSegment, from: number, to: number): Range | null => {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  const zeros = Buffer.alloc(CHUNK_BYTES);
  const fd = fs.open(segment.path, 'read');
  let range = null as Range | null;
  try {
    for (let at = from; at < to; at += CHUNK_BYTES) {
      const count = fs.read(fd, chunk, 0, Math.min(CHUNK_BYTES, to - at), at - segment.baseOffset);
      if (count === 0) break;
      if (chunk.compare(zeros, 0, count, 0, count) === 0) continue;
      let first = 0;
      while (chunk[first] === 0) first++;
      let last = count;
      while (chunk[last - 1] === 0) last--;
      range = { from: range?.from ?? at + first, to: at + last };
    }
    return range;
  } finally {
    fs.close(fd);
  }
};

const keep = ({ fs, paths }: StoreContext, segment: LogSegment, range: Range): string => {
  const bytes = Buffer.alloc(range.to - range.from);
  const fd = fs.open(segment.path, 'read');
  try {
    fs.read(fd, bytes, 0, bytes.length, range.from - segment.baseOffset);
  } finally {
    fs.close(fd);
  }
  const kept = quarantineBytes(fs, paths.quarantine, segmentFileName(range.from), bytes);
  return `${bytes.length} bytes behind the last valid record (${path.basename(segment.path)}, commit-log offset ${range.from}) were incomplete; they are kept in ${kept}`;
};
