import type { Output } from '../output.ts';

/** Bytes gathered before one write: few calls, and little to hold for a slow reader. */
const CHUNK_BYTES = 128 << 10;

/** Gathers small pieces into large writes. `flush` hands out what there is; its promise is back-pressure and must be awaited. */
export class ChunkWriter {
  readonly #out: Output;
  #chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  #used = 0;
  #full: Buffer[] = [];
  /** A chunk that is written out, for the next one. */
  #spare: Buffer<ArrayBuffer> | undefined;

  constructor(out: Output) {
    this.#out = out;
  }

  /** True when enough is gathered for the caller to await `flush`. */
  get wantsFlush(): boolean {
    return this.#full.length > 0;
  }

  bytes(piece: Uint8Array): void {
    const { length } = piece;
    if (length > CHUNK_BYTES - this.#used) {
      this.#retire();
      if (length > CHUNK_BYTES) {
        this.#full.push(Buffer.from(piece));
        return;
      }
    }
    this.#chunk.set(piece, this.#used);
    this.#used += length;
  }

  text(piece: string): void {
    // UTF-8 takes at most three bytes for a UTF-16 unit.
    if (piece.length * 3 <= CHUNK_BYTES - this.#used) this.#used += this.#chunk.write(piece, this.#used);
    else this.bytes(Buffer.from(piece));
  }

  byte(value: number): void {
    if (this.#used === CHUNK_BYTES) this.#retire();
    this.#chunk[this.#used++] = value;
  }

  /** Writes out what is gathered, and waits where the reader is slow. */
  async flush(): Promise<void> {
    if (this.#used > 0) this.#retire();
    const full = this.#full;
    this.#full = [];
    for (const chunk of full) {
      await this.#out.write(chunk);
      // Otherwise the stream still holds it: memory is given up to it.
      if (this.#out.drained && chunk.buffer.byteLength === CHUNK_BYTES) this.#spare = Buffer.from(chunk.buffer as ArrayBuffer);
    }
  }

  #retire(): void {
    if (this.#used === 0) return;
    this.#full.push(this.#chunk.subarray(0, this.#used));
    this.#chunk = this.#spare ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
    this.#spare = undefined;
    this.#used = 0;
  }
}
