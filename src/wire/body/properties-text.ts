import type { BodyCodec } from '../body.ts';

/*
 * `name=value` lines of brokers' and name servers' configuration. Whoever sends an update is read by java.util.Properties#load, from ISO 8859-1;
 * what a server answers is printed without any escapes [MixAll#properties2String], so that reading it as Java does would lose backslashes.
 */

type Properties = Readonly<Record<string, string>>;

/** Of a request. Other than ASCII travels as `\uXXXX`. [MixAll#string2Properties] */
export const PROPERTIES_REQUEST_BODY: BodyCodec<Properties> = {
  encode: (value) => Buffer.from(Object.entries(value).map(([name, text]) => `${escapeName(name)}=${escapeValue(text)}\n`).join('')),
  decode: (body) => parseAsJava(body === null ? '' : body.toString('latin1')),
};

/** Of an answer: everything up to the first `=` is the name, all behind it the value. */
export const PROPERTIES_RESPONSE_BODY: BodyCodec<Properties> = {
  encode: (value) => Buffer.from(Object.entries(value).map(([name, text]) => `${name}=${text}\n`).join('')),
  decode: (body) => {
    const properties = Object.create(null) as Record<string, string>;
    for (const line of (body === null ? '' : body.toString('utf8')).split('\n')) {
      const middle = line.indexOf('=');
      if (middle > 0) properties[line.slice(0, middle)] = line.slice(middle + 1);
    }
    return properties;
  },
};

const ESCAPE_OF: Readonly<Record<string, string>> = { '\t': '\\t', '\n': '\\n', '\r': '\\r', '\f': '\\f' };
const CHAR_OF: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

const escapeChar = (char: string): string =>
  ESCAPE_OF[char] ?? (char > '~' || char < ' ' ? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}` : `\\${char}`);
const escapeName = (name: string): string => name.replace(/[\\ =:#!]|[^ -~]/g, escapeChar);
const escapeValue = (value: string): string => value.replace(/\\|^ |[^ -~]/g, escapeChar);

/** Java's rules: a line that ends with an odd number of backslashes goes on in the next, whose leading blanks do not count. */
const parseAsJava = (text: string): Record<string, string> => {
  const properties = Object.create(null) as Record<string, string>;
  const lines = text.split(/\r\n|\n|\r/);
  for (let index = 0; index < lines.length; index++) {
    const first = trimStart(lines[index]!);
    if (first === '' || first.startsWith('#') || first.startsWith('!')) continue;
    let line = '';
    let piece = first;
    for (; goesOn(piece); piece = trimStart(lines[++index] ?? '')) line += piece.slice(0, -1);
    line += piece;
    const [, name, value] = /^((?:\\[^]|[^\\=: \t\f])*)[ \t\f]*[=:]?[ \t\f]*([^]*)$/.exec(line)!;
    properties[unescape(name!)] = unescape(value!);
  }
  return properties;
};

const goesOn = (line: string): boolean => {
  let backslashes = 0;
  while (line[line.length - 1 - backslashes] === '\\') backslashes++;
  return backslashes % 2 === 1;
};

const trimStart = (line: string): string => line.replace(/^[ \t\f]+/, '');

const unescape = (text: string): string =>
  text.replace(/\\(u[\da-fA-F]{4}|[^])/g, (_, code: string) => (code.length > 1 ? String.fromCharCode(Number.parseInt(code.slice(1), 16)) : CHAR_OF[code] ?? code));
