import { resolve } from 'node:path';
import { MqliteError } from '../broker/errors.ts';
import type { CredentialTexts, TlsPaths } from './access.ts';
import { credentialsOf } from './access.ts';
import type { Profile, Profiles } from './profiles.ts';
import { suggestion } from './did-you-mean.ts';

export interface LocalTarget {
  readonly kind: 'local';
  /** Absolute path. */
  readonly directory: string;
  /** Absolute path of a commit log kept outside the store directory. */
  readonly commitLogDirectory: string | undefined;
  /** Where the choice came from, in a user's words. */
  readonly source: string;
  /** The profile that names it. */
  readonly profile?: string;
}

export interface RemoteTarget {
  readonly kind: 'remote';
  /** host:port each. */
  readonly addresses: readonly string[];
  readonly source: string;
  readonly profile?: string;
  /** null: plain TCP. */
  readonly tls: TlsPaths | null;
  /** null: requests are not signed. */
  readonly credentials: CredentialTexts | null;
}

export type Target = LocalTarget | RemoteTarget;

export interface TargetInputs {
  readonly store?: string | undefined;
  readonly namesrv?: string | undefined;
  readonly profile?: string | undefined;
  readonly commitLogDirectory?: string | undefined;
  /** `--tls` and the files of `--tls-…`, which mean it too. */
  readonly tls?: TlsPaths | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Called only when a profile is asked for, or nothing else decides. */
  readonly loadProfiles: () => Profiles;
  readonly dataDirectory: string;
  readonly workingDirectory: string;
}

export interface ResolvedTarget {
  readonly target: Target;
  /** Said once on stderr. */
  readonly hint: string | undefined;
  /** `-X` settings that the chosen profile brings. */
  readonly settings: Readonly<Record<string, string>> | undefined;
}

/** Directory of the store that is used when nothing else is named. */
export function defaultStoreDirectory(dataDirectory: string): string {
  return resolve(dataDirectory, 'store');
}

/** `host:port[;host:port]`, as Java clients write it. Error: USAGE. */
export function parseNameServers(text: string, source: string): string[] {
  const addresses = text.split(/[;,]/).map((part) => part.trim()).filter((part) => part !== '');
  const valid = /^(\[[0-9a-fA-F:]+\]|[^\s:;/]+):(\d{1,5})$/;
  const bad = addresses.find((address) => {
    const port = valid.exec(address)?.[2];
    return port === undefined || Number(port) < 1 || Number(port) > 65535;
  });
  if (addresses.length === 0 || bad !== undefined) {
    throw new MqliteError('USAGE', `${source}: "${bad ?? text}" is not a name server address`, { hint: 'Write HOST:PORT, several separated by ";", for example 127.0.0.1:9876.' });
  }
  return addresses;
}

/**
 * Which store or cluster a command works on:
 * `--store` | `--namesrv` | `--profile` > MQLITE_PROFILE > MQLITE_STORE > MQLITE_NAMESRV > `profile use` > the local default.
 * Errors: USAGE for two of the flags at once or an unusable combination; NOT_FOUND for an unknown profile.
 */
export function resolveTarget(inputs: TargetInputs): ResolvedTarget {
  const given = [inputs.store === undefined ? '' : '--store', inputs.namesrv === undefined ? '' : '--namesrv', inputs.profile === undefined ? '' : '--profile'].filter(Boolean);
  if (given.length > 1) {
    throw new MqliteError('USAGE', `${given.join(' and ')} name two targets`, { hint: 'Give one of --store, --namesrv and --profile.' });
  }
  const { target, settings } = chooseTarget(inputs);
  if (target.kind === 'local' && inputs.tls !== undefined) {
    throw new MqliteError('USAGE', `--tls does not go with a store directory (${target.directory})`, { hint: 'It belongs to a cluster: use it with --namesrv.' });
  }
  const namesrvAddr = inputs.env['NAMESRV_ADDR'];
  const hint = target.source === 'default' && namesrvAddr !== undefined && namesrvAddr !== ''
    ? `NAMESRV_ADDR is set, but mqlite works on the local store ${(target as LocalTarget).directory}; pass --namesrv or set MQLITE_NAMESRV to use the cluster`
    : undefined;
  return { target, hint, settings };
}

