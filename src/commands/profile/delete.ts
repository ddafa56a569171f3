import { Args } from '@oclif/core';
import { MqliteError } from '../../broker/errors.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { removeProfile } from '../../cli/commands/profile-edit.ts';
import { loadProfiles, saveProfiles } from '../../cli/profiles.ts';

export interface ProfileDeleteJson {
  readonly name: string;
  readonly deleted: true;
}

export default class ProfileDelete extends BaseCommand<typeof ProfileDelete> {
  static override summary = 'Forget a profile; its store or cluster is left alone';
  static override examples = ['<%= config.bin %> profile delete dev'];
  static override args = { name: Args.string({ ignoreStdin: true, description: 'name of the profile', required: true }) };

  async run(): Promise<ProfileDeleteJson> {
    const { name } = this.args;
    if (this.flags['read-only']) throw new MqliteError('USAGE', '--read-only: "profile delete" would write', { hint: 'Leave out --read-only to let it.' });
    const before = loadProfiles(this.config.configDir);
    saveProfiles(this.config.configDir, removeProfile(before, name));
    if (before.active === name) this.notice('it was the profile in use; commands without a target now work on the default store');
    return this.present({ name, deleted: true }, () => `deleted profile ${name}\n`);
  }
}
