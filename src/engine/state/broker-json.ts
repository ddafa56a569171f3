import { CodecError } from '../../base/codec-error.ts';

/**
 * The JSON dialect of the broker's config files (fastjson 1.2) [RemotingSerializable#toJson]: tabs, no space after the
 * colon, and keys that are not strings in Java are written bare (`0:10`), which `JSON.parse` refuses. Fastjson reads
 * quoted integer keys as well, so ordinary JSON is what we write.
 */
export type JsonValue = null | boolean | number | bigint | string | JsonValue[] | JsonObject;

/** Without prototype: topic names such as `constructor` and `__proto__` are legal keys like any other. */
export interface JsonObject {
  [key: string]: JsonValue;
}

export const newJsonObject = (): JsonObject => Object.create(null) as JsonObject;

export const isJsonObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `root[key]` as an object; made (in place of anything else) when it is none. */
export const objectAt = (root: JsonObject, key: string): JsonObject => {
  const existing = root[key];
  if (isJsonObject(existing)) return existing;
  const made = newJsonObject();
  root[key] = made;
  return made;
};

/** `root[key]` as an object for reading; an empty one when it is none. */
export const objectOrEmpty = (root: JsonObject, key: string): JsonObject => {
  const existing = root[key];
  return isJsonObject(existing) ? existing : newJsonObject();
};

/** Deeper nesting is an attack or damage, never a config file; it keeps the recursion off the stack's end. */
const MAX_DEPTH = 200;
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const INTEGER = /^-?\d+$/;
const BARE_KEY = /[-\w$]+/y;

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): JsonValue {
    const value = this.#value(0);
    this.#skipSpace();
    if (this.#at < this.#text.length) this.#fail('end of file');
    return value;
  }

  #fail(expected: string): never {
    const before = this.#text.slice(0, this.#at);
    const line = before.split('\n').length;
    const column = this.#at - before.lastIndexOf('\n');
    const found = this.#at < this.#text.length ? JSON.stringify(this.#text[this.#at]) : 'end of file';
    throw new CodecError('DAMAGED', `line ${line}, column ${column}: expected ${expected}, found ${found}`, this.#at);
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 32 && code !== 9 && code !== 10 && code !== 13) return;
      this.#at += 1;
    }
  }

  /** Skips space, then takes `character` if it is next. */
  #take(character: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #value(depth: number): JsonValue {
    this.#skipSpace();
    const first = this.#text[this.#at];
    if (first === '{') return this.#object(depth + 1);
    if (first === '[') return this.#array(depth + 1);
    if (first === '"') return this.#string();
    if (this.#word('true')) return true;
    if (this.#word('false')) return false;
    if (this.#word('null')) return null;
    return this.#number();
  }

  #word(word: string): boolean {
    if (!this.#text.startsWith(word, this.#at)) return false;
    this.#at += word.length;
    return true;
  }

  #number(): number | bigint {
    NUMBER.lastIndex = this.#at;
    const text = NUMBER.exec(this.#text)?.[0];
    if (text === undefined) this.#fail('a value');
    this.#at += text.length;
    const value = Number(text);
    return Number.isSafeInteger(value) || !INTEGER.test(text) ? value : BigInt(text);
  }

  #string(): string {
    const start = this.#at;
    let end = start;
    do {
      end = this.#text.indexOf('"', end + 1);
      if (end < 0) {
        this.#at = this.#text.length;
        this.#fail('the end of a string');
      }
    } while (this.#isEscaped(end));
    try {
      const value = JSON.parse(this.#text.slice(start, end + 1)) as string;
      this.#at = end + 1;
      return value;
    } catch {
      this.#fail('a well-formed string');
    }
  }

  /** An odd number of backslashes stands before `at`. */
  #isEscaped(at: number): boolean {
    let backslashes = 0;
    while (this.#text[at - 1 - backslashes] === '\\') backslashes += 1;
    return backslashes % 2 === 1;
  }

  #key(): string {
    this.#skipSpace();
    if (this.#text[this.#at] === '"') return this.#string();
    BARE_KEY.lastIndex = this.#at;
    const key = BARE_KEY.exec(this.#text)?.[0];
    if (key === undefined) this.#fail('a key');
    this.#at += key.length;
    return key;
  }

  #object(depth: number): JsonObject {
    if (depth > MAX_DEPTH) this.#fail(`at most ${MAX_DEPTH} levels`);
    this.#at += 1;
    const object = newJsonObject();
    if (this.#take('}')) return object;
    do {
      const key = this.#key();
      if (!this.#take(':')) this.#fail('":"');
      object[key] = this.#value(depth);
    } while (this.#take(','));
    if (!this.#take('}')) this.#fail('"," or "}"');
    return object;
  }

  #array(depth: number): JsonValue[] {
    if (depth > MAX_DEPTH) this.#fail(`at most ${MAX_DEPTH} levels`);
    this.#at += 1;
    const array: JsonValue[] = [];
    if (this.#take(']')) return array;
    do array.push(this.#value(depth));
    while (this.#take(','));
    if (!this.#take(']')) this.#fail('"," or "]"');
    return array;
  }
}

/**
 * Parses the broker's dialect and ordinary JSON. Integers beyond 2^53 become bigint, so that they are written back as they were.
 * @throws CodecError DAMAGED with line and column
 */
export const parseBrokerJson = (text: string): JsonValue => new Reader(text).document();

const format = (value: JsonValue, indent: string): string => {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const deeper = `${indent}\t`;
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    return `[\n${value.map((item) => deeper + format(item, deeper)).join(',\n')}\n${indent}]`;
  }
  const keys = Object.keys(value);
  if (keys.length === 0) return '{}';
  return `{\n${keys.map((key) => `${deeper}${JSON.stringify(key)}:${format(value[key]!, deeper)}`).join(',\n')}\n${indent}}`;
};

/** Ordinary JSON in the broker's shape: tabs, no space after the colon, no newline at the end. */
export const formatBrokerJson = (value: JsonValue): string => format(value, '');

/** A deep copy; everything else keeps its form (bigint, missing prototypes). */
export const cloneJson = <T extends JsonValue>(value: T): T => {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => cloneJson(item)) as T;
  const copy = newJsonObject();
  for (const key of Object.keys(value)) copy[key] = cloneJson((value as JsonObject)[key]!);
  return copy as T;
};

/** A non-negative integer that fits a `number`; null for anything else. */
export const countOf = (value: JsonValue | undefined): number | null =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;

/** `[DataVersion#nextVersion]`: counter + 1, timestamp now. A missing object starts at counter 1, a missing stateVersion at 0. */
export const bumpDataVersion = (root: JsonObject, nowMs: number): void => {
  const version = objectAt(root, 'dataVersion');
  const counter = version['counter'];
  version['counter'] = typeof counter === 'bigint' ? counter + 1n : (countOf(counter) ?? 0) + 1;
  version['stateVersion'] ??= 0;
  version['timestamp'] = nowMs;
};
