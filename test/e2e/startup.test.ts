import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');

let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'mqlite-startup-'));
});

afterEach(() => {
  rmSync(home, { recursive: true, force: true });
});

interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function mqlite(words: readonly string[], env: Record<string, string> = {}, root = ROOT): Result {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'bin/run.js'), ...words], {
    encoding: 'utf8', input: '', env: { PATH: process.env['PATH'], HOME: home, ...env },
  });
  return { status, stdout, stderr };
}

function caches(directory = join(home, '.cache/mqlite')): string[] {
  return existsSync(directory) ? readdirSync(directory).map((name) => join(directory, name)) : [];
}

const help = (env?: Record<string, string>): Result => mqlite(['--help'], env);

describe('start-up', () => {
  it('--version answers without the bundle', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(mqlite(['--version'])).toEqual({ status: 0, stdout: `mqlite/${version} ${process.platform}-${process.arch} node-${process.version}\n`, stderr: '' });
    expect(caches()).toEqual([]);
  });

  it('--help, and nothing at all, list the commands', () => {
    const { status, stdout, stderr } = help();
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/USAGE\n {2}\$ mqlite \[?COMMAND/);
    expect(mqlite([]).stdout).toBe(stdout);
  });

  it('an unknown command ends 2 with one line and a hint', () => {
    expect(mqlite(['xyzzy'])).toEqual({ status: 2, stdout: '', stderr: 'mqlite: unknown command "xyzzy"\n  See "mqlite --help".\n' });
    expect(JSON.parse(mqlite(['xyzzy', '--json']).stderr)).toEqual({ error: { code: 'USAGE', exitCode: 2, message: 'unknown command "xyzzy"', hint: 'See "mqlite --help".' } });
  });

  it('says so when it was not built', () => {
    cpSync(join(ROOT, 'bin'), join(home, 'bin'), { recursive: true });
    const { status, stderr } = mqlite(['--help'], {}, home);
    expect(status).toBe(70);
    expect(stderr).toContain('dist/cli.cjs is missing');
  });
});

describe('code cache', () => {
  it('is written once, for its owner alone, and then used', () => {
    const { stdout } = help();
    const [file, ...more] = caches();
    expect(more).toEqual([]);
    const first = readFileSync(file!);
    expect(first.length).toBeGreaterThan(10_000);
    expect(help().stdout).toBe(stdout);
    expect(caches()).toEqual([file]);
    expect(readFileSync(file!).equals(first)).toBe(true);
  });

  it('lies in XDG_CACHE_HOME when that is set', () => {
    const directory = join(home, 'elsewhere');
    help({ XDG_CACHE_HOME: directory });
    expect(caches(join(directory, 'mqlite'))).toHaveLength(1);
    expect(caches()).toEqual([]);
  });

  it.each([
    ['a flipped bit', (bytes: Buffer) => void (bytes[bytes.length >> 1]! ^= 4)],
    ['a flipped bit in its head', (bytes: Buffer) => void (bytes[12]! ^= 1)],
    ['zeros', (bytes: Buffer) => void bytes.fill(0)],
  ])('%s in it is noticed, and repaired', (_, damage) => {
    const { stdout } = help();
    const file = caches()[0]!;
    const good = readFileSync(file);
    const bad = Buffer.from(good);
    damage(bad);
    writeFileSync(file, bad);
    expect(help()).toEqual({ status: 0, stdout, stderr: '' });
    expect(readFileSync(file).equals(bad)).toBe(false);
    expect(help()).toEqual({ status: 0, stdout, stderr: '' });
  });

  it.each([0, 5, 1000])('cut to %i bytes it is noticed, and repaired', (length) => {
    const { stdout } = help();
    const file = caches()[0]!;
    writeFileSync(file, readFileSync(file).subarray(0, length));
    expect(help()).toEqual({ status: 0, stdout, stderr: '' });
    expect(readFileSync(file).length).toBeGreaterThan(10_000);
  });

  it('that others may write is not trusted', () => {
    const { stdout } = help();
    const file = caches()[0]!;
    chmodSync(file, 0o666);
    expect(help().stdout).toBe(stdout);
    expect(caches()).toEqual([file]);
  });

  it('is done without where it cannot be', () => {
    writeFileSync(join(home, 'file'), '');
    const { stdout } = mqlite(['--help']);
    expect(help({ XDG_CACHE_HOME: join(home, 'file') })).toEqual({ status: 0, stdout, stderr: '' });
    expect(help({ XDG_CACHE_HOME: 'relative' })).toEqual({ status: 0, stdout, stderr: '' });
    expect(mqlite(['--help'], { HOME: '' })).toMatchObject({ status: 0, stdout });
    expect(existsSync(resolve('relative'))).toBe(false);
  });

  it('of another build is left alone', () => {
    help();
    const copy = join(home, 'copy');
    for (const name of ['bin', 'dist', 'package.json', 'oclif.manifest.json']) cpSync(join(ROOT, name), join(copy, name), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
    const bundle = join(copy, 'dist/cli.cjs');
    writeFileSync(bundle, readFileSync(bundle, 'latin1').replace(/^\/\/[0-9a-f]{16}/, '//0123456789abcdef').replaceAll('unknown command', 'unheard command'), 'latin1');
    mkdirSync(join(home, '.cache'), { recursive: true });
    expect(mqlite(['xyzzy'], {}, copy).stderr).toContain('unheard command');
    expect(mqlite(['xyzzy']).stderr).toContain('unknown command');
    expect(caches()).toHaveLength(3);
  });
});
