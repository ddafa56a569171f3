import { resolve } from 'node:path';
import { MqliteError } from '../broker/errors.ts';
import type { FlagSpec } from './command-spec.ts';
import { readFlags } from './command-spec.ts';

const PATHS = ['store', 'commitlog-dir', 'tls-ca', 'tls-cert', 'tls-key'];

/**
 * The target flags that the words of `use` mean: a name, of which `named` says what it is, or the flags themselves; flags that add to a target may
 * follow a name. Paths are made absolute. Error: USAGE, and those of `named`.
 */
export function useWords(words: readonly string[], flags: readonly FlagSpec[], named: (name: string) => readonly string[]): string[] {
  const [first = '', ...rest] = words;
  if (first.startsWith('-')) return targetWords(words, flags);
  if (rest.length > 0 && !rest[0]!.startsWith('-')) throw new MqliteError('USAGE', `use: too many words (${words.join(' ')})`, { hint: 'use DIR, use HOST:PORT, use PROFILE.' });
  return [...named(first), ...targetWords(rest, flags)];
}

/** Flags of the target as they can be repeated for every command. */
function targetWords(words: readonly string[], flags: readonly FlagSpec[]): string[] {
  const known = flags.filter(({ name }) => ['store', 'namesrv', 'profile', 'commitlog-dir'].includes(name) || name.startsWith('tls'));
  const read = readFlags(words, known);
  const given = words.filter((word) => word.startsWith('-')).length;
  if (read.positionals.length > 0 || read.awaits !== undefined || read.flags.size !== given) {
    throw new MqliteError('USAGE', `use: "${words.join(' ')}" does not name a target`, { hint: 'use --store DIR, use --namesrv HOST:PORT [--tls-ca FILE], use --profile NAME.' });
  }
  return [...read.flags].flatMap(([name, values]) => {
    const value = values.at(-1);
    if (value === undefined) return [`--${name}`];
    return [`--${name}`, PATHS.includes(name) ? resolve(value) : value];
  });
}
