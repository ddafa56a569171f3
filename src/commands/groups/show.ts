import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import type { GroupJson } from '../../cli/commands/groups.ts';
import { describeGroup, groupText } from '../../cli/commands/groups.ts';
import { requireGroup } from '../../cli/commands/lookup.ts';

export default class GroupsShow extends BaseCommand<typeof GroupsShow> {
  static override summary = 'Show a consumer group: its settings, its live members, its lag by topic';
  static override examples = ['<%= config.bin %> groups show billing', '<%= config.bin %> groups show billing --json'];
  static override args = { group: Args.string({ ignoreStdin: true, description: 'name of the group', required: true }) };

  async run(): Promise<GroupJson> {
    const broker = await this.openBroker({ mode: 'read' });
    const group = await requireGroup(broker, this.args.group);
    const [members, offsets] = [await broker.listMembers(group.group), await broker.committedOffsets(group.group)];
    return this.present(describeGroup(group, members, offsets), (data) => groupText(data, this.tableStyle));
  }
}
