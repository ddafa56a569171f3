import type { CommandSpec, FlagSpec, ReadWords } from './command-spec.ts';
import { findCommand, readWords } from './command-spec.ts';

export interface Candidate {
  /** The whole word, without quotes. */
  readonly value: string;
  readonly description: string | undefined;
  /** Nothing belongs behind it in the same word. */
  readonly isFinal: boolean;
}

/** What is asked of the target, the profiles and the file system. */
export type Kind = 'topic' | 'group' | 'tag' | 'profile' | 'file' | 'directory' | 'setting' | 'target';

/** What can stand at the cursor. */
export interface Wanted {
  /** The part of the word that is kept as it is: `--topic=`, `A || `. */
  readonly before: string;
  /** What was typed of the value so far. */
  readonly prefix: string;
  /** Values known without asking anybody, already narrowed to the prefix. */
  readonly fixed: readonly Candidate[];
  readonly kind: Kind | undefined;
  /** Of `tag`: the topic that has them. */
  readonly topic: string | undefined;
  /** The flags given so far: they may name another target. */
  readonly flags: ReadonlyMap<string, readonly string[]>;
}

export interface Name {
  readonly name: string;
  readonly description?: string | undefined;
  /** RocketMQ's own: offered once its first letters are typed. */
  readonly isSystem?: boolean | undefined;
}

/** Everything may fail or take long; whoever asks bounds it. */
export interface Lookups {
  topics(): Promise<readonly Name[]>;
  groups(): Promise<readonly Name[]>;
  tags(topic: string): Promise<readonly Name[]>;
  profiles(): Promise<readonly Name[]>;
  settings(): Promise<readonly Name[]>;
  /** Paths that begin with `prefix`, as it is written; directories end with `/`. */
  files(prefix: string, onlyDirectories: boolean): Promise<readonly string[]>;
}

const FLAG_KINDS: Readonly<Record<string, Kind>> = {
  store: 'directory', 'commitlog-dir': 'directory', 'tls-ca': 'file', 'tls-cert': 'file', 'tls-key': 'file', file: 'file', spool: 'file',
  profile: 'profile', topic: 'topic', 'to-topic': 'topic', 'trace-topic': 'topic', group: 'group', tag: 'tag', set: 'setting',
};
const ARG_KINDS: Readonly<Record<string, Kind>> = { topic: 'topic', group: 'group', file: 'file', target: 'target', profile: 'profile' };
/** Words that a kind of value can be, by what `--help` calls it. */
const VALUE_WORDS: Readonly<Record<string, readonly string[]>> = { POSITION: ['first', 'last', 'committed'], WHERE: ['first', 'last'] };
/** Names of arguments that mean something else in some commands. */
const PROFILE_COMMANDS = ['profile use', 'profile show', 'profile delete'];

/** Says what can stand for the last of `words`, which is begun (it may be empty). */
export function wantedAt(words: readonly string[], commands: readonly CommandSpec[]): Wanted {
  const done = words.slice(0, -1);
  const current = words.at(-1) ?? '';
  if (done[0] === 'help') return wantedAt([...done.slice(1), current], commands.filter(({ words: [first] }) => first !== 'help'));
  const next = nextWords(done, current, commands);
  const command = findCommand(done, commands);
  if (command === undefined || next.length > 0) return nothing(current, next);
  const own = done.slice(command.words.length);
  const read = readWords(own, command);
  const topic = own[read.positionals[command.args.findIndex(({ name }) => name === 'topic')] ?? -1] ?? read.flags.get('topic')?.[0];
  if (read.awaits !== undefined) return { ...valueOf(read.awaits, current, ''), topic, flags: read.flags };
  if (!read.isClosed && current.startsWith('-')) {
    const [, name, value] = /^--([^=]+)=([^]*)$/.exec(current) ?? [];
    const flag = command.flags.find((candidate) => candidate.name === name && candidate.takesValue);
    if (flag !== undefined) return { ...valueOf(flag, value!, `--${name}=`), topic, flags: read.flags };
    return { ...nothing(current, flagNames(current, command, read)), flags: read.flags };
  }
  return { ...argumentAt(read.positionals.length, current, command, read), flags: read.flags };
}

/** Every candidate, in order; asks `lookupsFor` only where something must be looked up. Rejects when that fails. */
export async function complete(words: readonly string[], commands: readonly CommandSpec[], lookupsFor: (flags: Wanted['flags']) => Lookups): Promise<Candidate[]> {
  const wanted = wantedAt(words, commands);
  if (wanted.kind === undefined) return [...wanted.fixed];
  const found = await lookUp(wanted, wanted.kind, lookupsFor(wanted.flags));
  return [...wanted.fixed, ...found.map((candidate) => ({ ...candidate, value: wanted.before + candidate.value }))];
}

