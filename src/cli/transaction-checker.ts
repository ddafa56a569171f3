import { MqliteError } from '../broker/errors.ts';
import type { TransactionChecker, TransactionDecision } from '../broker/types.ts';
import { CANNOT_RUN, NOT_FOUND, resultText, runCommand } from './run-command.ts';
import type { CommandSpec } from './run-command.ts';

/** What an exit code says about a half message; any other (75 by custom): nobody knows yet, ask again. */
const DECISIONS: Readonly<Record<number, TransactionDecision>> = { 0: 'commit', 1: 'rollback' };

export interface CheckCounts {
  asked: number;
  commit: number;
  rollback: number;
  unknown: number;
}

export const noChecks = (): CheckCounts => ({ asked: 0, commit: 0, rollback: 0, unknown: 0 });

/**
 * Answers check-backs with a command. Error: USAGE for one that cannot be run; nothing is decided then.
 * @param signal tells a running command to end; what it says then does not count
 */
export function commandChecker(flag: string, command: CommandSpec, signal: AbortSignal, told: { readonly counts: CheckCounts; readonly detail: (text: string) => void }): TransactionChecker {
  return async (half) => {
    const result = await runCommand(command, half, signal);
    if (result.exitCode === NOT_FOUND || result.exitCode === CANNOT_RUN) {
      throw new MqliteError('USAGE', `${flag}: the command could not be run (exit code ${result.exitCode})`, { hint: 'Nothing was decided by it. Exit 0 commits, 1 rolls back, 75 says that nobody knows yet.' });
    }
    // A command that was told to end may have ended in the middle of anything.
    const decision = signal.aborted || result.exitCode === null ? 'unknown' : DECISIONS[result.exitCode] ?? 'unknown';
    told.counts.asked++;
    told.counts[decision]++;
    told.detail(`transaction ${half.msgId}: ${resultText(result)}, ${decision}`);
    return decision;
  };
}
