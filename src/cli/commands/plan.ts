import { MqliteError } from '../../broker/errors.ts';
import type { HostInput } from '../host.ts';
import type { Target } from '../target.ts';

/** What a command works on, in one phrase: the first line of every destructive plan. */
export function targetText(target: Target): string {
  return target.kind === 'local' ? `store ${target.directory} (${target.source})` : `cluster ${target.addresses.join(';')} (${target.source})`;
}

export interface Confirmation {
  readonly yes: boolean;
  /** A person is at the terminal and may be asked. */
  readonly interactive: boolean;
  readonly stdin: HostInput;
  readonly signal: AbortSignal;
  readonly ask: (question: string) => void;
  /** What is about to happen, in the infinitive: `delete topic Orders`. */
  readonly action: string;
}

/**
 * Goes on only with a yes: from --yes, or typed at the terminal. Errors: USAGE where nobody can be asked, REFUSED for any
 * other answer.
 */
export async function confirm(confirmation: Confirmation): Promise<void> {
  const { yes, interactive, stdin, signal, ask, action } = confirmation;
  if (yes) return;
  if (!interactive) throw new MqliteError('USAGE', `not asked to ${action}: nothing was changed`, { hint: 'Add --yes to do it.' });
  ask(`${action[0]!.toUpperCase()}${action.slice(1)}? Type yes: `);
  const answer = await readLine(stdin, signal);
  if (answer.trim().toLowerCase() !== 'yes') throw new MqliteError('REFUSED', `not told to ${action}: nothing was changed`, { hint: 'Answer yes, or use --yes.' });
}

/** The first line of the input, without its end; empty at the end of input and when the signal aborts. */
async function readLine(stdin: HostInput, signal: AbortSignal): Promise<string> {
  let text = '';
  const onAbort = (): void => void stdin.destroy();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for await (const chunk of stdin) {
      text += chunk.toString();
      const end = text.indexOf('\n');
      if (end >= 0) return text.slice(0, end);
    }
  } catch (error) {
    // Destroying the input is how a signal ends the question.
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
  return text;
}
