import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createReadStream, openSync } from 'node:fs';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { ReadStream } from 'node:tty';
import type { Config } from '@oclif/core';
import type { CommandLine, Redirection } from '../../shell/shell.ts';
import type { MqliteError } from '../../broker/errors.ts';
import { BaseCommand } from '../base-command.ts';
import type { BrokerCache } from '../broker-cache.ts';
import { COMMAND_TABLE } from '../command-table.ts';
import { systemErrorToMqlite } from '../error-report.ts';
import type { Host, HostInput, HostOutput, StopSignal } from '../host.ts';
import { PlainHelp } from '../plain-help.ts';
import { resolveCommand } from '../resolve-command.ts';
import { unknownCommand } from '../unknown-command.ts';
import { commandInput, commandOutput } from './command-stream.ts';
import type { CommandStream } from './command-stream.ts';
import { ErrorLines } from './error-lines.ts';
import { isFifo, OutputFile } from './output-file.ts';

export interface RunnerOptions {
  readonly config: Config;
  /** The shell's own. */
  readonly host: Host;
  readonly cache: BrokerCache;
  /** terminal: of the person; own: what the shell was given; none: the commands themselves come from there. */
  readonly input: 'terminal' | 'own' | 'none';
  /** Errors are JSON documents, one for each failure. */
  readonly isJson: boolean;
  /** Words that are no commands of mqlite, and may have been meant. */
  readonly ownWords: readonly string[];
}

/** Where a command's output goes. */
interface Destination {
  /** undefined: where the shell's goes. */
  readonly stream: Writable | undefined;
  readonly forPrograms: HostOutput['forPrograms'];
  /** When the command is over; answers how to say what went wrong behind it, and its exit code. */
  end(): Promise<() => number>;
}

type Runnable = new (argv: string[], config: Config) => { _run(): Promise<unknown> };

/** Hidden commands are nobody's typing error. */
const IDS = Object.keys(COMMAND_TABLE).filter((id) => id !== 'completion:candidates');

