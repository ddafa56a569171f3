const CACHE_BITS = 10;
const CACHE_MASK = (1 << CACHE_BITS) - 1;

/**
 * Turns topic bytes into strings without making a new one per record: a direct-mapped cache keyed by a hash of the
 * bytes, verified byte by byte.
 */
export class TopicCache {
  readonly #bytes: (Buffer | undefined)[] = [];
  readonly #texts: string[] = [];

  read(buffer: Buffer, start: number, length: number): string {
    let hash = length;
    for (let index = 0; index < length; index++) hash = (Math.imul(hash, 31) + buffer[start + index]!) | 0;
    const slot = (hash ^ (hash >>> 15)) & CACHE_MASK;
    const known = this.#bytes[slot];
    if (known !== undefined && known.length === length && equals(known, buffer, start)) return this.#texts[slot]!;
    const text = buffer.toString('utf8', start, start + length);
    this.#bytes[slot] = Buffer.from(buffer.subarray(start, start + length));
    this.#texts[slot] = text;
    return text;
  }
}

const equals = (known: Buffer, buffer: Buffer, start: number): boolean => {
  for (let index = 0; index < known.length; index++) if (known[index] !== buffer[start + index]) return false;
  return true;
};
