import { MqliteError } from '../broker/errors.ts';
import { nearest, suggestion } from './did-you-mean.ts';

const helpFlag = (topic?: string): string => (topic === undefined ? 'mqlite --help' : `mqlite ${topic} --help`);

/** What other tools call it. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  send: 'produce', publish: 'produce', pub: 'produce', receive: 'consume', subscribe: 'consume', sub: 'consume', read: 'consume', follow: 'tail',
  ls: 'list', describe: 'show', info: 'show', get: 'show', add: 'create', new: 'create', rm: 'delete', remove: 'delete', update: 'alter', edit: 'alter', peek: 'show',
};

/** The error for words that name no command; the hint says which were near, or how to get the list (what `listedBy` says). */
export function unknownCommand(words: readonly string[], ids: readonly string[], listedBy: (topic?: string) => string = helpFlag): MqliteError {
  const [first = ''] = words;
  if (first.startsWith('-')) {
    const hint = first === '-v' || first === '-V' ? 'For the version: mqlite --version' : 'Flags go behind the command: mqlite topics list --json';
    return new MqliteError('USAGE', `expected a command before ${first}`, { hint });
  }
  // As ids are written elsewhere.
  if (first.includes(':')) {
    const parted = first.split(':');
    const hint = ids.includes(first) ? `Did you mean "${parted.join(' ')}"?` : unknownCommand(parted, ids, listedBy).hint;
    return new MqliteError('USAGE', `unknown command "${first}"`, { hint });
  }
  const inTopic = ids.filter((id) => id.startsWith(`${first}:`));
  const typed = inTopic.length > 0 ? words.slice(0, 2).join(' ') : first;
  const candidates = inTopic.length > 0 ? inTopic.map((id) => id.replaceAll(':', ' ')) : firstWords(ids);
  const near = inTopic.length === 0
    ? wholeCommand(words, ids) ?? suggestion(typed, candidates) ?? otherName('', first, ids)
    : suggestion(typed, candidates) ?? otherName(`${first}:`, words[1]!, ids);
  const list = `See "${listedBy(inTopic.length > 0 ? first : undefined)}".`;
  return new MqliteError('USAGE', `unknown command "${typed}"`, { hint: near ?? list });
}

/** `topic list` with a slip in its first word is `topics list`, and so is `list topics`. */
function wholeCommand([first, second]: readonly string[], ids: readonly string[]): string | undefined {
  if (first === undefined || second === undefined) return undefined;
  const whole = ids.find((id) => id === `${second}:${first}`) ?? nearest(first, firstWords(ids)).map((topic) => `${topic}:${second}`).find((id) => ids.includes(id));
  return whole === undefined ? undefined : `Did you mean "${whole.replace(':', ' ')}"?`;
}

function otherName(topic: string, word: string, ids: readonly string[]): string | undefined {
  const id = `${topic}${Object.hasOwn(OTHER_NAMES, word) ? OTHER_NAMES[word] : ''}`;
  return ids.includes(id) ? `Did you mean "${id.replaceAll(':', ' ')}"?` : undefined;
}

function firstWords(ids: readonly string[]): Iterable<string> {
  return new Set(ids.map((id) => id.split(':')[0]!));
}
