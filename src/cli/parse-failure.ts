import { MqliteError } from '../broker/errors.ts';
import { suggestion } from './did-you-mean.ts';

/** What a command understands, as far as hints about its words need it. */
export interface CommandLine {
  /** Without dashes. */
  readonly flagNames?: readonly string[] | undefined;
  /** As it is typed: `topics list`. */
  readonly command?: string | undefined;
  /** `TOPIC [BODY]`. */
  readonly args?: string | undefined;
}

interface ParseFailure extends Error {
  readonly flags?: readonly string[];
  readonly args?: readonly { readonly name?: string }[];
}

/** Errors of oclif's parser carry `parse`, or the class names of its module. */
export function isParseFailure(error: unknown): error is ParseFailure {
  return error instanceof Error && ('oclif' in error || 'parse' in error);
}

type Rule = readonly [pattern: RegExp, make: (match: RegExpExecArray, line: CommandLine) => readonly [message: string, hint: string]];

/** How oclif dims a list of errors on a terminal. */
const DIMMED = /\u001b\[22?m/g;

const FLAGS_HINT = 'See the flags with --help.';

/** What oclif's parser says, in our words. A text that no rule knows is passed on as it is. */
const RULES: readonly Rule[] = [
  [/^Parsing (--\S+)\s+Expected an integer but received: (.*)$/s, ([, flag, given]) => [`${flag}: "${given}" is not a whole number`, `For example ${flag} 10.`]],
  [/^Parsing (--\S+)\s+Expected an integer greater than or equal to (-?\d+) but received: (.*)$/s, ([, flag, least, given]) => [`${flag}: ${given} is too small`, `Write a whole number from ${least} on.`]],
  [/^Parsing (--\S+)\s+Expected an integer less than or equal to (-?\d+) but received: (.*)$/s, ([, flag, most, given]) => [`${flag}: ${given} is too large`, `Write a whole number up to ${most}.`]],
  [/^Expected (--[^=\s]+)=(.*) to be one of: (.*)$/s, ([, flag, given, options]) => [`${flag}: "${given}" is none of its values`, suggestion(given!, options!.split(', ')) ?? `Write one of ${options}.`]],
  [/^Flag (--\S+) expects a value$/, ([, flag]) => [`${flag} needs a value`, FLAGS_HINT]],
  [/^Flag (--\S+) can only be specified once$/, ([, flag]) => [`${flag} is given twice`, 'Give it once.']],
  [/^All of the following must be provided when using (--[^:]+): (.*)$/, ([, flag, needed]) => [`${flag} needs ${needed}`, FLAGS_HINT]],
  [/^Unexpected arguments?: (.*)$/s, ([, words], line) => [`unexpected argument "${words!.split('\n')[0]}"`, extraWordHint(line)]],
];

/** An error of oclif's parser as a USAGE error with a hint. */
export function parseFailure(error: ParseFailure, line: CommandLine): MqliteError {
  const unknown = error.flags?.[0];
  if (typeof unknown === 'string' && error.message.startsWith('Nonexistent flag')) {
    return new MqliteError('USAGE', `unknown flag ${unknown}`, { hint: suggestion(unknown, (line.flagNames ?? []).map((name) => `--${name}`)) ?? FLAGS_HINT });
  }
  const text = error.message.replaceAll(DIMMED, '').replace(/\n?See more help with --help/, '').replace(/^The following errors? occurred:\s*/, '').trim();
  if (/^Missing \d+ required arg/.test(text)) {
    const names = (error.args ?? []).map((arg) => arg.name?.toUpperCase()).filter((name) => name !== undefined);
    return new MqliteError('USAGE', `missing ${names.join(' and ')}`, { hint: usage(line) ?? 'See the arguments with --help.' });
  }
  const missing = [...text.matchAll(/^\s*Missing required flag (\S+)\s*$/gm)].map(([, name]) => `--${name}`).reverse();
  if (missing.length > 0) return new MqliteError('USAGE', `missing ${missing.join(' and ')}`, { hint: FLAGS_HINT });
  for (const [pattern, make] of RULES) {
    const match = pattern.exec(text);
    if (match === null) continue;
    const [message, hint] = make(match, line);
    return new MqliteError('USAGE', message, { hint });
  }
  return new MqliteError('USAGE', text, { hint: FLAGS_HINT });
}

/** One word too many: a body with spaces, or a directory where git or sqlite3 would take it. */
function extraWordHint(line: CommandLine): string {
  if (line.command?.startsWith('store ') === true) return `Name the directory with --store: mqlite ${line.command} --store DIR`;
  return `${usage(line) ?? FLAGS_HINT}${line.command === 'produce' ? ' (quote a BODY with spaces)' : ''}`;
}

function usage({ command, args }: CommandLine): string | undefined {
  if (command === undefined || args === undefined) return undefined;
  return `Usage: mqlite ${command}${args === '' ? '' : ` ${args}`} [flags]`;
}

interface FlagShape {
  readonly type?: string;
}

/** oclif takes what follows `--switch=` for an argument: `--json=1` would make a topic of `1`. Error: USAGE. */
export function refuseValuesOfSwitches(argv: readonly string[], flags: Readonly<Record<string, FlagShape>>): void {
  for (const word of argv) {
    if (word === '--') return;
    const name = /^--([^=]+)=/.exec(word)?.[1];
    if (name !== undefined && flags[name]?.type === 'boolean') {
      throw new MqliteError('USAGE', `--${name} takes no value`, { hint: `Write --${name}, or leave it out.` });
    }
  }
}

/** Error: USAGE for a number too large to be exact. */
export function refuseInexactNumbers(flags: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(flags)) {
    if (typeof value === 'number' && !Number.isSafeInteger(value)) throw new MqliteError('USAGE', `--${name}: the number is too large`, { hint: `Write at most ${Number.MAX_SAFE_INTEGER}.` });
  }
}
