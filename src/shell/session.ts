import { MqliteError } from '../broker/errors.ts';
import type { CommandSpec } from './command-spec.ts';
import { readWords } from './command-spec.ts';

/** What a shell adds to the commands that are typed at it. */
export interface Session {
  /** Flags of every command: `--json`, `--read-only`, … */
  readonly flags: readonly string[];
  /** Flags that name the target, and settings of its clients (`-X`); no name among them: each command finds it as it does outside the shell. */
  readonly target: readonly string[];
  readonly topic: string | undefined;
  readonly group: string | undefined;
}

/** Flags of which one says that the words name a target of their own. */
export const TARGET_FLAGS = ['store', 'namesrv', 'profile'] as const;
const ADDED_TO_TARGET = ['commitlog-dir', 'tls', 'tls-ca', 'tls-cert', 'tls-key'];

/** Commands that are not about a target, or for which target flags mean something else. */
const WITHOUT_TARGET = ['profile', 'config', 'completion'];
/** What is made or removed is always named. */
const WITHOUT_DEFAULTS = ['create', 'delete', 'purge'];

/** The argument list of a command typed as `words` (those of the command included). `hasInput`: its standard input was redirected. */
export function applySession(words: readonly string[], command: CommandSpec, session: Session, hasInput = false): string[] {
  const count = command.words.length;
  const own = words.slice(count);
  const knows = (flag: string): boolean => command.flags.some(({ name }) => name === flagName(flag));
  const read = readWords(own, command);
  // Without a name it shows the target itself.
  const showsTarget = command.words.join(' ') === 'profile show' && read.positionals.length === 0;
  const isElsewhere = (WITHOUT_TARGET.includes(command.words[0]!) && !showsTarget) || TARGET_FLAGS.some((flag) => read.flags.has(flag));
  const target = isElsewhere ? [] : session.target;
  const flags = session.flags.filter((flag) => knows(flag) && !read.flags.has(flagName(flag)));
  const group = session.group !== undefined && command.words.join(' ') === 'consume' && !read.flags.has('group') ? ['--group', session.group] : [];
  return [...command.words, ...target, ...flags, ...group, ...withDefaults(own, read.positionals, command, session, hasInput || read.flags.has('file'))];
}

const flagName = (flag: string): string => /^--([^=]+)/.exec(flag)?.[1] ?? flag;

/**
 * Topic and group where a command asks for one and too few arguments were given. The one argument of a `produce` that has no
 * other body is the body: nothing else can be meant at a terminal.
 */
function withDefaults(words: readonly string[], positionals: readonly number[], command: CommandSpec, session: Session, hasBody: boolean): string[] {
  if (WITHOUT_DEFAULTS.includes(command.words.at(-1)!)) return [...words];
  const defaults: Readonly<Record<string, string | undefined>> = { topic: session.topic, group: session.group };
  const wanted = command.args.filter(({ name, isRequired }) => isRequired || (name === 'body' && !hasBody));
  let missing = wanted.length - positionals.length;
  const result = [...words];
  let given = 0;
  let added = 0;
  for (const { name, isRequired } of wanted) {
    const value = isRequired ? defaults[name] : undefined;
    if (value !== undefined && missing > 0) {
      missing--;
      const behind = given === 0 ? 0 : positionals[given - 1]! + 1;
      result.splice(behind + added++, 0, value);
    } else {
      given = Math.min(given + 1, positionals.length);
    }
  }
  return result;
}

/**
 * Target flags of a command line of its own (`shell --store …`), to be kept, and the settings that go with them: they were checked for that target,
 * and another one may refuse them. A command's own settings come behind them, and win.
 */
export function targetFlags(flags: Readonly<Record<string, unknown>>): string[] {
  const settings = Array.isArray(flags['set']) ? flags['set'].map((pair) => `--set=${String(pair)}`) : [];
  return [...namedFlags(flags), ...settings];
}

function namedFlags(flags: Readonly<Record<string, unknown>>): string[] {
  return [...TARGET_FLAGS, ...ADDED_TO_TARGET].flatMap((name) => {
    const value = flags[name];
    return typeof value === 'string' ? [`--${name}`, value] : value === true ? [`--${name}`] : [];
  });
}

/** The flags of such a command line that are not about the target. */
export function commonFlags(flags: Readonly<Record<string, unknown>>): string[] {
  const switches = ['json', 'no-color', 'quiet', 'verbose', 'read-only'].filter((name) => flags[name] === true).map((name) => `--${name}`);
  return typeof flags['lock-timeout'] === 'string' ? [...switches, `--lock-timeout=${flags['lock-timeout']}`] : switches;
}

/** `set topic X`, `set group G`; without words what is set. Error: USAGE. */
export function setDefault(words: readonly string[], session: Session): Session {
  const [name, value, ...rest] = words;
  if (!isDefault(name) || value === undefined || value === '' || rest.length > 0) throw new MqliteError('USAGE', 'set what?', { hint: 'set topic NAME, set group NAME; "set" alone lists, "unset topic" takes back.' });
  return { ...session, [name]: value };
}

/** `unset topic`, `unset group`, or both. Error: USAGE. */
export function unsetDefaults(words: readonly string[], session: Session): Session {
  const names = words.length === 0 ? ['topic', 'group'] : words;
  const wrong = names.find((name) => !isDefault(name));
  if (wrong !== undefined) throw new MqliteError('USAGE', `"${wrong}" cannot be set`, { hint: 'unset topic, unset group, or unset for both.' });
  return { ...session, ...Object.fromEntries(names.map((name) => [name, undefined])) };
}

function isDefault(name: string | undefined): name is 'topic' | 'group' {
  return name === 'topic' || name === 'group';
}
