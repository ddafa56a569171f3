import { CodecError } from '../../base/codec-error.ts';
import { PropertyMap } from '../../record/properties.ts';
import { resolveReferences } from './references.ts';
import { JsonPairs } from './value.ts';
import type { JsonValue } from './value.ts';

/** Deeper nesting is refused: RocketMQ's deepest body has 7 levels. */
const MAX_DEPTH = 64;
/** More values (and keys that are objects) are refused: they would take some 100 bytes of memory each. */
const MAX_VALUES = 2_000_000;

/** No double prints with more characters. */
const MAX_NUMBER_LENGTH = 400;

/**
 * Parses what fastjson 1 and 2, and the C++ and Go clients, write: JSON, and besides it
 * - keys that are numbers or bare words (`{0:"a"}`), or whole objects and arrays (`{{"topic":"T"}:1}` becomes `JsonPairs`);
 * - strings and keys in single quotes, the escapes `\v`, `\0` and `\xHH`;
 * - numbers with a Java type letter (`1L`), a comma behind the last item, white space or NUL around the text;
 * - `{"$ref":"$.path"}` of fastjson 1 for an object that was printed before.
 * Of duplicate keys the last wins. Throws CodecError(DAMAGED) with the position for anything else, for nesting that is too deep and for
 * too many values.
 */
export const parseJson = (text: string, maxValues = MAX_VALUES): JsonValue => {
  const root = new Parser(text, maxValues).document();
  return text.includes('$ref') ? resolveReferences(root, maxValues) : root;
};

/** The same of UTF-8 bytes. */
export const parseJsonBytes = (bytes: Uint8Array): JsonValue => parseJson(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));

const CHAR = { QUOTE: 0x22, APOSTROPHE: 0x27, COMMA: 0x2c, MINUS: 0x2d, COLON: 0x3a, BRACKET: 0x5b, BACKSLASH: 0x5c, BRACKET_END: 0x5d, BRACE: 0x7b, BRACE_END: 0x7d } as const;

const NUMBER = /-?\d+(\.\d+)?([eE][+-]?\d+)?/y;
const WORD = /[A-Za-z_$][\w$.-]*/y;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"', "'": "'", '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '0': '\0',
};

class Parser {
  readonly #text: string;
  readonly #maxValues: number;
  #at = 0;
  #depth = 0;
  #values = 0;

  constructor(text: string, maxValues: number) {
    this.#text = text;
    this.#maxValues = maxValues;
  }

