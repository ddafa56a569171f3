import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HostInput } from './host.ts';
import { naming } from './named-files.ts';

const CHUNK_BYTES = 1 << 18;

/** Input that is read twice: kept in a temporary file without a name, which vanishes with the process. Errors: those of the file system. */
export class InputCopy {
  readonly #fd: number;
  readonly #directory: string;

  constructor() {
    const directory = naming(keepingIn(tmpdir()), () => mkdtempSync(join(tmpdir(), 'mqlite-input-')));
    this.#directory = directory;
    this.#fd = naming(keepingIn(directory), () => openSync(join(directory, 'input'), 'wx+', 0o600));
    rmSync(directory, { recursive: true });
  }

  /** `input`, kept as it is read. */
  keeping(input: HostInput): HostInput {
    const keep = (chunk: Buffer): void => naming(keepingIn(this.#directory), () => {
      for (let at = 0; at < chunk.length;) at += writeSync(this.#fd, chunk, at);
    });
    return {
      destroy: () => input.destroy(),
      async *[Symbol.asyncIterator]() {
        for await (const chunk of input) {
          keep(chunk);
          yield chunk;
        }
      },
    };
  }

  /** What was kept, from its beginning; may be asked for again. */
  read(): HostInput {
    const fd = this.#fd;
    const directory = this.#directory;
    return {
      destroy: () => undefined,
      async *[Symbol.asyncIterator]() {
        for (let at = 0; ;) {
          // A new one each time: messages are views of what was read.
          const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
          const bytes = naming(keepingIn(directory), () => readSync(fd, chunk, 0, CHUNK_BYTES, at));
          if (bytes === 0) return;
          at += bytes;
          yield chunk.subarray(0, bytes);
        }
      },
    };
  }

  close(): void {
    closeSync(this.#fd);
  }
}

const keepingIn = (directory: string): string => `keeping the input in ${directory}`;
