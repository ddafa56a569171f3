import { MqliteError } from '../broker/errors.ts';
import { escapeControl } from '../text/escape.ts';
import { findCommand } from './command-spec.ts';
import type { CommandSpec } from './command-spec.ts';
import type { Shell } from './shell.ts';
import type { Statement } from './words.ts';
import { newlines, parseStatement } from './words.ts';

export interface ScriptPort {
  /** What is said from here on is about the statement that begins on this line. */
  atLine(line: number): void;
  /** Says what ended the script, and with which exit code; as JSON where nothing has said why. */
  ended(text: string, exitCode: number): void;
  report(error: unknown): number;
  /** Nothing more is to be run, and with which exit code. */
  readonly stopped: () => number | undefined;
}

/** Ended by a signal: whoever sent it knows why nothing goes on. */
const SIGNAL_EXIT_CODES = [130, 143];

/**
 * Runs statements as they arrive, and stops at the first that fails: its exit code is the script's, its line is said. Pieces need not end where
 * lines do.
 */
export async function runScript(shell: Shell, pieces: AsyncIterable<string> | Iterable<string>, port: ScriptPort): Promise<number> {
  const reader = new StatementReader();
  for await (const piece of pieces) {
    const outcome = await runAll(shell, reader.push(piece), port);
    if (outcome !== undefined) return outcome;
  }
  return await runAll(shell, reader.end(), port) ?? 0;
}

async function runAll(shell: Shell, statements: Iterable<NumberedStatement>, port: ScriptPort): Promise<number | undefined> {
  try {
    for (const { statement, line } of statements) {
      port.atLine(line);
      const { exitCode, leaves } = await shell.execute(statement);
      const stopped = port.stopped();
      if (stopped !== undefined) return stopped;
      if (leaves) return exitCode;
      if (exitCode === 0) continue;
      if (!SIGNAL_EXIT_CODES.includes(exitCode)) port.ended(`${nameOf(statement, shell.commands)} ended with ${exitCode}: nothing after it was run`, exitCode);
      return exitCode;
    }
    return undefined;
  } catch (error) {
    // What cannot be read as a statement.
    return port.report(error);
  }
}

/** Without what follows the command: it may be long, or a secret. */
function nameOf(statement: Statement, commands: readonly CommandSpec[]): string {
  if (statement.kind !== 'command') return 'the system\'s command';
  const typed = statement.words.map(({ text }) => text);
  const words = typed[0] === 'mqlite' && typed.length > 1 ? typed.slice(1) : typed;
  return `"${escapeControl((findCommand(words, commands)?.words ?? words.slice(0, 1)).join(' '))}"`;
}

interface NumberedStatement {
  readonly statement: Statement;
  /** That it begins on, from 1. */
  readonly line: number;
}

/** Cuts a text that arrives in pieces into statements. */
class StatementReader {
  #text = '';
  #line = 1;

  * push(piece: string): Generator<NumberedStatement> {
    this.#text += piece;
    // A line that has not ended may go on; without its end, a backslash there is seen to ask for the next one.
    const end = this.#text.lastIndexOf('\n');
    if (end > 0) yield* this.#take(this.#text.slice(0, end), false);
  }

  * end(): Generator<NumberedStatement> {
    yield* this.#take(this.#text, true);
  }

  * #take(text: string, isEnd: boolean): Generator<NumberedStatement> {
    for (let position = 0; position < text.length;) {
      const parsed = this.#parse(text, position);
      if (parsed.kind === 'incomplete') {
        if (isEnd) throw new MqliteError('USAGE', 'the script ends within quotes, or behind a backslash', { hint: 'Close the quote.', line: this.#lineAt(text, position) });
        return;
      }
      const line = this.#line + newlines(text.slice(position, parsed.start));
      // The newline that a line for the system takes with it may be behind the end of `text`.
      this.#line = line + newlines(this.#text.slice(parsed.start - position, parsed.next - position));
      this.#text = this.#text.slice(parsed.next - position);
      position = parsed.next;
      if (parsed.statement.kind !== 'empty') yield { statement: parsed.statement, line };
    }
  }

  #parse(text: string, position: number): ReturnType<typeof parseStatement> {
    try {
      return parseStatement(text, position);
    } catch (error) {
      if (!(error instanceof MqliteError)) throw error;
      throw new MqliteError(error.code, error.message, { hint: error.hint, line: this.#lineAt(text, position) });
    }
  }

  /** Where the statement begins that `position` is before. */
  #lineAt(text: string, position: number): number {
    return this.#line + newlines(/^[\s;]*/.exec(text.slice(position))![0]);
  }
}
