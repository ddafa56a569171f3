import type { Candidate } from './complete.ts';
import type { Word } from './words.ts';
import { parseStatement, quoteWord } from './words.ts';

/** What is being typed at the end of a text. */
export type Cursor =
  /** A command of mqlite; the last word is the one begun, and may be empty. */
  | { readonly kind: 'words'; readonly words: readonly string[]; readonly start: number }
  /** A word for the system, or the name of a file. */
  | { readonly kind: 'path'; readonly path: string; readonly start: number }
  /** Nothing that could be completed. */
  | { readonly kind: 'none' };

/** Finds the word at the end of a text; `start` is where its raw text begins. */
export function cursorAt(text: string): Cursor {
  try {
    return find(text, 0);
  } catch {
    // The name of a file is missing yet.
    return /[<>][ \t]*$/.test(text) ? pathAt(text) : { kind: 'none' };
  }
}

function find(text: string, from: number): Cursor {
  const parsed = parseStatement(text, from);
  if (parsed.kind === 'incomplete') return parsed.isTail ? pathAt(text) : wordsAt(parsed.words, text);
  const { statement, next } = parsed;
  if (next < text.length) return find(text, next);
  if (statement.kind === 'system' || (statement.kind === 'command' && (statement.tail !== undefined || [statement.input, statement.output?.word].some((file) => file?.end === text.length)))) return pathAt(text);
  const words = statement.kind === 'command' ? statement.words : [];
  const isEnded = /[;\n]$/.test(text) && (words.at(-1)?.end ?? 0) < text.length;
  if (text.slice(words.at(-1)?.end ?? from).includes('#')) return { kind: 'none' };
  return wordsAt(isEnded ? [] : words, text);
}

function wordsAt(words: readonly Word[], text: string): Cursor {
  const last = words.at(-1);
  const texts = words.map((word) => word.text);
  if (last !== undefined && last.end === text.length) return { kind: 'words', words: texts, start: last.start };
  return { kind: 'words', words: [...texts, ''], start: text.length };
}

function pathAt(text: string): Cursor {
  const path = /(?:[^\s'"\\|<>;&]|\\.)*$/.exec(text)![0];
  return { kind: 'path', path: path.replaceAll(/\\(.)/g, '$1').replace(/^!/, ''), start: text.length - path.length + (path.startsWith('!') ? 1 : 0) };
}

/** What is put in place of the raw word: quoted where it must be, and a blank behind what is whole. */
export function replacementOf({ value, isFinal }: Candidate): string {
  const home = value.startsWith('~/') ? '~/' : '';
  const rest = value.slice(home.length);
  return home + (rest === '' ? '' : quoteWord(rest)) + (isFinal ? ' ' : '');
}
