import { join } from 'node:path';
import type { Config } from '@oclif/core';
import { MqliteError } from '../../broker/errors.ts';
import type { StartPort } from '../../shell/start.ts';
import { BrokerCache } from '../broker-cache.ts';
import type { Host, StopSignal } from '../host.ts';
import { loadProfiles } from '../profiles.ts';
import { CommandRunner } from './command-runner.ts';
import { commandSpecs } from './command-specs.ts';
import { createLookups } from './completion-lookups.ts';
import { appendHistory, readHistoryFile, rewriteHistory } from './history-file.ts';
import { namedTarget, placesOf, targetName, targetOfFlags } from './shell-target.ts';

export interface ShellRun {
  readonly config: Config;
  readonly host: Host;
  /** Commands in place of a prompt: `-c`. */
  readonly script: string | undefined;
  /**
   * Those of the shell itself, but `--command`: every command gets them that knows them, and those of the target (`-X` included) every command that works
   * on the shell's target.
   */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly onNotice: (text: string) => void;
}

const SIGNAL_EXIT_CODES: Readonly<Record<StopSignal, number>> = { SIGINT: 130, SIGTERM: 143 };

/** Runs the shell to its end; its exit code. */
export async function startShell(run: ShellRun): Promise<number> {
  const { config, host, script, flags } = run;
  const [{ runShell }, { BUILTINS }] = await Promise.all([import('../../shell/start.ts'), import('../../shell/builtins.ts')]);
  const isPrompt = script === undefined && host.stdin.isTTY === true;
  // What is printed may go elsewhere: a person is asked on the terminal all the same.
  const screen = host.stdout.isTTY === true ? host.stdout : host.stderr;
  if (isPrompt && screen.isTTY !== true) throw new MqliteError('USAGE', 'there is no terminal to show the prompt on', { hint: 'Leave standard output or standard error to the terminal, or give the commands with -c or on standard input.' });
  let failure = 0;
  const cache: BrokerCache = new BrokerCache({
    onFailure: (error) => {
      failure = runner.report(error);
    },
  });
  const runner: CommandRunner = new CommandRunner({
    config, host, cache, isJson: flags['json'] === true, ownWords: BUILTINS.map(({ words }) => words[0]!), input: isPrompt ? 'terminal' : script === undefined ? 'none' : 'own',
  });
  const leaving = new AbortController();
  let stopped: number | undefined;
  const stopListening = host.onSignal((signal) => {
    const isHeeded = runner.isBusy;
    // The terminal has written ^C where the cursor was.
    if (signal === 'SIGINT' && isPrompt) host.stderr.write('\n');
    runner.deliver(signal);
    // A prompt goes on behind Ctrl-C; a script stops, with the exit code of its command where that heeds signals.
    if (signal === 'SIGTERM' || !(isPrompt || isHeeded)) stopped = SIGNAL_EXIT_CODES[signal];
    if (signal === 'SIGTERM') leaving.abort();
  });
  // A closed pipe ends the command that writes to it, and is no reason to fall over between two commands.
  host.stdout.on('error', () => undefined);
  const port = { ...portOf(run, runner, cache), stopped: () => stopped, signal: leaving.signal };
  try {
    const exitCode = await runShell(port, flags, isPrompt
      ? { kind: 'prompt', input: host.stdin as unknown as NodeJS.ReadStream, output: screen as unknown as NodeJS.WriteStream, isSmart: host.env['TERM'] !== 'dumb' }
      : { kind: 'script', pieces: script === undefined ? host.stdin : [script] });
    await cache.close();
    const code = exitCode === 0 ? failure : exitCode;
    if (runner.hasAbandoned) host.exit(code);
    return code;
  } finally {
    stopListening();
    await cache.close();
  }
}

function portOf({ config, host, onNotice }: ShellRun, runner: CommandRunner, cache: BrokerCache): Omit<StartPort, 'stopped' | 'signal'> {
  const places = placesOf(config, host);
  const file = join(config.configDir, 'shell_history');
  return {
    commands: commandSpecs(config).filter(({ words: [first] }) => first !== 'shell'),
    clock: host.clock,
    home: host.env['HOME'],
    run: (line, redirection) => runner.run(line, redirection),
    system: (command) => runner.system(command),
    report: (error) => runner.report(error),
    print: (text) => void host.stdout.write(text),
    atLine: (line) => runner.atLine(line),
    ended: (text, exitCode) => runner.ended(text, exitCode),
    notice: onNotice,
    namedTarget: (name) => namedTarget(name, loadProfiles(config.configDir)),
    targetName: (flags) => targetName(targetOfFlags(flags, places)),
    closeTargets: () => cache.close(),
    lookups: (flags) => createLookups({ ...places, openBroker: cache.openQuietly, clock: host.clock }, flags),
    history: { read: () => readHistoryFile(file), append: (entry) => appendHistory(file, entry), rewrite: (entries) => rewriteHistory(file, entries) },
  };
}
