import { CodecError } from '../base/codec-error.ts';
import type { LogRecord } from '../broker/types.ts';
import type { Message } from '../record/message.ts';
import { escapeControl } from './escape.ts';
import { toJson } from './json.ts';
import { messageJson } from '../record/message-json.ts';
import { messageLine } from './message-line.ts';

/** One record of the physical log as one line of JSON; the body only when asked for. */
export function logRecordJson(record: LogRecord<Message>, withBody: boolean): string {
  if (record.recordType !== 'message') return toJson(record);
  const { recordType, commitLogOffset, sizeBytes, tagsCode, crcOk } = record;
  try {
    const { commitLogOffset: _, ...message } = messageJson(record.message, withBody);
    // tagsCode is a bigint, which JSON.stringify refuses: the head is put together here.
    return `{"recordType":"${recordType}","commitLogOffset":${commitLogOffset},"sizeBytes":${sizeBytes},"tagsCode":${tagsCode},"crcOk":${crcOk},${JSON.stringify(message).slice(1)}`;
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    return toJson({ recordType: 'damaged', commitLogOffset, sizeBytes, reason: error.message });
  }
}

/** The same for the eye: log offset, size, then what lies there. */
export function logRecordLine(record: LogRecord<Message>, withBody: boolean): string {
  const place = `${record.brokerName === undefined ? '' : `${escapeControl(record.brokerName)}  `}${String(record.commitLogOffset).padStart(12)}  ${String(record.sizeBytes).padStart(8)} B`;
  switch (record.recordType) {
    case 'blank': return `${place}  (blank to the end of the file)`;
    case 'damaged': return `${place}  DAMAGED: ${escapeControl(record.reason)}`;
    case 'message': return `${place}  ${record.crcOk ? '' : 'BAD CRC  '}${describeMessage(record.message, withBody)}`;
  }
}

function describeMessage(message: Message, withBody: boolean): string {
  const head = `${escapeControl(message.topic)}/${message.queueId}@${message.queueOffset}  ${escapeControl(message.msgId)}`;
  if (!withBody) return message.tags === null ? head : `${head}  [${escapeControl(message.tags)}]`;
  try {
    return messageLine(message);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    return `${head}  DAMAGED: ${error.message}`;
  }
}
