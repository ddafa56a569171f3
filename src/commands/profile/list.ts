import { BaseCommand } from '../../cli/base-command.ts';
import type { ProfileListJson } from '../../cli/commands/profile-edit.ts';
import { profileListJson, profileTarget } from '../../cli/commands/profile-edit.ts';
import { loadProfiles } from '../../cli/profiles.ts';
import { renderTable } from '../../cli/render/table.ts';

export default class ProfileList extends BaseCommand<typeof ProfileList> {
  static override summary = 'List the profiles';
  static override examples = ['<%= config.bin %> profile list', '<%= config.bin %> profile list --json'];

  async run(): Promise<ProfileListJson> {
    const data = profileListJson(loadProfiles(this.config.configDir));
    if (data.profiles.length === 0) this.notice('no profiles; make one with "mqlite profile create NAME --store DIR"');
    return this.present(data, ({ profiles }) => renderTable([{ title: 'NAME' }, { title: 'IN USE' }, { title: 'TARGET' }], profiles.map((profile) => [profile.name, profile.active ? 'yes' : '', profileTarget(profile)]), this.tableStyle));
  }
}
