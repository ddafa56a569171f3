/** Up to this many bytes a loop that looks for non-ASCII is cheaper than the general decoder. */
const isAscii = (buffer: Buffer, start: number, end: number): boolean => {
  let bits = 0;
  for (let index = start; index < end; index++) bits |= buffer[index]!;
  return bits < 0x80;
};

/** UTF-8 text; ASCII, by far the most frequent, takes the short way. */
export const readText = (buffer: Buffer, start: number, end: number): string =>
  isAscii(buffer, start, end) ? buffer.latin1Slice(start, end) : buffer.utf8Slice(start, end);
