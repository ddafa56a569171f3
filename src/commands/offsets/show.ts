import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { requireGroup, requireTopic } from '../../cli/commands/lookup.ts';
import type { GroupOffsetsJson } from '../../cli/commands/offsets.ts';
import { offsetTable } from '../../cli/commands/offsets.ts';
import { totalLag } from '../../client/group-backlog.ts';
import { lagText } from '../../text/rates.ts';

export default class OffsetsShow extends BaseCommand<typeof OffsetsShow> {
  static override summary = 'Show the committed offset and the lag of every queue a group reads';
  static override examples = ['<%= config.bin %> offsets show billing', '<%= config.bin %> offsets show billing --topic Orders --json'];
  static override args = { group: Args.string({ ignoreStdin: true, description: 'name of the group', required: true }) };
  static override flags = { topic: Flags.string({ description: 'only this topic, also where the group has no offsets yet', helpValue: 'TOPIC' }) };

  async run(): Promise<GroupOffsetsJson> {
    const broker = await this.openBroker({ mode: 'read' });
    const { group } = await requireGroup(broker, this.args.group);
    if (this.flags.topic !== undefined) await requireTopic(broker, this.flags.topic);
    const offsets = await broker.committedOffsets(group, this.flags.topic);
    const lag = totalLag(offsets);
    if (offsets.length === 0) this.notice(`group ${group} has no committed offsets`);
    return this.present({ group, offsets, totalLag: lag, truncated: false }, async (data) => `${await offsetTable(data, this.tableStyle)}total lag: ${lagText(lag)}\n`);
  }
}
