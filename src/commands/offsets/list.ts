import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { selectGroups } from '../../client/listing.ts';
import { requireGroup, requireTopic } from '../../cli/commands/lookup.ts';
import type { OffsetListJson } from '../../cli/commands/offsets.ts';
import { listOffsets, summaryTable } from '../../cli/commands/offsets.ts';

export default class OffsetsList extends BaseCommand<typeof OffsetsList> {
  static override summary = 'List the lag of every group by topic';
  static override description = 'A lag that cannot be known is shown as unknown, never as 0. "offsets show" has the queues one by one.';
  static override examples = ['<%= config.bin %> offsets list', '<%= config.bin %> offsets list --topic Orders --json'];
  static override flags = {
    group: Flags.string({ description: 'only this group (repeatable)', multiple: true, multipleNonGreedy: true, helpValue: 'GROUP' }),
    topic: Flags.string({ description: 'only this topic', helpValue: 'TOPIC' }),
    all: Flags.boolean({ description: "RocketMQ's own groups too" }),
  };

  async run(): Promise<OffsetListJson> {
    const { flags } = this;
    const broker = await this.openBroker({ mode: 'read' });
    if (flags.topic !== undefined) await requireTopic(broker, flags.topic);
    for (const group of flags.group ?? []) await requireGroup(broker, group);
    const groups = flags.group ?? selectGroups(await broker.listGroups(), flags.all).map(({ group }) => group);
    const offsets = await listOffsets(broker, groups, flags.topic);
    if (offsets.length === 0) this.notice('no group has committed offsets');
    return this.present({ offsets, truncated: false }, () => summaryTable(offsets, this.tableStyle));
  }
}
