import { StringDecoder } from 'node:string_decoder';
import { completeLine } from './line-completer.ts';
import type { CompleterPort } from './line-completer.ts';
import { HISTORY_ENTRIES, parseHistory } from './history.ts';
import { LineEditor } from './line-editor.ts';
import { runPrompt } from './run-prompt.ts';
import { runScript } from './run-script.ts';
import { commonFlags, targetFlags } from './session.ts';
import { Shell } from './shell.ts';
import type { ShellPort } from './shell.ts';

export interface StartPort extends ShellPort, CompleterPort {
  /** See ScriptPort. */
  atLine(line: number): void;
  ended(text: string, exitCode: number): void;
  /** A line on stderr for a person, which may be silenced. */
  notice(text: string): void;
  readonly history: HistoryPort;
  /** The exit code once the shell was told to end. */
  readonly stopped: () => number | undefined;
  /** Aborts then. */
  readonly signal: AbortSignal;
}

/** A file; every call may throw. */
export interface HistoryPort {
  read(): string;
  append(entry: string): void;
  rewrite(entries: readonly string[]): void;
}

export type Source =
  | { readonly kind: 'prompt'; readonly input: NodeJS.ReadStream; readonly output: NodeJS.WriteStream; readonly isSmart: boolean }
  | { readonly kind: 'script'; readonly pieces: Iterable<string> | AsyncIterable<Buffer> };

/** Runs a shell to its end; its exit code. `flags`: those of its own command line. */
export async function runShell(port: StartPort, flags: Readonly<Record<string, unknown>>, source: Source): Promise<number> {
  const shell = new Shell(port, { flags: commonFlags(flags), target: targetFlags(flags), topic: undefined, group: undefined });
  return source.kind === 'prompt' ? prompt(shell, port, source) : runScript(shell, texts(source.pieces), port);
}

async function prompt(shell: Shell, port: StartPort, { input, output, isSmart }: Extract<Source, { kind: 'prompt' }>): Promise<number> {
  let isKept = true;
  /** Whoever has no place for a history can work without one. */
  const keeping = <T>(action: () => T): T | undefined => {
    try {
      return isKept ? action() : undefined;
    } catch (error) {
      isKept = false;
      port.notice(`the history is not kept: ${(error as Error).message}`);
      return undefined;
    }
  };
  const text = keeping(() => port.history.read()) ?? '';
  const history = parseHistory(text);
  // It grows by a line a command, and is cut when a shell begins.
  if (text.split('\n').length > 2 * HISTORY_ENTRIES) keeping(() => port.history.rewrite(history));
  let begun = '';
  const editor = new LineEditor({ input, output, isSmart, signal: port.signal, complete: (line) => completeLine(line, begun, shell.session, port) }, history);
  port.notice('Tab completes, "help" explains, Ctrl-D leaves');
  return runPrompt(shell, editor, {
    report: (error) => port.report(error),
    print: (line) => void output.write(line),
    keep: (entry) => keeping(() => port.history.append(entry)),
    stopped: port.stopped,
    onBegun: (typed) => {
      begun = typed;
    },
  });
}

async function * texts(pieces: Iterable<string> | AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  for await (const piece of pieces) yield typeof piece === 'string' ? piece : decoder.write(piece);
  yield decoder.end();
}