/** What -v says of it. */
export function describeTarget(target: Target): string {
  if (target.kind === 'local') return `store ${target.directory} (${target.source})`;
  const { addresses, source, tls, credentials } = target;
  return `name server ${addresses.join(';')} (${source})${tls === null ? '' : ', TLS'}${credentials === null ? '' : `, signed as ${credentials.accessKey}`}`;
}

interface Choice {
  readonly target: Target;
  readonly settings?: Readonly<Record<string, string>> | undefined;
}

function chooseTarget(inputs: TargetInputs): Choice {
  const { env } = inputs;
  if (inputs.store !== undefined) return { target: local(inputs, inputs.store, '--store') };
  if (inputs.namesrv !== undefined) return { target: remote(inputs, inputs.namesrv, '--namesrv') };
  if (inputs.profile !== undefined) return fromProfile(inputs, inputs.profile, '--profile');
  if (env['MQLITE_PROFILE']) return fromProfile(inputs, env['MQLITE_PROFILE'], 'MQLITE_PROFILE');
  if (env['MQLITE_STORE']) return { target: local(inputs, env['MQLITE_STORE'], 'MQLITE_STORE') };
  if (env['MQLITE_NAMESRV']) return { target: remote(inputs, env['MQLITE_NAMESRV'], 'MQLITE_NAMESRV') };
  const { active } = inputs.loadProfiles();
  if (active !== null) return fromProfile(inputs, active, 'profile use');
  return { target: local(inputs, defaultStoreDirectory(inputs.dataDirectory), 'default') };
}

function local(inputs: TargetInputs, directory: string, source: string, commitLogDirectory = inputs.commitLogDirectory): LocalTarget {
  if (directory === '') throw new MqliteError('USAGE', `${source}: the store directory is empty`, { hint: 'Name a directory.' });
  return {
    kind: 'local',
    directory: resolve(inputs.workingDirectory, directory),
    commitLogDirectory: commitLogDirectory === undefined ? undefined : resolve(inputs.workingDirectory, commitLogDirectory),
    source,
  };
}

function remote(inputs: TargetInputs, addresses: string, source: string, profile: Profile = {}): RemoteTarget {
  if (inputs.commitLogDirectory !== undefined) {
    throw new MqliteError('USAGE', `--commitlog-dir does not go with a name server (${source})`, { hint: 'A commit-log directory belongs to a local store: use it with --store.' });
  }
  const tls = inputs.tls === undefined ? (profile.tls ?? null) : { ...profile.tls, ...inputs.tls };
  if (tls !== null && (tls.cert === undefined) !== (tls.key === undefined)) {
    throw new MqliteError('USAGE', `${tls.cert === undefined ? '--tls-key without --tls-cert' : '--tls-cert without --tls-key'}`, { hint: 'A client certificate goes with its key.' });
  }
  // The keys of a profile belong to its cluster; those of the environment to any other.
  return { kind: 'remote', addresses: parseNameServers(addresses, source), source, tls, credentials: profile.credentials ?? credentialsOf(inputs.env) };
}

function fromProfile(inputs: TargetInputs, name: string, source: string): Choice {
  const { profiles } = inputs.loadProfiles();
  const profile = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  if (profile === undefined) {
    throw new MqliteError('NOT_FOUND', `${source}: there is no profile "${name}"`, { hint: suggestion(name, Object.keys(profiles)) ?? 'List them with "mqlite profile list".' });
  }
  const origin = `profile ${name}${source === '--profile' ? '' : `, ${source}`}`;
  const { settings } = profile;
  if (profile.store !== undefined) return { target: { ...local(inputs, profile.store, origin, inputs.commitLogDirectory ?? profile.commitLogDirectory), profile: name }, settings };
  if (profile.namesrv !== undefined) return { target: { ...remote(inputs, profile.namesrv, origin, profile), profile: name }, settings };
  throw new MqliteError('USAGE', `profile "${name}" names neither a store nor a name server`, { hint: `Make it again: mqlite profile create ${name} --store DIR.` });
}
