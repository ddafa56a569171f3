import { MqliteError } from '../../broker/errors.ts';
import { escapeControl } from '../../text/escape.ts';
import type { TlsPaths } from '../access.ts';
import { suggestion } from '../did-you-mean.ts';
import type { Profile, Profiles } from '../profiles.ts';
import type { Target } from '../target.ts';

export interface ProfileJson {
  readonly name: string;
  readonly active: boolean;
  readonly store: string | null;
  readonly namesrv: string | null;
  readonly commitLogDirectory: string | null;
  /** Absolute paths; null: no TLS. */
  readonly tls: { readonly ca: string | null; readonly cert: string | null; readonly key: string | null } | null;
  readonly accessKey: string | null;
  /** `env:NAME`, `file:PATH`, or `stored`: in the profile itself, and never shown. */
  readonly secretKey: string | null;
  readonly settings: Readonly<Record<string, string>>;
}

/** What commands work on; `name` null: no profile names it. */
export interface ShownProfileJson extends Omit<ProfileJson, 'name'> {
  readonly name: string | null;
  /** What chose it; null for a profile that was asked for by name. */
  readonly source: string | null;
}

export interface ProfileListJson {
  readonly profiles: readonly ProfileJson[];
  readonly truncated: boolean;
}

/** Error: USAGE. Names end up in prompts and files: letters, digits, `.`, `_`, `-`. */
export function checkProfileName(name: string): void {
  if (!/^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/.test(name)) {
    throw new MqliteError('USAGE', `"${name}" is not a name for a profile`, { hint: 'Use up to 64 letters, digits, ".", "_" and "-".' });
  }
}

export function profileJson({ active, profiles }: Profiles, name: string): ProfileJson {
  const profile = requireProfile({ active, profiles }, name);
  return {
    name, active: name === active, store: profile.store ?? null, namesrv: profile.namesrv ?? null,
    commitLogDirectory: profile.commitLogDirectory ?? null,
    tls: tlsJson(profile.tls ?? null),
    accessKey: profile.credentials?.accessKey ?? null,
    secretKey: profile.credentials === undefined ? null : isReference(profile.credentials.secretKey) ? profile.credentials.secretKey : 'stored',
    settings: profile.settings ?? {},
  };
}

/** The target that commands work on, as far as a profile could say it; of one that no profile names, what was given elsewhere. */
export function targetJson(profiles: Profiles, target: Target): ShownProfileJson {
  const { source } = target;
  if (target.profile !== undefined) return { ...profileJson(profiles, target.profile), source };
  const none = { name: null, active: false, store: null, namesrv: null, commitLogDirectory: null, tls: null, accessKey: null, secretKey: null, settings: {}, source };
  if (target.kind === 'local') return { ...none, store: target.directory, commitLogDirectory: target.commitLogDirectory ?? null };
  return { ...none, namesrv: target.addresses.join(';'), tls: tlsJson(target.tls), accessKey: target.credentials?.accessKey ?? null };
}

export function profileText(profile: ShownProfileJson): string {
  const rows: readonly (readonly [string, string | null])[] = [
    ['name', profile.name === null ? null : `${profile.name}${profile.active ? ' (in use)' : ''}`],
    ['store', profile.store],
    ['namesrv', profile.store === null ? profile.namesrv ?? '-' : null],
    ['chosen by', profile.source],
    ['log', profile.commitLogDirectory],
    ['tls', profile.tls === null ? null : [profile.tls.ca, profile.tls.cert, profile.tls.key].filter((path) => path !== null).join(', ') || 'yes'],
    ['key', profile.accessKey === null ? null : `${profile.accessKey}${profile.secretKey === null ? '' : `, secret ${profile.secretKey === 'stored' ? 'stored in the profile' : profile.secretKey}`}`],
    ...Object.entries(profile.settings).map(([name, value]): [string, string] => ['-X', `${name}=${value}`]),
  ];
  return rows.filter((row): row is readonly [string, string] => row[1] !== null).map(([title, text]) => `${escapeControl(`${title.padEnd(9)} ${text}`)}\n`).join('');
}

const tlsJson = (tls: TlsPaths | null): ProfileJson['tls'] => (tls === null ? null : { ca: tls.ca ?? null, cert: tls.cert ?? null, key: tls.key ?? null });

/** Whether the text says where a secret is instead of being one. */
export const isReference = (text: string): boolean => /^(env|file):./.test(text);

export function profileListJson(all: Profiles): ProfileListJson {
  return { profiles: Object.keys(all.profiles).sort().map((name) => profileJson(all, name)), truncated: false };
}

/** Error: NOT_FOUND with the names that are near. */
export function requireProfile({ profiles }: Profiles, name: string): Profile {
  const profile = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  if (profile !== undefined) return profile;
  throw new MqliteError('NOT_FOUND', `there is no profile "${name}"`, { hint: suggestion(name, Object.keys(profiles)) ?? 'See "mqlite profile list".' });
}

/** Error: INVALID_INPUT for a name that is taken, unless it may be replaced. */
export function addProfile(all: Profiles, name: string, profile: Profile, replace: boolean): Profiles {
  checkProfileName(name);
  if (Object.hasOwn(all.profiles, name) && !replace) {
    throw new MqliteError('INVALID_INPUT', `there is a profile "${name}" already`, { hint: 'Replace it with --replace, or choose another name.' });
  }
  return { ...all, profiles: { ...all.profiles, [name]: profile } };
}

export function removeProfile(all: Profiles, name: string): Profiles {
  requireProfile(all, name);
  const { [name]: _removed, ...profiles } = all.profiles;
  return { active: all.active === name ? null : all.active, profiles };
}

/** Makes a profile the one that commands use when no target is named; null: none. Error: NOT_FOUND. */
export function useProfile(all: Profiles, name: string | null): Profiles {
  if (name !== null) requireProfile(all, name);
  return { ...all, active: name };
}

export function profileTarget(profile: ProfileJson): string {
  return profile.store ?? profile.namesrv ?? '-';
}
