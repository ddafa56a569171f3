import { Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.ts';

export default class Shell extends BaseCommand<typeof Shell> {
  static override summary = 'The commands at a prompt that keeps the target open';
  static override description = `The same commands without "mqlite" before them, with completion (Tab) and a history that is kept between runs; lines that name a secret, or begin
with a blank, are not kept. "help" at the prompt says what else there is: use, set, pipes to the system, !PROGRAM. The flags of the shell are those of each command; -X settings are for its
target, until "use" names another one.
Where standard output is no terminal, the prompt is on standard error. With -c, or when standard input is no terminal, the commands are run one after the other, up to the first that fails: its exit code is that of the shell.`;

  static override examples = [
    '<%= config.bin %> shell',
    '<%= config.bin %> shell --store ./store',
    { description: 'Several commands in one process', command: "<%= config.bin %> shell -c 'produce orders first; consume orders --until-end --count 1'" },
    { description: 'A script, one command a line', command: '<%= config.bin %> shell < commands.txt' },
  ];

  static override flags = {
    command: Flags.string({ char: 'c', description: 'run these commands, separated by ";" or newlines, in place of a prompt', helpValue: 'COMMANDS' }),
  };

  protected override get heedsSignals(): boolean {
    return false;
  }

  async run(): Promise<void> {
    const { flags } = this;
    // Errors of the target are said once, before anything is run.
    this.target();
    const { startShell } = await import('../cli/shell/start-shell.ts');
    this.host.setExitCode(await startShell({ config: this.config, host: this.host, script: flags.command, flags, onNotice: (text) => this.notice(text) }));
  }
}
