import type { Command, Config } from '@oclif/core';
import type { ArgSpec, CommandSpec, FlagSpec } from '../../shell/command-spec.ts';

/** What the manifest says of every command that is not hidden; none of them is loaded for it. */
export function commandSpecs(config: Pick<Config, 'commands'>): CommandSpec[] {
  return config.commands.filter(({ hidden }) => hidden !== true).map(specOf).sort((left, right) => (left.words.join(' ') < right.words.join(' ') ? -1 : 1));
}

function specOf({ id, summary, args, flags, strict }: Command.Loadable): CommandSpec {
  return {
    words: id.split(':'),
    summary: summary ?? '',
    flags: Object.values(flags).filter(({ hidden }) => hidden !== true).map(flagSpec),
    args: Object.values(args).map(argSpec),
    isOpenEnded: strict === false,
  };
}

type Flag = Command.Loadable['flags'][string];

function flagSpec(flag: Flag): FlagSpec {
  const { name, char, description = '' } = flag;
  const base = { name, char, description };
  if (flag.type === 'boolean') return { ...base, takesValue: false, options: [], isMultiple: false, isNegatable: flag.allowNo === true, helpValue: undefined };
  const { options = [], multiple, helpValue } = flag;
  return { ...base, takesValue: true, options, isMultiple: multiple === true, isNegatable: false, helpValue: typeof helpValue === 'string' ? helpValue : undefined };
}

function argSpec({ name, required, options }: Command.Loadable['args'][string]): ArgSpec {
  return { name, isRequired: required === true, options: options ?? [] };
}
