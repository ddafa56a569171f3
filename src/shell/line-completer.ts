import type { Clock } from '../base/clock.ts';
import { BUILTINS } from './builtins.ts';
import { complete } from './complete.ts';
import type { Candidate, Lookups, Wanted } from './complete.ts';
import type { CommandSpec } from './command-spec.ts';
import { readFlags } from './command-spec.ts';
import { cursorAt, replacementOf } from './cursor.ts';
import type { Session } from './session.ts';
import { TARGET_FLAGS } from './session.ts';

export interface CompleterPort {
  readonly commands: readonly CommandSpec[];
  readonly clock: Clock;
  /** Of the target that the flags name. */
  lookups(flags: Wanted['flags']): Lookups;
}

/** A Tab that takes longer is answered with nothing. */
const PATIENCE_MS = 400;

/**
 * What Tab puts in place of the end of `line`, and that end. `begun` is what was typed of the statement in lines before. Rejects when a look-up fails.
 */
export async function completeLine(line: string, begun: string, session: Session, port: CompleterPort): Promise<[string[], string]> {
  const cursor = cursorAt(begun + line);
  if (cursor.kind === 'none' || cursor.start < begun.length) return [[], line];
  const lookups = (flags: Wanted['flags']): Lookups => port.lookups(targetOf(flags, session, port.commands));
  const found = cursor.kind === 'words'
    ? complete(meant(cursor.words, session), [...port.commands, ...BUILTINS], lookups)
    : lookups(new Map()).files(cursor.path, false).then((paths) => paths.map((value): Candidate => ({ value, description: undefined, isFinal: !value.endsWith('/') })));
  const patience = new AbortController();
  const candidates = await Promise.race([found, port.clock.sleep(PATIENCE_MS, patience.signal).then(() => [])]);
  patience.abort();
  return [candidates.map(replacementOf), line.slice(cursor.start - begun.length)];
}

/** The words as they will be run: without a `mqlite` by habit, and with the default topic where tags of one are asked for. */
function meant(words: readonly string[], { topic }: Session): readonly string[] {
  const typed = words[0] === 'mqlite' && words.length > 1 ? words.slice(1) : words;
  const wantsTags = typed[0] === 'consume' && (typed.at(-2) === '--tag' || typed.at(-1)!.startsWith('--tag='));
  return topic !== undefined && wantsTags && typed[1]!.startsWith('-') ? ['consume', topic, ...typed.slice(1)] : typed;
}

/** The flags of the line where they name a target, else those of the session. */
function targetOf(flags: Wanted['flags'], { target }: Session, commands: readonly CommandSpec[]): Wanted['flags'] {
  if (TARGET_FLAGS.some((name) => flags.has(name)) || target.length === 0) return flags;
  return readFlags(target, commands[0]!.flags).flags;
}
