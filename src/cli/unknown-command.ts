import { MqliteError } from '../broker/errors.ts';
import { nearest, suggestion } from './did-you-mean.ts';

/** Commands that are designed and not there yet, by their first words. A row goes when its command comes. */
const NOT_YET: readonly (readonly [words: string, hint: string])[] = [
  ['shell', 'Each command opens the store by itself: mqlite --help'],
];

/** The error for words that name no command; the hint says which were near, or how to get the list. */
export function unknownCommand(words: readonly string[], ids: readonly string[]): MqliteError {
  const [first = ''] = words;
  if (first.startsWith('-')) {
    return new MqliteError('USAGE', `expected a command before ${first}`, { hint: 'Flags go behind the command: mqlite topics list --json' });
  }
  const notYet = NOT_YET.find(([name]) => words.slice(0, name.split(' ').length).join(' ') === name);
  if (notYet !== undefined && !ids.some((id) => id === notYet[0].replace(' ', ':') || id.startsWith(`${notYet[0]}:`))) {
    return new MqliteError('USAGE', `"${notYet[0]}" is not in this version of mqlite`, { hint: notYet[1] });
  }
  const inTopic = ids.filter((id) => id.startsWith(`${first}:`));
  const typed = inTopic.length > 0 ? words.slice(0, 2).join(' ') : first;
  const candidates = inTopic.length > 0 ? inTopic.map((id) => id.replaceAll(':', ' ')) : firstWords(ids);
  const near = inTopic.length === 0 ? wholeCommand(words, ids) ?? suggestion(typed, candidates) : suggestion(typed, candidates);
  const list = inTopic.length > 0 ? `See "mqlite ${first} --help".` : 'See "mqlite --help".';
  return new MqliteError('USAGE', `unknown command "${typed}"`, { hint: near ?? list });
}

/** `topic list` with a slip in its first word is `topics list`. */
function wholeCommand([first, second]: readonly string[], ids: readonly string[]): string | undefined {
  if (first === undefined || second === undefined) return undefined;
  const whole = nearest(first, firstWords(ids)).map((topic) => `${topic}:${second}`).find((id) => ids.includes(id));
  return whole === undefined ? undefined : `Did you mean "${whole.replace(':', ' ')}"?`;
}

function firstWords(ids: readonly string[]): Iterable<string> {
  return new Set(ids.map((id) => id.split(':')[0]!));
}
