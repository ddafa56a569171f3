import { MqliteError } from '../broker/errors.ts';
import { escapeControl } from '../text/escape.ts';
import { expandHome } from '../text/home-path.ts';
import { builtinHelp, BUILTINS, SHELL_HELP } from './builtins.ts';
import type { CommandSpec, ReadWords } from './command-spec.ts';
import { findCommand, readFlags } from './command-spec.ts';
import type { Session } from './session.ts';
import { applySession, setDefault, unsetDefaults } from './session.ts';
import { useWords } from './use.ts';
import type { Statement, Word } from './words.ts';

export interface Redirection {
  /** A file in place of standard input. */
  readonly input: string | undefined;
  /** A file in place of standard output. */
  readonly output: { readonly path: string; readonly isAppended: boolean } | undefined;
  /** What `/bin/sh` is to do with the output: begins with `|`. */
  readonly tail: string | undefined;
}

/** What is to be run, or to be said in its place. */
export interface CommandLine {
  readonly argv: readonly string[];
  /** undefined: the words name no command. They may ask for help; nothing that they name otherwise is ever run, as it would be run without the session. */
  readonly command: CommandSpec | undefined;
}

/** What a shell needs of the world. */
export interface ShellPort {
  /** Each knows the flags that all have. */
  readonly commands: readonly CommandSpec[];
  readonly home: string | undefined;
  /** Runs one command line to its end, or prints a text as one would; the exit code. What goes wrong is said by then. */
  run(line: CommandLine | string, redirection: Redirection): Promise<number>;
  /** Runs a line by `/bin/sh`; the exit code. */
  system(command: string): Promise<number>;
  /** The target flags that a name means: of a profile, a directory, name servers. Error: NOT_FOUND. */
  namedTarget(name: string): readonly string[];
  /** What the target that flags name (none: that of every command) is called, for the prompt. Errors: USAGE, NOT_FOUND. */
  targetName(flags: ReadWords['flags']): string;
  /** Closes what is kept open between commands. */
  closeTargets(): Promise<void>;
  print(text: string): void;
  /** Says what is wrong; the exit code it has. */
  report(error: unknown): number;
}

export interface Outcome {
  readonly exitCode: number;
  /** The shell is to be left. */
  readonly leaves: boolean;
}

/** The session of a shell: runs statements one at a time. */
export class Shell {
  readonly #port: ShellPort;
  #session: Session;

  constructor(port: ShellPort, session: Session) {
    this.#port = port;
    this.#session = session;
  }

  get session(): Session {
    return this.#session;
  }

  get home(): string | undefined {
    return this.#port.home;
  }

  /** Those of mqlite, and its own words. */
  get commands(): readonly CommandSpec[] {
    return [...this.#port.commands, ...BUILTINS];
  }

  /** What the target is called at present. */
  get targetName(): string {
    return this.#nameOf(this.#session.target);
  }

  /** Never rejects: an error has been said, and is the exit code. */
  async execute(statement: Statement): Promise<Outcome> {
    try {
      switch (statement.kind) {
        case 'empty': return done(0);
        case 'system': return done(await this.#port.system(statement.command));
        case 'command': return await this.#command(statement);
      }
    } catch (error) {
      return done(this.#port.report(error));
    }
  }

  async #command({ words: typed, input, output, tail }: Extract<Statement, { kind: 'command' }>): Promise<Outcome> {
    const { home } = this.#port;
    const expanded = typed.map((word) => meant(word, home));
    const redirection: Redirection = {
      input: input === undefined ? undefined : meant(input, home), output: output === undefined ? undefined : { path: meant(output.word, home), isAppended: output.isAppended }, tail,
    };
    const isRedirected = tail !== undefined || output !== undefined;
    // By habit.
    const words = expanded[0] === 'mqlite' && expanded.length > 1 ? expanded.slice(1) : expanded;
    const [first = '', ...rest] = words;
    if (first === 'help' && rest.length === 0 && !isRedirected) this.#port.print(SHELL_HELP);
    const explained = first === 'help' ? builtinHelp(rest) : undefined;
    if (explained !== undefined) return done(await this.#port.run(explained, redirection));
    const own = this.#builtin(first, rest);
    if (own !== undefined) {
      if (isRedirected || input !== undefined) throw new MqliteError('USAGE', `"${first}" prints nothing that could go elsewhere`, { hint: 'Leave out what follows it.' });
      return own();
    }
    if (first === 'shell' && !rest.includes('--help')) throw new MqliteError('USAGE', 'this is the shell already', { hint: 'Type the commands; "use" works on another target.' });
    const command = findCommand(words, this.#port.commands);
    const argv = command === undefined ? words : applySession(words, command, this.#session, input !== undefined);
    return done(await this.#port.run({ argv, command }, redirection));
  }

  #builtin(name: string, words: readonly string[]): (() => Promise<Outcome>) | undefined {
    switch (name) {
      case 'use': return () => this.#use(words);
      case 'set': return async () => this.#set(words);
      case 'unset': return async () => {
        this.#session = unsetDefaults(words, this.#session);
        return done(0);
      };
      case 'clear': return async () => {
        this.#port.print('\u001b[H\u001b[2J');
        return done(0);
      };
      case 'exit':
      case 'quit': return async () => ({ exitCode: exitCodeOf(words), leaves: true });
      default: return undefined;
    }
  }

  async #use(words: readonly string[]): Promise<Outcome> {
    if (words.length === 0) {
      this.#port.print(`${escapeControl(this.targetName)}\n`);
      return done(0);
    }
    const target = useWords(words, this.#port.commands[0]!.flags, (name) => this.#port.namedTarget(name));
    // What cannot be one is said now, and the shell stays where it is.
    this.#nameOf(target);
    await this.#port.closeTargets();
    this.#session = { ...this.#session, target };
    return done(0);
  }

  #nameOf(target: readonly string[]): string {
    return this.#port.targetName(readFlags(target, this.#port.commands[0]!.flags).flags);
  }

  #set(words: readonly string[]): Outcome {
    if (words.length > 0) {
      this.#session = setDefault(words, this.#session);
      return done(0);
    }
    const { topic, group } = this.#session;
    for (const [name, value] of Object.entries({ topic, group })) this.#port.print(`${name} ${value === undefined ? '-' : escapeControl(value)}\n`);
    return done(0);
  }
}

const done = (exitCode: number): Outcome => ({ exitCode, leaves: false });

function exitCodeOf([code = '0', ...rest]: readonly string[]): number {
  if (!/^\d{1,3}$/.test(code) || Number(code) > 255 || rest.length > 0) throw new MqliteError('USAGE', `exit ${[code, ...rest].join(' ')}: not an exit code`, { hint: 'A number from 0 to 255, or nothing.' });
  return Number(code);
}

const meant = ({ text, quoted }: Word, home: string | undefined): string => (quoted ? text : expandHome(text, home));
