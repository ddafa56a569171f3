import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import type { GroupListJson } from '../../cli/commands/groups.ts';
import { groupTable, selectGroups } from '../../cli/commands/groups.ts';
import { plural } from '../../cli/render/numbers.ts';

export default class GroupsList extends BaseCommand<typeof GroupsList> {
  static override summary = 'List the consumer groups';
  static override description = "RocketMQ's own groups are hidden unless --all is given. A group may be known by its committed offsets alone.";
  static override examples = ['<%= config.bin %> groups list', '<%= config.bin %> groups list --all --json'];
  static override flags = { all: Flags.boolean({ description: "RocketMQ's own groups too" }) };

  async run(): Promise<GroupListJson> {
    const broker = await this.openBroker({ mode: 'read' });
    const all = await broker.listGroups();
    const groups = await Promise.all(selectGroups(all, this.flags.all).map(async (group) => ({ ...group, members: (await broker.listMembers(group.group)).length })));
    const hidden = all.length - groups.length;
    if (groups.length === 0) this.notice(hidden === 0 ? 'no groups' : `no groups but ${plural(hidden, 'hidden one')}; see --all`);
    return this.present({ groups, truncated: false }, () => groupTable(groups, this.tableStyle));
  }
}
