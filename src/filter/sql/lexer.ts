import { CodecError } from '../../base/codec-error.ts';

/** Words with a meaning of their own, in any case of letters. [SelectorParser.jj] */
const KEYWORDS = new Set(['NOT', 'AND', 'OR', 'BETWEEN', 'IN', 'TRUE', 'FALSE', 'NULL', 'IS', 'CONTAINS', 'STARTSWITH', 'ENDSWITH']);

export interface Token {
  readonly kind: 'keyword' | 'name' | 'string' | 'integer' | 'float' | 'symbol' | 'end';
  /** As it is written; keywords in capitals, strings decoded. */
  readonly text: string;
  /** Where it starts, and where what follows it starts. */
  readonly at: number;
  readonly end: number;
}

/** A line comment counts only with its line end; without one, "--" is two minus signs. */
const BLANK = /[ \t\n\r\f]+|--[^\n\r]*[\n\r]|\/\*[^]*?\*\//y;
const STRING = /'[^']*(?:''[^']*)*'/y;
const FLOAT = /(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[Ee][+-]?[0-9]+)?|[0-9]+[Ee][+-]?[0-9]+/y;
const INTEGER = /0|[1-9][0-9]*[Ll]?/y;
const WORD = /[A-Za-z_$][A-Za-z0-9_$]*/y;
const SYMBOL = /<>|<=|>=|[<>=(),+-]/y;

/** The token at or behind `position`. Error: CodecError INVALID_INPUT where nothing that RocketMQ knows starts. */
export const readToken = (text: string, position: number): Token => {
  let at = position;
  for (let blank = match(BLANK, text, at); blank !== null; blank = match(BLANK, text, at)) at += blank.length;
  if (at === text.length) return { kind: 'end', text: '', at, end: at };
  const word = match(WORD, text, at);
  if (word !== null) {
    const upper = word.toUpperCase();
    return KEYWORDS.has(upper) ? { kind: 'keyword', text: upper, at, end: at + word.length } : { kind: 'name', text: word, at, end: at + word.length };
  }
  const string = match(STRING, text, at);
  if (string !== null) return { kind: 'string', text: string.slice(1, -1).replaceAll("''", "'"), at, end: at + string.length };
  for (const [kind, pattern] of [['float', FLOAT], ['integer', INTEGER], ['symbol', SYMBOL]] as const) {
    const found = match(pattern, text, at);
    if (found !== null) return { kind, text: found, at, end: at + found.length };
  }
  throw new CodecError('INVALID_INPUT', problemAt(text, at), at);
};

const match = (pattern: RegExp, text: string, at: number): string | null => {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? null;
};

/** Why nothing starts here, with what was likely meant. */
const problemAt = (text: string, at: number): string => {
  const rest = text.slice(at, at + 2);
  if (rest.startsWith("'")) return 'the string that starts here has no closing quote';
  if (rest === '/*') return 'the comment that starts here is not closed';
  if (rest === '!=') return '"!=" is not understood, write "<>"';
  if (rest === '||' || rest === '&&') return `"${rest}" is not understood, write ${rest === '||' ? 'OR' : 'AND'}`;
  if (rest.startsWith('"')) return 'strings stand in single quotes';
  return `${JSON.stringify(String.fromCodePoint(text.codePointAt(at)!))} is not understood`;
};
