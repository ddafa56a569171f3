export interface FlagSpec {
  readonly name: string;
  readonly char: string | undefined;
  readonly takesValue: boolean;
  /** Values that it can have, where they are few. */
  readonly options: readonly string[];
  readonly isMultiple: boolean;
  /** `--no-name` is understood, too. */
  readonly isNegatable: boolean;
  readonly description: string;
  /** What its value is, in a word, as `--help` has it. */
  readonly helpValue: string | undefined;
}

export interface ArgSpec {
  readonly name: string;
  readonly isRequired: boolean;
  readonly options: readonly string[];
}

/** What is known of a command without loading it. */
export interface CommandSpec {
  /** `['topics', 'list']` */
  readonly words: readonly string[];
  readonly summary: string;
  readonly flags: readonly FlagSpec[];
  readonly args: readonly ArgSpec[];
  /** The last argument may come any number of times. */
  readonly isOpenEnded: boolean;
}

/** The words of a command line, told apart. */
export interface ReadWords {
  /** Indices of the arguments. */
  readonly positionals: readonly number[];
  /** Values given, by the flag's name; switches have none. */
  readonly flags: ReadonlyMap<string, readonly string[]>;
  /** The last word is a flag, and its value is to follow. */
  readonly awaits: FlagSpec | undefined;
  /** `--` was there: what follows is no flag. */
  readonly isClosed: boolean;
}

/** The command whose words the line begins with, the longest one. */
export function findCommand(words: readonly string[], commands: readonly CommandSpec[]): CommandSpec | undefined {
  return commands
    .filter((command) => command.words.every((word, index) => words[index] === word))
    .sort((left, right) => right.words.length - left.words.length)[0];
}

/** Tells flags, their values and arguments apart, as oclif's parser does, but forgives everything. `words` begin behind those of the command. */
export function readWords(words: readonly string[], { flags }: CommandSpec): ReadWords {
  return readFlags(words, flags);
}

/** The same, where there are only flags to know. */
export function readFlags(words: readonly string[], flags: readonly FlagSpec[]): ReadWords {
  const positionals: number[] = [];
  const given = new Map<string, string[]>();
  let awaits: FlagSpec | undefined;
  let isClosed = false;
  let isProgram = false;
  words.forEach((word, index) => {
    if (isProgram) return;
    if (awaits !== undefined && word === '--') {
      // `--exec -- PROGRAM ARGUMENTS`
      awaits = undefined;
      isClosed = true;
      isProgram = true;
    } else if (awaits !== undefined) {
      given.get(awaits.name)!.push(word);
      awaits = undefined;
    } else if (isClosed || !word.startsWith('-') || word === '-') {
      positionals.push(index);
    } else if (word === '--') {
      isClosed = true;
    } else {
      const { flag, value } = flagOf(word, flags);
      if (flag === undefined) return;
      const values = given.get(flag.name) ?? [];
      given.set(flag.name, values);
      if (value !== undefined) values.push(value);
      else if (flag.takesValue) awaits = flag;
    }
  });
  return { positionals, flags: given, awaits, isClosed };
}

function flagOf(word: string, flags: readonly FlagSpec[]): { readonly flag: FlagSpec | undefined; readonly value: string | undefined } {
  if (word.startsWith('--')) {
    const [, name, value] = /^--([^=]*)(?:=([^]*))?$/.exec(word)!;
    const flag = flags.find((candidate) => candidate.name === name || (candidate.isNegatable && `no-${candidate.name}` === name));
    return { flag, value };
  }
  const flag = flags.find(({ char }) => char === word[1]);
  return { flag, value: flag?.takesValue === true && word.length > 2 ? word.slice(2).replace(/^=/, '') : undefined };
}
