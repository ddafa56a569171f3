import { MqliteError } from '../broker/errors.ts';
import { nearest, suggestion } from './did-you-mean.ts';

/** The error for words that name no command; the hint says which were near, or how to get the list. */
export function unknownCommand(words: readonly string[], ids: readonly string[]): MqliteError {
  const [first = ''] = words;
  if (first.startsWith('-')) {
    return new MqliteError('USAGE', `expected a command before ${first}`, { hint: 'Flags go behind the command: mqlite topics list --json' });
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
