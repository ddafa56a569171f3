import type { Message } from '../record/message.ts';
import { escapeControl } from './escape.ts';
import { formatTime } from './numbers.ts';

/**
 * A message for the eye, on one line: time, topic/queue@offset, tags, keys, body. Everything of the user's is escaped, on a pipe too:
 * a line is a line. Error: CodecError DAMAGED when the body cannot be decompressed.
 */
export function messageLine(message: Message): string {
  const parts = [formatTime(message.storeTimestamp), `${escapeControl(message.topic)}/${message.queueId}@${message.queueOffset}`];
  if (message.tags !== null) parts.push(`[${escapeControl(message.tags)}]`);
  if (message.keys.length > 0) parts.push(`key=${escapeControl(message.keys.join(' '))}`);
  parts.push(escapeControl(message.body.toString('utf8')));
  return parts.join('  ');
}
