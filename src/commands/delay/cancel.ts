import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { findNamed } from '../../cli/commands/delays.ts';
import { targetText } from '../../cli/commands/plan.ts';

export interface DelayCancelJson {
  readonly target: string;
  readonly cancelled: readonly { readonly msgId: string; readonly topic: string }[];
}

export default class DelayCancel extends BaseCommand<typeof DelayCancel> {
  static override summary = 'Take back messages that wait to be delivered';
  static override description = `Only messages sent with --delay or --deliver-at; those at delay levels, retries among them, are refused (exit 5).
ID is an id of "delay list" or a recallHandle of "produce --json". What takes a message back is stored when "cancelled" is printed.
On a cluster: only what is due in more than 3 seconds, on brokers with recallMessageEnable=true.`;
  static override examples = ['<%= config.bin %> delay cancel 7F0000010B5D30946E09000000000001', '<%= config.bin %> delay cancel 7F0000010B5D30946E09000000000001 7F0000010B5D30946E09000000000002 --json'];
  static override args = { id: Args.string({ ignoreStdin: true, description: 'id or recall handle of a message', required: true }) };
  static override strict = false;

  async run(): Promise<DelayCancelJson> {
    const broker = await this.openBroker({ mode: 'write' });
    const named = await findNamed(broker, this.words, this.stopSignal);
    const target = targetText(this.target());
    this.notice(target);
    const cancelled: { msgId: string; topic: string }[] = [];
    try {
      for (const { topic, recallHandle } of named) cancelled.push({ msgId: await broker.recall(topic, recallHandle), topic });
    } catch (error) {
      // What was taken back before is said all the same.
      if (cancelled.length > 0) await this.#show({ target, cancelled });
      throw error;
    }
    return this.#show({ target, cancelled });
  }

  #show(data: DelayCancelJson): Promise<DelayCancelJson> {
    return this.present(data, () => data.cancelled.map(({ msgId, topic }) => `cancelled ${msgId} for ${topic}\n`).join(''));
  }
}
