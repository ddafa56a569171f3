import type { Clock } from '../base/clock.ts';
import type { Broker } from '../broker/broker.ts';
import { MqliteError } from '../broker/errors.ts';
import { DLQ_TOPIC_PREFIX, retryTopicOf } from '../broker/retry-topics.ts';
import type { MessageQueue } from '../broker/types.ts';
import { redrive } from '../client/redrive.ts';
import type { RedriveOutcome } from '../client/redrive.ts';
import type { Message } from '../record/message.ts';
import { RedriveTally } from './commands/dlq-redrive.ts';
import type { LedgerFile } from './redrive-ledger.ts';

/** Where a dead letter is. */
export interface LetterReference extends MessageQueue {
  readonly queueOffset: number;
}

export interface RedriveLettersOptions {
  readonly clock: Clock;
  /** Open for writing; closed here. */
  readonly openBroker: () => Promise<Broker>;
  readonly openLedger: (group: string) => Promise<LedgerFile>;
}

/** What became of dead letters. */
export interface RedriveReport {
  /** `3 sent, 1 sent before; billing: why the others were not`. */
  readonly text: string;
  readonly isGood: boolean;
  /** Sent, now or before: nothing is left to be done about them. */
  readonly sent: readonly LetterReference[];
}

/** Sends these dead letters to their groups again, as `dlq redrive` does. What fails for one group does not hold up the others. Errors: those of the broker when it is opened; BUG. */
export async function redriveLetters(options: RedriveLettersOptions, letters: readonly LetterReference[], signal: AbortSignal): Promise<RedriveReport> {
  const broker = await options.openBroker();
  const tally = new RedriveTally();
  const reasons: string[] = [];
  const sent: LetterReference[] = [];
  try {
    for (const topic of new Set(letters.map((letter) => letter.topic))) {
      if (signal.aborted) break;
      const group = topic.slice(DLQ_TOPIC_PREFIX.length);
      try {
        await redriveGroup(broker, options, group, letters.filter((letter) => letter.topic === topic), signal, (outcomes) => {
          tally.add(outcomes);
          for (const { letter, status } of outcomes) if (status === 'sent' || status === 'already') sent.push(letter);
        });
      } catch (error) {
        if (!(error instanceof MqliteError) || error.code === 'BUG') throw error;
        reasons.push(`${group}: ${error.message}`);
      }
    }
  } finally {
    // Nothing is held longer than it takes: whoever looks on holds no lock.
    await broker.close();
  }
  return { text: [tally.total === 0 ? 'nothing was sent' : tally.text, ...reasons].join('; '), isGood: reasons.length === 0, sent };
}

async function redriveGroup(
  broker: Broker, { clock, openLedger }: RedriveLettersOptions, group: string, letters: readonly LetterReference[], signal: AbortSignal, onOutcomes: (outcomes: readonly RedriveOutcome[]) => void,
): Promise<void> {
  const tally = new RedriveTally();
  const ledger = await openLedger(group);
  try {
    await redrive(broker, clock, ledger, {
      letters: readLetters(broker, letters), topic: retryTopicOf(group), dryRun: false, resendUnknown: false, signal,
      onOutcomes: async (outcomes) => {
        tally.add(outcomes);
        onOutcomes(outcomes);
      },
    });
    tally.judge(group);
  } finally {
    ledger.close();
  }
}

async function* readLetters(broker: Broker, letters: readonly LetterReference[]): AsyncGenerator<readonly Message[]> {
  for (const { topic, brokerName, queueId, queueOffset } of letters) {
    const { messages } = await broker.pull({ queue: { topic, brokerName, queueId }, offset: queueOffset, maxMessages: 1 });
    if (messages[0]?.queueOffset !== queueOffset) throw new MqliteError('NOT_FOUND', `the dead letter ${topic}/${queueId}@${queueOffset} is not there any more`);
    yield messages;
  }
}
