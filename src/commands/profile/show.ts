import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import type { ProfileJson } from '../../cli/commands/profile-edit.ts';
import { profileJson } from '../../cli/commands/profile-edit.ts';
import { loadProfiles } from '../../cli/profiles.ts';
import { escapeControl } from '../../text/escape.ts';

export default class ProfileShow extends BaseCommand<typeof ProfileShow> {
  static override summary = 'Show a profile';
  static override examples = ['<%= config.bin %> profile show dev', '<%= config.bin %> profile show dev --json'];
  static override args = { name: Args.string({ ignoreStdin: true, description: 'name of the profile', required: true }) };

  async run(): Promise<ProfileJson> {
    return this.present(profileJson(loadProfiles(this.config.configDir), this.args.name), (profile) => {
      const lines = [
        `name      ${profile.name}${profile.active ? ' (in use)' : ''}`,
        profile.store === null ? `namesrv   ${profile.namesrv ?? '-'}` : `store     ${profile.store}`,
        ...(profile.commitLogDirectory === null ? [] : [`log       ${profile.commitLogDirectory}`]),
        ...(profile.tls === null ? [] : [`tls       ${[profile.tls.ca, profile.tls.cert, profile.tls.key].filter((path) => path !== null).join(', ') || 'yes'}`]),
        ...(profile.accessKey === null ? [] : [`key       ${profile.accessKey}, secret ${profile.secretKey === 'stored' ? 'stored in the profile' : profile.secretKey}`]),
        ...Object.entries(profile.settings).map(([name, value]) => `-X        ${name}=${value}`),
      ];
      return `${lines.map(escapeControl).join('\n')}\n`;
    });
  }
}
