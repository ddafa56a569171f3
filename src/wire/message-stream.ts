import { expandInnerBatch, isInnerBatch } from '../record/batch.ts';
import { recordProblem } from '../record/check.ts';
import { decodeRecord } from '../record/decode.ts';
import { MIN_RECORD_BYTES } from '../record/layout.ts';
import type { Message } from '../record/message.ts';

/** Bytes of an answer that are no record. */
export interface StreamProblem {
  /** In the body. */
  readonly position: number;
  readonly sizeBytes: number;
  readonly reason: string;
}

export interface MessageStream {
  readonly messages: readonly Message[];
  readonly problems: readonly StreamProblem[];
}

/**
 * The stored records that lie one behind the other in the body of a pull, a view, a query, a check-back: those of the commit log, byte for
 * byte (docs/format/commit-log.md). The messages of an inner batch (BatchCQ topics) come one by one: some may lie before the offset asked for.
 * Never throws: a record that is not sound is named in `problems` and skipped by its size; where the size itself is wrong, all that follows is one problem.
 * Bodies are decompressed on first use, which may throw (see `Message.body`). [MessageDecoder#decodesBatch]
 * @param checkCrc compares each body with its CRC, as no official client does.
 */
export const decodeMessageStream = (body: Buffer, brokerName: string, checkCrc = false): MessageStream => {
  const messages: Message[] = [];
  const problems: StreamProblem[] = [];
  for (let at = 0; at < body.length; ) {
    const left = body.length - at;
    const sizeBytes = left < 4 ? -1 : body.readInt32BE(at);
    if (sizeBytes < MIN_RECORD_BYTES || sizeBytes > left) {
      problems.push({ position: at, sizeBytes: left, reason: left < MIN_RECORD_BYTES || sizeBytes > left ? `the last record is cut off after ${left} bytes` : `TOTALSIZE ${sizeBytes} is too small` });
      break;
    }
    const reason = recordProblem(body, at, sizeBytes, checkCrc) ?? addMessages(messages, body, at, brokerName);
    if (reason !== null) problems.push({ position: at, sizeBytes, reason });
    at += sizeBytes;
  }
  return { messages, problems };
};

/** Answers what is wrong with the record's contents; null when they were added. */
const addMessages = (messages: Message[], body: Buffer, at: number, brokerName: string): string | null => {
  try {
    const message = decodeRecord(body, at, brokerName);
    if (!isInnerBatch(message.sysFlag)) messages.push(message);
    else messages.push(...expandInnerBatch(message));
    return null;
  } catch (error) {
    return (error as Error).message;
  }
};
