import type { LogQuery, LogRecord } from '../../broker/types.ts';
import { crc32Masked } from '../../base/crc32.ts';
import { recordProblem } from '../../record/check.ts';
import { decodeRecord } from '../../record/decode.ts';
import type { StoredMessage } from '../../record/decode.ts';
import { createDispatchView, readDispatchView } from '../../record/dispatch-view.ts';
import { listSegments } from '../commit-log/log-directory.ts';
import { LogScanner } from '../commit-log/log-scanner.ts';
import { parseDelayLevels } from '../../broker/delay-levels.ts';
import { setTagsCode } from '../dispatch/tags-code.ts';
import type { StoreContext } from '../store-context.ts';
import type { StoreReader } from './store-reader.ts';

const BATCH_RECORDS = 512;

/** The physical log from `query.from` on, as batches. Without `follow` it ends where the log ends now. */
export async function* readLog(context: StoreContext, reader: StoreReader, query: LogQuery, signal?: AbortSignal): AsyncGenerator<LogRecord<StoredMessage>[]> {
  let offset = startOffset(context, reader, query);
  for (;;) {
    const tail = reader.tail.current();
    for (const batch of readRange(context, offset, tail)) {
      yield batch;
      const last = batch.at(-1)!;
      offset = last.commitLogOffset + last.sizeBytes;
      if (signal?.aborted === true) return;
    }
    if (!query.follow || signal?.aborted === true) return;
    await reader.untilTailPasses(tail, signal);
  }
}

/** Steps of the log in [from, to), damage included. */
function* readRange(context: StoreContext, from: number, to: number): Generator<LogRecord<StoredMessage>[]> {
  if (from >= to) return;
  const { fs, paths, identity } = context;
  const segments = listSegments(fs, paths.commitLog, identity.segmentSizeBytes);
  // The body's CRC is judged record by record below: such a record is shown with crcOk false, not as a hole in the log.
  const scanner = new LogScanner(fs, segments, { from, to, check: (buffer, position, size) => recordProblem(buffer, position, size, false) });
  const delayLevels = parseDelayLevels(identity.messageDelayLevel);
  let batch: LogRecord<StoredMessage>[] = [];
  try {
    for (;;) {
      const step = nextRecord(scanner, identity.brokerName, delayLevels);
      if (step === null) break;
      batch.push(step);
      if (batch.length === BATCH_RECORDS) {
        yield batch;
        batch = [];
      }
    }
    if (batch.length > 0) yield batch;
  } finally {
    scanner.close();
  }
}

const view = createDispatchView();
const code = { high: 0, low: 0 };

const nextRecord = (scanner: LogScanner, brokerName: string, delayLevels: readonly number[]): LogRecord<StoredMessage> | null => {
  const kind = scanner.next();
  const { commitLogOffset, sizeBytes } = scanner;
  if (kind === 'end') return null;
  if (kind === 'blank') return { recordType: 'blank', commitLogOffset, sizeBytes };
  if (kind === 'damaged') {
    const { reason } = scanner;
    const next = scanner.resync();
    return { recordType: 'damaged', commitLogOffset, sizeBytes: next < 0 ? Math.max(sizeBytes, 1) : next - commitLogOffset, reason };
  }
  // A copy: the scanner's window is reused, the message keeps its bytes.
  const bytes = Buffer.from(scanner.window.subarray(scanner.position, scanner.position + sizeBytes));
  const message = decodeRecord(bytes, 0, brokerName);
  readDispatchView(bytes, 0, view);
  setTagsCode(code, view, delayLevels);
  const tagsCode = (BigInt(code.high) << 32n) | BigInt(code.low >>> 0);
  return { recordType: 'message', commitLogOffset, sizeBytes, tagsCode, crcOk: crc32Masked(message.storedBody) === message.bodyCRC, message };
};

const startOffset = (context: StoreContext, reader: StoreReader, { from }: LogQuery): number => {
  const min = reader.tail.minOffset();
  switch (from.at) {
    case 'first':
      return min;
    case 'last':
      return reader.tail.current();
    case 'offset':
      return Math.max(from.commitLogOffset, min);
    case 'lastN':
      return lastNth(context, min, reader.tail.current(), from.count);
    case 'time':
      return firstAt(context, min, reader.tail.current(), from.timestamp);
  }
};

/** Offset of the record `count` before the end: records cannot be walked backwards, so segments are, newest first. */
const lastNth = (context: StoreContext, min: number, tail: number, count: number): number => {
  const size = context.identity.segmentSizeBytes;
  const recent: number[] = [];
  let to = tail;
  while (to > min && recent.length < count) {
    const from = Math.max(min, Math.floor((to - 1) / size) * size);
    const inSegment: number[] = [];
    for (const batch of readRange(context, from, to)) {
      for (const record of batch) inSegment.push(record.commitLogOffset);
      if (inSegment.length > 2 * count) inSegment.splice(0, inSegment.length - count);
    }
    recent.unshift(...inSegment);
    to = from;
  }
  return count <= 0 ? tail : (recent.slice(-count)[0] ?? tail);
};

/** Offset of the first message stored at or after a time: the segment by its first record, then record by record. */
const firstAt = (context: StoreContext, min: number, tail: number, timestamp: number): number => {
  const size = context.identity.segmentSizeBytes;
  let from = min;
  for (let base = Math.floor(min / size) * size + size; base < tail; base += size) {
    const first = firstMessage(readRange(context, base, Math.min(base + size, tail)));
    if (first === null || first.storeTimestamp >= timestamp) break;
    from = base;
  }
  for (const batch of readRange(context, from, tail)) {
    for (const record of batch) if (record.recordType === 'message' && record.message.storeTimestamp >= timestamp) return record.commitLogOffset;
  }
  return tail;
};

const firstMessage = (batches: Iterable<LogRecord<StoredMessage>[]>): StoredMessage | null => {
  for (const batch of batches) for (const record of batch) if (record.recordType === 'message') return record.message;
  return null;
};
