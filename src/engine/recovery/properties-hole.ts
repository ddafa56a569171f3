import { bodyPosition } from '../../record/check.ts';
import { MAGIC_CODE, MAGIC_V2, SYS_FLAG } from '../../record/layout.ts';

/**
 * BODYCRC does not cover the properties, so a page of zeros in them goes unnoticed: keys, ids and the real topic of a
 * retried message would be gone while the record counts as sound. No property that anybody writes has a NUL in it.
 * @param position of a record that `recordProblem` found sound
 */
export const propertiesHole = (buffer: Buffer, position: number, sizeBytes: number): string | null => {
  const body = position + bodyPosition(buffer.readInt32BE(position + SYS_FLAG));
  const topicLength = body + buffer.readInt32BE(body - 4);
  const topicBytes = buffer.readInt32BE(position + MAGIC_CODE) === MAGIC_V2 ? 2 + buffer.readInt16BE(topicLength) : 1 + buffer.readInt8(topicLength);
  const properties = buffer.subarray(topicLength + topicBytes + 2, position + sizeBytes);
  return properties.includes(0) ? 'a part of the properties is zeros' : null;
};
