import { CodecError } from '../base/codec-error.ts';
import type { Message } from '../record/message.ts';
import { strftime, unknownDirective } from './time-format.ts';

/** One piece of a compiled format: fixed text, text of a message, or raw bytes of it. */
export type Segment = string | ((message: Message) => string | Uint8Array);

interface Cursor {
  readonly format: string;
  index: number;
}

/**
 * Compiles a format in rpk's grammar: `%t` topic, `%p` queue, `%o` queue offset, `%k` keys, `%v` (or `%s`) body, `%h{ %k=%v }` once for
 * each property, `%d{…}` store time, `%g` tags, `%i` msgId, `%O` commit-log offset, `%%`; `\n \t \r \\ \xHH`. In braces after `%v`,
 * `%k`: hex or base64; after `%d`: rfc3339 (default), unix, unixmilli, strftime[…] (also %L for ms). Times are UTC.
 * Error: CodecError INVALID_INPUT with the position.
 */
export function compileFormat(format: string): Segment[] {
  const cursor: Cursor = { format, index: 0 };
  const segments: Segment[] = [];
  let literal = '';
  while (cursor.index < format.length) {
    const fixed = literalAt(cursor);
    if (fixed !== undefined) {
      literal += fixed;
      continue;
    }
    if (literal !== '') segments.push(literal);
    literal = '';
    segments.push(verbAt(cursor));
  }
  if (literal !== '') segments.push(literal);
  return segments;
}

/** Plain text, an escape or `%%` at the cursor; undefined before a verb. */
function literalAt(cursor: Cursor): string | undefined {
  const { format, index } = cursor;
  const character = format[index]!;
  if (character === '\\') return escapeAt(cursor);
  if (character !== '%') {
    cursor.index++;
    return character;
  }
  if (format[index + 1] === '%') {
    cursor.index += 2;
    return '%';
  }
  return undefined;
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '0': '\0', '\\': '\\', '%': '%' };

function escapeAt(cursor: Cursor): string {
  const { format, index } = cursor;
  const letter = format[index + 1];
  if (letter === 'x') {
    const digits = /^[0-9a-fA-F]{2}/.exec(format.slice(index + 2))?.[0];
    if (digits === undefined) throw new CodecError('INVALID_INPUT', '\\x takes two hex digits', index);
    cursor.index += 4;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }
  const text = ESCAPES[letter ?? ''];
  if (text === undefined) throw new CodecError('INVALID_INPUT', letter === undefined ? 'nothing follows "\\"' : `unknown escape "\\${letter}"`, index);
  cursor.index += 2;
  return text;
}

function verbAt(cursor: Cursor): Segment {
  const start = cursor.index;
  const verb = cursor.format[start + 1];
  if (verb === undefined) throw new CodecError('INVALID_INPUT', 'nothing follows "%" (write %% for a percent sign)', start);
  cursor.index += 2;
  switch (verb) {
    case 't': return (message) => message.topic;
    case 'p': return (message) => String(message.queueId);
    case 'o': return (message) => String(message.queueOffset);
    case 'O': return (message) => String(message.commitLogOffset);
    case 'i': return (message) => message.msgId;
    case 'g': return (message) => message.tags ?? '';
    case 'k': return keysVerb(cursor);
    case 'v':
    case 's': return bodyVerb(cursor);
    case 'h': return propertiesVerb(cursor, start);
    case 'd': return timeVerb(cursor);
    default: throw new CodecError('INVALID_INPUT', `unknown verb "%${verb}"`, start);
  }
}

/** The text in braces after a verb, and where it starts; undefined without braces. Braces nest. */
function bracesAt(cursor: Cursor): { readonly text: string; readonly start: number } | undefined {
  const { format } = cursor;
  if (format[cursor.index] !== '{') return undefined;
  const start = cursor.index + 1;
  let depth = 1;
  for (let index = start; index < format.length; index++) {
    if (format[index] === '{') depth++;
    else if (format[index] === '}' && --depth === 0) {
      cursor.index = index + 1;
      return { text: format.slice(start, index), start };
    }
  }
  throw new CodecError('INVALID_INPUT', 'this brace is not closed', start - 1);
}

type TextEncoding = 'hex' | 'base64' | undefined;

function encodingAt(cursor: Cursor): TextEncoding {
  const braces = bracesAt(cursor);
  if (braces === undefined) return undefined;
  if (braces.text === 'hex' || braces.text === 'base64') return braces.text;
  throw new CodecError('INVALID_INPUT', `unknown encoding "${braces.text}": hex or base64 expected`, braces.start);
}

function encodeText(text: string, encoding: TextEncoding): string {
  return encoding === undefined ? text : Buffer.from(text).toString(encoding);
}

function keysVerb(cursor: Cursor): Segment {
  const encoding = encodingAt(cursor);
  return (message) => encodeText(message.keys.join(' '), encoding);
}

function bodyVerb(cursor: Cursor): Segment {
  const encoding = encodingAt(cursor);
  return (message) => (encoding === undefined ? message.body : message.body.toString(encoding));
}

type PropertySegment = string | ((name: string, value: string) => string);

function propertiesVerb(cursor: Cursor, start: number): Segment {
  const braces = bracesAt(cursor);
  if (braces === undefined) throw new CodecError('INVALID_INPUT', '%h needs braces with what to print for each property: %h{%k=%v }', start);
  const segments = propertySegments(braces.text, braces.start);
  return (message) => {
    let text = '';
    for (const [name, value] of Object.entries(message.properties)) {
      for (const segment of segments) text += typeof segment === 'string' ? segment : segment(name, value);
    }
    return text;
  };
}

function propertySegments(format: string, base: number): PropertySegment[] {
  const cursor: Cursor = { format, index: 0 };
  const segments: PropertySegment[] = [];
  try {
    while (cursor.index < format.length) {
      const fixed = literalAt(cursor);
      if (fixed !== undefined) {
        segments.push(fixed);
        continue;
      }
      const verb = format[cursor.index + 1];
      if (verb !== 'k' && verb !== 'v') throw new CodecError('INVALID_INPUT', `unknown verb "%${verb ?? ''}" inside %h: %k and %v are known`, cursor.index);
      cursor.index += 2;
      const encoding = encodingAt(cursor);
      segments.push(verb === 'k' ? (name) => encodeText(name, encoding) : (_, value) => encodeText(value, encoding));
    }
  } catch (error) {
    if (!(error instanceof CodecError) || error.position === undefined) throw error;
    throw new CodecError(error.code, error.message, base + error.position);
  }
  return segments;
}

function timeVerb(cursor: Cursor): Segment {
  const braces = bracesAt(cursor);
  const kind = braces?.text ?? 'rfc3339';
  if (kind === 'rfc3339') return (message) => new Date(message.storeTimestamp).toISOString();
  if (kind === 'unix') return (message) => String(Math.floor(message.storeTimestamp / 1000));
  if (kind === 'unixmilli') return (message) => String(message.storeTimestamp);
  const pattern = /^strftime\[(.*)\]$/s.exec(kind)?.[1];
  if (pattern === undefined) throw new CodecError('INVALID_INPUT', `unknown time format "${kind}": rfc3339, unix, unixmilli or strftime[…] expected`, braces!.start);
  const bad = unknownDirective(pattern);
  if (bad >= 0) throw new CodecError('INVALID_INPUT', `unknown directive "${pattern.slice(bad, bad + 2)}" of strftime`, braces!.start + 'strftime['.length + bad);
  return (message) => strftime(message.storeTimestamp, pattern);
}
