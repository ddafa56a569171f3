import { BORN_HOST, SYS_FLAG } from '../../record/layout.ts';
import { readOffset } from '../consume-queue/layout.ts';
import type { LogReader } from './log-reader.ts';

/** Up to and including STORETIMESTAMP behind an IPv6 born host; every record is longer. */
const HEADER_BYTES = BORN_HOST + 20 + 8;

/** storeTimestamp of the record at a commit-log offset; null when the log has no such bytes. */
export const storeTimestampAt = (log: LogReader, commitLogOffset: number): number | null => {
  if (!log.read(commitLogOffset, HEADER_BYTES, 0)) return null;
  const { buffer, position } = log;
  const isIPv6 = (buffer.readInt32BE(position + SYS_FLAG) & 0x10) !== 0;
  return readOffset(buffer, position + BORN_HOST + (isIPv6 ? 20 : 8));
};
