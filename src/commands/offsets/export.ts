import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { selectGroups } from '../../client/listing.ts';
import { requireGroup, requireTopic } from '../../cli/commands/lookup.ts';
import type { OffsetFile } from '../../cli/commands/offset-file.ts';
import { exportOffsets } from '../../cli/commands/offset-file.ts';
import { writeText } from '../../cli/commands/text-file.ts';
import { plural } from '../../text/numbers.ts';

export default class OffsetsExport extends BaseCommand<typeof OffsetsExport> {
  static override summary = 'Write committed offsets as JSON, for "offsets import"';
  static override description = 'Of every group, or of the one named. Queues without a committed offset are left out.';
  static override examples = ['<%= config.bin %> offsets export > offsets.json', '<%= config.bin %> offsets export billing --topic Orders --file offsets.json'];
  static override args = { group: Args.string({ ignoreStdin: true, description: 'name of the group; all of them otherwise' }) };
  static override flags = {
    topic: Flags.string({ description: 'only this topic', helpValue: 'TOPIC' }),
    file: Flags.string({ description: 'write there instead of to standard output', helpValue: 'FILE' }),
  };

  async run(): Promise<OffsetFile> {
    const { args, flags } = this;
    const broker = await this.openBroker({ mode: 'read' });
    if (flags.topic !== undefined) await requireTopic(broker, flags.topic);
    const groups = args.group === undefined ? selectGroups(await broker.listGroups(), false) : [await requireGroup(broker, args.group)];
    const offsets = await exportOffsets(broker, groups.map(({ group }) => group), flags.topic);
    const data = { offsets, truncated: false };
    if (flags.file === undefined) await this.out.write(`${JSON.stringify(data, null, 2)}\n`);
    else writeText(flags.file, `${JSON.stringify(data, null, 2)}\n`);
    this.notice(`${plural(offsets.length, 'offset')} of ${plural(new Set(offsets.map(({ group }) => group)).size, 'group')}${flags.file === undefined ? '' : ` in ${flags.file}`}`);
    return data;
  }
}
