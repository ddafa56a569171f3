import { Args, Flags } from '@oclif/core';
import type { GroupConfig } from '../../broker/types.ts';
import { BaseCommand } from '../../cli/base-command.ts';

export default class GroupsCreate extends BaseCommand<typeof GroupsCreate> {
  static override summary = 'Create a consumer group';
  static override description = 'Consuming with a group that is not there creates it too, with these defaults; this is for other settings.';
  static override examples = ['<%= config.bin %> groups create billing', '<%= config.bin %> groups create billing --max-retries 3 --orderly'];
  static override args = { group: Args.string({ ignoreStdin: true, description: 'name: letters, digits and % | _ -, at most 120', required: true }) };
  static override flags = {
    'max-retries': Flags.integer({ description: 'how often a message is retried before it is a dead letter', default: 16, min: -1, helpValue: 'N' }),
    'retry-queues': Flags.integer({ description: 'queues of the retry topic', default: 1, min: 0, helpValue: 'N' }),
    enable: Flags.boolean({ description: 'let the group consume', default: true, allowNo: true }),
    broadcast: Flags.boolean({ description: 'let the group consume in broadcast mode', default: true, allowNo: true }),
    orderly: Flags.boolean({ description: 'the group consumes in order' }),
  };

  async run(): Promise<GroupConfig> {
    const { flags } = this;
    const broker = await this.openBroker({ mode: 'write', create: true });
    const group = await broker.createGroup(this.args.group, {
      retryMaxTimes: flags['max-retries'], retryQueueNums: flags['retry-queues'], consumeEnable: flags.enable, consumeBroadcastEnable: flags.broadcast,
      consumeMessageOrderly: flags.orderly,
    });
    return this.present(group, () => `created group ${group.group}\n`);
  }
}
