import { queueKey } from '../broker/queue-key.ts';
import type { SendBackResult } from '../broker/types.ts';
import type { ConsumeOutcome } from '../client/listener.ts';
import type { Message } from '../record/message.ts';
import type { Output } from './output.ts';
import type { CommandResult } from './run-command.ts';

/** What became of a message: as a listener says it, or dead, or dropped as broadcasting groups do. */
export type ExecOutcome = ConsumeOutcome | 'dead' | 'dropped';

/**
 * `consume --exec --json`: a line each time the command has ended and it is known what that means. Where a message is sent back, that is
 * once it is stored; one that is tried again in place has a line for each try, and another one if it is given up.
 */
export class ExecReport {
  readonly #out: Output;
  /** How the command ended for what is being sent back, by place. */
  readonly #ended = new Map<string, CommandResult>();

  constructor(out: Output) {
    this.#out = out;
  }

  /** The command has ended; what it means comes next. */
  ended(message: Message, result: CommandResult): void {
    this.#ended.set(placeKey(message), result);
  }

  async decided(message: Message, outcome: ExecOutcome): Promise<void> {
    await this.#print(message, outcome);
  }

  async sentBack(message: Message, { isDead }: SendBackResult): Promise<void> {
    await this.#print(message, isDead ? 'dead' : 'reconsumeLater');
  }

  async #print(message: Message, outcome: ExecOutcome): Promise<void> {
    const result = this.#ended.get(placeKey(message));
    if (result === undefined) return;
    // A message that is tried again in place may be given up later, by what its last try said.
    if (outcome !== 'reconsumeLater') this.#ended.delete(placeKey(message));
    const { topic, originTopic, brokerName, queueId, queueOffset, msgId, offsetMsgId, reconsumeTimes } = message;
    await this.#out.write(`${JSON.stringify({
      topic, originTopic, brokerName, queueId, queueOffset, msgId, offsetMsgId, reconsumeTimes, exitCode: result.exitCode, signal: result.signal, outcome,
    })}\n`);
  }
}

const placeKey = (message: Message): string => `${queueKey(message)}\n${message.queueOffset}`;
