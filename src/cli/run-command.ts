import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { MqliteError } from '../broker/errors.ts';
import type { Message } from '../record/message.ts';

/** A program and its arguments. */
export interface CommandSpec {
  readonly file: string;
  readonly args: readonly string[];
}

/** How a command ended: with a code, or by a signal. */
export type CommandResult = { readonly exitCode: number; readonly signal: null } | { readonly exitCode: null; readonly signal: NodeJS.Signals };

/** What a shell answers for a program that is there and cannot be run, and for one that is not there; and EX_TEMPFAIL of sysexits.h. */
export const CANNOT_RUN = 126;
export const NOT_FOUND = 127;
export const TEMPORARY_FAILURE = 75;

const SPAWN_FAILURES: Readonly<Record<string, number>> = { ENOENT: NOT_FOUND, ENOTDIR: NOT_FOUND, EACCES: CANNOT_RUN, ENOEXEC: CANNOT_RUN, E2BIG: CANNOT_RUN };

/** `text` for `/bin/sh -c`, or the words after `--`, run as they are. Error: USAGE for both, and for an empty command. */
export function commandSpec(flag: string, text: string, words: readonly string[]): CommandSpec {
  if (words.length > 0 && text !== '') throw new MqliteError('USAGE', `${flag} has a command and there is another one after --`, { hint: `Write ${flag} 'CMD', or ${flag} -- PROGRAM ARGUMENTS.` });
  if (words.length > 0) return { file: words[0]!, args: words.slice(1) };
  if (text.trim() === '') throw new MqliteError('USAGE', `${flag} has no command`, { hint: `Write ${flag} 'CMD', or ${flag} -- PROGRAM ARGUMENTS.` });
  return { file: '/bin/sh', args: ['-c', text] };
}

/** What a command learns of the message besides its body. Names of properties keep their case; what no environment takes in them becomes `_`. */
export function messageEnvironment(message: Message): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.properties)) environment[`MQ_PROPERTY_${name.replace(/\W/g, '_')}`] = withoutNul(value);
  return {
    ...environment,
    MQ_TOPIC: message.originTopic ?? message.topic,
    MQ_QUEUE_ID: String(message.queueId),
    MQ_QUEUE_OFFSET: String(message.queueOffset),
    MQ_MSG_ID: withoutNul(message.msgId),
    MQ_TAGS: withoutNul(message.tags ?? ''),
    MQ_KEYS: withoutNul(message.keys.join(' ')),
    MQ_RECONSUME_TIMES: String(message.reconsumeTimes),
  };
}

const withoutNul = (text: string): string => text.replaceAll('\0', '');

/**
 * Runs a command with the message's body on its standard input and what else there is in its environment; its output is ours, or goes where errors go, or to a stream of the system. When
 * `signal` aborts it is told to end (SIGTERM), and waited for. What could not be started ends as a shell would say it: 127 and 126, or 75
 * where the system had no room for another process.
 */
export function runCommand(command: CommandSpec, message: Message, signal: AbortSignal, output: 'stdout' | 'stderr' | Writable | number = 'stdout'): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command.file, [...command.args], { stdio: ['pipe', output === 'stderr' ? 2 : output === 'stdout' ? 'inherit' : output, 'inherit'], env: { ...process.env, ...messageEnvironment(message) } });
    const onAbort = (): void => void child.kill('SIGTERM');
    const end = (result: CommandResult): void => {
      signal.removeEventListener('abort', onAbort);
      resolve(result);
    };
    child.once('error', (error: NodeJS.ErrnoException) => {
      // Also of a kill that failed; only a child that never was has no pid.
      if (child.pid === undefined) end({ exitCode: SPAWN_FAILURES[error.code ?? ''] ?? TEMPORARY_FAILURE, signal: null });
    });
    child.once('exit', (exitCode, killedBy) => {
      if (child.pid !== undefined) end(killedBy === null ? { exitCode: exitCode!, signal: null } : { exitCode: null, signal: killedBy });
    });
    // A command need not read its input.
    const stdin = child.stdin!;
    stdin.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'ECONNRESET' && error.code !== 'ERR_STREAM_DESTROYED') reject(error);
    });
    stdin.end(message.body);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}

/** `exit code 3`, `killed by SIGKILL`. */
export const resultText = ({ exitCode, signal }: CommandResult): string => (signal === null ? `exit code ${exitCode}` : `killed by ${signal}`);

/** Ended by a signal, in person or as a shell reports it of what it ran. */
export const wasKilled = ({ exitCode, signal }: CommandResult): boolean => signal !== null || (exitCode > 128 && exitCode <= 128 + 64);
