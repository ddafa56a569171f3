/** Newline. */
const LF = 10;

/**
 * Cuts chunks of bytes into lines without making strings. A line is a view of its chunk; only what crosses a chunk's end is copied.
 * `\r` is part of the line; a last line without newline counts.
 */
export class LineSplitter {
  readonly #maxLineBytes: number;
  #carry: Buffer[] = [];
  #carryBytes = 0;

  /** A line longer than `maxLineBytes` is given out as soon as it is known to be too long, cut there: the caller refuses it. */
  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  /** The lines that end in `chunk`. */
  push(chunk: Buffer): Buffer[] {
    const lines: Buffer[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      lines.push(this.#carryBytes === 0 ? chunk.subarray(start, end) : this.#join(chunk.subarray(start, end)));
      start = end + 1;
    }
    if (start < chunk.length) {
      this.#carry.push(chunk.subarray(start));
      this.#carryBytes += chunk.length - start;
      if (this.#carryBytes > this.#maxLineBytes) lines.push(this.#join(Buffer.alloc(0)));
    }
    return lines;
  }

  /** The last line, when the input did not end with a newline. */
  end(): Buffer | undefined {
    return this.#carryBytes === 0 ? undefined : this.#join(Buffer.alloc(0));
  }

  #join(rest: Buffer): Buffer {
    const line = Buffer.concat([...this.#carry, rest]);
    this.#carry = [];
    this.#carryBytes = 0;
    return line;
  }
}
