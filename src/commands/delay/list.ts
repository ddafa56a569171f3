import { Args, Flags } from '@oclif/core';
import { BaseCommand, VERDICT_EXIT_CODE } from '../../cli/base-command.ts';
import type { DelayListJson } from '../../cli/commands/delays.ts';
import { delayTable, selectDelayed } from '../../cli/commands/delays.ts';
import { plural } from '../../text/numbers.ts';
import { findDelayed } from '../../client/delayed.ts';

export default class DelayList extends BaseCommand<typeof DelayList> {
  static override summary = 'List the messages that wait to be delivered';
  static override description = `Delayed messages and retries, in the order in which they are due: where they go, and how they were asked for. Overdue ones wait
for somebody who writes the store ("produce", "consume --group", "delay deliver"); listing delivers nothing. Brokers deliver by themselves,
and say what they delivered a second later.`;
  static override examples = ['<%= config.bin %> delay list', '<%= config.bin %> delay list orders --overdue --json'];
  static override args = { topic: Args.string({ ignoreStdin: true, description: 'only messages for this topic' }) };
  static override flags = {
    overdue: Flags.boolean({ description: 'only what is due already' }),
    limit: Flags.integer({ description: 'most messages to list', min: 1, default: 1000, helpValue: 'N' }),
  };

  async run(): Promise<DelayListJson> {
    const broker = await this.openBroker({ mode: 'read' });
    const nowMs = this.host.clock.nowMs();
    const found = await findDelayed(broker, this.stopSignal);
    const { data, damaged } = selectDelayed(found.delayed, { topic: this.args.topic, overdue: this.flags.overdue, limit: this.flags.limit }, nowMs);
    for (const line of [...found.damaged, ...damaged]) this.warnLine(`cannot be read: ${line}`);
    if (found.damaged.length + damaged.length > 0) this.host.setExitCode(VERDICT_EXIT_CODE);
    if (data.delayed.length === 0 && this.args.topic !== undefined) await broker.queues(this.args.topic);
    if (data.delayed.length === 0) this.notice(found.delayed.length === 0 ? 'nothing waits' : `none of ${plural(found.delayed.length, 'waiting message')} is asked for`);
    if (data.truncated) this.notice(`there are more than ${plural(this.flags.limit, 'message')}; see --limit`);
    return this.present(data, ({ delayed }) => (delayed.length === 0 ? '' : delayTable(delayed, nowMs, this.tableStyle)));
  }
}
