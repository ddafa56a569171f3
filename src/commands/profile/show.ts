import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import type { ShownProfileJson } from '../../cli/commands/profile-edit.ts';
import { profileJson, profileText, targetJson } from '../../cli/commands/profile-edit.ts';
import { loadProfiles } from '../../cli/profiles.ts';

export default class ProfileShow extends BaseCommand<typeof ProfileShow> {
  static override summary = 'Show a profile, or the target that commands work on here';
  static override description = 'Without NAME: the store or cluster that a command without --store, --namesrv and --profile works on, and what chose it.';
  static override examples = ['<%= config.bin %> profile show', '<%= config.bin %> profile show dev', '<%= config.bin %> profile show dev --json'];
  static override args = { name: Args.string({ ignoreStdin: true, description: 'name of the profile; without it, the target in use', required: false }) };

  async run(): Promise<ShownProfileJson> {
    const { name } = this.args;
    const profiles = loadProfiles(this.config.configDir);
    return this.present(name === undefined ? targetJson(profiles, this.target()) : { ...profileJson(profiles, name), source: null }, profileText);
  }
}
