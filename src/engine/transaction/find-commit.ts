import { readInt64 } from '../../base/int64.ts';
import { bodyPosition, recordProblem } from '../../record/check.ts';
import type { StoredMessage } from '../../record/decode.ts';
import { SYS_FLAG } from '../../record/layout.ts';
import { PROPERTY } from '../../record/properties.ts';
import { TRANSACTION_COMMIT, TRANSACTION_MASK } from '../../record/sys-flag.ts';
import { GIVE_UP_TOPIC, isLaterCopy } from '../../record/transaction.ts';
import { listSegments } from '../commit-log/log-directory.ts';
import { LogScanner } from '../commit-log/log-scanner.ts';
import { queryByKey } from '../read/key-query.ts';
import type { StoreReader } from '../read/store-reader.ts';
import { SCHEDULE_TOPIC, TIMER_TOPIC } from '../../broker/names.ts';
import type { StoreContext } from '../store-context.ts';
import { realQueueOf } from './half-copies.ts';

/** Messages that share a client's id: more than a few exist only where ids were kept. */
const MAX_SAME_ID = 32;
const BEFORE_BODY_BYTES = 12;

/** The message that a commit of this half, or of an earlier copy of it, has stored; null when there is none. Asks the index. */
export const findCommit = (context: StoreContext, reader: StoreReader, half: StoredMessage): StoredMessage | null =>
  // Messages may share an id and all else: each has its own commit.
  commitsOf(context, reader, half).find(({ preparedTransactionOffset: of }) => of === half.commitLogOffset || (of < half.commitLogOffset && isLaterCopy(half))) ?? null;

/** The same of any copy, for words about a half that is ended. */
export const findAnyCommit = (context: StoreContext, reader: StoreReader, half: StoredMessage): StoredMessage | null => commitsOf(context, reader, half)[0] ?? null;

const commitsOf = (context: StoreContext, reader: StoreReader, half: StoredMessage): StoredMessage[] => {
  const real = realQueueOf(half);
  if (real === null) return [];
  const isDelayed = half.properties[PROPERTY.DELAY] !== undefined || half.properties[PROPERTY.TIMER_DELIVER_MS] !== undefined;
  const topics = isDelayed ? [real.topic, SCHEDULE_TOPIC, TIMER_TOPIC] : [real.topic];
  return topics.flatMap((topic) => sameId(context, reader, half, topic)).filter((message) => isCommitted(message.storedSysFlag));
};

/** The copy in the give-up topic. */
export const findGivenUp = (context: StoreContext, reader: StoreReader, half: StoredMessage): StoredMessage | null =>
  sameId(context, reader, half, GIVE_UP_TOPIC)[0] ?? null;

const sameId = (context: StoreContext, reader: StoreReader, half: StoredMessage, topic: string): StoredMessage[] =>
  queryByKey(context, reader, { topic, key: half.msgId, maxMessages: MAX_SAME_ID }, 0).messages
    .filter((message) => message.msgId === half.msgId && message.bornTimestamp === half.bornTimestamp && message.bodyCRC === half.bodyCRC);

const isCommitted = (sysFlag: number): boolean => (sysFlag & TRANSACTION_MASK) === TRANSACTION_COMMIT;

/** Adds to `found` the PREPARED_TRAN_OFFSET of every committed message in a part of the log; returns where the next part begins. */
export const collectCommitted = (context: StoreContext, from: number, to: number, found: Set<number>): number => {
  const { fs, paths, identity } = context;
  const segments = listSegments(fs, paths.commitLog, identity.segmentSizeBytes);
  const scanner = new LogScanner(fs, segments, { from, to, check: (buffer, position, size) => recordProblem(buffer, position, size, false) });
  try {
    for (let kind = scanner.next(); kind !== 'end'; kind = scanner.next()) {
      if (kind === 'damaged' && scanner.resync() < 0) return to;
      if (kind !== 'message') continue;
      const { window, position } = scanner;
      const sysFlag = window.readInt32BE(position + SYS_FLAG);
      if (isCommitted(sysFlag)) found.add(readInt64(window, position + bodyPosition(sysFlag) - BEFORE_BODY_BYTES));
    }
    return Math.max(scanner.commitLogOffset, to);
  } finally {
    scanner.close();
  }
};
