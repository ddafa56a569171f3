import type { Word } from './words.ts';
import { parseStatements, quoteWord } from './words.ts';

/** Lines that are kept. */
export const HISTORY_ENTRIES = 1000;
/** Longer ones are bodies rather than commands. */
const MAX_ENTRY_CHARACTERS = 4096;

const SECRET = 'secret|access[-_]?key|api[-_]?key|pass(?:word|wd|phrase)|token|credential|authorization';
/** Flags whose values are secrets, or name them. */
const SECRET_FLAG = new RegExp(`^--?[\\w-]*(?:${SECRET})`, 'i');
/** Settings, variables and headers of that kind: `-X secretKey=…`, `!export OPS_SECRET=…`, `Authorization: …`. */
const SECRET_SETTING = new RegExp(`(?:${SECRET})[\\w-]*\\s*[=:]`, 'i');
/** What is written around and into words that are given to /bin/sh. */
const QUOTES = /["'\\]/g;

/**
 * A line as the history keeps it: on one line, whatever was typed in several. undefined: it is not kept, because it is empty, begins with a
 * blank (as in bash), is very long, or names a secret.
 */
export function historyEntry(text: string): string | undefined {
  if (/^\s/.test(text)) return undefined;
  const entry = onOneLine(text.trim());
  if (entry === undefined || entry === '' || entry.length > MAX_ENTRY_CHARACTERS || holdsSecret(text, entry)) return undefined;
  return entry;
}

function holdsSecret(text: string, entry: string): boolean {
  // Words, so that quotes and backslashes hide nothing; and the text without them, for what is given to /bin/sh.
  const bare = entry.replaceAll(QUOTES, '');
  return [...wordsOf(text), ...bare.split(/\s+/)].some((word) => SECRET_FLAG.test(word)) || [...wordsOf(text), bare].some((part) => SECRET_SETTING.test(part));
}

function wordsOf(text: string): string[] {
  try {
    return parseStatements(text).statements.flatMap(({ statement }) => (statement.kind === 'command' ? statement.words.map(({ text: word }) => word) : []));
  } catch {
    return [];
  }
}

/** Words of several lines are written with `$'…\n…'`; undefined where that cannot be done. */
function onOneLine(text: string): string | undefined {
  if (!text.includes('\n')) return text;
  try {
    const { statements, isIncomplete } = parseStatements(text);
    if (isIncomplete) return undefined;
    const lines = statements.map(({ statement }) => {
      if (statement.kind !== 'command') return statement.kind === 'system' ? `!${statement.command}` : '';
      const { words, input, output, tail } = statement;
      return [
        ...words.map(quoted), ...(input === undefined ? [] : ['<', quoted(input)]), ...(output === undefined ? [] : [output.isAppended ? '>>' : '>', quoted(output.word)]),
        ...(tail === undefined ? [] : [tail]),
      ].join(' ');
    });
    const joined = lines.join('; ');
    return joined.includes('\n') ? undefined : joined;
  } catch {
    return undefined;
  }
}

/** A `~` at the beginning is one only while it is not quoted. */
function quoted({ text, quoted: wasQuoted }: Word): string {
  return !wasQuoted && /^~[\w./-]*$/.test(text) ? text : quoteWord(text);
}

/** Entries of a history file, oldest first; what is no entry of ours is left out. */
export function parseHistory(text: string): string[] {
  return withoutRepeats(text.split('\n').filter((line) => historyEntry(line) === line)).slice(-HISTORY_ENTRIES);
}

/** The latest of each line stays. */
function withoutRepeats(entries: readonly string[]): string[] {
  return [...new Set([...entries].reverse())].reverse();
}
