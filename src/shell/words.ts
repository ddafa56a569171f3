import { MqliteError } from '../broker/errors.ts';

/** One word of a line, without its quotes. */
export interface Word {
  readonly text: string;
  /** Where its raw text begins and ends in the line. */
  readonly start: number;
  readonly end: number;
  /** Whether anything of it was quoted: then it is no comment, no operator and no `~`. */
  readonly quoted: boolean;
}

export type Statement =
  | { readonly kind: 'empty' }
  /** `!cmd`: the rest of the line is the system's. */
  | { readonly kind: 'system'; readonly command: string }
  | {
    readonly kind: 'command';
    readonly words: readonly Word[];
    /** `< FILE` */
    readonly input: Word | undefined;
    readonly output: OutputFile | undefined;
    /** What follows the words from the first `|` on, for /bin/sh. */
    readonly tail: string | undefined;
  };

/** `> FILE`, `>> FILE` */
export interface OutputFile {
  readonly word: Word;
  readonly isAppended: boolean;
}

export type Parsed =
  | { readonly kind: 'statement'; readonly statement: Statement; readonly start: number; readonly next: number }
  /** The text ends within quotes or behind a backslash; `words` is what there was before, the last one being begun, but in a tail or the name of a file. */
  | { readonly kind: 'incomplete'; readonly words: readonly Word[]; readonly isTail: boolean };

const BLANK = /[ \t\r]/;
const OPERATOR = /[|<>&;\n]/;
/** What `$'…'` understands, as bash does; any other letter keeps its backslash. */
const ANSI: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '\\': '\\', "'": "'", '"': '"' };

/**
 * Reads one statement of `text` from `from` on; it ends at a newline or `;`, and one with a tail, or for the system, at the newline. Quotes are a
 * shell's: '…', "…" (with \", \\, \$, \` and a newline taken out), $'…' (\n, \r, \t), a backslash; nothing else is expanded.
 * Error: USAGE for operators that mqlite's shell does not have.
 */
export function parseStatement(text: string, from = 0): Parsed {
  return new Parser(text, from).parse();
}

/** Every statement of a text that may have several, with the line that each begins on, counted from 1. Error: USAGE. */
export function parseStatements(text: string): { readonly statements: readonly { readonly statement: Statement; readonly line: number }[]; readonly isIncomplete: boolean } {
  const statements: { statement: Statement; line: number }[] = [];
  for (let position = 0, line = 1; position < text.length;) {
    const parsed = parseStatement(text, position);
    if (parsed.kind === 'incomplete') return { statements, isIncomplete: true };
    line += newlines(text.slice(position, parsed.start));
    if (parsed.statement.kind !== 'empty') statements.push({ statement: parsed.statement, line });
    line += newlines(text.slice(parsed.start, parsed.next));
    position = parsed.next;
  }
  return { statements, isIncomplete: false };
}

export const newlines = (text: string): number => text.split('\n').length - 1;

/** A text ends within quotes or behind a backslash: more is to come. */
class Unfinished extends Error {
  readonly word: Word;

  constructor(word: Word) {
    super('unfinished');
    this.word = word;
  }
}

class Parser {
  readonly #text: string;
  #position: number;
  readonly #words: Word[] = [];
  #input: Word | undefined;
  #output: OutputFile | undefined;
  #isFile = false;

  constructor(text: string, from: number) {
    this.#text = text;
    this.#position = from;
  }