  document(): JsonValue {
    if (this.#text.charCodeAt(0) === 0xfeff) this.#at = 1;
    const value = this.#value();
    if (!Number.isNaN(this.#peek())) throw this.#unexpected('the end of the text');
    return value;
  }

  #value(): JsonValue {
    if (++this.#values > this.#maxValues) throw this.#damaged(`has more than ${this.#maxValues} values`);
    const char = this.#peek();
    switch (char) {
      case CHAR.QUOTE:
      case CHAR.APOSTROPHE:
        return this.#string(char);
      case CHAR.BRACE:
        return this.#nested(() => this.#object());
      case CHAR.BRACKET:
        return this.#nested(() => this.#array());
      default:
        return char === CHAR.MINUS || isDigit(char) ? this.#number() : this.#literal();
    }
  }

  #nested<T>(read: () => T): T {
    if (++this.#depth > MAX_DEPTH) throw this.#damaged(`is nested more than ${MAX_DEPTH} levels deep`);
    this.#at++;
    const value = read();
    this.#depth--;
    return value;
  }

  #array(): JsonValue[] {
    const items: JsonValue[] = [];
    while (!this.#skip(CHAR.BRACKET_END)) {
      items.push(this.#value());
      if (!this.#skip(CHAR.COMMA) && this.#peek() !== CHAR.BRACKET_END) throw this.#unexpected('"," or "]"');
    }
    return items;
  }

  #object(): JsonValue {
    const fields = new PropertyMap() as Record<string, JsonValue>;
    let pairs: [JsonValue, JsonValue][] | null = null;
    while (!this.#skip(CHAR.BRACE_END)) {
      const key = this.#key();
      if (!this.#skip(CHAR.COLON)) throw this.#unexpected('":"');
      const value = this.#value();
      if (pairs === null && typeof key !== 'string') pairs = Object.entries(fields);
      if (pairs !== null) pairs.push([key, value]);
      else fields[key as string] = value;
      if (!this.#skip(CHAR.COMMA) && this.#peek() !== CHAR.BRACE_END) throw this.#unexpected('"," or "}"');
    }
    return pairs === null ? fields : new JsonPairs(pairs);
  }

  /** Numbers and words become strings; only objects and arrays stay what they are. */
  #key(): JsonValue {
    const char = this.#peek();
    if (char === CHAR.QUOTE || char === CHAR.APOSTROPHE) return this.#string(char);
    if (char === CHAR.BRACE || char === CHAR.BRACKET) return this.#value();
    const word = this.#match(NUMBER) ?? this.#match(WORD);
    if (word === null) throw this.#unexpected('a key');
    return word;
  }

  #string(quote: number): string {
    const text = this.#text;
    const start = ++this.#at;
    let at = start;
    let done = '';
    let from = start;
    for (;;) {
      const char = text.charCodeAt(at);
      if (char === quote) break;
      if (Number.isNaN(char)) {
        this.#at = start - 1;
        throw this.#damaged('has a string that is not ended');
      }
      if (char !== CHAR.BACKSLASH) {
        at++;
        continue;
      }
      done += text.slice(from, at);
      this.#at = at + 1;
      done += this.#escape();
      at = from = this.#at;
    }
    this.#at = at + 1;
    return from === start ? text.slice(start, at) : done + text.slice(from, at);
  }

  #escape(): string {
    const letter = this.#text[this.#at++] ?? '';
    const hexDigits = letter === 'u' ? 4 : letter === 'x' ? 2 : 0;
    if (hexDigits === 0) {
      const char = ESCAPES[letter];
      if (char === undefined) throw this.#damaged(`has an unknown escape "\\${letter}"`);
      return char;
    }
    const hex = this.#text.slice(this.#at, this.#at + hexDigits);
    if (!/^[\da-fA-F]+$/.test(hex) || hex.length < hexDigits) throw this.#damaged('has an escape without its hexadecimal digits');
    this.#at += hexDigits;
    return String.fromCharCode(Number.parseInt(hex, 16));
  }

  #number(): number | bigint {
    const digits = this.#match(NUMBER);
    if (digits === null) throw this.#unexpected('a number');
    if (digits.length > MAX_NUMBER_LENGTH) throw this.#damaged('has a number of too many digits');
    if (/[LSBFD]/.test(this.#text[this.#at] ?? '')) this.#at++;
    const value = Number(digits);
    return Number.isSafeInteger(value) || /[.eE]/.test(digits) ? value : BigInt(digits);
  }

  #literal(): null | boolean {
    const word = this.#match(WORD);
    if (word === 'null') return null;
    if (word === 'true' || word === 'false') return word === 'true';
    if (word !== null) this.#at -= word.length;
    throw this.#unexpected('a value');
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) return null;
    this.#at += found[0].length;
    return found[0];
  }

  /** The next character that is no white space, without passing it; NaN at the end. */
  #peek(): number {
    let char = this.#text.charCodeAt(this.#at);
    while (char <= 0x20 && isBlank(char)) char = this.#text.charCodeAt(++this.#at);
    return char;
  }

  #skip(wanted: number): boolean {
    if (this.#peek() !== wanted) return false;
    this.#at++;
    return true;
  }

  #unexpected(wanted: string): CodecError {
    const found = this.#at < this.#text.length ? `has ${JSON.stringify(this.#text.slice(this.#at, this.#at + 12))}` : 'ends';
    return this.#damaged(`${found} where ${wanted} should be`);
  }

  #damaged(what: string): CodecError {
    return new CodecError('DAMAGED', `the JSON text ${what} (at character ${this.#at} of ${this.#text.length})`, this.#at);
  }
}

const isDigit = (char: number): boolean => char >= 0x30 && char <= 0x39;
const isBlank = (char: number): boolean => char === 0x20 || char === 0x0a || char === 0x0d || char === 0x09 || char === 0;
