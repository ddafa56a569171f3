import type { Writable } from 'node:stream';
import { MqliteError } from '../broker/errors.ts';
import type { CommandReport, CommandVerdict } from '../client/exec-listener.ts';
import { ExecListener } from '../client/exec-listener.ts';
import type { ConsumeOutcome } from '../client/listener.ts';
import type { Message } from '../record/message.ts';
import type { ExecReport } from './exec-report.ts';
import type { CommandResult, CommandSpec } from './run-command.ts';
import { CANNOT_RUN, NOT_FOUND, resultText, runCommand, TEMPORARY_FAILURE, wasKilled } from './run-command.ts';

/**
 * A listener that runs a command of the system for each message. `tell`: a line about each one that is not simply consumed. With a report the
 * command's output goes where errors go: ours are its lines.
 */
export const execListener = (command: CommandSpec, suspendText: string, tell: (text: string) => void, { lines, output = 'stdout' }: { readonly lines?: ExecReport | undefined; readonly output?: Writable | number | 'stdout' | undefined } = {}): ExecListener =>
  new ExecListener({
    run: async (message, signal) => {
      const result = await runCommand(command, message, signal, lines === undefined ? output : 'stderr');
      lines?.ended(message, result);
      return report(result);
    },
    onTrouble: (message, outcome, text) => tell(`${placeOf(message)}: ${text}${CONSEQUENCES[outcome](suspendText)}`),
  });

const CONSEQUENCES: Readonly<Record<ConsumeOutcome, (suspendText: string) => string>> = {
  consumed: () => '',
  // What is stored for it is told when it is stored.
  reconsumeLater: () => '',
  suspend: (suspendText) => `, so what is downstream is gone: the queue rests for ${suspendText}, then the same message again`,
  stop: () => '',
};

export const placeOf = ({ topic, queueId, queueOffset }: Message): string => `${topic} queue ${queueId}, offset ${queueOffset}`;

const report = (result: CommandResult): CommandReport => ({ verdict: verdictOf(result), text: resultText(result) });

function verdictOf(result: CommandResult): CommandVerdict {
  if (result.exitCode === 0) return 'ok';
  if (result.exitCode === TEMPORARY_FAILURE) return 'unavailable';
  if (result.exitCode === CANNOT_RUN || result.exitCode === NOT_FOUND) return 'cannotRun';
  return wasKilled(result) ? 'killed' : 'failed';
}

/** Error: USAGE when the command could not be run. */
export function refuseWhatCannotRun(listener: ExecListener, command: CommandSpec): void {
  if (listener.cannotRun === null) return;
  const words = command.file === '/bin/sh' && command.args[0] === '-c' ? command.args[1]! : command.file;
  throw new MqliteError('USAGE', `--exec ${words}: ${listener.cannotRun}: there is no such command, or it cannot be run; its message is not consumed`, {
    hint: 'Check the name, the PATH and the permissions.',
  });
}
