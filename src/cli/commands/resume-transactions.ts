import type { Broker } from '../../broker/broker.ts';
import { MqliteError } from '../../broker/errors.ts';
import type { ErrorCode } from '../../broker/errors.ts';
import type { SendOutcome } from '../../broker/types.ts';
import { DecisionNote } from '../decision-note.ts';
import { plural } from '../../text/numbers.ts';

/** What became of one decision. */
export interface ResumedJson {
  readonly producerGroup: string;
  readonly messages: number;
  /** Now, by this command. */
  readonly committed: number;
  /** Ended before, or gone: there is nothing left to do about them. */
  readonly ended: number;
  /** Not reached: they are tried again by the next `--resume`. */
  readonly open: number;
}

export interface ResumeJson {
  readonly resumed: readonly ResumedJson[];
  readonly truncated: false;
}

/** Errors that stay: a half that gives one of them is ended, or its record gone. */
const FINAL: ReadonlySet<ErrorCode> = new Set(['REFUSED', 'NOT_FOUND', 'TOPIC_NOT_FOUND', 'INVALID_INPUT', 'NOT_CONFIRMED']);

/** Whether nothing is left to do about it. */
export const isFinal = (outcome: SendOutcome | null): boolean => outcome === null || !('error' in outcome) || (outcome.error instanceof MqliteError && FINAL.has(outcome.error.code));

/** Carries out every decision that a process left behind. */
export async function resumeTransactions(broker: Broker, directory: string): Promise<{ readonly data: ResumeJson; readonly failure: Error | null }> {
  const resumed: ResumedJson[] = [];
  let failure: Error | null = null;
  const notes = await DecisionNote.left(directory);
  for (const [index, note] of notes.entries()) {
    let outcomes: (SendOutcome | null)[];
    try {
      outcomes = await broker.endTransactions(note.requests);
    } catch (error) {
      for (const untouched of notes.slice(index)) untouched.leave();
      throw error;
    }
    const open = outcomes.filter((outcome) => !isFinal(outcome));
    if (open.length === 0) note.done();
    else note.leave();
    for (const outcome of open) if (outcome !== null && 'error' in outcome) failure ??= outcome.error;
    const committed = outcomes.filter((outcome) => outcome !== null && !('error' in outcome)).length;
    resumed.push({ producerGroup: note.requests[0]?.producerGroup ?? '', messages: outcomes.length, committed, ended: outcomes.length - committed - open.length, open: open.length });
  }
  return { data: { resumed, truncated: false }, failure };
}

export const resumeText = ({ resumed }: ResumeJson): string => resumed.map(({ producerGroup, messages, committed, ended, open }) =>
  `transaction of ${producerGroup}, ${plural(messages, 'message')}: ${committed} committed, ${ended} ended before, ${open} not reached\n`).join('');
