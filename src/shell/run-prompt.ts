import { historyEntry } from './history.ts';
import type { LineEditor } from './line-editor.ts';
import { homePath } from '../text/home-path.ts';
import { promptText, SECOND_PROMPT } from './prompt.ts';
import type { Shell } from './shell.ts';
import { parseStatements } from './words.ts';

export interface PromptPort {
  report(error: unknown): number;
  /** On the terminal. */
  print(text: string): void;
  /** Keeps a line for the next run. */
  keep(entry: string): void;
  /** The shell was told to end, and with which exit code. */
  readonly stopped: () => number | undefined;
  /** What has been typed of a statement, for completion. */
  onBegun(text: string): void;
}

const INTERRUPTED = 130;

/** Asks for commands and runs them until the person leaves; the exit code. */
export async function runPrompt(shell: Shell, editor: LineEditor, port: PromptPort): Promise<number> {
  for (;;) {
    const text = await readStatements(shell, editor, port);
    const stopped = port.stopped();
    if (stopped !== undefined) return stopped;
    if (text === null) return 0;
    const entry = historyEntry(text);
    if (entry !== undefined) {
      editor.remember(entry);
      port.keep(entry);
    }
    const left = await runLine(shell, text, port);
    if (left !== undefined) return left;
  }
}

/** One or more whole lines, or an empty text; null: the person leaves. */
async function readStatements(shell: Shell, editor: LineEditor, port: PromptPort): Promise<string | null> {
  let text = '';
  let isBegun = false;
  port.onBegun('');
  for (;;) {
    const entry = isBegun ? await editor.read(SECOND_PROMPT, false) : await editor.read(promptText(homePath(targetName(shell, port), shell.home), shell.session));
    if (entry.kind === 'interrupt') return '';
    if (entry.kind === 'end') {
      port.print('\n');
      return isBegun ? '' : null;
    }
    text += (isBegun ? '\n' : '') + entry.text;
    if (!isIncomplete(text)) return text;
    isBegun = true;
    port.onBegun(`${text}\n`);
  }
}

function isIncomplete(text: string): boolean {
  try {
    return parseStatements(text).isIncomplete;
  } catch {
    // Wrong already: that is said when it is run.
    return false;
  }
}

async function runLine(shell: Shell, text: string, port: PromptPort): Promise<number | undefined> {
  try {
    for (const { statement } of parseStatements(text).statements) {
      const { exitCode, leaves } = await shell.execute(statement);
      const stopped = port.stopped();
      if (stopped !== undefined) return stopped;
      if (leaves) return exitCode;
      if (exitCode === INTERRUPTED) break;
    }
  } catch (error) {
    port.report(error);
  }
  return undefined;
}

/** Profiles that cannot be read are no reason to have no prompt. */
function targetName(shell: Shell, port: PromptPort): string {
  try {
    return shell.targetName;
  } catch (error) {
    port.report(error);
    return '?';
  }
}
