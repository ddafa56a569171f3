/** UTF-8 text of `buffer[start, end)`; a byte that is no UTF-8 becomes U+FFFD, as in Java. */
export const readText = (buffer: Buffer, start: number, end: number): string => buffer.utf8Slice(start, end);
