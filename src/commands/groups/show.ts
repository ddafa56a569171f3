import { Args, Flags } from '@oclif/core';
import { MqliteError } from '../../broker/errors.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import type { GroupJson } from '../../cli/commands/groups.ts';
import { groupText } from '../../cli/commands/groups.ts';
import { requireGroup } from '../../cli/commands/lookup.ts';
import { measureBacklog, measureInstances } from '../../client/group-backlog.ts';
import { parseDuration } from '../../text/time.ts';

const DEFAULT_INTERVAL_MS = 2000;
const SHORTEST_INTERVAL_MS = 100;

export default class GroupsShow extends BaseCommand<typeof GroupsShow> {
  static override summary = 'Show a consumer group: its settings, its live members, how far it is behind and where that goes';
  static override description = `Members are the live mqlite processes of the group, with the queues each has at this moment. The rate in is that of the last
minute, the rate out what the members commit; --sample measures both, also where other clients consume. What cannot be known is "unknown".
The instances of a broadcasting group each have offsets, and a lag, of their own.
--watch draws lag, rates and where they go again and again, queue by queue, until Ctrl-C; on a pipe it appends lines, with --json a document each.`;

  static override examples = [
    '<%= config.bin %> groups show billing', '<%= config.bin %> groups show billing --json',
    { description: 'Rates measured over ten seconds', command: '<%= config.bin %> groups show billing --sample 10s' },
    { description: 'Drawn again every second', command: '<%= config.bin %> groups show billing --watch --interval 1s' },
  ];

  static override args = { group: Args.string({ ignoreStdin: true, description: 'name of the group', required: true }) };
  static override flags = {
    sample: Flags.string({ description: 'measure the rates for so long (members commit every 5 s)', helpValue: 'DURATION', exclusive: ['watch'] }),
    watch: Flags.boolean({ description: 'show it again and again, with rates and trends' }),
    interval: Flags.string({ description: 'with --watch: how long from one look to the next (2s)', helpValue: 'DURATION', dependsOn: ['watch'] }),
    count: Flags.integer({ description: 'with --watch: end after so many looks', helpValue: 'N', min: 1, dependsOn: ['watch'] }),
  };

  async run(): Promise<GroupJson | void> {
    if (this.flags.watch) return this.#watch();
    const sampleMs = this.flags.sample === undefined ? 0 : parseDuration(this.flags.sample, '--sample');
    const broker = await this.openBroker({ mode: 'read' });
    const group = await requireGroup(broker, this.args.group);
    const members = await broker.listMembers(group.group);
    const backlog = await measureBacklog(broker, this.host.clock, group.group, members, sampleMs, this.stopSignal);
    const instances = await measureInstances(broker, this.host.clock, group.group, members);
    return this.present({ ...group, members, instances, ...backlog }, (data) => groupText(data, this.tableStyle));
  }

  async #watch(): Promise<void> {
    const intervalMs = this.flags.interval === undefined ? DEFAULT_INTERVAL_MS : parseDuration(this.flags.interval, '--interval');
    if (intervalMs < SHORTEST_INTERVAL_MS) throw new MqliteError('USAGE', `--interval ${this.flags.interval}: less than 100ms`, { hint: 'Looking costs the target some work: look less often.' });
    const broker = await this.openBroker({ mode: 'read' });
    const { group } = await requireGroup(broker, this.args.group);
    const { watchGroup } = await import('../../cli/group-watch.ts');
    await watchGroup({
      broker, group, intervalMs, count: this.flags.count, json: this.flags.json, clock: this.host.clock, out: this.out, style: this.tableStyle,
      jsonText: (data) => this.jsonText(data), signal: this.stopSignal,
    });
  }
}
