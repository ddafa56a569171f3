import { resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { MqliteError } from '../../broker/errors.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import type { ProfileJson } from '../../cli/commands/profile-edit.ts';
import { addProfile, profileJson, profileTarget, useProfile } from '../../cli/commands/profile-edit.ts';
import { loadProfiles, saveProfiles } from '../../cli/profiles.ts';
import { parseSettings } from '../../cli/settings.ts';
import { parseNameServers } from '../../cli/target.ts';

export default class ProfileCreate extends BaseCommand<typeof ProfileCreate> {
  static override settingsOf = 'any';
  static override summary = 'Name a target and its settings';
  static override description = 'The profile holds what --store or --namesrv, --commitlog-dir and -X say here. Nothing is opened.';
  static override examples = [
    '<%= config.bin %> profile create dev --store ./dev-store --use',
    "<%= config.bin %> profile create prod --namesrv 'mq1:9876;mq2:9876' -X sendMsgTimeout=5000",
  ];
  static override args = { name: Args.string({ ignoreStdin: true, description: 'name of the profile', required: true }) };
  static override flags = {
    replace: Flags.boolean({ description: 'replace a profile of the same name' }),
    use: Flags.boolean({ description: 'make it the one that is used when no target is named' }),
  };

  async run(): Promise<ProfileJson> {
    const { flags, args } = this;
    const { store, namesrv } = flags;
    if (flags['read-only']) throw new MqliteError('USAGE', '--read-only: "profile create" would write', { hint: 'Leave out --read-only to let it.' });
    if ((store === undefined) === (namesrv === undefined)) throw new MqliteError('USAGE', 'a profile needs one target', { hint: 'Give --store DIR or --namesrv HOST:PORT.' });
    if (namesrv !== undefined) parseNameServers(namesrv, '--namesrv');
    const commitLog = flags['commitlog-dir'];
    if (namesrv !== undefined && commitLog !== undefined) throw new MqliteError('USAGE', '--commitlog-dir does not go with --namesrv', { hint: 'It belongs to a local store: use it with --store.' });
    parseSettings(flags.set ?? []);
    const settings = Object.fromEntries((flags.set ?? []).map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
    const profile = {
      ...(store === undefined ? { namesrv } : { store: resolve(store) }),
      ...(commitLog === undefined ? {} : { commitLogDirectory: resolve(commitLog) }),
      ...(Object.keys(settings).length === 0 ? {} : { settings }),
    };
    const directory = this.config.configDir;
    const added = addProfile(loadProfiles(directory), args.name, profile, flags.replace);
    const profiles = flags.use ? useProfile(added, args.name) : added;
    saveProfiles(directory, profiles);
    return this.present(profileJson(profiles, args.name), (made) => `profile ${made.name}: ${profileTarget(made)}${made.active ? ' (in use)' : ''}\n`);
  }
}
