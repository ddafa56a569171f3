import { Args } from '@oclif/core';
import { MqliteError } from '../../broker/errors.ts';
import type { SendResult } from '../../broker/types.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { findNamed } from '../../cli/commands/delays.ts';
import { targetText } from '../../cli/commands/plan.ts';

export interface DelayDeliverJson {
  readonly target: string;
  readonly delivered: readonly Pick<SendResult, 'topic' | 'brokerName' | 'queueId' | 'queueOffset' | 'msgId' | 'offsetMsgId'>[];
}

export default class DelayDeliver extends BaseCommand<typeof DelayDeliver> {
  static override summary = 'Deliver messages that wait, now';
  static override description = `Only messages sent with --delay or --deliver-at; those at delay levels, retries among them, are refused (exit 5).
ID is an id of "delay list" or a recallHandle of "produce --json". A message is taken back and delivered in one step.
What is overdue is delivered by this command in any case, before it looks for the ids. A cluster delivers nothing before its time (exit 5).`;
  static override examples = ['<%= config.bin %> delay deliver 7F0000010B5D30946E09000000000001', '<%= config.bin %> delay deliver 7F0000010B5D30946E09000000000001 --json'];
  static override args = { id: Args.string({ ignoreStdin: true, description: 'id or recall handle of a message', required: true }) };
  static override strict = false;

  async run(): Promise<DelayDeliverJson> {
    const broker = await this.openBroker({ mode: 'write' });
    if (!broker.supports('forced-delivery')) throw new MqliteError('UNSUPPORTED', 'this target delivers nothing before its time', { hint: 'Cancel the message and send it again.' });
    const named = await findNamed(broker, this.words, this.stopSignal);
    const target = targetText(this.target());
    this.notice(target);
    const delivered: DelayDeliverJson['delivered'][number][] = [];
    try {
      for (const { topic, recallHandle } of named) {
        const { topic: to, brokerName, queueId, queueOffset, msgId, offsetMsgId } = await broker.deliverNow(topic, recallHandle);
        delivered.push({ topic: to, brokerName, queueId, queueOffset, msgId, offsetMsgId });
      }
    } catch (error) {
      // What was delivered before is said all the same.
      if (delivered.length > 0) await this.#show({ target, delivered });
      throw error;
    }
    return this.#show({ target, delivered });
  }

  #show(data: DelayDeliverJson): Promise<DelayDeliverJson> {
    return this.present(data, () => data.delivered.map(({ msgId, topic, queueId, queueOffset }) => `delivered ${msgId} in ${topic}, queue ${queueId}, offset ${queueOffset}\n`).join(''));
  }
}