/** Runs command lines of a shell in this process, one at a time, each with streams, signals and an exit code of its own. */
export class CommandRunner {
  readonly #options: RunnerOptions;
  readonly #listeners = new Set<(signal: StopSignal) => void>();
  readonly #children = new Set<ChildProcess>();
  #hasAbandoned = false;
  readonly #errors: ErrorLines;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#errors = new ErrorLines(options.host, options.isJson);
  }

  /** Whether something runs that heeds signals. */
  get isBusy(): boolean {
    return this.#listeners.size > 0;
  }

  /** A command was given up, and may keep the process from ending by itself. */
  get hasAbandoned(): boolean {
    return this.#hasAbandoned;
  }

  /** Hands a signal to what runs. A terminal sends SIGINT to programs of the system by itself; SIGTERM they get from here. */
  deliver(signal: StopSignal): void {
    for (const listener of this.#listeners) listener(signal);
    if (signal === 'SIGTERM') for (const child of this.#children) child.kill(signal);
  }

  /** The exit code of a command, or of what it was piped to when that failed and the command did not. Never rejects. */
  async run(line: CommandLine | string, redirection: Redirection): Promise<number> {
    const { host } = this.#options;
    const argv = typeof line === 'string' ? [] : line.argv;
    let input: Readable | undefined;
    let output: Destination;
    try {
      input = redirection.input === undefined ? undefined : openInput(redirection.input);
      output = this.#openOutput(redirection);
    } catch (error) {
      input?.destroy();
      return this.report(error, argv);
    }
    const stdout = commandOutput(output.stream ?? (host.stdout as unknown as NodeJS.WriteStream), output.forPrograms);
    const stdin = this.#input(input);
    const exitCode = await this.#runWith(line, argv, stdin.stream, stdout.stream);
    stdin.end();
    input?.destroy();
    stdout.end();
    const ending = await output.end();
    return exitCode === 0 ? ending() : exitCode;
  }

  /** Never rejects. */
  async system(command: string): Promise<number> {
    // It may be one that wants the store for itself.
    await this.#options.cache.releaseWriters();
    return this.#start(command, [this.#options.input === 'none' ? 'ignore' : 'inherit', 'inherit', 'inherit']).exited;
  }

  /** Says what is wrong; the exit code it has. */
  report(error: unknown, argv: readonly string[] = []): number {
    return this.#errors.report(error, argv);
  }

  /** See ErrorLines. */
  atLine(line: number): void {
    this.#errors.atLine(line);
  }

  /** See ErrorLines. */
  ended(text: string, exitCode: number): void {
    this.#errors.ended(text, exitCode);
  }

  async #runWith(line: CommandLine | string, argv: readonly string[], stdin: HostInput, stdout: HostOutput): Promise<number> {
    const { host, cache } = this.#options;
    const stderr = commandOutput(host.stderr as unknown as NodeJS.WriteStream, undefined, this.#errors.edit);
    let exitCode = 0;
    let abandon: (code: number) => void = () => undefined;
    const abandoned = new Promise<number>((resolve) => {
      abandon = resolve;
    });
    const own: Host = {
      stdin, stdout, stderr: stderr.stream, env: host.env, clock: host.clock,
      openBroker: cache.open,
      setExitCode: (code) => {
        exitCode = code;
      },
      exit: (code) => abandon(code),
      onSignal: (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
    };
    const before = BaseCommand.host;
    BaseCommand.host = own;
    try {
      const ran = this.#dispatch(line, own).catch((error: unknown) => {
        if (!isExitZero(error)) exitCode = this.report(error, argv);
      });
      const ended = await Promise.race([ran.then(() => undefined), abandoned]);
      // One that does not heed signals goes on without anybody to hear it, and without its target.
      if (ended !== undefined) {
        this.#hasAbandoned = true;
        await cache.close();
      }
      return ended ?? exitCode;
    } finally {
      BaseCommand.host = before;
      this.#listeners.clear();
      stderr.end();
    }
  }

  async #dispatch(line: CommandLine | string, { stdout }: Host): Promise<void> {
    const { cache, config, ownWords } = this.#options;
    if (typeof line === 'string') {
      stdout.write(line);
      return;
    }
    const resolution = resolveCommand(line.argv, IDS);
    const unknown = (words: readonly string[]): MqliteError => unknownCommand(words, [...IDS, ...ownWords], (topic) => (topic === undefined ? 'help' : `help ${topic}`));
    switch (resolution.kind) {
      case 'version':
        stdout.write(`${config.userAgent}\n`);
        return;
      case 'help':
        await new HelpTo((text) => stdout.write(text), config, config.pjson.oclif.helpOptions).showHelp([...resolution.subject]);
        return;
      case 'unknown':
        throw unknown(resolution.words);
      case 'command': {
        // It has nothing of the session: `topics:create` would work on another target than the shell.
        if (line.command === undefined) throw unknown(line.argv);
        if (resolution.id.startsWith('store:')) await cache.releaseWriters();
        const command = await config.findCommand(resolution.id, { must: true }).load() as unknown as Runnable;
        await new command([...resolution.argv], config)._run();
      }
    }
  }

  #input(file: Readable | undefined): CommandStream<HostInput> {
    const { input, host } = this.#options;
    if (file !== undefined) return commandInput(false, () => file);
    if (input === 'none') return commandInput(false, () => undefined);
    // A command that is done with its input destroys it: that must not be the shell's.
    if (host.stdin.isTTY === true) return commandInput(true, () => new ReadStream(openSync('/dev/tty', 'r')));
    return commandInput(false, () => host.stdin as unknown as Readable);
  }

  /** Errors: those of the file system. */
  #openOutput({ output, tail }: Redirection): Destination {
    if (tail !== undefined) return this.#openPipe(tail.slice(1));
    if (output === undefined) return { stream: undefined, forPrograms: undefined, end: async () => () => 0 };
    const { path, isAppended } = output;
    if (isFifo(path)) return this.#openPipe(`cat ${isAppended ? '>>' : '>'} '${path.replaceAll("'", `'\\''`)}'`);
    const file = new OutputFile(path, isAppended);
    return {
      stream: file,
      forPrograms: file.fd,
      end: async () => {
        const failure = await file.finish();
        return () => (failure === null ? 0 : this.report(systemErrorToMqlite(failure, path) ?? failure));
      },
    };
  }

  #openPipe(command: string): Destination {
    const child = this.#start(command, ['pipe', 'inherit', 'inherit']);
    const stream = child.process.stdin!;
    // A command hears of it while it runs; what comes later concerns nobody.
    stream.on('error', () => undefined);
    return {
      stream,
      forPrograms: stream,
      end: async () => {
        stream.end();
        const code = await child.exited;
        return () => code;
      },
    };
  }

  #start(command: string, stdio: ('ignore' | 'inherit' | 'pipe')[]): { readonly process: ChildProcess; readonly exited: Promise<number> } {
    const process = spawn('/bin/sh', ['-c', command], { stdio });
    this.#children.add(process);
    const exited = new Promise<number>((resolve) => {
      process.once('error', (error) => resolve(this.report(systemErrorToMqlite(error, '/bin/sh') ?? error)));
      process.once('close', (code, signal) => resolve(code ?? 128 + (constants.signals[signal!] ?? 0)));
    }).finally(() => this.#children.delete(process));
    return { process, exited };
  }
}

/** Help that goes where the command's output goes. */
class HelpTo extends PlainHelp {
  readonly #write: (text: string) => unknown;

  constructor(write: (text: string) => unknown, ...rest: ConstructorParameters<typeof PlainHelp>) {
    super(...rest);
    this.#write = write;
  }

  protected override log(...lines: string[]): void {
    this.#write(`${lines.join(' ')}\n`);
  }
}

/** Opened at once: what is wrong with it is said before anything runs. */
function openInput(path: string): Readable {
  try {
    return createReadStream(path, { fd: openSync(path, 'r') });
  } catch (error) {
    throw systemErrorToMqlite(error, path) ?? error;
  }
}

/** oclif ends some runs by throwing an exit of 0. */
function isExitZero(error: unknown): boolean {
  return error instanceof Error && (error as Error & { readonly oclif?: { readonly exit?: number } }).oclif?.exit === 0;
}