async function lookUp({ prefix, topic }: Wanted, kind: Kind, lookups: Lookups): Promise<Candidate[]> {
  switch (kind) {
    case 'topic': return named(await lookups.topics(), prefix);
    case 'group': return named(await lookups.groups(), prefix);
    case 'tag': return topic === undefined ? [] : named(await lookups.tags(topic), prefix);
    case 'profile': return named(await lookups.profiles(), prefix);
    case 'setting': return named(await lookups.settings(), prefix).map((candidate) => ({ ...candidate, value: `${candidate.value}=`, isFinal: false }));
    case 'file': return paths(await lookups.files(prefix, false));
    case 'directory': return paths(await lookups.files(prefix, true));
    case 'target': return [...named(await lookups.profiles(), prefix), ...paths(await lookups.files(prefix, true))];
  }
}

/** What a terminal would obey is no name that anybody wants typed for him. */
const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

function named(names: readonly Name[], prefix: string): Candidate[] {
  return names
    .filter(({ name, isSystem }) => name.startsWith(prefix) && !CONTROL.test(name) && (isSystem !== true || prefix !== ''))
    .map(({ name, description }) => ({ value: name, description, isFinal: true }))
    .sort(byValue);
}

function paths(found: readonly string[]): Candidate[] {
  return found.filter((path) => !CONTROL.test(path)).map((value) => ({ value, description: undefined, isFinal: !value.endsWith('/') })).sort(byValue);
}

const byValue = (left: Candidate, right: Candidate): number => (left.value < right.value ? -1 : Number(left.value > right.value));

/** The words that can follow those of commands. */
function nextWords(done: readonly string[], current: string, commands: readonly CommandSpec[]): Candidate[] {
  const found = new Map<string, string>();
  for (const { words, summary } of commands) {
    const next = words[done.length];
    if (next === undefined || !next.startsWith(current) || !done.every((word, index) => words[index] === word)) continue;
    const isCommand = words.length === done.length + 1;
    if (isCommand || !found.has(next)) found.set(next, isCommand ? summary : '');
  }
  return [...found].map(([value, description]) => ({ value, description: description === '' ? undefined : description, isFinal: true })).sort(byValue);
}

function flagNames(current: string, command: CommandSpec, read: ReadWords): Candidate[] {
  const open = command.flags.filter(({ name, isMultiple }) => isMultiple || !read.flags.has(name));
  const all = open.flatMap(({ name, description, isNegatable }) => [
    { value: `--${name}`, description, isFinal: true },
    ...(isNegatable ? [{ value: `--no-${name}`, description, isFinal: true }] : []),
  ]);
  return [...all, { value: '--help', description: 'how the command is used', isFinal: true }].filter(({ value }) => value.startsWith(current)).sort(byValue);
}

function valueOf(flag: FlagSpec, typed: string, before: string): Wanted {
  const kind = FLAG_KINDS[flag.name];
  const parted = kind === 'tag' ? /^(?:[^]*\|\|\s*)?/.exec(typed)![0] : '';
  const prefix = typed.slice(parted.length);
  const words = flag.options.length > 0 ? flag.options : VALUE_WORDS[flag.helpValue ?? ''] ?? [];
  return { ...nothing(prefix, fixed(words, prefix, before)), before: before + parted, kind };
}

function argumentAt(index: number, current: string, command: CommandSpec, read: ReadWords): Wanted {
  if (read.isClosed && command.flags.some(({ name }) => name === 'exec')) return { ...nothing(current, []), kind: 'file' };
  const arg = command.args[command.isOpenEnded ? Math.min(index, command.args.length - 1) : index];
  if (arg === undefined) return nothing(current, current === '' && !read.isClosed ? flagNames('', command, read) : []);
  const name = PROFILE_COMMANDS.includes(command.words.join(' ')) ? 'profile' : arg.name;
  const kind = command.words[0] === 'config' ? undefined : ARG_KINDS[name];
  return { ...nothing(current, fixed(arg.options, current, '')), kind: command.words.at(-1) === 'create' ? undefined : kind };
}

const fixed = (words: readonly string[], prefix: string, before: string): Candidate[] =>
  words.filter((word) => word.startsWith(prefix)).map((word) => ({ value: before + word, description: undefined, isFinal: true }));

const nothing = (prefix: string, candidates: readonly Candidate[]): Wanted => ({ before: '', prefix, fixed: candidates, kind: undefined, topic: undefined, flags: new Map() });