  parse(): Parsed {
    while (this.#position < this.#text.length && (BLANK.test(this.#now) || this.#now === '\n' || this.#now === ';')) this.#position++;
    const start = this.#position;
    if (this.#now === '!') return this.#parseSystem(start);
    try {
      return this.#parseCommand(start);
    } catch (error) {
      if (!(error instanceof Unfinished)) throw error;
      return this.#isFile ? { kind: 'incomplete', words: this.#words, isTail: true } : { kind: 'incomplete', words: [...this.#words, error.word], isTail: false };
    }
  }

  get #now(): string {
    return this.#text[this.#position] ?? '';
  }

  #parseSystem(start: number): Parsed {
    const end = systemEnd(this.#text, start + 1);
    if (end === null) return { kind: 'incomplete', words: [], isTail: true };
    const command = this.#text.slice(start + 1, end).trim();
    if (command === '') throw new MqliteError('USAGE', 'a command is missing behind "!"', { hint: 'For example: !ls' });
    return { kind: 'statement', statement: { kind: 'system', command }, start, next: end + 1 };
  }

  #parseCommand(start: number): Parsed {
    for (;;) {
      this.#skipBlanks();
      const character = this.#now;
      if (character === '' || character === '\n' || character === ';') {
        const next = character === '' ? this.#position : this.#position + 1;
        return { kind: 'statement', statement: this.#statement(undefined), start, next };
      }
      if (character === '#') {
        const end = this.#text.indexOf('\n', this.#position);
        this.#position = end < 0 ? this.#text.length : end;
      } else if (character === '|') {
        return this.#parseTail(start);
      } else if (character === '>') {
        this.#parseOutput();
      } else if (character === '<') {
        this.#parseInput();
      } else if (character === '&') {
        throw new MqliteError('USAGE', `"${this.#text.startsWith('&&', this.#position) ? '&&' : '&'}" is not understood here`, { hint: 'Write commands one after the other, on lines of their own or with ";" between; quote "&" where it belongs to a word.' });
      } else {
        const word = this.#word();
        if (this.#now === '>' && !word.quoted && /^\d$/.test(word.text)) throw new MqliteError('USAGE', `"${word.text}>" is not understood here`, { hint: 'Only what a command prints can be sent elsewhere, with ">" or "|"; errors come to the terminal.' });
        this.#words.push(word);
      }
    }
  }

  #parseTail(start: number): Parsed {
    const begin = this.#position;
    if (this.#text.startsWith('||', begin)) throw new MqliteError('USAGE', '"||" is not understood here', { hint: 'Quote it where it belongs to a word: --tag \'A || B\'.' });
    const end = systemEnd(this.#text, begin);
    if (end === null) return { kind: 'incomplete', words: this.#words, isTail: true };
    const tail = this.#text.slice(begin, end).trim();
    if (tail === '|') throw new MqliteError('USAGE', 'nothing follows "|"', { hint: 'For example: consume orders --until-end | grep refund' });
    if (this.#words.length === 0) throw new MqliteError('USAGE', 'a command is missing before "|"', { hint: 'A command of the system is written !cmd.' });
    if (this.#output !== undefined) throw new MqliteError('USAGE', 'what goes to a file does not go to "|", too', { hint: `For both: | tee ${quoteWord(this.#output.word.text)} | …` });
    return { kind: 'statement', statement: this.#statement(tail), start, next: end + 1 };
  }

  #parseInput(): void {
    if (this.#text.startsWith('<<', this.#position)) throw new MqliteError('USAGE', '"<<" is not understood here', { hint: 'Quote a text of several lines, or read a file: < FILE.' });
    this.#input = this.#file('<');
  }

  #parseOutput(): void {
    if (this.#output !== undefined) throw new MqliteError('USAGE', 'what a command prints goes to one file', { hint: 'Leave out one ">".' });
    const isAppended = this.#text.startsWith('>>', this.#position);
    this.#output = { word: this.#file(isAppended ? '>>' : '>'), isAppended };
  }

  /** The word behind an operator. */
  #file(operator: string): Word {
    this.#position += operator.length;
    this.#skipBlanks();
    if (this.#now === '' || OPERATOR.test(this.#now)) throw new MqliteError('USAGE', `nothing follows "${operator}"`, { hint: 'Name a file.' });
    this.#isFile = true;
    const word = this.#word();
    this.#isFile = false;
    return word;
  }

  #statement(tail: string | undefined): Statement {
    if (this.#words.length === 0 && this.#input === undefined && this.#output === undefined) return { kind: 'empty' };
    if (this.#words.length === 0) throw new MqliteError('USAGE', `a command is missing before "${this.#input === undefined ? '>' : '<'}"`, { hint: 'For example: produce orders < orders.txt' });
    return { kind: 'command', words: this.#words, input: this.#input, output: this.#output, tail };
  }

  #skipBlanks(): void {
    for (;;) {
      if (BLANK.test(this.#now)) this.#position++;
      else if (this.#text.startsWith('\\\n', this.#position)) this.#position += 2;
      else return;
    }
  }

  #word(): Word {
    const start = this.#position;
    let text = '';
    let quoted = false;
    const unfinished = (): Unfinished => new Unfinished({ text, start, end: this.#text.length, quoted: true });
    const take = (): string => {
      const character = this.#now;
      if (character === '') throw unfinished();
      this.#position++;
      return character;
    };
    while (this.#now !== '' && !BLANK.test(this.#now) && !OPERATOR.test(this.#now)) {
      const character = take();
      if (character === '\\') {
        const next = take();
        if (next === '\n') continue;
        quoted = true;
        text += next;
      } else if (character === "'") {
        quoted = true;
        for (let next = take(); next !== "'"; next = take()) text += next;
      } else if (character === '"') {
        quoted = true;
        for (let next = take(); next !== '"'; next = take()) text += next === '\\' ? inDoubleQuotes(take()) : next;
      } else if (character === '$' && this.#now === "'") {
        quoted = true;
        this.#position++;
        for (let next = take(); next !== "'"; next = take()) text += next === '\\' ? inAnsiQuotes(take()) : next;
      } else {
        text += character;
      }
    }
    return { text, start, end: this.#position, quoted };
  }
}

function inDoubleQuotes(character: string): string {
  if (character === '\n') return '';
  return '"\\$`'.includes(character) ? character : `\\${character}`;
}

function inAnsiQuotes(character: string): string {
  return ANSI[character] ?? `\\${character}`;
}

/** Where a line of /bin/sh ends: the newline outside of quotes, or the end of the text; null when that is within quotes or behind a backslash. */
function systemEnd(text: string, from: number): number | null {
  let quote = '';
  for (let position = from; position < text.length; position++) {
    const character = text[position]!;
    if (quote === "'") {
      if (character === "'") quote = '';
    } else if (character === '\\') {
      if (++position >= text.length) return null;
    } else if (quote === '"') {
      if (character === '"') quote = '';
    } else if (character === '\n') {
      return position;
    } else if (character === "'" || character === '"') {
      quote = character;
    } else if (character === '#' && position > from && /\s/.test(text[position - 1]!)) {
      const end = text.indexOf('\n', position);
      return end < 0 ? text.length : end;
    }
  }
  return quote === '' ? text.length : null;
}

const SAFE = /^[A-Za-z0-9_@%+=:,./^-]+$/;
const CONTROL = /[\u0000-\u001f\u007f]/;

/** A word as it must be typed to mean `text`; always one line when it holds no control characters but newline, carriage return and tab. */
export function quoteWord(text: string): string {
  if (SAFE.test(text)) return text;
  if (!CONTROL.test(text)) return `'${text.replaceAll("'", `'\\''`)}'`;
  return `$'${text.replace(/[\\'\n\r\t]/g, (character) => ({ '\n': '\\n', '\r': '\\r', '\t': '\\t' })[character] ?? `\\${character}`)}'`;
}
