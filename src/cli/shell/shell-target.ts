import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Config } from '@oclif/core';
import { MqliteError } from '../../broker/errors.ts';
import type { TlsPaths } from '../access.ts';
import { suggestion } from '../did-you-mean.ts';
import type { Host } from '../host.ts';
import { loadProfiles } from '../profiles.ts';
import type { Profiles } from '../profiles.ts';
import { resolveTarget } from '../target.ts';
import type { Target } from '../target.ts';

/** Flags of a command line that were read without its command: values by name. */
export type GivenFlags = ReadonlyMap<string, readonly string[]>;

export interface TargetPlaces {
  readonly env: Host['env'];
  readonly configDirectory: string;
  readonly dataDirectory: string;
}

export const placesOf = ({ configDir, dataDir }: Config, { env }: Host): TargetPlaces => ({ env, configDirectory: configDir, dataDirectory: dataDir });

/** The target that a command with these flags would work on. Errors: USAGE, NOT_FOUND. */
export function targetOfFlags(flags: GivenFlags, { env, configDirectory, dataDirectory }: TargetPlaces): Target {
  const value = (name: string): string | undefined => flags.get(name)?.at(-1);
  return resolveTarget({
    store: value('store'), namesrv: value('namesrv'), profile: value('profile'), commitLogDirectory: value('commitlog-dir'), tls: tlsPaths(flags),
    env, loadProfiles: () => loadProfiles(configDirectory), dataDirectory, workingDirectory: process.cwd(),
  }).target;
}

function tlsPaths(flags: GivenFlags): TlsPaths | undefined {
  const paths = (['ca', 'cert', 'key'] as const).flatMap((name) => {
    const path = flags.get(`tls-${name}`)?.at(-1);
    return path === undefined ? [] : [[name, resolve(path)] as const];
  });
  return flags.has('tls') || paths.length > 0 ? Object.fromEntries(paths) : undefined;
}

/** A profile, HOST:PORT[;…], or a directory: one that is there, or a path. Error: NOT_FOUND. */
export function namedTarget(name: string, { profiles }: Profiles): string[] {
  if (Object.hasOwn(profiles, name)) return ['--profile', name];
  if (/^(\[[0-9a-fA-F:]+\]|[^\s:;/,]+):\d{1,5}([;,]|$)/.test(name)) return ['--namesrv', name];
  if (name.includes('/') || name === '.' || name === '..' || isDirectory(name)) return ['--store', resolve(name)];
  throw new MqliteError('NOT_FOUND', `"${name}" is neither a profile nor a directory`, {
    hint: suggestion(name, Object.keys(profiles)) ?? 'For a store that is to be made: use ./NAME. For a cluster: use HOST:PORT.',
  });
}

const isDirectory = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/** What a person calls it: the profile, a path, name servers. */
export function targetName(target: Target): string {
  return target.profile ?? (target.kind === 'local' ? target.directory : target.addresses.join(';'));
}
