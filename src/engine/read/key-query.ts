import type { KeyQuery, QueryResult } from '../../broker/types.ts';
import { recordProblem } from '../../record/check.ts';
import { createDispatchView, readDispatchView } from '../../record/dispatch-view.ts';
import type { StoredMessage } from '../../record/decode.ts';
import { listSegments } from '../commit-log/log-directory.ts';
import { LogScanner } from '../commit-log/log-scanner.ts';
import { IndexReader } from '../index/reader.ts';
import type { StoreContext } from '../store-context.ts';
import type { StoreReader } from './store-reader.ts';

/** Candidates asked of the index per wanted message: hashes collide, so some fall away. */
const CANDIDATES_PER_RESULT = 4;

/** Whether a message is what a key query means: the key, the client's id, in its own topic. */
const matches = (message: StoredMessage, { topic, key }: KeyQuery): boolean =>
  message.topic === topic && (message.keys.includes(key) || message.properties['UNIQ_KEY'] === key);

/**
 * Messages with a key, oldest first: those the index names, and those in the part of the log that the index does not
 * cover yet. @param deletedBelow records of the topic below this offset belong to a deleted topic of the same name
 */
export const queryByKey = (context: StoreContext, reader: StoreReader, query: KeyQuery, deletedBelow: number): QueryResult<StoredMessage> => {
  const { fs, paths, identity } = context;
  const begin = query.beginTimestamp ?? 0;
  const end = query.endTimestamp ?? Number.MAX_SAFE_INTEGER;
  const index = new IndexReader({ fs, directory: paths.index, slotCount: identity.indexSlotCount, maxIndexCount: identity.indexMaxCount });
  const found = index.query({
    topic: query.topic,
    key: query.key,
    maxResults: (query.maxMessages + 1) * CANDIDATES_PER_RESULT,
    ...(query.beginTimestamp === undefined ? {} : { beginTimestamp: begin }),
    ...(query.endTimestamp === undefined ? {} : { endTimestamp: end }),
  });
  const offsets = new Set([...unindexed(context, reader, query, index.endCommitLogOffset()), ...found.commitLogOffsets]);
  const messages: StoredMessage[] = [];
  let truncated = found.truncated;
  for (const offset of [...offsets].sort((a, b) => b - a)) {
    if (offset < deletedBelow) continue;
    const message = reader.messageAt(offset);
    if (message === null || !matches(message, query) || message.storeTimestamp < begin || message.storeTimestamp > end) continue;
    if (messages.length === query.maxMessages) {
      truncated = true;
      break;
    }
    messages.push(message);
  }
  return { messages: messages.reverse(), truncated };
};

/** Offsets of matching records behind the last indexed one. */
const unindexed = (context: StoreContext, reader: StoreReader, query: KeyQuery, indexEnd: number): number[] => {
  const { fs, paths, identity } = context;
  const tail = reader.tail.current();
  const from = Math.max(indexEnd, reader.tail.minOffset());
  if (from >= tail) return [];
  const segments = listSegments(fs, paths.commitLog, identity.segmentSizeBytes);
  const scanner = new LogScanner(fs, segments, { from, to: tail, check: (buffer, position, size) => recordProblem(buffer, position, size, false) });
  const view = createDispatchView();
  const offsets: number[] = [];
  try {
    for (let kind = scanner.next(); kind !== 'end'; kind = scanner.next()) {
      if (kind === 'damaged' && scanner.resync() < 0) break;
      if (kind !== 'message') continue;
      readDispatchView(scanner.window, scanner.position, view);
      if (view.topic === query.topic && (view.uniqKey === query.key || (view.keys !== null && view.keys.split(' ').includes(query.key)))) {
        offsets.push(view.commitLogOffset);
      }
    }
  } finally {
    scanner.close();
  }
  return offsets;
};
