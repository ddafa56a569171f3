import { isUtf8 } from 'node:buffer';
import { CodecError } from '../base/codec-error.ts';
import type { Message } from '../record/message.ts';
import { escapeControl } from './escape.ts';

/** Bytes of a character in UTF-8, at most. */
const CHARACTER_BYTES = 4;

/** The start of a body on one line, escaped: as text, as hex where it is none. A body that cannot be read says so. */
export function bodyStart(message: Message, characters: number): string {
  let body: Buffer;
  try {
    body = message.body;
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    return '(cannot be decompressed)';
  }
  // One more than is shown: the cut may halve it.
  const start = body.subarray(0, (characters + 1) * CHARACTER_BYTES);
  const whole = start.length === body.length ? start : start.subarray(0, start.length - lastCharacterBytes(start));
  return isUtf8(whole) ? escapeControl([...whole.toString('utf8')].slice(0, characters).join('')) : `0x${body.subarray(0, characters / 2).toString('hex')}`;
}

function lastCharacterBytes(bytes: Buffer): number {
  let count = 0;
  while (count < CHARACTER_BYTES - 1 && (bytes[bytes.length - 1 - count]! & 0xc0) === 0x80) count++;
  return bytes[bytes.length - 1 - count]! >= 0xc0 ? count + 1 : 0;
}
