import type { Clock } from '../base/clock.ts';
import type { Broker } from '../broker/broker.ts';
import { MqliteError } from '../broker/errors.ts';
import { DLQ_TOPIC_PREFIX, retryTopicOf } from '../broker/retry-topics.ts';
import type { MessageQueue } from '../broker/types.ts';
import { redrive } from '../client/redrive.ts';
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

/** Sends these dead letters to their groups again, as `dlq redrive` does; answers what became of them: `3 sent, 1 already`. Errors: VERDICT; those of broker and ledger. */
export async function redriveLetters(options: RedriveLettersOptions, letters: readonly LetterReference[], signal: AbortSignal): Promise<string> {
  const broker = await options.openBroker();
  const tally = new RedriveTally();
  try {
    for (const topic of new Set(letters.map((letter) => letter.topic))) {
      const group = topic.slice(DLQ_TOPIC_PREFIX.length);
      const ledger = await options.openLedger(group);
      try {
        await redrive(broker, options.clock, ledger, {
          letters: readLetters(broker, letters.filter((letter) => letter.topic === topic)),
          topic: retryTopicOf(group), dryRun: false, resendUnknown: false, signal, onOutcomes: async (outcomes) => tally.add(outcomes),
        });
        tally.judge(group);
      } finally {
        ledger.close();
      }
    }
  } finally {
    // Nothing is held longer than it takes: whoever looks on holds no lock.
    await broker.close();
  }
  return tally.text;
}

async function* readLetters(broker: Broker, letters: readonly LetterReference[]): AsyncGenerator<readonly Message[]> {
  for (const { topic, brokerName, queueId, queueOffset } of letters) {
    const { messages } = await broker.pull({ queue: { topic, brokerName, queueId }, offset: queueOffset, maxMessages: 1 });
    if (messages[0]?.queueOffset !== queueOffset) throw new MqliteError('NOT_FOUND', `the dead letter ${topic}/${queueId}@${queueOffset} is not there any more`);
    yield messages;
  }
}
