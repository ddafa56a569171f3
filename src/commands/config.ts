import { Args } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.ts';
import type { ConfigList } from '../cli/config-list.ts';

export default class Config extends BaseCommand<typeof Config> {
  static override settingsOf = 'any';
  static override summary = 'List the client settings of -X: default, value, and what each does here';
  static override description = `The names are those of the Java clients. VALUE is what counts: what is given, or what mqlite uses, which is not always the
Java clients' default. A setting that has no effect, at all or in a command, is refused when it is given, with the reason shown here.`;

  static override examples = [
    { description: 'All settings', command: '<%= config.bin %> config' },
    { description: 'One of them', command: '<%= config.bin %> config sendMsgTimeout' },
    { description: 'With the value a command would use', command: '<%= config.bin %> config -X sendMsgTimeout=5000 --json' },
  ];

  static override args = {
    name: Args.string({ ignoreStdin: true, description: 'only this setting' }),
  };

  async run(): Promise<ConfigList> {
    const [{ listSettings, renderSettings }, settings] = await Promise.all([import('../cli/config-list.ts'), this.settings()]);
    return this.present(listSettings(settings, this.args.name), (list) => renderSettings(list, this.tableStyle));
  }
}
