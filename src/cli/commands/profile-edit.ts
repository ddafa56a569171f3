import { MqliteError } from '../../broker/errors.ts';
import { suggestion } from '../did-you-mean.ts';
import type { Profile, Profiles } from '../profiles.ts';

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
    tls: profile.tls === undefined ? null : { ca: profile.tls.ca ?? null, cert: profile.tls.cert ?? null, key: profile.tls.key ?? null },
    accessKey: profile.credentials?.accessKey ?? null,
    secretKey: profile.credentials === undefined ? null : isReference(profile.credentials.secretKey) ? profile.credentials.secretKey : 'stored',
    settings: profile.settings ?? {},
  };
}

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
