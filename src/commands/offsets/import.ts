import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { requireTopic } from '../../cli/commands/lookup.ts';
import { parseOffsetFile, planImport } from '../../cli/commands/offset-file.ts';
import type { ResetJson } from '../../cli/commands/offset-reset.ts';
import { applyResets, resetTable } from '../../cli/commands/offset-reset.ts';
import { targetText } from '../../cli/commands/plan.ts';
import { readText } from '../../cli/commands/text-file.ts';
import { plural } from '../../text/numbers.ts';

export default class OffsetsImport extends BaseCommand<typeof OffsetsImport> {
  static override summary = 'Set the committed offsets that "offsets export" wrote';
  static override description = 'Prints the plan; --execute applies it and reads it back. Groups that are not there are created.';
  static override examples = ['<%= config.bin %> offsets import offsets.json', '<%= config.bin %> offsets import offsets.json --execute', '<%= config.bin %> offsets import - --execute < offsets.json'];
  static override args = { file: Args.string({ ignoreStdin: true, description: 'file of offsets; - for standard input', required: true }) };
  static override flags = { execute: Flags.boolean({ description: 'do it' }) };

  async run(): Promise<ResetJson> {
    const { args, flags } = this;
    const offsets = parseOffsetFile(await readText(args.file, this.host.stdin), args.file === '-' ? 'standard input' : args.file);
    const broker = await this.openBroker({ mode: flags.execute ? 'write' : 'read' });
    for (const topic of new Set(offsets.map((offset) => offset.topic))) await requireTopic(broker, topic);
    const { resets, newGroups } = await planImport(broker, offsets);
    const target = targetText(this.target());
    if (newGroups.length > 0) this.notice(`${plural(newGroups.length, 'group')} will be created: ${newGroups.join(', ')}`);
    if (!flags.json) {
      await this.out.write(`target: ${target}\n${await resetTable(resets, this.tableStyle)}`);
      if (!flags.execute) this.notice('nothing was changed; add --execute to do it');
    }
    if (flags.execute) {
      for (const group of newGroups) await broker.createGroup(group, {});
      await applyResets(broker, resets);
    }
    const data = { target, executed: flags.execute, verified: flags.execute ? true : null, resets, truncated: false };
    return this.present(data, () => (flags.execute ? `set ${plural(resets.length, 'offset')}, read back and right\n` : ''));
  }
}
