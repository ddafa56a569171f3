import { Args, Flags } from '@oclif/core';
import { MqliteError } from '../../broker/errors.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { useProfile } from '../../cli/commands/profile-edit.ts';
import { loadProfiles, saveProfiles } from '../../cli/profiles.ts';

export interface ProfileUseJson {
  /** null: none; commands work on the default store. */
  readonly active: string | null;
}

export default class ProfileUse extends BaseCommand<typeof ProfileUse> {
  static override summary = 'Choose the profile that is used when no target is named';
  static override description = 'Flags and the environment (MQLITE_PROFILE, MQLITE_STORE, MQLITE_NAMESRV) still come first.';
  static override examples = ['<%= config.bin %> profile use dev', '<%= config.bin %> profile use --none'];
  static override args = { name: Args.string({ ignoreStdin: true, description: 'name of the profile' }) };
  static override flags = { none: Flags.boolean({ description: 'use none: back to the default store' }) };

  async run(): Promise<ProfileUseJson> {
    const { name } = this.args;
    if ((name === undefined) !== this.flags.none) throw new MqliteError('USAGE', name === undefined ? 'missing NAME' : '--none and a name contradict each other', { hint: 'Give the name of a profile, or --none.' });
    if (this.flags['read-only']) throw new MqliteError('USAGE', '--read-only: "profile use" would write', { hint: 'Leave out --read-only to let it.' });
    const profiles = useProfile(loadProfiles(this.config.configDir), name ?? null);
    saveProfiles(this.config.configDir, profiles);
    return this.present({ active: profiles.active }, ({ active }) => (active === null ? 'no profile in use\n' : `profile ${active} in use\n`));
  }
}
