import type { Writable } from 'node:stream';
import type { HostOutput } from './host.ts';
import { MqliteError } from '../broker/errors.ts';
import { systemErrorToMqlite } from './error-report.ts';

/**
 * A stream of the process with back-pressure. `write` answers undefined when the caller may go on at once, else a promise.
 * A reader that closed the pipe is no error: `closed` turns true and further writes vanish. Any other failure is thrown by
 * the next write (STORAGE_FAILED for a full disk).
 */
export class Output {
  readonly isTTY: boolean;
  readonly #stream: HostOutput;
  readonly #onClosed: () => void;
  #closed = false;
  #failure: MqliteError | undefined;
  #listening = false;

  constructor(stream: HostOutput, onClosed: () => void) {
    this.#stream = stream;
    this.#onClosed = onClosed;
    this.isTTY = stream.isTTY === true;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Everything written has been handed to the system: buffers that were written may be used again. */
  get drained(): boolean {
    return this.#stream.writableLength === 0;
  }

  get columns(): number | undefined {
    return this.#stream.columns;
  }

  get rows(): number | undefined {
    return this.#stream.rows;
  }

  /** See HostOutput. */
  get forPrograms(): Writable | number | undefined {
    return this.#stream.forPrograms;
  }

  write(chunk: string | Uint8Array): Promise<void> | undefined {
    if (!this.#listening) {
      this.#listening = true;
      this.#stream.on('error', (error) => this.#onError(error));
    }
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closed || chunk.length === 0 || this.#stream.write(chunk)) return undefined;
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        this.#stream.off('drain', finish);
        this.#stream.off('close', finish);
        if (this.#failure === undefined) resolve();
        else reject(this.#failure);
      };
      this.#stream.once('drain', finish);
      this.#stream.once('close', finish);
    });
  }

  line(text: string): Promise<void> | undefined {
    return this.write(`${text}\n`);
  }

  #onError(error: NodeJS.ErrnoException): void {
    if (this.#closed) return;
    this.#closed = true;
    if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') this.#failure = systemErrorToMqlite(error, 'standard output') ?? new MqliteError('STORAGE_FAILED', `standard output: ${error.message}`);
    this.#onClosed();
  }
}
