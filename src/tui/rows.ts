import { isUtf8 } from 'node:buffer';
import { CodecError } from '../base/codec-error.ts';
import type { LogRecord } from '../broker/types.ts';
import { StoredMessage } from '../record/decode.ts';
import type { Message } from '../record/message.ts';
import { tagsCode, tagsHash } from '../record/tags.ts';
import { escapeControl } from '../text/escape.ts';
import type { RecordReference } from './panel.ts';

/**
 * What a view keeps of a message: what a line can show of it and where it is. The message itself, whose body may be megabytes and
 * pins the buffer it was read with, is read again when it is opened.
 */
export interface MessageRow {
  readonly kind: 'message';
  readonly id: string;
  readonly record: RecordReference;
  readonly commitLogOffset: number;
  readonly storeTimestamp: number;
  /** These are the user's, and escaped. */
  readonly msgId: string;
  readonly tags: string;
  readonly keys: string;
  readonly body: string;
}

/** The same of a step of the physical log. */
export interface LogRow {
  readonly kind: 'log';
  readonly id: string;
  readonly recordType: LogRecord<Message>['recordType'];
  readonly commitLogOffset: number;
  readonly sizeBytes: number;
  /** null where no message lies. */
  readonly record: RecordReference | null;
  readonly tagsCode: bigint;
  readonly sysFlag: number;
  readonly crcOk: boolean;
  /** Of the logs of several brokers, which are shown as one by this time; null: of the only log. */
  readonly storeTimestamp: number | null;
  /** Tags, keys and id of a message; the reason of damage. Escaped. */
  readonly text: string;
}

export type StreamRow = MessageRow | LogRow;

/** So much of a body is kept for its line: more than the widest terminal shows, to be searched, too. */
const PREVIEW_BYTES = 1024;

export const referenceOf = ({ topic, brokerName, queueId, queueOffset, commitLogOffset }: Message): RecordReference => ({ topic, brokerName, queueId, queueOffset, commitLogOffset });

/** A record is where it lies, as long as its topic is not made anew. */
export const referenceId = ({ topic, brokerName, queueId, queueOffset }: RecordReference): string => `${topic}/${brokerName}/${queueId}/${queueOffset}`;

export function messageRow(message: Message): MessageRow {
  const record = referenceOf(message);
  return {
    kind: 'message', id: referenceId(record), record,
    commitLogOffset: message.commitLogOffset,
    storeTimestamp: message.storeTimestamp,
    msgId: escapeControl(message.msgId),
    tags: escapeControl(message.tags ?? ''),
    keys: escapeControl(message.keys.join(' ')),
    body: bodyPreview(message),
  };
}

export function logRow(record: LogRecord<Message>): LogRow {
  const { recordType, commitLogOffset, sizeBytes } = record;
  const place = { kind: 'log' as const, id: String(commitLogOffset), recordType, commitLogOffset, sizeBytes, storeTimestamp: null };
  if (record.recordType !== 'message') {
    const text = record.recordType === 'blank' ? 'blank to the end of the file' : escapeControl(record.reason);
    return { ...place, record: null, tagsCode: 0n, sysFlag: 0, crcOk: record.recordType === 'blank', text };
  }
  const { message, tagsCode, crcOk } = record;
  const words = [message.tags, message.keys.join(' '), message.msgId].filter((word) => word !== null && word !== '');
  return { ...place, record: referenceOf(message), tagsCode, sysFlag: message.sysFlag, crcOk, text: escapeControl(words.join('  ')) };
}

/** Of a message in one of the logs of several brokers. One out of a batch has no CRC of its own. */
export function mergedLogRow(message: Message): LogRow {
  const { commitLogOffset, storeSize, tags, storeTimestamp } = message;
  const row = logRow({ recordType: 'message', commitLogOffset, sizeBytes: storeSize, tagsCode: tagsCode(tagsHash(tags)), crcOk: !(message instanceof StoredMessage) || message.crcOk(), message });
  return { ...row, id: referenceId(referenceOf(message)), storeTimestamp };
}

export const isOfSeveralLogs = (row: StreamRow | undefined): boolean => row?.kind === 'log' && row.storeTimestamp !== null;

function bodyPreview(message: Message): string {
  let body: Buffer;
  try {
    ({ body } = message);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    return `DAMAGED: ${error.message}`;
  }
  const start = body.length > PREVIEW_BYTES ? wholeCharacters(body.subarray(0, PREVIEW_BYTES)) : body;
  if (isUtf8(start)) return escapeControl(start.toString('utf8'));
  return `${body.length} bytes: ${start.subarray(0, 128).toString('hex').replace(/(..)(?=.)/g, '$1 ')}`;
}

/** Without the UTF-8 character that the end cuts in two. */
export function wholeCharacters(bytes: Buffer): Buffer {
  for (let back = 1; back <= Math.min(4, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if ((byte & 0xc0) === 0x80) continue;
    const size = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return size > back ? bytes.subarray(0, bytes.length - back) : bytes;
  }
  return bytes;
}

/** What an incremental search looks through. */
export function rowText(row: StreamRow): string {
  const place = row.record === null ? '' : `${row.record.topic}/${row.record.queueId}@${row.record.queueOffset}`;
  return row.kind === 'message' ? `${place} ${row.tags} ${row.keys} ${row.body} ${row.msgId}` : `${row.commitLogOffset} ${place} ${row.text}`;
}

/** Where a row has what `matcher` looks for. */
export function matchPattern(text: string): RegExp {
  return new RegExp(text.replace(/[$()*+.?[\\\]^{|}/-]/g, String.raw`\$&`), text === text.toLowerCase() ? 'gi' : 'g');
}

/** Capitals in what is searched for make capitals count. */
export function matcher(text: string): (candidate: string) => boolean {
  if (text !== text.toLowerCase()) return (candidate) => candidate.includes(text);
  return (candidate) => candidate.toLowerCase().includes(text);
}
