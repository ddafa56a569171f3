import { mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadProfiles, profilesPath, saveProfiles } from '../../../src/cli/profiles.ts';
import { describeTarget, resolveTarget } from '../../../src/cli/target.ts';
import type { TargetInputs } from '../../../src/cli/target.ts';

const PROFILES = {
  active: null,
  profiles: { dev: { store: 'dev-store', commitLogDirectory: 'log', settings: { sendMsgTimeout: '1' } }, prod: { namesrv: 'a:9876;b:9876' }, empty: {} },
};
const inputs = (more: Partial<TargetInputs>): TargetInputs => ({ env: {}, loadProfiles: () => PROFILES, dataDirectory: '/data', workingDirectory: '/work', ...more });
const source = (more: Partial<TargetInputs>): string => resolveTarget(inputs(more)).target.source;

describe('target', () => {
  it('follows the order of the plan, step by step', () => {
    const loadActive = () => ({ ...PROFILES, active: 'dev' });
    const env = { MQLITE_PROFILE: 'prod', MQLITE_STORE: 's', MQLITE_NAMESRV: 'n:1' };
    expect(source({ store: 'x', env, loadProfiles: loadActive })).toBe('--store');
    expect(source({ namesrv: 'x:1', env, loadProfiles: loadActive })).toBe('--namesrv');
    expect(source({ profile: 'dev', env, loadProfiles: loadActive })).toBe('profile dev');
    expect(source({ env, loadProfiles: loadActive })).toBe('profile prod, MQLITE_PROFILE');
    expect(source({ env: { ...env, MQLITE_PROFILE: '' }, loadProfiles: loadActive })).toBe('MQLITE_STORE');
    expect(source({ env: { MQLITE_NAMESRV: 'n:1' }, loadProfiles: loadActive })).toBe('MQLITE_NAMESRV');
    expect(source({ loadProfiles: loadActive })).toBe('profile dev, profile use');
    expect(source({})).toBe('default');
  });

  it('makes paths absolute', () => {
    expect(resolveTarget(inputs({ store: 's', commitLogDirectory: '../log' })).target).toEqual({ kind: 'local', directory: '/work/s', commitLogDirectory: '/log', source: '--store' });
    expect(resolveTarget(inputs({})).target).toMatchObject({ directory: '/data/store' });
    expect(resolveTarget(inputs({ profile: 'dev' }))).toMatchObject({ target: { directory: '/work/dev-store', commitLogDirectory: '/work/log' }, settings: { sendMsgTimeout: '1' } });
    expect(resolveTarget(inputs({ profile: 'prod' })).target).toMatchObject({ kind: 'remote', addresses: ['a:9876', 'b:9876'] });
  });

  it('two targets at once are a usage error', () => {
    expect(() => source({ store: 'a', namesrv: 'b:1' })).toThrow('--store and --namesrv name two targets');
    expect(() => source({ store: 'a', profile: 'dev' })).toThrow('--store and --profile');
    expect(() => source({ namesrv: 'a:1', commitLogDirectory: 'x' })).toThrow('--commitlog-dir does not go with a name server');
  });

  it('TLS and keys: those of the flags over those of the profile, the profile\'s keys over those of the environment', () => {
    const credentials = { accessKey: 'ops', secretKey: 'env:S' };
    const loadProfiles = () => ({ active: null, profiles: { secure: { namesrv: 'a:1', tls: { ca: '/ca', cert: '/c', key: '/k' }, credentials } } });
    const env = { MQLITE_ACCESS_KEY: 'me', MQLITE_SECRET_KEY: 'hush' };
    const target = (more: Partial<TargetInputs>) => resolveTarget(inputs({ loadProfiles, env, ...more })).target;
    expect(target({ namesrv: 'n:1' })).toMatchObject({ tls: null, credentials: { accessKey: 'me', secretKey: 'hush' } });
    expect(target({ namesrv: 'n:1', tls: {}, env: {} })).toMatchObject({ tls: {}, credentials: null });
    expect(target({ profile: 'secure', tls: { ca: '/mine' } })).toMatchObject({ tls: { ca: '/mine', cert: '/c', key: '/k' }, credentials });
    expect(describeTarget(target({ profile: 'secure' }))).toBe('name server a:1 (profile secure), TLS, signed as ops');
    expect(describeTarget(target({ store: '/s' }))).toBe('store /s (--store)');
    expect(() => target({ store: 's', tls: {} })).toThrow('--tls does not go with a store directory');
    expect(() => target({ namesrv: 'n:1', tls: { cert: '/c' } })).toThrow('--tls-cert without --tls-key');
    expect(() => target({ namesrv: 'n:1', tls: { key: '/k' } })).toThrow('--tls-key without --tls-cert');
  });

  it('NAMESRV_ADDR redirects nothing and earns a hint, only where the default was taken', () => {
    const env = { NAMESRV_ADDR: '127.0.0.1:9876' };
    expect(resolveTarget(inputs({ env }))).toMatchObject({ target: { kind: 'local', source: 'default' }, hint: expect.stringContaining('NAMESRV_ADDR') as string });
    expect(resolveTarget(inputs({ env, store: 's' })).hint).toBeUndefined();
  });

  it.each(['', 'host', 'host:0', 'host:70000', 'a:1;b', 'http://a:1', ':9876'])('refuses "%s" as name server', (namesrv) => {
    expect(() => source({ namesrv })).toThrow('is not a name server address');
  });

  it('an unknown profile is answered with the nearest', () => {
    expect(() => source({ profile: 'prd' })).toThrow('there is no profile "prd"');
    try {
      source({ profile: 'prd' });
    } catch (error) {
      expect(error).toMatchObject({ code: 'NOT_FOUND', hint: 'Did you mean "prod"?' });
    }
    expect(() => source({ profile: 'toString' })).toThrow('there is no profile');
    expect(() => source({ profile: 'empty' })).toThrow('names neither');
    expect(() => source({ store: '' })).toThrow('empty');
  });
});

describe('profiles', () => {
  it('come back as they were saved; no file is an empty set', () => {
    const directory = mkdtempSync(join(tmpdir(), 'mqlite-profiles-'));
    expect(loadProfiles(directory)).toEqual({ active: null, profiles: {} });
    const nested = join(directory, 'deeper');
    saveProfiles(nested, PROFILES);
    expect(loadProfiles(nested)).toEqual(PROFILES);
    expect(statSync(profilesPath(nested)).mode & 0o777).toBe(0o600);
  });

  it.each(['{', '[]', '{"profiles":[]}', '{"active":1,"profiles":{}}', '{"profiles":{"a":{"store":1}}}', '{"profiles":{"a":{"settings":{"x":1}}}}', '{"profiles":{"a":null}}'])('refuses %s', (text) => {
    const directory = mkdtempSync(join(tmpdir(), 'mqlite-profiles-'));
    writeFileSync(profilesPath(directory), text);
    expect(() => loadProfiles(directory)).toThrow(profilesPath(directory));
  });
});
