/** Methods every Node Buffer has and its documentation leaves out: `toString`/`write` without the encoding switch. */
interface Buffer {
  latin1Slice(start: number, end: number): string;
  utf8Slice(start: number, end: number): string;
  latin1Write(text: string, offset: number): number;
  utf8Write(text: string, offset: number): number;
}
