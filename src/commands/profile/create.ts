import { resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { MqliteError } from '../../broker/errors.ts';
import { BaseCommand, tlsPaths } from '../../cli/base-command.ts';
import type { ProfileJson } from '../../cli/commands/profile-edit.ts';
import { addProfile, isReference, profileJson, profileTarget, useProfile } from '../../cli/commands/profile-edit.ts';
import { loadProfiles, saveProfiles } from '../../cli/profiles.ts';
import { parseSettings } from '../../cli/settings.ts';
import { parseNameServers } from '../../cli/target.ts';

export default class ProfileCreate extends BaseCommand<typeof ProfileCreate> {
  static override settingsOf = 'any';
  static override summary = 'Name a target and its settings';
  static override description =
    'The profile holds what --store or --namesrv, --commitlog-dir, --tls and its files, and -X say here. Nothing is opened. ' +
    'A secret is named by env:NAME or file:PATH and read when it is needed; with --secret-key - it is read from stdin and kept in the profile, which its owner alone may read.';
  static override examples = [
    '<%= config.bin %> profile create dev --store ./dev-store --use',
    "<%= config.bin %> profile create prod --namesrv 'mq1:9876;mq2:9876' -X sendMsgTimeout=5000",
    '<%= config.bin %> profile create secure --namesrv mq:9876 --tls --tls-ca ca.pem --access-key ops --secret-key env:OPS_SECRET',
  ];
  static override args = { name: Args.string({ ignoreStdin: true, description: 'name of the profile', required: true }) };
  static override flags = {
    'access-key': Flags.string({ description: 'sign requests as this user', helpValue: 'NAME', dependsOn: ['secret-key'] }),
    'secret-key': Flags.string({ description: 'where the secret of the access key is; - reads it from stdin', helpValue: 'env:NAME|file:PATH|-', dependsOn: ['access-key'] }),
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
    const tls = tlsPaths(flags);
    if (namesrv === undefined && (tls !== undefined || flags['access-key'] !== undefined)) {
      throw new MqliteError('USAGE', `${tls === undefined ? '--access-key' : '--tls'} does not go with --store`, { hint: 'It belongs to a cluster: use it with --namesrv.' });
    }
    parseSettings(flags.set ?? []);
    const settings = Object.fromEntries((flags.set ?? []).map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
    const profile = {
      ...(store === undefined ? { namesrv } : { store: resolve(store) }),
      ...(commitLog === undefined ? {} : { commitLogDirectory: resolve(commitLog) }),
      ...(tls === undefined ? {} : { tls }),
      ...(flags['access-key'] === undefined ? {} : { credentials: { accessKey: flags['access-key'], secretKey: await this.#secret(flags['secret-key'] ?? '') } }),
      ...(Object.keys(settings).length === 0 ? {} : { settings }),
    };
    const directory = this.config.configDir;
    const added = addProfile(loadProfiles(directory), args.name, profile, flags.replace);
    const profiles = flags.use ? useProfile(added, args.name) : added;
    saveProfiles(directory, profiles);
    return this.present(profileJson(profiles, args.name), (made) => `profile ${made.name}: ${profileTarget(made)}${made.active ? ' (in use)' : ''}\n`);
  }

  /** On a command line everybody on the machine could read it. */
  async #secret(text: string): Promise<string> {
    if (text.startsWith('file:')) return `file:${resolve(text.slice('file:'.length))}`;
    if (isReference(text)) return text;
    if (text !== '-') {
      throw new MqliteError('USAGE', '--secret-key takes no secret itself', { hint: 'Say where it is: env:NAME or file:PATH, or - to read it from stdin and keep it in the profile.' });
    }
    const chunks: Buffer[] = [];
    for await (const chunk of this.host.stdin) chunks.push(chunk);
    const secret = Buffer.concat(chunks).toString('utf8').trim();
    if (secret === '') throw new MqliteError('USAGE', '--secret-key -: stdin is empty', { hint: 'Write the secret to stdin.' });
    return secret;
  }
}
