import { BORN_HOST, IPV4_HOST_BYTES, IPV6_HOST_BYTES, MAGIC_CODE, MAGIC_V1, MAGIC_V2, PHYSICAL_OFFSET, STORE_TIMESTAMP_BYTES, SYS_FLAG } from '../../record/layout.ts';
import { BORN_HOST_IPV6 } from '../../record/sys-flag.ts';
import { readOffset } from '../consume-queue/layout.ts';
import type { LogReader } from './log-reader.ts';

/** Up to and including STORETIMESTAMP behind an IPv6 born host; every record is longer. */
const HEADER_BYTES = BORN_HOST + IPV6_HOST_BYTES + STORE_TIMESTAMP_BYTES;

/** storeTimestamp of the record at a commit-log offset; null when no record begins there. */
export const storeTimestampAt = (log: LogReader, commitLogOffset: number): number | null => {
  // What was read ahead may be older than the record: a segment has its whole length from the start, and was zeros there.
  const isThere = (log.read(commitLogOffset, HEADER_BYTES, 0) && isRecord(log, commitLogOffset)) || (log.readFresh(commitLogOffset, HEADER_BYTES) && isRecord(log, commitLogOffset));
  if (!isThere) return null;
  const { buffer, position } = log;
  const isIPv6 = (buffer.readInt32BE(position + SYS_FLAG) & BORN_HOST_IPV6) !== 0;
  return readOffset(buffer, position + BORN_HOST + (isIPv6 ? IPV6_HOST_BYTES : IPV4_HOST_BYTES));
};

function isRecord({ buffer, position }: LogReader, commitLogOffset: number): boolean {
  const magic = buffer.readInt32BE(position + MAGIC_CODE);
  return (magic === MAGIC_V1 || magic === MAGIC_V2) && readOffset(buffer, position + PHYSICAL_OFFSET) === commitLogOffset;
}
