import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import type { GroupJson } from '../../cli/commands/groups.ts';
import { groupText } from '../../cli/commands/groups.ts';
import { requireGroup } from '../../cli/commands/lookup.ts';
import { measureBacklog, measureInstances } from '../../client/group-backlog.ts';
import { parseDuration } from '../../text/time.ts';

export default class GroupsShow extends BaseCommand<typeof GroupsShow> {
  static override summary = 'Show a consumer group: its settings, its live members, how far it is behind and where that goes';
  static override description = `Members are the live mqlite processes of the group, with the queues each has at this moment. The rate in is that of the last
minute, the rate out what the members commit; --sample measures both, also where other clients consume. What cannot be known is "unknown".
The instances of a broadcasting group each have offsets, and a lag, of their own.`;

  static override examples = [
    '<%= config.bin %> groups show billing', '<%= config.bin %> groups show billing --json',
    { description: 'Rates measured over ten seconds', command: '<%= config.bin %> groups show billing --sample 10s' },
  ];

  static override args = { group: Args.string({ ignoreStdin: true, description: 'name of the group', required: true }) };
  static override flags = { sample: Flags.string({ description: 'measure the rates for so long (members commit every 5 s)', helpValue: 'DURATION' }) };

  async run(): Promise<GroupJson> {
    const sampleMs = this.flags.sample === undefined ? 0 : parseDuration(this.flags.sample, '--sample');
    const broker = await this.openBroker({ mode: 'read' });
    const group = await requireGroup(broker, this.args.group);
    const members = await broker.listMembers(group.group);
    const backlog = await measureBacklog(broker, this.host.clock, group.group, members, sampleMs, this.stopSignal);
    const instances = await measureInstances(broker, this.host.clock, group.group, members);
    return this.present({ ...group, members, instances, ...backlog }, (data) => groupText(data, this.tableStyle));
  }
}
