import { Args, Flags } from '@oclif/core';
import { DLQ_READER_GROUP, dlqTopicOf } from '../../broker/retry-topics.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { requireDlqGroup } from '../../cli/commands/dlq.ts';
import { applyPurge, planPurge } from '../../cli/commands/dlq-purge.ts';
import type { PurgeJson } from '../../cli/commands/dlq-purge.ts';
import { resetTable } from '../../cli/commands/offset-reset.ts';
import { targetText } from '../../cli/commands/plan.ts';
import { plural } from '../../text/numbers.ts';

export default class DlqPurge extends BaseCommand<typeof DlqPurge> {
  static override summary = 'Call the dead letters of a group dealt with';
  static override description = `Prints the plan; --execute applies it and reads it back. "dlq list" and "dlq redrive" start behind them from then on.
No record is removed: the offset is committed for the group ${DLQ_READER_GROUP}, and "offsets reset" takes it back.`;
  static override examples = ['<%= config.bin %> dlq purge billing', '<%= config.bin %> dlq purge billing --execute'];
  static override args = { group: Args.string({ ignoreStdin: true, description: 'consumer group', required: true }) };
  static override flags = { execute: Flags.boolean({ description: 'do it' }) };

  async run(): Promise<PurgeJson> {
    const { group } = this.args;
    const { execute } = this.flags;
    const broker = await this.openBroker({ mode: execute ? 'write' : 'read' });
    await requireDlqGroup(broker, group);
    const { resets, count } = await planPurge(broker, group);
    const target = targetText(this.target());
    if (!this.flags.json) await this.out.write(`target: ${target}\n${count === 0 ? '' : await resetTable(resets, this.tableStyle)}`);
    if (count === 0) this.notice(`no dead letters of group ${group}`);
    else if (!execute) this.notice(`nothing was changed; add --execute to purge ${plural(count, 'dead letter')} of ${dlqTopicOf(group)}`);
    if (execute && count > 0) await applyPurge(broker, resets);
    const data = { target, group, executed: execute, verified: execute ? true : null, count, resets, truncated: false };
    return this.present(data, () => (execute && count > 0 ? `purged ${plural(count, 'dead letter')}, read back and right\n` : ''));
  }
}
