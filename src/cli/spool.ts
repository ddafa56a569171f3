import { closeSync, fstatSync, fsyncSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { isUtf8 } from 'node:buffer';
import type { OutgoingMessage } from '../broker/types.ts';
import { naming } from './named-files.ts';

/**
 * A file that takes what could not be stored, a line of `produce --json-input` each. Lines are added to what is there; a file that
 * this run made and did not need is removed. Errors: those of the file system, as MqliteError; then the messages are nowhere, and that is said.
 */
export class Spool {
  readonly path: string;
  readonly #fd: number;
  readonly #wasEmpty: boolean;
  #count = 0;

  private constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
    this.#wasEmpty = fstatSync(fd).size === 0;
  }

  /** Before anything is read: a spool that cannot be written must not be found out when it is needed. */
  static open(path: string): Spool {
    return naming(`--spool ${path}`, () => new Spool(path, openSync(path, 'a')));
  }

  get count(): number {
    return this.#count;
  }

  add(messages: readonly OutgoingMessage[], nowMs: number): void {
    if (messages.length === 0) return;
    naming(`--spool ${this.path}`, () => writeAll(this.#fd, Buffer.from(messages.map((message) => spoolLine(message, nowMs)).join(''))));
    this.#count += messages.length;
  }

  close(): void {
    naming(`--spool ${this.path}`, () => {
      if (this.#count > 0) fsyncSync(this.#fd);
      closeSync(this.#fd);
      if (this.#count === 0 && this.#wasEmpty) unlinkSync(this.path);
    });
  }
}

/** Everything that `jsonMessage` reads again. A delay becomes the time it ends at: waiting in the spool counts. */
export function spoolLine(message: OutgoingMessage, nowMs: number): string {
  const { body, tags, keys, flag, properties, shardingKey, queueId, msgId, delayLevel, delayMs, deliverAtMs } = message;
  const isText = isUtf8(body);
  const line = {
    body: Buffer.from(body).toString(isText ? 'utf8' : 'base64'), bodyEncoding: isText ? 'utf8' : 'base64',
    tags, keys, flag, properties, shardingKey, queueId, msgId, delayLevel, deliverAt: deliverAtMs ?? (delayMs === undefined ? undefined : nowMs + delayMs),
  };
  return `${JSON.stringify(line)}\n`;
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}
