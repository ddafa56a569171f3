import { readFileSync } from 'node:fs';
import { MqliteError } from '../broker/errors.ts';
import type { RemoteTarget } from './target.ts';

/** PEM files. Without `ca` the authorities that Node trusts count; `cert` and `key` come together. */
export interface TlsPaths {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** As a profile or the environment has them: `env:NAME` and `file:PATH` stand for what is there. */
export interface CredentialTexts {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly securityToken?: string | undefined;
}

/** What a connection to a cluster needs beyond its address. Never printed. */
export interface RemoteAccess {
  /** null: no TLS. */
  readonly tls: { readonly ca?: Buffer | undefined; readonly cert?: Buffer | undefined; readonly key?: Buffer | undefined } | null;
  /** What requests are signed with; null: they are not. */
  readonly credentials: { readonly accessKey: string; readonly secretKey: string; readonly securityToken: string | null } | null;
}

/** Keys of the environment; null when there are none. Error: USAGE for one without the other. */
export function credentialsOf(env: Readonly<Record<string, string | undefined>>): CredentialTexts | null {
  const [accessKey, secretKey, securityToken] = [env['MQLITE_ACCESS_KEY'], env['MQLITE_SECRET_KEY'], env['MQLITE_SECURITY_TOKEN']].map((text) => text || undefined);
  if (accessKey === undefined && secretKey === undefined) return null;
  if (accessKey === undefined || secretKey === undefined) {
    const [there, missing] = accessKey === undefined ? ['MQLITE_SECRET_KEY', 'MQLITE_ACCESS_KEY'] : ['MQLITE_ACCESS_KEY', 'MQLITE_SECRET_KEY'];
    throw new MqliteError('USAGE', `${there} is set, and ${missing} is not`, { hint: 'Set both, or neither.' });
  }
  return { accessKey, secretKey, ...(securityToken === undefined ? {} : { securityToken }) };
}

/** Reads the files and variables that a target names. Errors: USAGE, naming the file or variable; never what is in it. */
export function readAccess(target: RemoteTarget, env: Readonly<Record<string, string | undefined>>): RemoteAccess {
  const { tls, credentials } = target;
  return {
    tls: tls === null ? null : {
      ...(tls.ca === undefined ? {} : { ca: readPem(tls.ca, 'CERTIFICATE', '--tls-ca') }),
      ...(tls.cert === undefined ? {} : { cert: readPem(tls.cert, 'CERTIFICATE', '--tls-cert') }),
      ...(tls.key === undefined ? {} : { key: readPem(tls.key, 'PRIVATE KEY', '--tls-key') }),
    },
    credentials: credentials === null ? null : {
      accessKey: lookUp(credentials.accessKey, env, 'access key'),
      secretKey: lookUp(credentials.secretKey, env, 'secret key'),
      securityToken: credentials.securityToken === undefined ? null : lookUp(credentials.securityToken, env, 'security token'),
    },
  };
}

function readPem(path: string, label: string, flag: string): Buffer {
  const bytes = read(path, (reason) => `${flag}: ${path}: ${reason}`);
  if (bytes.includes(`${label}-----`)) return bytes;
  throw new MqliteError('USAGE', `${flag}: ${path} is no PEM file of a ${label.toLowerCase()}`, { hint: `It has a line "-----BEGIN ${label}-----".` });
}

function lookUp(text: string, env: Readonly<Record<string, string | undefined>>, what: string): string {
  if (text.startsWith('env:')) {
    const name = text.slice('env:'.length);
    const value = env[name];
    if (value === undefined || value === '') throw new MqliteError('USAGE', `the ${what} is to be in ${name}, which is not set`, { hint: `Set ${name}, or make the profile again.` });
    return value;
  }
  if (!text.startsWith('file:')) return text;
  const path = text.slice('file:'.length);
  const value = read(path, (reason) => `the ${what} is to be in ${path}: ${reason}`).toString('utf8').trim();
  if (value === '') throw new MqliteError('USAGE', `the ${what} is to be in ${path}, which is empty`, { hint: 'Write it there, or make the profile again.' });
  return value;
}

function read(path: string, message: (reason: string) => string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'no such file' : code === 'EACCES' ? 'may not be read by this user' : code === 'EISDIR' ? 'is a directory' : String(code);
    throw new MqliteError('USAGE', message(reason), { hint: 'Name a file that can be read.', cause: error });
  }
}
