import { Args } from '@oclif/core';
import { MqliteError } from '../../broker/errors.ts';
import { BaseCommand } from '../../cli/base-command.ts';

export default class Completion extends BaseCommand<typeof Completion> {
  static override summary = 'Print the script that teaches a shell to complete mqlite';
  static override description = `Commands, flags, their values, topics, groups, tags and profiles: those of the target that the line names, or of the active one. Looking them up writes nothing.
bash: source <(mqlite completion bash) in ~/.bashrc. zsh: the same in ~/.zshrc, behind compinit.
fish: mqlite completion fish > ~/.config/fish/completions/mqlite.fish`;

  static override examples = ['<%= config.bin %> completion bash', '<%= config.bin %> completion zsh', '<%= config.bin %> completion fish'];
  static override args = { shell: Args.string({ ignoreStdin: true, description: 'bash, zsh or fish', required: true, options: ['bash', 'zsh', 'fish'] }) };

  async run(): Promise<void> {
    if (this.flags.json) throw new MqliteError('USAGE', '--json: a script for a shell is no JSON', { hint: 'Leave out --json.' });
    const { COMPLETION_SCRIPTS } = await import('../../cli/completion-scripts.ts');
    await this.out.write(COMPLETION_SCRIPTS[this.args.shell as keyof typeof COMPLETION_SCRIPTS]);
  }
}
