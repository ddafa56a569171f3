import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MqliteError } from '../broker/errors.ts';
import type { CredentialTexts, TlsPaths } from './access.ts';

/** A named target with its settings. Exactly one of `store` and `namesrv` is there. */
export interface Profile {
  readonly store?: string | undefined;
  readonly namesrv?: string | undefined;
  readonly commitLogDirectory?: string | undefined;
  /** With `namesrv`: TLS, and absolute paths of its files. */
  readonly tls?: TlsPaths | undefined;
  /** With `namesrv`: what requests are signed with. */
  readonly credentials?: CredentialTexts | undefined;
  /** `-X` settings of every command run with the profile. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
}

export interface Profiles {
  /** Chosen by `profile use`. */
  readonly active: string | null;
  readonly profiles: Readonly<Record<string, Profile>>;
}

export function profilesPath(configDirectory: string): string {
  return join(configDirectory, 'profiles.json');
}

/** A file that does not exist is an empty set. Error: INVALID_INPUT for a file that is not one of profiles. */
export function loadProfiles(configDirectory: string): Profiles {
  const path = profilesPath(configDirectory);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { active: null, profiles: {} };
    throw error;
  }
  return parseProfiles(text, path);
}

export function parseProfiles(text: string, path: string): Profiles {
  const refuse = (reason: string): never => {
    throw new MqliteError('INVALID_INPUT', `${path}: ${reason}`, { hint: 'Repair the file or move it away; "mqlite profile create" makes a new one.' });
  };
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    return refuse(`not JSON (${(error as Error).message})`);
  }
  if (!isRecord(parsed) || !isRecord(parsed['profiles'])) return refuse('not a file of profiles: {"active":…,"profiles":{…}} expected');
  const active = parsed['active'] ?? null;
  if (active !== null && typeof active !== 'string') return refuse('"active" is not a name');
  const profiles: Record<string, Profile> = Object.create(null) as Record<string, Profile>;
  for (const [name, value] of Object.entries(parsed['profiles'])) {
    if (!isRecord(value) || !isProfile(value)) return refuse(`profile "${name}" is not {"store" or "namesrv","commitLogDirectory","tls","credentials","settings"}, all of them text`);
    profiles[name] = value;
  }
  return { active, profiles };
}

/** Written beside and renamed: a reader never sees half a file. */
export function saveProfiles(configDirectory: string, profiles: Profiles): void {
  mkdirSync(configDirectory, { recursive: true });
  const path = profilesPath(configDirectory);
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(profiles, null, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, path);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isProfile(value: Record<string, unknown>): value is Record<string, unknown> & Profile {
  const textual = ['store', 'namesrv', 'commitLogDirectory'].every((name) => value[name] === undefined || typeof value[name] === 'string');
  const { credentials } = value;
  const isComplete = credentials === undefined || (isTexts(credentials) && 'accessKey' in credentials && 'secretKey' in credentials);
  return textual && isComplete && ['tls', 'settings'].every((name) => value[name] === undefined || isTexts(value[name]));
}

function isTexts(value: unknown): value is Record<string, string> {
  return isRecord(value) && Object.values(value).every((text) => typeof text === 'string');
}
