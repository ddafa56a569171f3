import { close, openSync, statSync, write } from 'node:fs';
import { Writable } from 'node:stream';
import { systemErrorToMqlite } from '../error-report.ts';

/**
 * A file that a command writes to. Nothing is gathered: whoever waits for a write, waits until the system has it, so that nothing counts as
 * printed that the disk did not take.
 */
export class OutputFile extends Writable {
  readonly fd: number;
  #failure: NodeJS.ErrnoException | null = null;

  /** Errors: those of the file system, with the path. */
  constructor(path: string, isAppended: boolean) {
    super({ highWaterMark: 0, decodeStrings: true });
    try {
      this.fd = openSync(path, isAppended ? 'a' : 'w');
    } catch (error) {
      throw systemErrorToMqlite(error, path) ?? error;
    }
    // A command hears of it where it listens; what nobody heard is said by `finish`.
    this.on('error', (error: NodeJS.ErrnoException) => {
      this.#failure ??= error;
    });
  }

  /** Writes what is left and closes; what went wrong, whenever that was. */
  async finish(): Promise<NodeJS.ErrnoException | null> {
    if (!this.closed) {
      const closed = new Promise<void>((resolve) => this.once('close', resolve));
      if (!this.destroyed) this.end();
      await closed;
    }
    return this.#failure;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    // At the place that the system keeps: programs that have the descriptor, too, write behind it.
    write(this.fd, chunk, 0, chunk.length, null, (error, written) => {
      if (error !== null || written === chunk.length) done(error);
      else this._write(chunk.subarray(written), _encoding, done);
    });
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    close(this.fd, (failure) => done(error ?? failure));
  }
}

/** Opening it waits for whoever reads: that is left to a program that can be interrupted. */
export const isFifo = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFIFO() === true;
