import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { credentialsOf, readAccess } from '../../../src/cli/access.ts';
import type { CredentialTexts, TlsPaths } from '../../../src/cli/access.ts';
import type { RemoteAccess } from '../../../src/cli/access.ts';

const directory = mkdtempSync(join(tmpdir(), 'mqlite-access-'));
const file = (name: string, text: string): string => {
  writeFileSync(join(directory, name), text);
  return join(directory, name);
};
const read = (parts: { tls?: TlsPaths; credentials?: CredentialTexts }, env: Record<string, string> = {}): RemoteAccess =>
  readAccess({ kind: 'remote', addresses: ['a:1'], source: '', tls: parts.tls ?? null, credentials: parts.credentials ?? null }, env);
const signed = (secretKey: string): CredentialTexts => ({ accessKey: 'ops', secretKey });

describe('access to a cluster', () => {
  it('keys of the environment come in pairs', () => {
    expect(credentialsOf({ MQLITE_ACCESS_KEY: '', MQLITE_SECRET_KEY: '' })).toBeNull();
    expect(credentialsOf({ MQLITE_ACCESS_KEY: 'a', MQLITE_SECRET_KEY: 's' })).toEqual({ accessKey: 'a', secretKey: 's' });
    expect(credentialsOf({ MQLITE_ACCESS_KEY: 'a', MQLITE_SECRET_KEY: 's', MQLITE_SECURITY_TOKEN: 't' })).toEqual({ accessKey: 'a', secretKey: 's', securityToken: 't' });
    expect(() => credentialsOf({ MQLITE_SECRET_KEY: 's' })).toThrow('MQLITE_SECRET_KEY is set, and MQLITE_ACCESS_KEY is not');
    expect(() => credentialsOf({ MQLITE_ACCESS_KEY: 'a' })).toThrow('MQLITE_ACCESS_KEY is set, and MQLITE_SECRET_KEY is not');
  });

  it('a secret is where it is said to be, and no error tells it', () => {
    expect(read({})).toEqual({ tls: null, credentials: null });
    expect(read({ credentials: signed('plain') }).credentials).toEqual({ accessKey: 'ops', secretKey: 'plain', securityToken: null });
    expect(read({ credentials: signed('env:S') }, { S: 'from env' }).credentials?.secretKey).toBe('from env');
    expect(read({ credentials: signed(`file:${file('secret', 'from file\n')}`) }).credentials?.secretKey).toBe('from file');
    expect(() => read({ credentials: signed('env:S') })).toThrow('the secret key is to be in S, which is not set');
    expect(() => read({ credentials: signed(`file:${directory}/none`) })).toThrow(`${directory}/none: no such file`);
    expect(() => read({ credentials: signed(`file:${file('empty', ' \n')}`) })).toThrow('which is empty');
  });

  it('TLS files are PEM files of the right kind', () => {
    const ca = file('ca.pem', '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n');
    const key = file('key.pem', '-----BEGIN RSA PRIVATE KEY-----\nAA==\n-----END RSA PRIVATE KEY-----\n');
    expect(read({ tls: {} }).tls).toEqual({});
    const { tls } = read({ tls: { ca, cert: ca, key } });
    expect([tls?.ca?.length, tls?.cert?.length, tls?.key?.length]).toEqual([59, 59, 67]);
    expect(() => read({ tls: { ca: key } })).toThrow(`--tls-ca: ${key} is no PEM file of a certificate`);
    expect(() => read({ tls: { cert: ca, key: ca } })).toThrow(`--tls-key: ${ca} is no PEM file of a private key`);
    expect(() => read({ tls: { ca: directory } })).toThrow('is a directory');
    expect(() => read({ tls: { ca: join(directory, 'none') } })).toThrow('no such file');
  });
});
