import { Args, Flags } from '@oclif/core';
import { MqliteError } from '../../broker/errors.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { requireGroup, requireTopic } from '../../cli/commands/lookup.ts';
import type { ResetJson } from '../../cli/commands/offset-reset.ts';
import { applyResets, parseResetGoal, planReset, resetTable } from '../../cli/commands/offset-reset.ts';
import { targetText } from '../../cli/commands/plan.ts';
import { plural } from '../../text/numbers.ts';

export default class OffsetsReset extends BaseCommand<typeof OffsetsReset> {
  static override summary = 'Move the committed offsets of a group on a topic';
  static override description = `Prints the plan; --execute applies it and reads it back. Live members of the group obey within a second.
--to takes first, last, @TIME (the first message stored at or after it), @-1h, an offset, or +N and -N from where each queue is.`;
  static override examples = [
    '<%= config.bin %> offsets reset billing Orders --to first',
    '<%= config.bin %> offsets reset billing Orders --to @-1h --execute',
    '<%= config.bin %> offsets reset billing Orders --to=-100 --queue 2 --execute',
  ];
  static override args = {
    group: Args.string({ ignoreStdin: true, description: 'name of the group', required: true }),
    topic: Args.string({ ignoreStdin: true, description: 'name of the topic', required: true }),
  };
  static override flags = {
    to: Flags.string({ description: 'where to: first, last, @TIME, OFFSET, +N, -N', helpValue: 'WHERE' }),
    queue: Flags.integer({ description: 'only this queue (repeatable)', multiple: true, multipleNonGreedy: true, min: 0, helpValue: 'N' }),
    execute: Flags.boolean({ description: 'do it' }),
  };

  async run(): Promise<ResetJson> {
    const { flags, args } = this;
    if (flags.to === undefined) throw new MqliteError('USAGE', 'missing --to', { hint: 'Write --to first, last, @TIME, @-1h, an offset, +N or -N.' });
    const goal = parseResetGoal(flags.to, this.host.clock.nowMs());
    const broker = await this.openBroker({ mode: flags.execute ? 'write' : 'read' });
    await requireTopic(broker, args.topic);
    await requireGroup(broker, args.group);
    const resets = await planReset(broker, args.group, args.topic, goal, flags.queue ?? []);
    const target = targetText(this.target());
    const members = await broker.listMembers(args.group);
    if (members.length > 0) this.notice(`group ${args.group} has ${plural(members.length, 'live member')} (pid ${members.map(({ pid }) => pid).join(', ')}), which will go on from the new offsets`);
    if (!this.flags.json) {
      await this.out.write(`target: ${target}\n${await resetTable(resets, this.tableStyle)}`);
      if (!flags.execute) this.notice('nothing was changed; add --execute to do it');
    }
    if (flags.execute) await applyResets(broker, resets);
    const data = { target, executed: flags.execute, verified: flags.execute ? true : null, resets, truncated: false };
    return this.present(data, () => (flags.execute ? `reset ${plural(resets.length, 'offset')}, read back and right\n` : ''));
  }
}
