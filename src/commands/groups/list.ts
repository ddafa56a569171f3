import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import type { GroupListJson } from '../../cli/commands/groups.ts';
import { groupTable } from '../../cli/commands/groups.ts';
import { selectGroups } from '../../client/listing.ts';

export default class GroupsList extends BaseCommand<typeof GroupsList> {
  static override summary = 'List the consumer groups';
  static override description = "RocketMQ's own groups, and MQLITE_DLQ, by which dead letters are known to be dealt with, are hidden unless --all is given. A group may be known by its committed offsets alone.";
  static override examples = ['<%= config.bin %> groups list', '<%= config.bin %> groups list --all --json'];
  static override flags = { all: Flags.boolean({ description: "RocketMQ's own groups too" }) };

  async run(): Promise<GroupListJson> {
    const broker = await this.openBroker({ mode: 'read' });
    const all = await broker.listGroups();
    const groups = await Promise.all(selectGroups(all, this.flags.all).map(async (group) => ({ ...group, members: (await broker.listMembers(group.group)).length })));
    this.hiddenNotice('group', groups.length, all.length - groups.length);
    return this.present({ groups, truncated: false }, () => groupTable(groups, this.tableStyle));
  }
}
