import type { Message } from '../record/message.ts';
import type { ConsumeOutcome, MessageListener } from './listener.ts';

/** What a command's ending means to the message it was given. */
export type CommandVerdict =
  | 'ok'
  /** Exit code 75, EX_TEMPFAIL: what is behind the command is gone. */
  | 'unavailable'
  /** Exit codes 126 and 127: there is no such command. */
  | 'cannotRun'
  /** Ended by a signal. */
  | 'killed'
  | 'failed';

export interface CommandReport {
  readonly verdict: CommandVerdict;
  /** How it ended, in words. */
  readonly text: string;
}

export interface ExecListenerOptions {
  /** Runs the command for a message; must not reject for anything that the command does. */
  readonly run: (message: Message, signal: AbortSignal) => Promise<CommandReport>;
  /** Told of every ending but a good one. */
  readonly onTrouble: (message: Message, outcome: ConsumeOutcome, text: string) => void;
}

/**
 * Consumes each message by running a command: 0 consumed; 75 the queue rests, then the same message again; 126 and 127 the end; any other
 * code: this message is bad, and comes again later. Killed while mqlite is stopping it is neither consumed nor sent back.
 */
export class ExecListener implements MessageListener {
  readonly #options: ExecListenerOptions;
  #cannotRun: string | null = null;

  constructor(options: ExecListenerOptions) {
    this.#options = options;
  }

  /** How the command ended that could not be run; null when there was none. */
  get cannotRun(): string | null {
    return this.#cannotRun;
  }

  async consume(message: Message, signal: AbortSignal): Promise<ConsumeOutcome> {
    if (signal.aborted || this.#cannotRun !== null) return 'stop';
    const { verdict, text } = await this.#options.run(message, signal);
    if (verdict === 'ok') return 'consumed';
    if (verdict === 'killed' && signal.aborted) return 'stop';
    if (verdict === 'cannotRun') this.#cannotRun = text;
    const outcome = verdict === 'cannotRun' ? 'stop' : verdict === 'unavailable' ? 'suspend' : 'reconsumeLater';
    this.#options.onTrouble(message, outcome, text);
    return outcome;
  }
}
